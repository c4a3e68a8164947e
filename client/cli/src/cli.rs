//! The command line: `decentralml <noun> <verb>`.

use crate::{
    commands::{
        account, asset, case, challenge, claim, completions, council, data, demo, doctor,
        encryption, evaluator, explain, host, ipfs, keep, model, simulate, task, trainer,
        validator,
    },
    config::{Flags, Settings},
    context::Context,
    exit,
    output::Out,
    transfer,
};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, parser::ValueSource};
use color_eyre::Result;
use std::{ffi::OsString, io::Write};
use tracing_subscriber::EnvFilter;

/// Trains models together without handing over data: tasks, trainers, evaluators, models and the council of a
/// DecentralML chain.
#[derive(Debug, Parser)]
#[command(name = "decentralml", version, propagate_version = true, after_help = exit::HELP)]
pub struct Cli {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Keys, balances, transfers and bonds.
    #[command(subcommand)]
    Account(account::Command),
    /// Tokens of one's own, for tasks to pay in.
    #[command(subcommand)]
    Asset(asset::Command),
    /// Training tasks: create, fund, watch, end.
    #[command(subcommand)]
    Task(task::Command),
    /// Take part as a trainer, with rows of your own.
    #[command(subcommand)]
    Trainer(trainer::Command),
    /// Take part as an evaluator: score updates, recompute aggregates.
    #[command(subcommand)]
    Evaluator(evaluator::Command),
    /// Keep the updates of tasks for others, and announce where.
    #[command(subcommand)]
    Host(host::Command),
    /// Models: their versions, their files, their quality.
    #[command(subcommand)]
    Model(model::Command),
    /// The council's motions: release or recall a model, change the validators, set parameters.
    #[command(subcommand)]
    Council(council::Command),
    /// Take part in making blocks: the session keys of a validator's node, and how it stands.
    #[command(subcommand)]
    Validator(validator::Command),
    Explain(explain::Opts),
    Claim(claim::Opts),
    /// Cases: who is accused of what, appeals to the council, and their end.
    #[command(subcommand)]
    Case(case::Command),
    /// Availability: demand a block of an update, and show it.
    #[command(subcommand)]
    Challenge(challenge::Command),
    /// The store of models and updates.
    #[command(subcommand)]
    Ipfs(ipfs::Command),
    /// Data: encrypt and share it, look at it, divide it for an experiment.
    #[command(subcommand)]
    Data(data::Command),
    /// The key that others encrypt to for an account.
    #[command(subcommand)]
    Encryption(encryption::Command),
    Simulate(simulate::Opts),
    Doctor(doctor::Opts),
    Completions(completions::Opts),
    Demo(demo::Opts),
    #[command(hide = true)]
    Keep(keep::Opts),
}

impl Command {
    /// Daemons tell what they do; other commands speak up when something is odd.
    fn log(&self) -> &'static str {
        match self {
            Self::Trainer(_)
            | Self::Evaluator(_)
            | Self::Host(host::Command::Run(_) | host::Command::Announce(_))
            | Self::Ipfs(ipfs::Command::Daemon(_) | ipfs::Command::Mirror(_)) => "info",
            _ => "warn",
        }
    }
}

impl Cli {
    /// Reads the words of a command line, and the environment.
    pub fn read<W: Into<OsString> + Clone>(
        words: impl IntoIterator<Item = W>,
    ) -> Result<Self, clap::Error> {
        let mut matches = Self::command().try_get_matches_from(words)?;
        let source = matches.value_source("account");
        let mut cli = Self::from_arg_matches_mut(&mut matches)
            .map_err(|error| error.format(&mut Self::command()))?;
        cli.flags.account_is_flag = source == Some(ValueSource::CommandLine);
        Ok(cli)
    }

    /// Whether result and failure are to be JSON.
    pub fn wants_json(&self) -> bool {
        self.flags.json
    }

    /// Does what was asked for; results go to `writer`.
    pub fn run(self, writer: &mut dyn Write) -> Result<()> {
        let settings = Settings::load(self.flags)?;
        start_logging(settings.log.as_deref().unwrap_or(self.command.log()), settings.json)?;
        let mut out = Out::new(writer, settings.json);
        let context = Context { settings };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let result = runtime.block_on(dispatch(self.command, &context, &mut out));
        // Whatever still computes for a command that was interrupted is not waited for.
        runtime.shutdown_background();
        result
    }
}

async fn dispatch(command: Command, context: &Context, out: &mut Out<'_>) -> Result<()> {
    match command {
        Command::Account(command) => account::run(command, context, out).await,
        Command::Asset(command) => asset::run(command, context, out).await,
        Command::Task(command) => task::run(command, context, out).await,
        Command::Trainer(trainer::Command::Run(opts)) => trainer::run(opts, context, out).await,
        Command::Evaluator(evaluator::Command::Run(opts)) => {
            evaluator::run(opts, context, out).await
        }
        Command::Host(command) => host::run(command, context, out).await,
        Command::Model(command) => model::run(command, context, out).await,
        Command::Council(command) => council::run(command, context, out).await,
        Command::Validator(command) => validator::run(command, context, out).await,
        Command::Explain(opts) => explain::run(opts, context, out).await,
        Command::Claim(opts) => claim::run(opts, context, out).await,
        Command::Case(command) => case::run(command, context, out).await,
        Command::Challenge(command) => challenge::run(command, context, out).await,
        Command::Ipfs(command) => ipfs::run(command, context, out).await,
        Command::Data(command) => data::run(command, context, out).await,
        Command::Encryption(command) => encryption::run(command, context, out).await,
        Command::Simulate(opts) => simulate::run(opts, out).await,
        Command::Doctor(opts) => doctor::run(opts, context, out).await,
        Command::Completions(opts) => completions::run(&opts, out),
        Command::Demo(opts) => demo::run(opts, context, out).await,
        Command::Keep(opts) => keep::run(opts).await,
    }
}

