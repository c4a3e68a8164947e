//! A task's specification for people: what one must know before one stakes anything.

mod learning;

use crate::{
    output::{count, pairs},
    units::{percent, tokens},
};
use decentralml_protocol::reputation::NEUTRAL;
use decentralml_sdk::Properties;
use decentralml_types::{
    Asset, TaskSpec,
    spec::{Chances, InitialModel, Objective},
};

/// All of it in named sections; amounts in tokens, those that rounds pay in `unit`, times in blocks.
pub fn text(spec: &TaskSpec, token: &Properties, unit: &Properties) -> String {
    let sections = [
        ("terms", terms(spec, token, unit)),
        ("participants", participants(spec)),
        ("learning", learned(spec)),
        ("deadlines", deadlines(spec)),
        ("limits", limits(spec)),
    ];
    let section = |(name, rows): &(&str, Vec<(&str, String)>)| {
        let lines = pairs(rows);
        let lines: Vec<String> = lines.lines().map(|line| format!("  {line}")).collect();
        format!("{name}\n{}", lines.join("\n"))
    };
    sections.iter().map(section).collect::<Vec<_>>().join("\n")
}

fn terms(spec: &TaskSpec, token: &Properties, unit: &Properties) -> Vec<(&'static str, String)> {
    let terms = &spec.terms;
    let asset = match terms.asset {
        Asset::Native => "the chain's own token".to_owned(),
        Asset::Id(id) => {
            format!("asset {id}: `decentralml asset show {id}` tells who has power over it")
        }
    };
    vec![
        ("paid in", asset),
        (
            "reward a round",
            format!("{}, divided among accepted updates", tokens(terms.reward_per_round, unit)),
        ),
        (
            "fee a seat",
            format!(
                "{}, for opened scores and the model that settles the round",
                tokens(terms.fee_per_seat, unit)
            ),
        ),
        ("bond of a trainer", tokens(terms.trainer_bond, token)),
        ("bond of an evaluator", tokens(terms.evaluator_bond, token)),
        ("reputation", reputation(terms.min_reputation)),
        ("drawn", drawn(terms.draw)),
        ("gold results", golds(spec, unit)),
    ]
}

fn golds(spec: &TaskSpec, unit: &Properties) -> String {
    match spec.terms.golds {
        0 => "none".to_owned(),
        most => format!(
            "up to {most} a round, of which the sponsor knows what they are worth: who is clearly wrong about two of them loses a part of its bond; {} for one that is bad",
            tokens(spec.gold_pay(), unit)
        ),
    }
}

fn drawn(draw: Chances) -> String {
    match draw {
        Chances::Equal => "all with the same chance".to_owned(),
        Chances::ByBond { cap } => format!(
            "by bond: with up to {cap} times the bond at risk (`--weight`), an account is as likely to be drawn as so many"
        ),
    }
}

fn reputation(minimum: u16) -> String {
    match minimum {
        0 => "any".to_owned(),
        1..=NEUTRAL => format!("{minimum} of 1000 or more; new accounts have {NEUTRAL}"),
        _ => format!("{minimum} of 1000 or more, so not new accounts, which have {NEUTRAL}"),
    }
}

fn participants(spec: &TaskSpec) -> Vec<(&'static str, String)> {
    let (trainers, committee) = (&spec.trainers, &spec.committee);
    vec![
        ("trainers", format!("{} to {} in a round", trainers.min, trainers.max)),
        (
            "committee",
            format!("{}, of which {} must agree", count(committee.seats, "seat"), committee.quorum),
        ),
        (
            "updates",
            match spec.custody.sealed {
                true => "sealed: only drawn seats read them; trainers have to be online in Scoring as well".to_owned(),
                false => "readable by everybody".to_owned(),
            },
        ),
        (
            "hosts",
            match spec.custody.hosts {
                0 => "none needed".to_owned(),
                hosts => format!("{hosts} must hold an update before it is committed to"),
            },
        ),
    ]
}

fn learned(spec: &TaskSpec) -> Vec<(&'static str, String)> {
    let objective = match spec.objective {
        Objective::Classification { features, classes } => {
            format!("classification: {features} features in a row, {classes} classes")
        }
        Objective::Regression { features, quantities } => {
            let noun = if quantities == 1 { "quantity" } else { "quantities" };
            format!("regression: {features} features in a row, {quantities} {noun} to predict")
        }
    };
    vec![
        ("objective", objective),
        ("model", spec.model.to_string()),
        (
            "first weights",
            match &spec.initial {
                InitialModel::Seed(seed) => format!("of the seed {}", crate::commands::hex(seed)),
                InitialModel::Weights(cid) => cid.to_string(),
            },
        ),
        ("validation set", spec.validation_set.to_string()),
        ("training", learning::training(&spec.training)),
        ("learning rate", learning::schedule(spec.training.schedule)),
        ("aggregation", learning::aggregation(&spec.aggregation)),
        ("copies", learning::copies(&spec.aggregation)),
        ("server", learning::server(spec.aggregation.server)),
        ("encoding", learning::encoding(&spec.encoding)),
    ]
}

