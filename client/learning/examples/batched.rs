//! Measures how many clients a device trains in a second, one after the other and several at a time.
//!
//! `batched [--device cpu|cuda|wgpu…] [--model NAME] [--clients LIST] [--rows N] [--batch N] [--epochs N] [--seconds N]` prints
//! a table in Markdown: clients at a time, clients per second, how many times as many as alone, and how far a client's
//! weights are at most from those of training alone, in the length of their way from the first. Rows are noise of the model's shape. What a card needs once, compiling and
//! choosing kernels, is not counted: every way is gone once before it is timed.
//!
//! ```sh
//! cargo run --release -p decentralml-learning --features cuda --example batched -- --device cuda --model mcmahan-cnn
//! ```

use std::{
    collections::BTreeMap,
    env,
    error::Error,
    ops::ControlFlow,
    time::{Duration, Instant},
};

use decentralml_learning::{
    Dataset, LocalTraining, ModelSpec, Seed, TrainOutcome, Trainee, Weights, device, train,
    train_together,
};

const USAGE: &str = "usage: batched [--device NAME] [--model NAME] [--clients 4,16,64] [--rows 60] [--batch 10] [--epochs 1] \
                     [--seconds 3]";

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = env::args().skip(1).collect();
    let mut options = BTreeMap::from([
        ("--device", "cpu"),
        ("--model", "2nn"),
        ("--clients", "4,16,64"),
        ("--rows", "60"),
        ("--batch", "10"),
        ("--epochs", "1"),
        ("--seconds", "3"),
    ]);
    for pair in words.chunks(2) {
        let [name, value] = pair else { return Err(USAGE.into()) };
        *options.get_mut(name.as_str()).ok_or(USAGE)? = value;
    }
    let option = |name: &str| options.get(name).copied().unwrap_or_default();
    let choice = device::parse(option("--device"))?;
    device::select(choice)?;
    let spec = ModelSpec::named(option("--model"), None, None)?;
    let rows: usize = option("--rows").parse()?;
    let local = LocalTraining {
        batch_size: option("--batch").parse()?,
        ..LocalTraining::epochs(option("--epochs").parse()?)
    };
    let time = Duration::from_secs_f64(option("--seconds").parse()?);
    let counts: Vec<usize> =
        option("--clients").split(',').map(str::parse).collect::<Result<_, _>>()?;
    let most = counts.iter().copied().max().unwrap_or(1);
    let data = (0..most).map(|client| noise(&spec, rows, client)).collect::<Result<Vec<_>, _>>()?;
    let base = Weights::init(&spec, [1; 32]);

    let model = option("--model");
    println!("{model} on {choice}, {rows} rows a client, {local:?}\n");
    println!("| clients at a time | clients/s | times alone | apart at most |");
    println!("| ---: | ---: | ---: | ---: |");
    let go = |_| ControlFlow::Continue(());
    let by_itself = |client: usize| train(&spec, &base, &data[client], &local, seed(client), go);
    let alone = (0..most).map(by_itself).collect::<Result<Vec<_>, _>>()?;
    let single = per_second(time, 1, |turn| by_itself(turn % most).map(drop).map_err(Into::into))?;
    println!("| 1 | {single:.1} | 1.00 | |");
    for count in counts {
        let trainee =
            |client: usize| Trainee { data: &data[client], correction: None, seed: seed(client) };
        let trainees: Vec<Trainee<'_>> = (0..count).map(trainee).collect();
        let together =
            || train_together(&spec, &base, &trainees, &local, || ControlFlow::Continue(()));
        let outcomes = together()?.into_iter().collect::<Result<Vec<_>, _>>()?;
        let apart =
            outcomes.iter().zip(&alone).map(|(a, b)| apart(&base, a, b)).fold(0.0, f64::max);
        let rate = per_second(time, count, |_| together().map(drop).map_err(Into::into))?;
        println!("| {count} | {rate:.1} | {:.2} | {apart:.1e} |", rate / single);
    }
    Ok(())
}

fn seed(client: usize) -> Seed {
    [client as u8; 32]
}

/// Rows of one client that this model takes.
fn noise(spec: &ModelSpec, rows: usize, client: usize) -> Result<Dataset, Box<dyn Error>> {
    let (columns, classes) = (spec.features(), spec.classes());
    let mut state = client as u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    };
    let features = (0..rows * columns).map(|_| match spec.tokens() {
        Some(tokens) => (next() as usize % tokens) as f32,
        None => next() as f32 / (1 << 24) as f32,
    });
    let features = features.collect();
    let labels = (0..rows).map(|_| next() % classes as u32).collect();
    Ok(Dataset::new(features, labels, columns, classes)?)
}

/// How often in a second `work`, which counts `each` times, is done.
fn per_second(
    time: Duration,
    each: usize,
    mut work: impl FnMut(usize) -> Result<(), Box<dyn Error>>,
) -> Result<f64, Box<dyn Error>> {
    let (start, mut turns) = (Instant::now(), 0);
    while start.elapsed() < time || turns == 0 {
        work(turns)?;
        turns += 1;
    }
    Ok((turns * each) as f64 / start.elapsed().as_secs_f64())
}

/// `‖b − a‖ / ‖b − base‖`.
fn apart(base: &Weights, a: &TrainOutcome, b: &TrainOutcome) -> f64 {
    let distance = |a: &Weights, b: &Weights| {
        let squares = a.values().iter().zip(b.values()).map(|(a, b)| f64::from(a - b).powi(2));
        squares.sum::<f64>().sqrt()
    };
    distance(&a.weights, &b.weights) / distance(&b.weights, base)
}
