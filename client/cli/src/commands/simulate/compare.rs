//! `decentralml simulate compare`.

use super::{FOLDER, Failures, Groups, How, failed, runs::Plan, runs::failure, side_by_side};
use crate::{
    aside::write_aside,
    exit::{Kind, problem},
    output::Out,
};
use clap::Args;
use color_eyre::Result;
use decentralml_simulator::{compare, comparison_page};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// Run several run files, and put them side by side. Runs that have ended are taken as they are.
#[derive(Args, Debug)]
pub struct Opts {
    /// The run files; seeds and sweeps in them are run too.
    #[arg(required = true, value_name = "RUN.toml")]
    pub files: Vec<PathBuf>,
    /// Where all of them go, each in a folder of its name, with the comparison.
    #[arg(long, value_name = "FOLDER", default_value = FOLDER)]
    out: PathBuf,
    #[command(flatten)]
    how: How,
}

/// Runs the files one after the other.
pub async fn run(opts: Opts, out: &mut Out<'_>) -> Result<()> {
    let plans = opts.files.iter().map(|file| Plan::read(file)).collect::<Result<Vec<_>>>()?;
    let mut names = BTreeSet::new();
    if let Some(plan) = plans.iter().find(|plan| !names.insert(plan.name())) {
        let problem_text = format!(
            "two run files are called {}, and would share a folder: give one another `name`",
            plan.name()
        );
        return Err(problem(Kind::Usage, problem_text));
    }
    let mut groups = Groups::new();
    let mut failures = Failures::new();
    for plan in &plans {
        out.line(&format!("{}:", plan.name()))?;
        let folder = opts.out.join(plan.name());
        groups.extend(plan.run(&folder, opts.how, &mut failures, out).await?);
    }
    tell(&groups, &opts.out, out)?;
    failed(failures)
}

/// Leaves the comparison in the folder, and shows it; nothing where no run has ended.
pub fn tell(groups: &Groups, folder: &Path, out: &mut Out<'_>) -> Result<()> {
    if groups.is_empty() {
        return Ok(());
    }
    let compared = compare(groups);
    let page = folder.join("compare.html");
    let text = comparison_page(groups, &compared).map_err(failure)?;
    let json = serde_json::to_string_pretty(&compared)?;
    for (path, text) in [(&page, text), (&folder.join("compare.json"), json)] {
        write_aside(path, true, text.as_bytes())?;
    }
    if out.json() {
        return super::line(&compared, out);
    }
    out.result(&compared, |compared| format!("{}\n\n{}", side_by_side(compared), page.display()))
}
