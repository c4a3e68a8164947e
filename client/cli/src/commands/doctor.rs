//! `decentralml doctor`.

use crate::{
    commands::data::DataOpts,
    config::Settings,
    context::Context,
    exit::{self, Kind, problem},
    keys,
    output::{Out, count},
    units::tokens,
};
use clap::Args;
use color_eyre::{Report, Result};
use decentralml_sdk::{AccountId, Chain};
use decentralml_types::Role;
use serde::Serialize;
use std::{fs, path::Path, time::Duration};

/// How long the next block is waited for: five slots of a live chain.
const NEXT_BLOCK: Duration = Duration::from_secs(30);

/// Check chain, store, key and data, and say what is wrong and what to do about it.
///
/// The exit code is that of the first thing that is wrong. A key or data that are not named are not wrong.
#[derive(Args, Debug)]
pub struct Opts {
    #[command(flatten)]
    data: DataOpts,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
struct Check {
    what: &'static str,
    ok: bool,
    /// Whether nothing was named that could be looked at, which is not wrong.
    skipped: bool,
    /// What was found, or what is wrong and what to do.
    finding: String,
    #[serde(skip)]
    kind: Option<Kind>,
}

impl Check {
    fn of(what: &'static str, result: Result<String>) -> Self {
        match result {
            Ok(finding) => Self { what, ok: true, skipped: false, finding, kind: None },
            Err(report) => Self {
                what,
                ok: false,
                skipped: false,
                finding: sentence(&report),
                kind: Some(exit::kind(&report)),
            },
        }
    }

    /// Nothing to look at; `how` says how to name something.
    fn skipped(what: &'static str, how: &str) -> Self {
        Self { what, ok: true, skipped: true, finding: how.to_owned(), kind: None }
    }

    fn line(&self) -> String {
        let mark = match (self.ok, self.skipped) {
            (false, _) => "WRONG",
            (true, true) => "-",
            (true, false) => "ok",
        };
        format!("{mark:>5}  {}: {}", self.what, self.finding)
    }
}

#[derive(Serialize)]
struct Diagnosis<'a> {
    settings: &'a Settings,
    checks: Vec<Check>,
}

/// Looks at everything, also after something is found wrong.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let settings = &context.settings;
    let mut checks = vec![Check::of("configuration", configuration(settings))];
    let chain = context.chain().await;
    let (chain, found) = match chain {
        Ok(chain) => {
            let found = blocks(&chain).await;
            (Some(chain), found)
        }
        Err(report) => (None, Err(report)),
    };
    checks.push(Check::of("chain", found));
    checks.push(Check::of("store", store(context).await));
    checks.push(match keys::chosen(settings) {
        Some(_) => Check::of("key", key(context, chain.as_ref()).await),
        None => {
            Check::skipped("key", &format!("none is named; to sign, {}", keys::HOW_TO_NAME_ONE))
        }
    });
    let data = opts.data.or_settings(&settings.trainer);
    checks.push(match data.data {
        Some(_) => Check::of("data", rows(&data)),
        None => Check::skipped("data", "none are named; --data <FILE> checks them"),
    });
    checks.push(Check::of("state folder", state(&settings.state)));
    let first = checks.iter().find(|check| !check.ok).cloned();
    out.result(&Diagnosis { settings, checks }, |diagnosis| {
        diagnosis.checks.iter().map(Check::line).collect::<Vec<_>>().join("\n")
    })?;
    match first {
        None => Ok(()),
        Some(check) => Err(problem(
            check.kind.unwrap_or(Kind::Other),
            format!("something is wrong, first of all with the {}", check.what),
        )),
    }
}

