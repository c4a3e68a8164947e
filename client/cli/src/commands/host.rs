//! `decentralml host`: keep the updates of tasks for others, and tell the chain where.

mod announce;
mod run;
mod show;
mod withdraw;

use crate::{
    config,
    context::Context,
    exit::{Kind, problem},
    output::Out,
    units::Size,
};
use clap::{Args, Subcommand};
use color_eyre::Result;
use decentralml_storage::SourceUrl;
use decentralml_types::TaskId;
use decentralml_worker::hosting::HostSettings;
use std::net::SocketAddr;

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    Run(run::Opts),
    Announce(announce::Opts),
    Withdraw(withdraw::Opts),
    Show(show::Opts),
}

/// Where a host is and what it keeps.
#[derive(Args, Clone, Debug)]
pub struct HostOpts {
    /// Where trainers hand updates over and everybody fetches bytes: an address that others reach, such as 0.0.0.0:8090; port 0 takes a
    /// free one.
    #[arg(long, value_name = "ADDRESS")]
    host_listen: Option<SocketAddr>,
    /// Announce on the chain that this account's host is at this URL, for a deposit; up to 4, the one that takes updates first. They
    /// replace what was announced and stay until `decentralml host withdraw`.
    #[arg(long, value_name = "URL")]
    announce: Vec<SourceUrl>,
    /// Bytes that all updates at the host may have; more is refused [default: as many as the disk holds].
    #[arg(long, value_name = "SIZE")]
    host_max_storage: Option<Size>,
}

impl HostOpts {
    /// With what the configuration file says; `None` where there is to be no host.
    pub fn or_settings(
        self,
        settings: &config::Host,
        tasks: Vec<TaskId>,
    ) -> Result<Option<HostSettings>> {
        let Some(listen) = self.host_listen.or(settings.listen) else {
            if self.announce.is_empty() && self.host_max_storage.is_none() {
                return Ok(None);
            }
            return Err(no_address());
        };
        let announce = match self.announce.is_empty() {
            true => config::sources(&settings.announce)?,
            false => self.announce,
        };
        let max_storage = self.host_max_storage.or(settings.max_storage).map(|Size(bytes)| bytes);
        Ok(Some(HostSettings { listen, announce, max_storage, tasks }))
    }
}

fn no_address() -> color_eyre::Report {
    problem(
        Kind::Usage,
        "a host needs an address: give --host-listen <ADDRESS>, or `listen` in the table [host] of the configuration file",
    )
}

/// Does what was asked for.
pub async fn run(command: Command, context: &Context, out: &mut Out<'_>) -> Result<()> {
    match command {
        Command::Run(opts) => run::run(opts, context, out).await,
        Command::Announce(opts) => announce::run(opts, context, out).await,
        Command::Withdraw(opts) => withdraw::run(opts, context, out).await,
        Command::Show(opts) => show::run(opts, context, out).await,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        host: HostOpts,
    }

    fn settings(words: &[&str], file: &config::Host) -> Result<Option<HostSettings>> {
        let line = Line::try_parse_from([&["x"], words].concat()).unwrap();
        line.host.or_settings(file, vec![7])
    }

    #[test]
    fn there_is_a_host_where_it_has_an_address_and_flags_come_before_the_file() {
        let none = config::Host::default();
        assert_eq!(settings(&[], &none).unwrap(), None);
        let error = settings(&["--announce", "http://a"], &none).unwrap_err();
        assert_eq!(crate::exit::kind(&error), Kind::Usage);
        let file = config::Host {
            listen: Some("127.0.0.1:1".parse().unwrap()),
            announce: vec!["http://file".to_owned()],
            max_storage: Some("1 KiB".parse().unwrap()),
        };
        let found = settings(&[], &file).unwrap().unwrap();
        assert_eq!(found.listen, "127.0.0.1:1".parse().unwrap());
        assert_eq!(found.announce, ["http://file".parse().unwrap()]);
        assert_eq!((found.max_storage, found.tasks), (Some(1024), vec![7]));
        let words = [
            "--host-listen",
            "127.0.0.1:2",
            "--announce",
            "http://a",
            "--announce",
            "/ip4/1.2.3.4/tcp/5",
        ];
        let found = settings(&words, &file).unwrap().unwrap();
        assert_eq!(found.listen.port(), 2);
        assert_eq!(found.announce.len(), 2);
        let wrong = config::Host { announce: vec!["ftp://a".to_owned()], ..file };
        assert!(settings(&[], &wrong).unwrap_err().to_string().contains("ftp://a"));
    }
}
