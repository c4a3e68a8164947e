#![allow(clippy::unwrap_used)]
use super::*;

#[test]
fn the_metrics_of_a_model_that_can_be_checked_by_hand() {
    // Logits are [x, −x]: sure of class 0 for large x.
    let spec = ModelSpec::mlp(1, &[], 2);
    let weights = Weights::new(&spec, vec![0.0, 0.0, 1.0, -1.0]).unwrap();
    let data = Dataset::new(vec![1.0, -1.0, 50.0, 0.0], vec![0, 1, 1, 0], 1, 2).unwrap();
    let metrics = evaluate(&spec, &weights, &data).unwrap();
    assert_eq!((metrics.accuracy, metrics.rows), (0.75, 4));
    let sure = -(1.0 + (-2.0_f64).exp()).ln();
    let guess = -(2.0_f64.ln());
    assert!((metrics.loss - (-2.0 * sure + 100.0 - guess) / 4.0).abs() < 1e-6);
    // The row that is wrong with certainty counts no worse than a blind guess.
    assert!((metrics.utility - (2.0 * sure + 2.0 * guess) / 4.0).abs() < 1e-6);
    assert_eq!(metrics.utility_micro_nats(), (metrics.utility * 1e6).round() as i64);
}

#[test]
fn batches_do_not_change_the_result() {
    let digits = crate::data::digits().unwrap();
    let many: Vec<usize> = (0..digits.rows()).chain(0..digits.rows()).collect();
    assert!(many.len() > BATCH);
    let spec = ModelSpec::mlp(64, &[32], 10);
    let weights = Weights::init(&spec, [1; 32]);
    let once = evaluate(&spec, &weights, &digits).unwrap();
    let twice = evaluate(&spec, &weights, &digits.subset(&many)).unwrap();
    assert_eq!(once.accuracy, twice.accuracy);
    assert!((once.loss - twice.loss).abs() < 1e-6);
    assert!(once.utility >= -(10_f64.ln()));
}

#[test]
fn overflowing_logits_count_as_blind_guesses() {
    let spec = ModelSpec::mlp(1, &[], 2);
    let weights = Weights::new(&spec, vec![0.0, 0.0, f32::MAX, -f32::MAX]).unwrap();
    let data = Dataset::new(vec![9.0], vec![0], 1, 2).unwrap();
    let metrics = evaluate(&spec, &weights, &data).unwrap();
    assert_eq!((metrics.accuracy, metrics.loss), (0.0, f64::INFINITY));
    assert_eq!(metrics.utility, -(2_f64.ln()));
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let spec = ModelSpec::mlp(64, &[], 10);
    let digits = crate::data::digits().unwrap();
    let other = Weights::init(&ModelSpec::mlp(64, &[], 9), [0; 32]);
    assert!(matches!(
        evaluate(&spec, &other, &digits),
        Err(EvaluateError::Weights(WeightsError::Count { .. }))
    ));
    assert!(matches!(
        Evaluator::new(&ModelSpec::mlp(64, &[], 9), &digits),
        Err(EvaluateError::Data(SpecError::Classes { expected: 9, found: 10 }))
    ));
    assert!(matches!(Evaluator::new(&spec, &digits.subset(&[])), Err(EvaluateError::NoRows)));
}

#[test]
fn classes_count_alike_in_balanced_accuracy_and_f1() {
    // Logits are [x, −x, −1]: class 0 or 1 by the sign of x, and never 2.
    let spec = ModelSpec::mlp(1, &[], 3);
    let weights = Weights::new(&spec, vec![0.0, 0.0, -1.0, 1.0, -1.0, 0.0]).unwrap();
    let rows = vec![3.0, 3.0, 3.0, -3.0, -3.0, 3.0];
    let data = Dataset::new(rows, vec![0, 0, 0, 0, 1, 1], 1, 3).unwrap();
    let metrics = evaluate(&spec, &weights, &data).unwrap();
    // Class 0: 3 of 4 found, 4 predicted; class 1: 1 of 2 found, 2 predicted; class 2 has no rows.
    assert!((metrics.accuracy - 4.0 / 6.0).abs() < 1e-12);
    assert!((metrics.balanced_accuracy.unwrap() - (0.75 + 0.5) / 2.0).abs() < 1e-12);
    assert!((metrics.f1.unwrap() - (6.0 / 8.0 + 2.0 / 4.0) / 2.0).abs() < 1e-12);
    assert_eq!((metrics.mse, metrics.perplexity, metrics.r2), (None, None, None));
    assert_eq!(metrics.attested(), metrics.accuracy);
}

