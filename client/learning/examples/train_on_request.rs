//! Trains a ready model on request, for `scripts/compare-pytorch.sh`, which times it.
//!
//! Reads one request per line and answers with one line: `train <first row> <rows>` trains on these
//! rows once and says `trained`; `test` says which share of the test rows is predicted right.

use std::{
    env,
    error::Error,
    io::{Write, stdin, stdout},
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use decentralml_learning::{
    Dataset, LocalTraining, ModelSpec, Weights,
    data::{ReadOptions, digits, read_file},
    device, evaluate, train,
};

/// Characters that models of text know: those from the blank on, the last for all others.
const TOKENS: u32 = 96;
/// Characters that a row of text has.
const STEPS: usize = 80;

const USAGE: &str = "usage: train_on_request MODEL BATCH LEARNING-RATE DATA-FOLDER|digits [DEVICE]";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (model, batch, rate, folder, device) = match &arguments[..] {
        [model, batch, rate, folder] => (model, batch, rate, folder, "cpu"),
        [model, batch, rate, folder, device] => (model, batch, rate, folder, device.as_str()),
        _ => return Err(USAGE.into()),
    };
    device::select(device::parse(device)?)?;
    let data = if folder == "digits" { Data::digits()? } else { Data::of(model, folder)? };
    let outputs = u32::try_from(data.training.classes())?;
    let spec = ModelSpec::named(model, Some(&data.shape(model)), Some(outputs))?;
    let local = LocalTraining {
        batch_size: batch.parse()?,
        learning_rate: rate.parse()?,
        ..LocalTraining::epochs(1)
    };
    let mut weights = Weights::init(&spec, [1; 32]);
    let mut answers = stdout().lock();
    for (index, request) in stdin().lines().enumerate() {
        let request = request?;
        let words: Vec<&str> = request.split_whitespace().collect();
        match words[..] {
            ["train", first, rows] => {
                let (first, rows) = (first.parse::<usize>()?, rows.parse::<usize>()?);
                let all = data.training.rows();
                let rows: Vec<usize> = (first..first + rows).map(|row| row % all).collect();
                let go = |_| ControlFlow::Continue(());
                let seed = [index as u8; 32];
                weights =
                    train(&spec, &weights, &data.training.subset(&rows), &local, seed, go)?.weights;
                writeln!(answers, "trained")?;
            }
            ["test"] => {
                let accuracy = evaluate(&spec, &weights, &data.test)?.accuracy;
                writeln!(answers, "{accuracy:.4}")?;
            }
            _ => return Err(format!("`{request}` is no request").into()),
        }
        answers.flush()?;
    }
    Ok(())
}

struct Data {
    training: Dataset,
    test: Dataset,
}

impl Data {
    /// The digits that this crate carries: the last 297 are the test rows.
    fn digits() -> Result<Self, Box<dyn Error>> {
        let all = digits()?;
        let rows: Vec<usize> = (0..all.rows()).collect();
        let (training, test) = rows.split_at(all.rows().saturating_sub(297));
        Ok(Self { training: all.subset(training), test: all.subset(test) })
    }

    fn of(model: &str, folder: &str) -> Result<Self, Box<dyn Error>> {
        let folder = PathBuf::from(folder);
        if model.ends_with("-char") {
            return Self::text(&folder.join("tinyshakespeare").join("input.txt"));
        }
        let folder = folder.join("mnist");
        let read = |name: &str| {
            let images = folder.join(format!("{name}-images-idx3-ubyte.gz"));
            let labels = folder.join(format!("{name}-labels-idx1-ubyte.gz"));
            read_file(&images, Some(&labels), &ReadOptions::default())
        };
        Ok(Self { training: read("train")?, test: read("t10k")? })
    }

    /// Rows of characters that follow one another, and the character after each; the last tenth for
    /// testing.
    fn text(path: &Path) -> Result<Self, Box<dyn Error>> {
        let token = |byte: u8| match byte {
            32..=126 => u32::from(byte - 32),
            _ => TOKENS - 1,
        };
        let tokens: Vec<u32> = std::fs::read(path)?.into_iter().map(token).collect();
        let windows: Vec<&[u32]> = tokens.windows(STEPS + 1).step_by(STEPS).collect();
        let dataset = |windows: &[&[u32]]| {
            let features = windows.iter().flat_map(|window| &window[..STEPS]);
            let features = features.map(|token| *token as f32).collect();
            let labels = windows.iter().map(|window| window[STEPS]).collect();
            Dataset::new(features, labels, STEPS, TOKENS as usize)
        };
        let (training, test) = windows.split_at(windows.len() / 10 * 9);
        Ok(Self { training: dataset(training)?, test: dataset(test)? })
    }

    /// The shape of a row, as the model takes it.
    fn shape(&self, model: &str) -> Vec<u32> {
        let columns = self.training.columns() as u32;
        match model {
            "mcmahan-cnn" => vec![1, columns.isqrt(), columns.isqrt()],
            _ => vec![columns],
        }
    }
}
