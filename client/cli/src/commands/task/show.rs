//! `decentralml task show`.

use super::{
    TaskArg,
    progress::{Progress, round_state},
    specification,
};
use crate::{
    context::Context,
    output::{Out, or_dash, pairs, table},
    units::{percent, tokens},
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::{ModelVersion, Properties, Round};
use serde::Serialize;

/// Show a task: all that its specification says, its money, its rounds.
#[derive(Args, Debug)]
pub struct Opts {
    #[command(flatten)]
    task: TaskArg,
}

/// A task with everything that belongs to it.
#[derive(Serialize)]
pub struct Shown {
    #[serde(flatten)]
    pub progress: Progress,
    pub rounds: Vec<Round>,
    pub models: Vec<ModelVersion>,
}

/// Reads the best block.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let chain = context.chain().await?;
    let view = chain.best().await?;
    let id = opts.task.task;
    let shown = Shown {
        progress: Progress::read(&view, id).await?,
        rounds: view.rounds(id).await?,
        models: view.models(Some(id)).await?,
    };
    let token = chain.properties();
    let unit = view.unit(shown.progress.task.spec.terms.asset, token).await?;
    out.result(&shown, |shown| people(shown, token, &unit))
}

fn people(shown: &Shown, token: &Properties, unit: &Properties) -> String {
    let task = &shown.progress.task;
    let spec = &task.spec;
    let mut rows = vec![
        ("task", task.id.to_string()),
        ("name", String::from_utf8_lossy(&spec.name).into_owned()),
        ("license", String::from_utf8_lossy(&spec.license).into_owned()),
        ("sponsor", task.sponsor.to_string()),
        ("now", shown.progress.sentence()),
        ("attempts", shown.progress.attempts.sentence()),
        (
            "money",
            format!(
                "{} free, {} reserved, {} unclaimed",
                tokens(task.money.free, unit),
                tokens(task.money.reserved, unit),
                tokens(task.money.unclaimed, unit)
            ),
        ),
        ("for free calls", tokens(task.money.charges, token)),
        ("deposit", tokens(task.deposit, token)),
    ];
    if task.money.owed > 0 {
        let owed = tokens(task.money.owed, unit);
        rows.push((
            "owed",
            format!("{owed}, which could not be paid: `decentralml claim` tries again"),
        ));
    }
    let task = format!("{}\n\n{}", pairs(&rows), specification::text(spec, token, unit));
    match shown.rounds.as_slice() {
        [] => task,
        rounds => format!("{task}\n\n{}", round_table(rounds, &shown.models)),
    }
}

/// The rounds of a task and what became of them.
pub fn round_table(rounds: &[Round], models: &[ModelVersion]) -> String {
    let rows = rounds.iter().map(|round| {
        let metric = models.iter().find(|model| Some(model.version) == round.model);
        vec![
            round.number.to_string(),
            round_state(round),
            round.places.to_string(),
            round.updates.to_string(),
            round.accepted.to_string(),
            round.seats.to_string(),
            or_dash(metric.map(|model| percent(model.metric))),
            or_dash(round.model),
            round.open_rows.to_string(),
        ]
    });
    let header = [
        "round",
        "state",
        "trainers",
        "updates",
        "accepted",
        "seats",
        "metric",
        "version",
        "unclaimed rows",
    ];
    table(header.map(str::to_owned).to_vec(), rows)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::commands::task::progress::tests::progress;
    use decentralml_types::{Phase, TaskStatus};

    pub(crate) fn shown() -> Shown {
        let progress = progress(TaskStatus::Running, Some(Phase::Training));
        let rounds = progress.round.clone().into_iter().collect();
        Shown { progress, rounds, models: Vec::new() }
    }

    #[test]
    fn a_task_is_shown_with_the_time_left_and_its_attempts() {
        let token = Properties { symbol: "DML".to_owned(), decimals: 12, ss58: 42 };
        let text = people(&shown(), &token, &token);
        let line = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            line.strip_prefix(name).unwrap_or_default().trim().to_owned()
        };
        assert_eq!(
            line("now "),
            "round 3: training, 5 of 6 committed, at most 10 blocks (1 min) left"
        );
        assert_eq!(line("attempts "), "3 of 60 used");
        assert!(line("  reward a round ").starts_with("10 DML"));
    }
}