#[test]
fn a_regression_has_a_bounded_utility() {
    let spec = ModelSpec::mlp(1, &[], 1).with_task(crate::Task::Regression);
    let data = |quantities| Dataset::with_quantities(vec![0.0, 1.0], quantities, 1, 1).unwrap();
    let of = |bias: f32, weight: f32, data: &Dataset| {
        let weights = Weights::new(&spec, vec![bias, weight]).unwrap();
        evaluate(&spec, &weights, data).unwrap()
    };
    let line = data(vec![1.0, 3.0]);
    let exact = of(1.0, 2.0, &line);
    assert_eq!((exact.mse, exact.loss, exact.utility), (Some(0.0), 0.0, 1.0));
    // The mean is predicted: every error is one standard deviation.
    let blunt = of(2.0, 0.0, &line);
    assert_eq!((blunt.mse, blunt.utility, blunt.rows), (Some(1.0), 0.5, 2));
    assert_eq!((exact.r2, blunt.r2), (Some(1.0), Some(0.0)));
    // Off by one quarter of a standard deviation, and by two.
    assert_eq!(of(1.25, 2.0, &line).r2, Some(1.0 - 1.0 / 16.0));
    let poor = of(3.0, 2.0, &line);
    assert_eq!((poor.r2, poor.attested(), exact.attested()), (Some(-3.0), 0.0, 1.0));
    let wild = of(f32::MAX, f32::MAX, &line);
    assert!((0.0..1e-9).contains(&wild.utility), "{wild:?}");
    // Better is more, however far it still is.
    assert!(of(1e6, 0.0, &line).utility < of(9e5, 0.0, &line).utility);
    // A quantity that never changes is measured in its own unit.
    assert_eq!(of(6.0, 0.0, &data(vec![5.0, 5.0])).utility, 0.5);
    assert_eq!(spec.blind_utility(), 0.0);
}

#[test]
fn a_next_token_is_worth_what_it_is_surer_than_a_blind_guess() {
    let spec = ModelSpec::named("gru-char", Some(&[3]), Some(4)).unwrap();
    let count = spec.parameter_count();
    let data = Dataset::new(vec![0.0, 1.0, 2.0, 3.0, 2.0, 1.0], vec![3, 0], 3, 4).unwrap();
    let blind = evaluate(&spec, &Weights::new(&spec, vec![0.0; count]).unwrap(), &data).unwrap();
    assert!((blind.loss - 4_f64.ln()).abs() < 1e-6 && blind.utility.abs() < 1e-6);
    assert!((blind.perplexity.unwrap() - 4.0).abs() < 1e-5);
    // Certain of token 2, which is one of six: those after are 1 2 3 and 2 1 0.
    let mut values = vec![0.0; count];
    let bias = spec
        .parameters()
        .iter()
        .take_while(|p| p.name != "layers.3.bias")
        .map(|p| p.count())
        .sum::<usize>();
    values[bias + 2] = 100.0;
    let sure = evaluate(&spec, &Weights::new(&spec, values).unwrap(), &data).unwrap();
    assert!((sure.utility - 2.0 / 6.0).abs() < 1e-6 && (sure.accuracy - 2.0 / 6.0).abs() < 1e-9);
    assert_eq!(sure.rows, 2);
}

#[test]
fn metrics_of_a_classification_read_back_from_their_json() {
    let text = r#"{"accuracy":0.5,"loss":1.0,"utility":-0.5,"rows":3}"#;
    let metrics: Metrics = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&metrics).unwrap(), text);
}
