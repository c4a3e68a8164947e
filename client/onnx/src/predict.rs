//! What a model answers, row by row.

use decentralml_learning::{EvaluateError, ModelSpec, Predictor, Task};
use serde::Serialize;

/// The answer to one row.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// Of a classification.
    Class {
        /// The row, from 1.
        row: u64,
        /// The class whose logit is largest.
        label: usize,
        /// What it is called, where the model says so.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// Its probability: the softmax of the logits, in `0..=1`.
        probability: f64,
        /// Those of all classes.
        probabilities: Vec<f64>,
    },
    /// The token after a row's last.
    Token {
        /// The row, from 1.
        row: u64,
        /// The token whose logit is largest.
        token: usize,
        /// The character that it is, where the model has a vocabulary.
        #[serde(skip_serializing_if = "Option::is_none")]
        character: Option<char>,
        /// Its probability.
        probability: f64,
    },
    /// Of a regression.
    Quantities {
        /// The row, from 1.
        row: u64,
        /// What is predicted, in the order of the model's outputs.
        quantities: Vec<f32>,
    },
}

/// The answers to whole rows, one after the other; `first` is the number of the first.
pub fn answers(
    predictor: &Predictor,
    rows: &[f32],
    first: u64,
) -> Result<Vec<Answer>, EvaluateError> {
    let spec = predictor.spec();
    let outputs = predictor.outputs(rows)?;
    let count = rows.len() / spec.features().max(1);
    let per_row = outputs.len().checked_div(count).unwrap_or(0).max(1);
    Ok((first..)
        .zip(outputs.chunks(per_row))
        .map(|(row, logits)| answer(spec, row, logits))
        .collect())
}

fn answer(spec: &ModelSpec, row: u64, outputs: &[f32]) -> Answer {
    match spec.task {
        Task::Regression => Answer::Quantities { row, quantities: outputs.to_vec() },
        Task::Classification => {
            let probabilities = softmax(outputs);
            let (label, probability) = largest(&probabilities);
            let name = spec.rows.labels.get(label).cloned();
            Answer::Class { row, label, name, probability, probabilities }
        }
        Task::NextToken => {
            let last = outputs.len().saturating_sub(spec.classes());
            let (token, probability) = largest(&softmax(outputs.get(last..).unwrap_or_default()));
            let vocabulary = spec.rows.vocabulary.as_deref();
            let character = vocabulary.and_then(|all| all.chars().nth(token));
            Answer::Token { row, token, character, probability }
        }
    }
}

/// The first of the largest, with its probability.
fn largest(probabilities: &[f64]) -> (usize, f64) {
    let mut best = (0, probabilities.first().copied().unwrap_or(f64::NAN));
    for (index, &probability) in probabilities.iter().enumerate() {
        if probability > best.1 {
            best = (index, probability);
        }
    }
    best
}

fn softmax(logits: &[f32]) -> Vec<f64> {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let shares = logits.iter().map(|&logit| f64::from(logit - most).exp());
    let sum: f64 = shares.clone().sum();
    shares.map(|share| share / sum).collect()
}

/// The first line of a CSV file with a model's answers.
pub fn csv_header(spec: &ModelSpec) -> String {
    let columns = match spec.task {
        Task::Classification => {
            let named = |class: usize| spec.rows.labels.get(class).cloned();
            let class = |class| field(&named(class).unwrap_or_else(|| format!("p{class}")));
            let all = (0..spec.classes()).map(class);
            ["row", "label", "name", "probability"]
                .map(str::to_owned)
                .into_iter()
                .chain(all)
                .collect()
        }
        Task::NextToken => ["row", "token", "character", "probability"].map(str::to_owned).to_vec(),
        Task::Regression => {
            let all = (0..spec.classes()).map(|index| format!("q{index}"));
            std::iter::once("row".to_owned()).chain(all).collect::<Vec<String>>()
        }
    };
    columns.join(",")
}

/// An answer as a line of such a file, without the end of the line.
pub fn csv_line(answer: &Answer) -> String {
    let columns: Vec<String> = match answer {
        Answer::Class { row, label, name, probability, probabilities } => {
            let name = name.as_deref().map(field).unwrap_or_default();
            let fixed = [row.to_string(), label.to_string(), name, decimal(*probability)];
            fixed.into_iter().chain(probabilities.iter().copied().map(decimal)).collect()
        }
        Answer::Token { row, token, character, probability } => {
            let character = character.map(|one| field(&one.to_string())).unwrap_or_default();
            vec![row.to_string(), token.to_string(), character, decimal(*probability)]
        }
        Answer::Quantities { row, quantities } => std::iter::once(row.to_string())
            .chain(quantities.iter().map(|one| format!("{one:?}")))
            .collect(),
    };
    columns.join(",")
}

/// In the shortest form that reads back as the same number, with an exponent where it is far from 1.
fn decimal(number: f64) -> String {
    format!("{number:?}")
}

