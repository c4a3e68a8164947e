//! How a task learns.

use decentralml_types::{
    TaskSpec,
    limits::MAX_TRAINERS,
    spec::{
        Adaptive, Before, Counts, Encoding, LocalTraining, MILLION, Millionths, Optimizer, Rule,
        Schedule, ServerOptimizer, Work,
    },
};

use super::{SpecError, require};
use crate::robust::{entering, units};

/// Steps of a rule that approaches its result, at most.
const MAX_STEPS: u8 = 64;
/// Updates in a bucket, at most.
const MAX_BUCKET: u8 = 64;
/// What an update counts, at most: all together stay below 2^31.
const MAX_COUNT: u32 = i32::MAX as u32 / MAX_TRAINERS;
/// The share of weights that can be sent is a multiple of this.
const KEEP_STEP: u32 = 100;

pub(super) fn training(training: &LocalTraining) -> Result<(), SpecError> {
    let works = match training.work {
        Work::Epochs(epochs) => epochs > 0,
        Work::Steps(steps) => steps > 0,
    };
    let momentum = match training.optimizer {
        Optimizer::Sgd { momentum } => momentum < MILLION,
        Optimizer::Adam | Optimizer::AdamW { .. } | Optimizer::Scaffold { .. } => true,
    };
    let positive = training.batch_size > 0 && training.learning_rate > 0;
    require(works && positive && momentum, SpecError::Training)?;
    let factor = |factor| (1..=MILLION).contains(&factor);
    let schedule = match training.schedule {
        Schedule::Constant { .. } => true,
        Schedule::Step { every, factor: left, .. } => every > 0 && factor(left),
        Schedule::Exponential { factor: left, .. } => factor(left),
        Schedule::Cosine { rounds, floor, .. } => rounds > 0 && floor <= MILLION,
    };
    require(schedule, SpecError::Schedule)?;
    let decoupled = matches!(training.optimizer, Optimizer::AdamW { .. });
    require(!decoupled || training.weight_decay == 0, SpecError::WeightDecay)?;
    require(training.clip_norm != Some(0), SpecError::ClipNorm)?;
    require(training.worker_momentum < MILLION, SpecError::WorkerMomentum)
}

pub(super) fn aggregation(spec: &TaskSpec) -> Result<(), SpecError> {
    let aggregation = &spec.aggregation;
    let (updates, bits) = (u32::from(spec.trainers.min), spec.encoding.fraction_bits);
    let is_seen = |length| units(length, bits) > 0;
    require(aggregation.norm_bound.is_none_or(is_seen), SpecError::NormBound)?;
    require((MILLION / 2..=MILLION).contains(&aggregation.copy_cosine), SpecError::CopyCosine)?;
    match aggregation.before {
        Before::Nothing => {}
        Before::NearestNeighbors { hostile } => {
            require(2 * u32::from(hostile) < updates, SpecError::Mixing)?;
        }
        Before::Buckets { size } => {
            require((1..=MAX_BUCKET).contains(&size), SpecError::Buckets)?;
        }
    }
    let entering = entering(aggregation.before, updates);
    let bears = |hostile: u16, times: u32| entering >= times * u32::from(hostile) + 3;
    match aggregation.rule {
        Rule::Mean | Rule::Median => {}
        Rule::TrimmedMean { trim } => require(trim < MILLION / 2, SpecError::Trim)?,
        Rule::Krum { hostile } => require(bears(hostile, 2), SpecError::Krum)?,
        Rule::MultiKrum { hostile, kept } => {
            require(bears(hostile, 2), SpecError::Krum)?;
            let all = u32::from(kept) + u32::from(hostile);
            require(kept > 0 && all <= entering, SpecError::Kept)?;
        }
        Rule::Bulyan { hostile } => require(bears(hostile, 4), SpecError::Bulyan)?,
        Rule::GeometricMedian { steps } => {
            require((1..=MAX_STEPS).contains(&steps), SpecError::Steps)?;
        }
        Rule::CenteredClipping { radius, steps } => {
            require((1..=MAX_STEPS).contains(&steps), SpecError::Steps)?;
            require(is_seen(radius), SpecError::Radius)?;
        }
    }
    counts(spec)?;
    server(&aggregation.server)
}