fn start_logging(filter: &str, json: bool) -> Result<()> {
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        exit::problem(exit::Kind::Usage, format!("`{filter}` is no log filter: {error}"))
    })?;
    // A log that nobody reads any more is no reason to end; its own errors would go there too, and panic.
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| transfer::Log)
        .log_internal_errors(false);
    // Only the first start in a process counts; tests have more than one.
    let _ = if json { log.json().try_init() } else { log.with_ansi(false).try_init() };
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use clap::error::ErrorKind;

    /// Every command of the tree, as the words that lead to it.
    fn paths(command: &clap::Command, before: &[String]) -> Vec<Vec<String>> {
        let mut own = before.to_vec();
        own.push(command.get_name().to_owned());
        let mut all = vec![own.clone()];
        all.extend(command.get_subcommands().flat_map(|command| paths(command, &own)));
        all
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_help_that_says_something() {
        let paths = paths(&Cli::command(), &[]);
        assert!(paths.len() > 45, "only {} commands", paths.len());
        for path in paths {
            let error = Cli::try_parse_from(path.iter().map(String::as_str).chain(["--help"]))
                .err()
                .unwrap();
            assert_eq!(error.kind(), ErrorKind::DisplayHelp, "{path:?}");
            let help = error.to_string();
            assert!(help.contains("Usage:") && help.contains("--json"), "{path:?}");
            let first = help.lines().next().unwrap_or_default();
            assert!(
                first.len() > 10 && !first.starts_with("Usage"),
                "{path:?} does not say what it does"
            );
        }
    }

    /// A command and all those below it.
    fn all(command: &clap::Command) -> Vec<&clap::Command> {
        let below = command.get_subcommands().flat_map(all);
        std::iter::once(command).chain(below).collect()
    }

    #[test]
    fn no_command_has_an_argument_that_takes_the_place_of_a_flag_of_all() {
        let cli = Cli::command();
        let of_all: Vec<clap::Id> = cli
            .get_arguments()
            .filter(|argument| argument.is_global_set())
            .map(|argument| argument.get_id().clone())
            .collect();
        assert!(of_all.len() > 8, "{of_all:?}");
        for command in cli.get_subcommands() {
            for command in all(command) {
                let name = command.get_name();
                let own = command.get_arguments().map(clap::Arg::get_id);
                let shadows: Vec<&clap::Id> = own.filter(|id| of_all.contains(id)).collect();
                assert!(shadows.is_empty(), "`{name}` shadows {shadows:?}");
            }
        }
    }

    /// Other processes of the machine see command lines, and shells write them down.
    #[test]
    fn no_argument_takes_a_secret_by_value() {
        const SECRETS: [&str; 8] =
            ["suri", "seed", "phrase", "passphrase", "password", "token", "secret", "mnemonic"];
        // Numbers that draws follow from, which are no secrets.
        const DRAWS: [(&str, &str); 2] = [("demo", "seed"), ("split", "seed")];
        let cli = Cli::command();
        let (mut files, mut draws) = (Vec::new(), Vec::new());
        for command in all(&cli) {
            for argument in command.get_arguments().filter(|one| one.get_action().takes_values()) {
                let id = argument.get_id().as_str();
                let long = argument.get_long().unwrap_or(id);
                let names = [id, long].map(|name| name.replace('-', "_"));
                let mut words = names.iter().flat_map(|name| name.split('_'));
                if !words.any(|word| SECRETS.contains(&word)) {
                    continue;
                }
                let place = (command.get_name(), long);
                if long.ends_with("-file") {
                    files.push(place);
                } else {
                    draws.push(place);
                }
            }
        }
        draws.sort_unstable();
        assert_eq!(draws, DRAWS, "an argument that takes a secret by value");
        for file in [("decentralml", "passphrase-file"), ("daemon", "token-file")] {
            assert!(files.contains(&file), "{files:?}");
        }
    }

    #[test]
    fn who_signs_and_who_is_meant_are_told_apart() {
        for words in [
            "account show somebody",
            "account balance somebody",
            "validator status somebody",
            "council propose add-validator somebody",
            "council propose remove-validator somebody",
        ] {
            for line in [
                format!("decentralml {words} --account me"),
                format!("decentralml --account me {words}"),
            ] {
                let cli = Cli::read(line.split(' ')).unwrap();
                assert_eq!(cli.flags.account.as_deref(), Some("me"), "{line}");
                assert!(cli.flags.account_is_flag, "{line}");
                assert!(format!("{:?}", cli.command).contains("somebody"), "{line}");
            }
        }
    }

    #[test]
    fn an_account_that_is_not_on_the_command_line_is_no_flag() {
        let cli = Cli::read(["decentralml", "account", "show", "somebody", "--json"]).unwrap();
        assert!(!cli.flags.account_is_flag && cli.wants_json());
        assert!(Cli::read(["decentralml", "task", "create"]).is_err());
    }

    #[test]
    fn a_wrong_command_line_is_told_before_anything_is_done() {
        for words in [
            vec!["decentralml", "task", "create"],
            vec!["decentralml", "trainer", "run", "--any", "--task", "1"],
            vec!["decentralml", "account", "bond", "miner", "1"],
            vec!["decentralml", "task", "fund", "1", "many"],
        ] {
            assert!(Cli::try_parse_from(words.clone()).is_err(), "{words:?}");
        }
    }
}