/// The line above answers that people read.
pub fn text_header(spec: &ModelSpec) -> &'static str {
    match spec.task {
        Task::Classification => "     row   label  probability  name",
        Task::NextToken => "     row   token  probability  character",
        Task::Regression => "     row  quantities",
    }
}

/// An answer as a line for people.
pub fn text_line(answer: &Answer) -> String {
    let line = match answer {
        Answer::Class { row, label, name, probability, .. } => {
            let name = name.as_deref().unwrap_or_default();
            format!("{row:>8}  {label:>6}  {probability:>11.4}  {name}")
        }
        Answer::Token { row, token, character, probability } => {
            let character = character.map(|one| format!("{one:?}")).unwrap_or_default();
            format!("{row:>8}  {token:>6}  {probability:>11.4}  {character}")
        }
        Answer::Quantities { row, quantities } => {
            let all: String = quantities.iter().map(|one| format!("  {one:>12.6}")).collect();
            format!("{row:>8}{all}")
        }
    };
    line.trim_end().to_owned()
}

/// A text as a field, in quotes where it has to be (RFC 4180).
fn field(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use decentralml_learning::{LayerSpec, RowSpec, Weights};

    use super::*;

    /// One dense layer whose weights are the identity.
    fn identity(task: Task, rows: RowSpec) -> Predictor {
        let layers = vec![LayerSpec::Dense { units: 2, bias: false }];
        let spec = ModelSpec::new(vec![2], layers).with_task(task).with_rows(rows);
        let weights = Weights::new(&spec, vec![1.0, 0.0, 0.0, 1.0]).unwrap();
        Predictor::new(&spec, &weights).unwrap()
    }

    #[test]
    fn classes_are_named_with_their_probabilities() {
        let labels = vec!["cat, small".to_owned(), "dog".to_owned()];
        let predictor = identity(Task::Classification, RowSpec { labels, ..RowSpec::default() });
        let found = answers(&predictor, &[3_f32.ln(), 0.0, 1.0, 1.0, -5.0, 400.0], 7).unwrap();
        let Answer::Class { row, label, name, probability, probabilities } = &found[0] else {
            unreachable!()
        };
        assert_eq!((*row, *label, name.as_deref()), (7, 0, Some("cat, small")));
        assert!((probability - 0.75).abs() < 1e-6 && (probabilities[1] - 0.25).abs() < 1e-6);
        // Of equals the first.
        assert!(matches!(found[1], Answer::Class { row: 8, label: 0, .. }));
        assert!(
            matches!(found[2], Answer::Class { label: 1, probability, .. } if probability == 1.0)
        );
        assert_eq!(csv_header(predictor.spec()), "row,label,name,probability,\"cat, small\",dog");
        let line = csv_line(&found[2]);
        assert!(line.starts_with("9,1,dog,1.0,") && line.ends_with("e-176,1.0"), "{line}");
        assert!(csv_line(&found[1]).starts_with("8,0,\"cat, small\",0.5,"));
        assert_eq!(text_line(&found[1]), "       8       0       0.5000  cat, small");
        assert!(text_header(predictor.spec()).ends_with("probability  name"));
        let json = serde_json::to_value(&found[2]).unwrap();
        assert_eq!((&json["row"], &json["name"]), (&9.into(), &"dog".into()));
    }

    #[test]
    fn quantities_are_the_outputs_themselves() {
        let predictor = identity(Task::Regression, RowSpec::default());
        let found = answers(&predictor, &[0.5, -2.0], 1).unwrap();
        assert_eq!(found, [Answer::Quantities { row: 1, quantities: vec![0.5, -2.0] }]);
        assert_eq!(
            (csv_header(predictor.spec()), csv_line(&found[0])),
            ("row,q0,q1".to_owned(), "1,0.5,-2.0".to_owned())
        );
    }

    #[test]
    fn the_next_token_is_that_after_the_last_step() {
        let spec = ModelSpec::named("gru-char", Some(&[3]), Some(4)).unwrap();
        let rows = RowSpec { vocabulary: Some("ab,\n".to_owned()), ..RowSpec::default() };
        let spec = spec.with_rows(rows);
        let predictor = Predictor::new(&spec, &Weights::init(&spec, [5; 32])).unwrap();
        let found = answers(&predictor, &[0.0, 1.0, 2.0], 1).unwrap();
        let [Answer::Token { token, character, probability, .. }] = found.as_slice() else {
            unreachable!()
        };
        let logits = predictor.outputs(&[0.0, 1.0, 2.0]).unwrap();
        let best = logits[8..].iter().copied().fold(f32::MIN, f32::max);
        assert_eq!(logits[8 + token], best);
        assert_eq!(*character, "ab,\n".chars().nth(*token));
        assert!(*probability >= 0.25);
        assert!(text_line(&found[0]).contains(&format!("{:?}", character.unwrap())));
        assert_eq!(csv_header(&spec), "row,token,character,probability");
    }
}
