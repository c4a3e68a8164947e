//! Evaluates what `onnx_cases` has written with tract, and compares. Prints one JSON document; fails where
//! an output is farther from ours than the tolerance.
//!
//! ```text
//! decentralml-onnx-check FOLDER
//! ```

use std::{error::Error, fs, path::Path, process::ExitCode};

use serde::Deserialize;
use serde_json::{Value, json};
use tract_onnx::prelude::*;

/// How far an output may be from ours, absolute.
const TOLERANCE: f32 = 1e-4;

#[derive(Deserialize)]
struct Cases {
    rows: usize,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    input: Vec<usize>,
    tokens: bool,
    outputs: usize,
}

fn main() -> ExitCode {
    let folder = std::env::args().nth(1).unwrap_or_default();
    match run(Path::new(&folder)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("onnx-check: {folder}: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(folder: &Path) -> Result<bool, Box<dyn Error>> {
    let Cases { rows, cases } = serde_json::from_slice(&fs::read(folder.join("cases.json"))?)?;
    let mut all_equal = !cases.is_empty();
    let mut results = Vec::new();
    for case in cases {
        // All rows at once, and the first one alone: the batch may have any size.
        let found = difference(folder, &case, rows)
            .and_then(|all| Ok(all.max(difference(folder, &case, 1)?)));
        let result: Value = match found {
            Ok(difference) => {
                all_equal &= difference <= TOLERANCE;
                json!({ "name": case.name, "difference": difference, "equal": difference <= TOLERANCE })
            }
            Err(error) => {
                all_equal = false;
                json!({ "name": case.name, "equal": false, "error": error.to_string() })
            }
        };
        results.push(result);
    }
    println!(
        "{}",
        serde_json::to_string_pretty(&json!({ "tolerance": TOLERANCE, "cases": results }))?
    );
    Ok(all_equal)
}

/// The largest difference between an output of tract and ours; infinite where one is no number.
fn difference(folder: &Path, case: &Case, rows: usize) -> Result<f32, Box<dyn Error>> {
    let shape: Vec<usize> = std::iter::once(rows).chain(case.input.iter().copied()).collect();
    let number = if case.tokens { i64::datum_type() } else { f32::datum_type() };
    // With the number of rows as a number: tract's recurrent layers cannot leave it open.
    let model = tract_onnx::onnx()
        .model_for_path(folder.join(format!("{}.onnx", case.name)))?
        .with_input_fact(0, InferenceFact::dt_shape(number, &shape))?
        .with_output_fact(0, InferenceFact::default())?
        .into_optimized()?
        .into_runnable()?;
    let input = fs::read(folder.join(format!("{}.input", case.name)))?;
    let expected = fs::read(folder.join(format!("{}.output", case.name)))?;
    let numbers = rows * case.input.iter().product::<usize>();
    let input: Tensor = match case.tokens {
        true => {
            let tokens = input.as_chunks().0.iter().take(numbers);
            Tensor::from_shape(&shape, &tokens.map(|b| i64::from_le_bytes(*b)).collect::<Vec<_>>())?
        }
        false => {
            let features = input.as_chunks().0.iter().take(numbers);
            Tensor::from_shape(
                &shape,
                &features.map(|b| f32::from_le_bytes(*b)).collect::<Vec<_>>(),
            )?
        }
    };
    let outputs = model.run(tvec!(input.into()))?;
    let output = outputs.first().ok_or("no output")?;
    let view = output.to_plain_array_view::<f32>()?;
    let expected = expected.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
    let count = rows * case.outputs;
    if view.len() != count {
        return Err(format!("{} outputs, expected {count}", view.len()).into());
    }
    let distance = view.iter().zip(expected.take(count)).map(|(found, ours)| (found - ours).abs());
    Ok(distance.fold(0.0, |most, one| if one.is_nan() { f32::INFINITY } else { most.max(one) }))
}
