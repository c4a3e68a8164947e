//! What the exit code says, so that scripts need not read messages.

use crate::output::Unwritten;
use color_eyre::{Report, Result};
use decentralml_sdk as sdk;
use decentralml_storage as storage;
use decentralml_worker::{WorkerError, model::ModelError};
use serde::Serialize;
use std::{
    error::Error,
    fmt,
    io::{self, Write},
    process::ExitCode,
};

/// The table of exit codes, as every command's help shows it.
pub const HELP: &str = "\
Exit codes:
  0    done
  1    anything else
  2    the command line, the configuration or a task file is wrong
  3    no chain answers, or it is not one that this program knows
  4    no store answers, or it cannot give the bytes
  5    the chain refused
  6    there is no such task, round, model, account or motion
  7    a key is missing, locked or not allowed here
  8    a data or model file cannot be used
  130  interrupted";

/// The kinds of failure; the number is the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Other = 1,
    Usage = 2,
    NoChain = 3,
    NoStore = 4,
    Refused = 5,
    NotFound = 6,
    Key = 7,
    Data = 8,
    Interrupted = 130,
}

/// A failure of this program's own making: what happened, and what to do.
#[derive(Debug)]
pub struct Problem {
    kind: Kind,
    message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Problem {}

/// A report of a failure of that kind.
pub fn problem(kind: Kind, message: impl Into<String>) -> Report {
    Report::new(Problem { kind, message: message.into() })
}

/// Gives the error of a library a kind of its own, and keeps its words.
pub trait OfKind<T> {
    fn of_kind(self, kind: Kind) -> Result<T>;
}

impl<T, E: fmt::Display> OfKind<T> for std::result::Result<T, E> {
    fn of_kind(self, kind: Kind) -> Result<T> {
        self.map_err(|error| problem(kind, error.to_string()))
    }
}

/// A failure as one JSON object.
#[derive(Serialize)]
struct Failure {
    error: Told,
}

#[derive(Serialize)]
struct Told {
    kind: Kind,
    message: String,
    exit: u8,
}

/// One line of JSON, as logs have in this format.
fn json(kind: Kind, message: String) -> String {
    let failure = Failure { error: Told { kind, message, exit: kind as u8 } };
    serde_json::to_string(&failure).unwrap_or_default()
}

/// Prints what is wrong with the command line, or the help that was asked for, and gives the exit code. As nothing could be
/// read, `asked_for_json` says whether the word for it is among the arguments.
pub fn misused(error: &clap::Error, asked_for_json: bool) -> ExitCode {
    if asked_for_json && error.use_stderr() {
        let text = error.render().to_string();
        let text = text.trim();
        tell(&json(Kind::Usage, text.strip_prefix("error: ").unwrap_or(text).to_owned()));
    } else {
        // Nobody is left to tell if this fails.
        let _ = error.print();
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(Kind::Usage as u8))
}

/// Prints what went wrong, cause by cause, or as one JSON object, and gives the exit code.
pub fn finish(result: Result<()>, as_json: bool) -> ExitCode {
    let Err(report) = result else { return ExitCode::SUCCESS };
    if is_broken_pipe(&report) {
        // Whoever read our output, `head` for example, has seen enough.
        return ExitCode::SUCCESS;
    }
    let (kind, causes) = (kind(&report), causes(&report));
    if as_json {
        tell(&json(kind, causes.join(": ")));
    } else {
        tell(&format!("error: {}", causes.join("\n  because: ")));
    }
    ExitCode::from(kind as u8)
}

/// Prints on standard error. Where nobody listens there the exit code is all there is to say.
fn tell(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// The messages of all causes, without those that only repeat their own cause, and with what to do where a disk is full.
fn causes(report: &Report) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for cause in report.chain() {
        let message = cause.to_string();
        if !lines.last().is_some_and(|last| last.contains(&message)) {
            lines.push(message);
        }
    }
    if let (Some(last), true) = (lines.last_mut(), is_full_disk(report)) {
        last.push_str("; free some space there, then run it again");
    }
    lines
}

/// Whether a file could not be written for want of room: on the disk, in a quota, or under a limit of the process.
fn is_full_disk(report: &Report) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    report.chain().any(|cause| {
        let error = cause.downcast_ref::<io::Error>();
        error.is_some_and(|e| matches!(e.kind(), StorageFull | QuotaExceeded | FileTooLarge))
    })
}

