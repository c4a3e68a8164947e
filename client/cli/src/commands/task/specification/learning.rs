//! How a task learns, in words.

use crate::{output::count, units::percent};
use decentralml_types::spec::{
    Adaptive, Aggregation, Before, Counts, EQUAL_ONLY, Encoding, LocalTraining, MILLION, Optimizer,
    Rounding, Rule, Schedule, ServerOptimizer, Work,
};

/// What each trainer does in a round.
pub fn training(training: &LocalTraining) -> String {
    let work = match training.work {
        Work::Epochs(epochs) => count(epochs, "epoch"),
        Work::Steps(steps) => count(steps, "step"),
    };
    let optimizer = match training.optimizer {
        Optimizer::Sgd { momentum } => format!("SGD, momentum {}", decimal(momentum)),
        Optimizer::Adam => "Adam".to_owned(),
        Optimizer::AdamW { weight_decay } => {
            format!("AdamW, weight decay {}", decimal(weight_decay))
        }
        Optimizer::Scaffold { clients } => {
            format!("SGD with SCAFFOLD with {}", count(clients, "client"))
        }
    };
    let mut text = format!(
        "{work} in batches of {}, learning rate {}, {optimizer}",
        training.batch_size,
        decimal(training.learning_rate)
    );
    if training.weight_decay > 0 {
        text.push_str(&format!(", L2 penalty {}", decimal(training.weight_decay)));
    }
    if let Some(norm) = training.clip_norm {
        text.push_str(&format!(", gradients of a norm of at most {}", decimal(norm)));
    }
    if training.proximal > 0 {
        text.push_str(&format!(", FedProx with {}", decimal(training.proximal)));
    }
    if training.worker_momentum > 0 {
        text.push_str(&format!(", worker momentum {}", decimal(training.worker_momentum)));
    }
    text
}

/// What becomes of the learning rate.
pub fn schedule(schedule: Schedule) -> String {
    let (text, warmup) = match schedule {
        Schedule::Constant { warmup } => ("constant".to_owned(), warmup),
        Schedule::Step { warmup, every, factor } => {
            (format!("times {} every {}", decimal(factor), count(every, "round")), warmup)
        }
        Schedule::Exponential { warmup, factor } => {
            (format!("times {} every round", decimal(factor)), warmup)
        }
        Schedule::Cosine { warmup, rounds, floor } => {
            (format!("along a cosine to {} in {}", percent(floor), count(rounds, "round")), warmup)
        }
    };
    match warmup {
        0 => text,
        rounds => format!("{text}, after {} of warming up", count(rounds, "round")),
    }
}

/// How accepted updates become one change.
pub fn aggregation(aggregation: &Aggregation) -> String {
    let bears = |hostile: u16| format!("bearing {hostile} hostile");
    let rule = match aggregation.rule {
        Rule::Mean => "mean".to_owned(),
        Rule::Median => "median".to_owned(),
        Rule::TrimmedMean { trim } => format!("mean without {} at each end", percent(trim)),
        Rule::Krum { hostile } => format!("Krum, {}", bears(hostile)),
        Rule::MultiKrum { hostile, kept } => {
            format!("multi-Krum of {kept} updates, {}", bears(hostile))
        }
        Rule::Bulyan { hostile } => format!("Bulyan, {}", bears(hostile)),
        Rule::GeometricMedian { steps } => {
            format!("geometric median in {}", count(steps, "step"))
        }
        Rule::CenteredClipping { radius, steps } => {
            format!("centered clipping to {} in {}", decimal(radius), count(steps, "step"))
        }
    };
    let counts = match aggregation.counts {
        Counts::Equal => String::new(),
        Counts::Samples { cap } => format!(" by numbers of rows, at most {cap}"),
        Counts::Nova { cap } => format!(" by FedNova, with at most {cap} rows"),
    };
    let mut text = format!("{rule}{counts}");
    match aggregation.before {
        Before::Nothing => {}
        Before::NearestNeighbors { hostile } => {
            text.push_str(&format!(", after mixing nearest neighbors, {}", bears(hostile)));
        }
        Before::Buckets { size } => {
            text.push_str(&format!(", of the means of buckets of {}", count(size, "update")));
        }
    }
    if let Some(bound) = aggregation.norm_bound {
        text.push_str(&format!(", each update cut to a norm of {}", decimal(bound)));
    }
    text
}

/// Which updates are copies of earlier ones.
pub fn copies(aggregation: &Aggregation) -> String {
    match aggregation.copy_cosine {
        EQUAL_ONLY => "updates equal to earlier ones".to_owned(),
        cosine => format!(
            "updates equal to earlier ones, or at a cosine above {} to one",
            decimal(cosine)
        ),
    }
}

/// What the server makes of the change.
pub fn server(server: ServerOptimizer) -> String {
    let momentum = |name: &str, rate, momentum| {
        format!("{name}, rate {}, momentum {}", decimal(rate), decimal(momentum))
    };
    let adaptive = |name: &str, numbers: Adaptive| {
        let Adaptive { rate, beta1, beta2, tau } = numbers;
        format!(
            "{name}, rate {}, betas {} and {}, tau {}",
            decimal(rate),
            decimal(beta1),
            decimal(beta2),
            decimal(tau)
        )
    };
    match server {
        ServerOptimizer::FedAvg { rate: MILLION } => "adds the change".to_owned(),
        ServerOptimizer::FedAvg { rate } => format!("adds {} of the change", decimal(rate)),
        ServerOptimizer::FedAvgM { rate, momentum: m } => momentum("FedAvgM", rate, m),
        ServerOptimizer::DiLoCo { rate, momentum: m } => momentum("DiLoCo", rate, m),
        ServerOptimizer::FedAdagrad(Adaptive { rate, beta1, tau, .. }) => format!(
            "FedAdagrad, rate {}, beta1 {}, tau {}",
            decimal(rate),
            decimal(beta1),
            decimal(tau)
        ),
        ServerOptimizer::FedAdam(numbers) => adaptive("FedAdam", numbers),
        ServerOptimizer::FedYogi(numbers) => adaptive("FedYogi", numbers),
    }
}

/// Updates on the wire.
pub fn encoding(encoding: &Encoding) -> String {
    let Encoding { bits, fraction_bits, clip, rounding, keep, error_feedback } = *encoding;
    match rounding {
        Rounding::Nearest => {
            format!("{bits} bits, {fraction_bits} of them after the point, clipped at ±{clip}")
        }
        Rounding::Stochastic => {
            let sent = match keep {
                MILLION => "all weights".to_owned(),
                keep => format!("the {} of weights that change most", percent(keep)),
            };
            let rest = if error_feedback { ", what is left out comes later" } else { "" };
            format!(
                "{sent} at {bits} bits with a scale for each tensor, rounded by chance{rest}; units of 2^-{fraction_bits}, clipped \
                 at ±{clip}"
            )
        }
    }
}

/// Millionths as people write them.
fn decimal(millionths: u32) -> String {
    (f64::from(millionths) / 1e6).to_string()
}
