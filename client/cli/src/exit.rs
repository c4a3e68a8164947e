//! What the exit code says, so that scripts need not read messages.

use color_eyre::{Report, Result};
use decentralml_sdk as sdk;
use decentralml_storage as storage;
use decentralml_worker::WorkerError;
use std::{error::Error, fmt, io, process::ExitCode};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// Prints what went wrong, cause by cause, and gives the exit code.
pub fn finish(result: Result<()>) -> ExitCode {
    let Err(report) = result else { return ExitCode::SUCCESS };
    if is_broken_pipe(&report) {
        // Whoever read our output, `head` for example, has seen enough.
        return ExitCode::SUCCESS;
    }
    eprintln!("error: {}", describe(&report));
    ExitCode::from(kind(&report) as u8)
}

/// The messages of all causes, without those that only repeat their own cause.
fn describe(report: &Report) -> String {
    let mut lines: Vec<String> = Vec::new();
    for cause in report.chain() {
        let message = cause.to_string();
        if !lines.last().is_some_and(|last| last.contains(&message)) {
            lines.push(message);
        }
    }
    lines.join("\n  because: ")
}

fn is_broken_pipe(report: &Report) -> bool {
    report.chain().any(|cause| {
        let error = cause.downcast_ref::<io::Error>();
        error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
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
            WorkerError::Connect(_) | WorkerError::Read(_) => Some(Kind::NoChain),
            WorkerError::Submit(error) => Some(kind_of_submission(error)),
            WorkerError::Storage(_) => Some(Kind::NoStore),
            WorkerError::Data(_) => Some(Kind::Data),
            WorkerError::DevelopmentOnly(_) => Some(Kind::Key),
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
    if error.is::<storage::Error>() || error.is::<storage::StoreError>() {
        return Some(Kind::NoStore);
    }
    if error.is::<storage::server::ServeError>() {
        return Some(Kind::NoStore);
    }
    let data = error.is::<decentralml_learning::DataError>()
        || error.is::<decentralml_learning::SpecError>()
        || error.is::<decentralml_learning::Malformed>()
        || error.is::<decentralml_learning::EvaluateError>();
    data.then_some(Kind::Data)
}

fn kind_of_submission(error: &sdk::SubmitError) -> Kind {
    match error {
        sdk::SubmitError::DevelopmentKey => Kind::Key,
        sdk::SubmitError::Read(_)
        | sdk::SubmitError::Unknown(_)
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
        let text = report.as_ref().map(describe);
        let expected = "the task cannot be shown\n  because: there is no task 7";
        assert_eq!(text.as_deref(), Some(expected));
    }

    #[test]
    fn errors_of_the_libraries_have_their_kinds() {
        let no_rows = decentralml_learning::EvaluateError::NoRows;
        assert_eq!(kind(&Report::new(no_rows)), Kind::Data);
        let url = storage::Error::Url { url: "x".to_owned(), reason: "y".to_owned() };
        assert_eq!(kind(&Report::new(url)), Kind::NoStore);
        assert_eq!(kind(&Report::new(sdk::SubmitError::DevelopmentKey)), Kind::Key);
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
        assert_eq!(describe(&report), "cannot write: disk full");
    }
}