fn sentence(report: &Report) -> String {
    report.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn configuration(settings: &Settings) -> Result<String> {
    Ok(match &settings.config {
        Some(path) => path.display().to_string(),
        None => "no file; defaults, environment and flags".to_owned(),
    })
}

/// A chain that answers and makes no blocks is of no use.
async fn blocks(chain: &Chain) -> Result<String> {
    let (best, finalized) = (chain.best().await?, chain.finalized().await?);
    let mut blocks = chain.best_blocks().await?;
    let next = async {
        loop {
            let view = blocks.next().await?;
            if view.number() > best.number() {
                return Ok::<_, Report>(view.number());
            }
        }
    };
    let Ok(next) = tokio::time::timeout(NEXT_BLOCK, next).await else {
        return Err(problem(
            Kind::NoChain,
            format!(
                "{} at {} has made no block after #{} in {} seconds; are its validators up?",
                chain.name(),
                chain.url(),
                best.number(),
                NEXT_BLOCK.as_secs()
            ),
        ));
    };
    Ok(format!(
        "{} at {}, block {}, {} behind in finality",
        chain.name(),
        chain.url(),
        next?,
        count(best.number().saturating_sub(finalized.number()), "block"),
    ))
}

/// A store that takes bytes, and gives them back.
async fn store(context: &Context) -> Result<String> {
    const PROBE: &[u8] = b"decentralml doctor\n";
    let storage = context.storage().await?;
    let added = storage.add(PROBE.to_vec()).await?;
    let back = storage.fetch(&added.cid, PROBE.len() as u64).await?;
    storage.unpin(&added.cid).await?;
    if back != PROBE {
        return Err(problem(Kind::NoStore, "the store gives back other bytes than it took"));
    }
    Ok(format!("{}, version {}", storage.url(), storage.version().await?))
}

async fn key(context: &Context, chain: Option<&Chain>) -> Result<String> {
    let account = context.account_or_own(None)?;
    let Some(chain) = chain else { return Ok(format!("{account}; its balance is on the chain")) };
    let view = chain.finalized().await?;
    let balance = view.balance(&account).await?;
    if balance.total() == 0 {
        return Err(problem(
            Kind::Refused,
            format!(
                "{account} has nothing on this chain: send it some {}",
                chain.properties().symbol
            ),
        ));
    }
    let mut text = format!("{account}, {} free", tokens(balance.free, chain.properties()));
    for role in [Role::Trainer, Role::Evaluator] {
        text += &bond(chain, role, &account).await?;
    }
    Ok(text)
}

async fn bond(chain: &Chain, role: Role, account: &AccountId) -> Result<String> {
    let member = chain.finalized().await?.member(role, account).await?;
    Ok(member.map_or_else(String::new, |member| {
        let role = crate::units::role(role);
        format!(", {} bonded as {role}", tokens(member.bond, chain.properties()))
    }))
}

fn rows(data: &DataOpts) -> Result<String> {
    let rows = data.read()?;
    let present = rows.class_counts().iter().filter(|&&count| count > 0).count();
    Ok(format!(
        "{} rows of {} features, {present} of {} classes present",
        rows.rows(),
        rows.columns(),
        rows.classes()
    ))
}

/// The folder of what must not be forgotten can be written.
fn state(folder: &Path) -> Result<String> {
    let probe = folder.join(".doctor");
    let written = fs::create_dir_all(folder)
        .and_then(|()| fs::write(&probe, b"ok"))
        .and_then(|()| fs::remove_file(&probe));
    written.map_err(|error| {
        problem(
            Kind::Other,
            format!(
                "{} cannot be written ({error}); make room or give --state another folder",
                folder.display()
            ),
        )
    })?;
    Ok(folder.display().to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_state_folder_that_cannot_be_made_is_told_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        assert!(state(&folder.path().join("a/b")).is_ok());
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let error = state(&file.join("below")).unwrap_err().to_string();
        assert!(error.contains("--state"), "{error}");
    }

    #[test]
    fn what_is_not_named_is_not_wrong() {
        let check = Check::skipped("data", "none are named; --data <FILE> checks them");
        assert!(check.ok && check.kind.is_none());
        assert_eq!(check.line(), "    -  data: none are named; --data <FILE> checks them");
        assert!(Check::of("key", Ok("5Gr".to_owned())).line().starts_with("   ok  key"));
    }

    #[test]
    fn a_check_keeps_the_kind_of_what_is_wrong() {
        let check = Check::of("chain", Err(problem(Kind::NoChain, "nobody there")));
        assert!(!check.ok && check.kind == Some(Kind::NoChain) && check.finding == "nobody there");
    }
}