/// What the number is called that seats attest with a model.
pub fn metric(spec: &TaskSpec) -> &'static str {
    match spec.objective {
        Objective::Classification { .. } => "accuracy",
        Objective::Regression { .. } => "R²",
    }
}

fn deadlines(spec: &TaskSpec) -> Vec<(&'static str, String)> {
    let deadlines = &spec.deadlines;
    let blocks = |number| count(number, "block");
    vec![
        ("enrolling", blocks(deadlines.enrolling)),
        ("training", blocks(deadlines.training)),
        ("revealing", blocks(deadlines.revealing)),
        ("scoring", blocks(deadlines.scoring)),
        ("verdict", blocks(deadlines.verdict)),
        ("aggregating", blocks(deadlines.aggregating)),
        ("claiming", format!("{} after the round", blocks(deadlines.claiming))),
        ("lifetime", format!("{} after the creation", blocks(deadlines.lifetime))),
    ]
}

fn limits(spec: &TaskSpec) -> Vec<(&'static str, String)> {
    let target = match spec.target {
        Some(target) => {
            let metric = metric(spec);
            format!(", fewer where the {metric} reaches {}", percent(target))
        }
        None => String::new(),
    };
    vec![
        ("rounds", format!("{}{target}", spec.rounds)),
        ("attempts", spec.attempts().to_string()),
        ("failures in a row", format!("{}, the next one pauses the task", spec.max_retries)),
        ("an update", format!("at most {}", size(spec.max_update_bytes))),
        ("validation set", format!("at most {}", size(spec.max_validation_bytes))),
    ]
}

