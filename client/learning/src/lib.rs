//! Models, data sets, local training, exact aggregation and evaluation.
//!
//! ```text
//!  model.rs      data.rs                 what is trained, on what
//!      └────┬───────┘
//!       train.rs                         base weights ──SGD/Adam──► trained weights   (burn, f32)
//!           │
//!       update.rs                        trained − base ──encode──► integers ──► bytes ──► CID
//!           │
//!       updates.rs                       a round's updates, in memory or in files
//!           │
//!   contribution.rs ◄── evaluate.rs      what each update is worth on held-out rows
//!           │
//!       aggregate.rs                     base + rule(accepted updates): the same bytes everywhere
//! ```
//!
//! Two kinds of arithmetic meet here. *Training and evaluation* run in `f32` on whatever kernels
//! the machine has and may differ in the last bits from one machine to another. *Initial weights,
//! updates and aggregates* are exact, so that equal inputs give equal bytes and an equal CID on
//! every machine.

pub mod aggregate;
pub mod compress;
pub mod contribution;
pub mod conv;
pub mod data;
pub mod device;
pub mod evaluate;
mod gemm;
mod malformed;
mod mixed;
pub mod model;
pub mod momentum;
mod network;
pub mod pool;
pub mod predict;
mod random;
mod recurrent;
mod safetensors;
pub mod scaffold;
pub mod server;
mod state;
#[cfg(test)]
mod testing;
pub mod train;
pub mod update;
pub mod updates;
pub mod weights;

pub use aggregate::{
    AggregateError, Aggregation, Before, MeanAggregate, Rule, add_change, aggregate,
    aggregate_from, aggregate_with, change_of, distances,
};
pub use compress::{Codec, CodecError, Draw, Packed, Residual};
pub use contribution::{Coalitions, ContributionError, ShapleyOptions, score_updates, shapley};
pub use data::{DataError, Dataset};
pub use decentralml_exact::{Blend, Distances, Encoding, copies};
pub use evaluate::{EvaluateError, Evaluator, Metrics, evaluate};
pub use malformed::Malformed;
pub use model::{LayerSpec, Layout, ModelSpec, Parameter, RowSpec, SpecError, Task};
pub use momentum::{MomentumError, WorkerMomentum};
pub use predict::Predictor;
pub use random::Seed;
pub use scaffold::{ControlVariate, ScaffoldError};
pub use server::{Adaptive, ServerError, ServerOptimizer, ServerState};
pub use state::StateError;
pub use train::{
    Alone, LocalTraining, Optimizer, Precision, Progress, Schedule, TrainError, TrainOutcome,
    Trainee, Work, can_train_together, train, train_corrected, train_together,
};
pub use update::{Update, UpdateError};
pub use updates::{Clipped, UpdateFile, Updates};
pub use weights::{Weights, WeightsError};