/// Seats compute the server's control variate from the aggregated change, the steps and the learning rate alone. So these have to be the
/// same for all trainers and on all machines, and the change the mean of what gradients gave, weight by weight.
pub(super) fn scaffold(spec: &TaskSpec) -> Result<(), SpecError> {
    let training = &spec.training;
    let Optimizer::Scaffold { clients } = training.optimizer else { return Ok(()) };
    require(clients >= u32::from(spec.trainers.max), SpecError::Clients)?;
    let known = matches!(training.work, Work::Steps(_))
        && matches!(training.schedule, Schedule::Constant { .. });
    let plain =
        training.clip_norm.is_none() && training.proximal == 0 && training.worker_momentum == 0;
    require(known && plain, SpecError::Scaffold)?;
    let alike = spec.aggregation.counts == Counts::Equal && !spec.aggregation.server.has_state();
    let whole = spec.encoding.keep == MILLION && !spec.encoding.error_feedback;
    require(alike && whole, SpecError::ScaffoldRound)
}

fn counts(spec: &TaskSpec) -> Result<(), SpecError> {
    let (Counts::Samples { cap } | Counts::Nova { cap }) = spec.aggregation.counts else {
        return Ok(());
    };
    require((1..=MAX_COUNT).contains(&cap), SpecError::Cap)?;
    let plain = spec.aggregation.rule == Rule::Mean && spec.aggregation.before == Before::Nothing;
    require(plain, SpecError::Counts)?;
    let training = &spec.training;
    let steps = matches!(training.optimizer, Optimizer::Sgd { .. });
    // Seats compute how far steps go. The cosine and the powers of other schedules may differ in their last bit between machines.
    let pull = training.proximal == 0 || matches!(training.schedule, Schedule::Constant { .. });
    let is_nova = matches!(spec.aggregation.counts, Counts::Nova { .. });
    require(!is_nova || steps && pull, SpecError::Nova)
}

fn server(server: &ServerOptimizer) -> Result<(), SpecError> {
    let share = |share: Millionths| share < MILLION;
    let fine = match *server {
        ServerOptimizer::FedAvg { rate } => rate > 0,
        ServerOptimizer::FedAvgM { rate, momentum }
        | ServerOptimizer::DiLoCo { rate, momentum } => rate > 0 && share(momentum),
        ServerOptimizer::FedAdagrad(numbers)
        | ServerOptimizer::FedAdam(numbers)
        | ServerOptimizer::FedYogi(numbers) => {
            let Adaptive { rate, beta1, beta2, tau } = numbers;
            rate > 0 && tau > 0 && share(beta1) && share(beta2)
        }
    };
    require(fine, SpecError::Server)
}

pub(super) fn encoding(encoding: &Encoding) -> Result<(), SpecError> {
    require(matches!(encoding.bits, 4 | 8 | 16 | 32), SpecError::EncodingBits)?;
    let keep = encoding.keep;
    let shares = (KEEP_STEP..=MILLION).contains(&keep) && keep.is_multiple_of(KEEP_STEP);
    require(shares, SpecError::Keep)?;
    let packed = encoding.is_packed();
    let needs = encoding.bits == 4 || keep < MILLION || encoding.error_feedback;
    require(packed || !needs, SpecError::Rounding)?;
    let largest = match (packed, encoding.bits) {
        (false, 8) => i8::MAX as u32,
        (false, 16) => i16::MAX as u32,
        _ => i32::MAX as u32,
    };
    require(
        (1..=largest).contains(&encoding.clip) && encoding.fraction_bits <= 30,
        SpecError::EncodingRange,
    )
}