/// Bytes in the largest unit that they are whole in.
fn size(bytes: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let whole = units.into_iter().find(|(unit, _)| bytes > 0 && bytes.is_multiple_of(*unit));
    whole.map_or_else(|| count(bytes, "byte"), |(unit, name)| format!("{} {name}", bytes / unit))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]
    use super::*;
    use decentralml_types::spec::{
        Adaptive, Before, Counts, Custody, EQUAL_ONLY, Encoding, Optimizer, Rounding, Rule,
        Schedule, ServerOptimizer, Work,
    };

    /// The row of a section.
    fn row(text: &str, section: &str, name: &str) -> String {
        let lines = text.lines().skip_while(|line| *line != section).skip(1);
        let start = format!("  {name} ");
        let value = lines
            .take_while(|line| line.starts_with("  "))
            .find_map(|line| line.strip_prefix(&start));
        value.unwrap_or_else(|| panic!("{section}: {name} in\n{text}")).trim().to_owned()
    }

    #[test]
    fn a_minimum_of_reputation_says_whether_it_keeps_newcomers_out() {
        assert!(reputation(1).contains("1 of 1000 or more; new accounts have 500"));
        assert!(!reputation(500).contains("not new accounts"));
        assert!(reputation(501).contains("501 of 1000 or more, so not new accounts"));
    }

    #[test]
    fn everything_that_is_agreed_on_has_its_row() {
        let token = Properties { symbol: "DML".to_owned(), decimals: 12, ss58: 42 };
        let mut spec = decentralml_protocol::spec::example();
        let text = text(&spec, &token, &token);
        for (section, name, words) in [
            ("terms", "paid in", "own token"),
            ("terms", "reward a round", "10 DML"),
            ("terms", "fee a seat", "0.5 DML"),
            ("terms", "bond of a trainer", "5 DML"),
            ("terms", "reputation", "any"),
            ("terms", "drawn", "all with the same chance"),
            ("participants", "trainers", "3 to 6 in a round"),
            ("participants", "committee", "3 seats, of which 2 must agree"),
            ("participants", "updates", "readable by everybody"),
            ("participants", "hosts", "none needed"),
            ("learning", "objective", "64 features in a row, 10 classes"),
            ("learning", "model", "bafkrei"),
            ("learning", "first weights", "0x0202"),
            (
                "learning",
                "training",
                "5 epochs in batches of 16, learning rate 0.1, SGD, momentum 0.9",
            ),
            ("learning", "learning rate", "constant"),
            ("learning", "aggregation", "mean"),
            ("learning", "copies", "at a cosine above 0.9999 to one"),
            ("learning", "server", "adds the change"),
            ("learning", "encoding", "16 bits, 12 of them after the point, clipped at ±32767"),
            ("deadlines", "scoring", "60 blocks"),
            ("deadlines", "claiming", "10000 blocks after the round"),
            ("limits", "rounds", "15, fewer where the accuracy reaches 95 %"),
            ("limits", "attempts", "60"),
            ("limits", "an update", "at most 1 MiB"),
        ] {
            let found = row(&text, section, name);
            assert!(found.contains(words), "{section}: {name}: {found}");
        }
        spec.terms.asset = Asset::Id(7);
        let lab = Properties { symbol: "LAB".to_owned(), decimals: 12, ss58: 42 };
        let other = super::text(&spec, &token, &lab);
        assert!(row(&other, "terms", "paid in").starts_with("asset 7"));
        assert!(row(&other, "terms", "fee a seat").starts_with("0.5 LAB"));
        assert_eq!(row(&other, "terms", "bond of a trainer"), "5 DML");
        spec.objective = Objective::Regression { features: 8, quantities: 2 };
        let regression = super::text(&spec, &token, &token);
        let found = row(&regression, "learning", "objective");
        assert_eq!(found, "regression: 8 features in a row, 2 quantities to predict");
        assert!(row(&regression, "limits", "rounds").ends_with("where the R² reaches 95 %"));
        spec.aggregation.rule = Rule::TrimmedMean { trim: 100_000 };
        spec.training.optimizer = Optimizer::Scaffold { clients: 20 };
        let scaffold = super::text(&spec, &token, &token);
        assert!(row(&scaffold, "learning", "training").ends_with("SCAFFOLD with 20 clients"));
        spec.training.optimizer = Optimizer::Adam;
        spec.target = None;
        spec.terms.draw = Chances::ByBond { cap: 8 };
        spec.aggregation.copy_cosine = EQUAL_ONLY;
        spec.custody = Custody { hosts: 2, sealed: true };
        let other = super::text(&spec, &token, &token);
        assert!(row(&other, "learning", "aggregation").contains("without 10 % at each end"));
        assert!(row(&other, "learning", "training").ends_with("Adam"));
        assert_eq!(row(&other, "learning", "copies"), "updates equal to earlier ones");
        assert!(row(&other, "terms", "drawn").contains("up to 8 times the bond"));
        assert!(row(&other, "participants", "updates").contains("online in Scoring"));
        assert!(row(&other, "participants", "hosts").starts_with("2 must hold"));
        assert_eq!(row(&other, "limits", "rounds"), "15");
    }

    #[test]
    fn every_way_to_learn_has_its_words() {
        let token = Properties { symbol: "DML".to_owned(), decimals: 12, ss58: 42 };
        let mut spec = decentralml_protocol::spec::example();
        spec.training.work = Work::Steps(200);
        spec.training.optimizer = Optimizer::AdamW { weight_decay: 10_000 };
        spec.training.clip_norm = Some(10_000_000);
        spec.training.proximal = 1_000;
        spec.training.worker_momentum = 900_000;
        spec.training.schedule = Schedule::Cosine { warmup: 2, rounds: 10, floor: 10_000 };
        spec.aggregation.norm_bound = Some(2_500_000);
        spec.aggregation.before = Before::NearestNeighbors { hostile: 1 };
        spec.aggregation.rule = Rule::MultiKrum { hostile: 1, kept: 4 };
        let numbers = Adaptive { rate: 10_000, beta1: 900_000, beta2: 990_000, tau: 1_000 };
        spec.aggregation.server = ServerOptimizer::FedAdam(numbers);
        spec.encoding = Encoding {
            rounding: Rounding::Stochastic,
            keep: 10_000,
            error_feedback: true,
            ..Encoding::plain(8, 20, 1 << 27)
        };
        let text = super::text(&spec, &token, &token);
        for (name, words) in [
            ("training", "200 steps in batches of 16, learning rate 0.1, AdamW, weight decay 0.01"),
            ("training", "a norm of at most 10, FedProx with 0.001, worker momentum 0.9"),
            ("learning rate", "along a cosine to 1 % in 10 rounds, after 2 rounds of warming up"),
            ("aggregation", "multi-Krum of 4 updates, bearing 1 hostile, after mixing"),
            ("aggregation", "each update cut to a norm of 2.5"),
            ("server", "FedAdam, rate 0.01, betas 0.9 and 0.99, tau 0.001"),
            ("encoding", "the 1 % of weights that change most at 8 bits"),
            ("encoding", "what is left out comes later"),
        ] {
            let found = row(&text, "learning", name);
            assert!(found.contains(words), "{name}: {found}");
        }
        spec.aggregation.rule = Rule::Mean;
        spec.aggregation.before = Before::Buckets { size: 2 };
        spec.aggregation.counts = Counts::Samples { cap: 500 };
        let other = super::text(&spec, &token, &token);
        let found = row(&other, "learning", "aggregation");
        assert!(found.starts_with("mean by numbers of rows, at most 500, of the means"), "{found}");
    }

    #[test]
    fn sizes_are_exact() {
        let text = [0, 1, 1_536, 1 << 20, 16 << 30, 1_000_000].map(size);
        assert_eq!(text, ["0 bytes", "1 byte", "1536 bytes", "1 MiB", "16 GiB", "1000000 bytes"]);
    }
}