/// Only of our own output: a chain or a store that hangs up is a failure.
pub fn is_broken_pipe(report: &Report) -> bool {
    report.chain().filter_map(|cause| cause.downcast_ref()).any(Unwritten::is_broken_pipe)
}

/// The kind of the first cause that has one.
pub fn kind(report: &Report) -> Kind {
    report.chain().find_map(kind_of).unwrap_or(Kind::Other)
}

fn kind_of(error: &(dyn Error + 'static)) -> Option<Kind> {
    if let Some(problem) = error.downcast_ref::<Problem>() {
        return Some(problem.kind);
    }
    if let Some(error) = error.downcast_ref::<WorkerError>() {
        // Its variants are transparent: the errors inside are no causes of their own.
        return match error {
            WorkerError::Connect(_) | WorkerError::Read(_) | WorkerError::NoBlocks { .. } => {
                Some(Kind::NoChain)
            }
            WorkerError::Submit(error) => Some(kind_of_submission(error)),
            WorkerError::Storage(error) => Some(kind_of_storage(error)),
            WorkerError::Model(error) => Some(kind_of_model(error)),
            WorkerError::Data(_) => Some(Kind::Data),
            WorkerError::DevelopmentOnly(_) => Some(Kind::Key),
            WorkerError::Serve(_) | WorkerError::OwnStore(_) => Some(Kind::NoStore),
            WorkerError::Hosts(_) => Some(Kind::Usage),
            WorkerError::UnknownTask { .. } | WorkerError::TaskOver { .. } => Some(Kind::NotFound),
            _ => None,
        };
    }
    if error.is::<sdk::ConnectError>() || error.is::<sdk::ReadError>() {
        return Some(Kind::NoChain);
    }
    if let Some(error) = error.downcast_ref::<sdk::SubmitError>() {
        return Some(kind_of_submission(error));
    }
    if error.is::<sdk::KeystoreError>() || error.is::<sdk::SignerError>() {
        return Some(Kind::Key);
    }
    if let Some(error) = error.downcast_ref::<ModelError>() {
        return Some(kind_of_model(error));
    }
    if let Some(error) = error.downcast_ref::<storage::Error>() {
        return Some(kind_of_storage(error));
    }
    if error.is::<storage::StoreError>() || error.is::<storage::server::ServeError>() {
        return Some(Kind::NoStore);
    }
    let data = error.is::<decentralml_learning::DataError>()
        || error.is::<decentralml_learning::SpecError>()
        || error.is::<decentralml_learning::Malformed>()
        || error.is::<decentralml_learning::EvaluateError>();
    data.then_some(Kind::Data)
}

/// A file of ours that cannot be written is no failure of the store.
fn kind_of_storage(error: &storage::Error) -> Kind {
    match error {
        storage::Error::File { .. } => Kind::Other,
        _ => Kind::NoStore,
    }
}

/// A store that does not answer may do so later; what is no model of the task stays none.
fn kind_of_model(error: &ModelError) -> Kind {
    if error.is_final() { Kind::Data } else { Kind::NoStore }
}

fn kind_of_submission(error: &sdk::SubmitError) -> Kind {
    match error {
        sdk::SubmitError::DevelopmentKey => Kind::Key,
        sdk::SubmitError::Read(_)
        | sdk::SubmitError::Unknown(_)
        // Nobody refused it: the chain took another fork, and sending it again is what helps.
        | sdk::SubmitError::Abandoned
        | sdk::SubmitError::Timeout { .. } => Kind::NoChain,
        _ => Kind::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use color_eyre::eyre::WrapErr;

    #[test]
    fn a_kind_survives_the_context_that_is_added_to_it() {
        let report = Err::<(), _>(problem(Kind::NotFound, "there is no task 7"))
            .wrap_err("the task cannot be shown")
            .err();
        assert_eq!(report.as_ref().map(kind), Some(Kind::NotFound));
        let text = report.as_ref().map(causes);
        let expected = ["the task cannot be shown", "there is no task 7"];
        assert_eq!(text.as_deref(), Some(&expected.map(str::to_owned)[..]));
    }

    #[test]
    fn errors_of_the_libraries_have_their_kinds() {
        let no_rows = decentralml_learning::EvaluateError::NoRows;
        assert_eq!(kind(&Report::new(no_rows)), Kind::Data);
        let url = storage::Error::Url { url: "x".to_owned(), reason: "y".to_owned() };
        assert_eq!(kind(&Report::new(url)), Kind::NoStore);
        let file = || storage::Error::File {
            path: "m".into(),
            source: io::Error::from(io::ErrorKind::NotFound),
        };
        assert_eq!(kind(&Report::new(file())), Kind::Other);
        assert_eq!(kind(&Report::new(WorkerError::Storage(file()))), Kind::Other);
        assert_eq!(kind(&Report::new(sdk::SubmitError::DevelopmentKey)), Kind::Key);
        assert_eq!(kind(&Report::new(sdk::SubmitError::Abandoned)), Kind::NoChain);
        assert_eq!(kind(&Report::msg("something")), Kind::Other);
    }

    #[test]
    fn the_help_names_every_code() {
        let kinds = [
            Kind::Other,
            Kind::Usage,
            Kind::NoChain,
            Kind::NoStore,
            Kind::Refused,
            Kind::NotFound,
            Kind::Key,
            Kind::Data,
            Kind::Interrupted,
        ];
        for kind in kinds {
            assert!(HELP.contains(&format!("\n  {:<3}  ", kind as u8)), "{kind:?}");
        }
    }

    #[test]
    fn a_repeated_cause_is_said_once() {
        let report = Report::msg("disk full").wrap_err("cannot write: disk full");
        assert_eq!(causes(&report), ["cannot write: disk full"]);
    }

    #[test]
    fn a_full_disk_is_told_with_what_to_do() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let path = "model.safetensors".into();
        let report = Report::new(storage::Error::File { path, source: full() });
        let text = causes(&report).join(": ");
        assert!(text.contains("model.safetensors") && text.contains("free some space"), "{text}");
        let record = decentralml_worker::StateError::Io { path: "s".to_owned(), source: full() };
        let report = Report::new(WorkerError::State(record));
        assert!(causes(&report).join(": ").ends_with("then run it again"));
        let other = Report::new(io::Error::from(io::ErrorKind::PermissionDenied));
        assert!(!causes(&other).join(": ").contains("free some space"));
    }

    #[test]
    fn a_chain_or_store_that_hangs_up_is_a_failure() {
        let path = "b".into();
        let source = io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(!is_broken_pipe(&Report::new(storage::Error::File { path, source })));
    }

    #[test]
    fn a_failure_is_one_line_of_json() {
        let line = json(Kind::NoChain, "no chain at ws://x:\n \"nobody\"".to_owned());
        assert!(!line.contains('\n'), "{line}");
        let value: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
        let error = serde_json::json!({
            "kind": "no_chain", "message": "no chain at ws://x:\n \"nobody\"", "exit": 3,
        });
        assert_eq!(value, serde_json::json!({ "error": error }));
    }

    #[test]
    fn a_model_that_is_none_is_told_apart_from_a_store_that_does_not_answer() {
        let cid = decentralml_types::Cid { codec: decentralml_types::Codec::Raw, digest: [1; 32] };
        let model = |error| Report::new(WorkerError::Model(ModelError::Storage(error)));
        assert_eq!(
            kind(&model(storage::Error::NotFound { cid, others: String::new() })),
            Kind::NoStore
        );
        assert_eq!(kind(&model(storage::Error::TooLarge { cid, limit: 1 })), Kind::Data);
        assert_eq!(kind(&Report::new(WorkerError::Model(ModelError::NoBase))), Kind::Data);
        assert_eq!(kind(&Report::new(ModelError::NoBase)), Kind::Data);
    }
}
