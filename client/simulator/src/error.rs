use std::{io, path::PathBuf};

use decentralml_learning::{
    AggregateError, CodecError, DataError, EvaluateError, Malformed, MomentumError, ScaffoldError,
    ServerError, SpecError, TrainError, UpdateError, WeightsError,
};

/// Why a run could not be read, begun or ended.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// The run file is no run file. The text names line and field.
    #[error("the run file: {0}")]
    Toml(String),
    /// A field says something that cannot be.
    #[error("`{field}`: {problem}")]
    Field {
        /// Where in the run file.
        field: &'static str,
        /// What is wrong, and what to write.
        problem: String,
    },
    /// One combination of a sweep cannot be run.
    #[error("the combination {combination}: {problem}")]
    Combination {
        /// What the sweep put in.
        combination: String,
        /// What is wrong.
        problem: String,
    },
    /// The rows cannot be read or divided.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The model makes no sense, or not with these rows.
    #[error("the model: {0}")]
    Model(#[from] SpecError),
    /// A client could not be trained for another reason than that it diverged.
    #[error("client {client} in round {round}: {source}")]
    Train {
        /// Number of the client, from 0.
        client: u32,
        /// Round, from 1.
        round: u32,
        /// Why.
        source: TrainError,
    },
    /// A client's update could not be made.
    #[error("client {client} in round {round}: {problem}")]
    Client {
        /// Number of the client, from 0.
        client: u32,
        /// Round, from 1.
        round: u32,
        /// Why.
        problem: String,
    },
    /// All clients of a round have diverged.
    #[error(
        "round {round}: all {clients} clients have diverged; lower `training.learning_rate` or set \
         `training.clip_norm`"
    )]
    AllDiverged {
        /// Round, from 1.
        round: u32,
        /// Clients drawn.
        clients: usize,
    },
    /// Updates cannot be put together.
    #[error("round {round}: {source}")]
    Aggregate {
        /// Round, from 1.
        round: u32,
        /// Why.
        source: AggregateError,
    },
    /// An update cannot be made.
    #[error(transparent)]
    Update(#[from] UpdateError),
    /// An update cannot be packed.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// Control variates do not fit.
    #[error(transparent)]
    Scaffold(#[from] ScaffoldError),
    /// A client's changes cannot be averaged.
    #[error(transparent)]
    Momentum(#[from] MomentumError),
    /// The server cannot take its step.
    #[error("the server: {0}")]
    Server(#[from] ServerError),
    /// A model has left the range of numbers.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The model cannot be evaluated.
    #[error("the evaluation: {0}")]
    Evaluate(#[from] EvaluateError),
    /// A file of the run's folder is none of ours.
    #[error("{}: {problem}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// A file of the run's folder holds no numbers of this model.
    #[error("{}: {source}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Malformed,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder has the checkpoint or the report of another run.
    #[error(
        "{} has what is left after round {round} of another run: the run file, its data or this program have changed \
         since. Put them back, start anew with --restart, or give another folder with --out",
        path.display()
    )]
    Changed {
        /// The folder.
        path: PathBuf,
        /// The last round of that run.
        round: u32,
    },
    /// The folder has files of others.
    #[error(
        "{} is not empty, and no run of this program made it: give another folder with --out, as a run replaces files",
        path.display()
    )]
    Foreign {
        /// The folder.
        path: PathBuf,
    },
    /// Another process uses the folder.
    #[error("{} is in use by another run: wait for it, or give another folder with --out", path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// The caller has stopped it.
    #[error("stopped after round {round}")]
    Stopped {
        /// The last round that is done; 0 for none.
        round: u32,
    },
    /// Threads, a picture or a text could not be made.
    #[error("{0}")]
    Other(String),
}

impl SimulateError {
    pub(crate) fn field(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Field { field, problem: problem.into() }
    }

    pub(crate) fn file(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::File { path: path.into(), source }
    }

    /// Whether it is the run file, a model file or the data that have to be changed.
    pub fn is_of_the_file(&self) -> bool {
        matches!(
            self,
            Self::Toml(_)
                | Self::Field { .. }
                | Self::Combination { .. }
                | Self::Changed { .. }
                | Self::Foreign { .. }
        )
    }
}
