//! Other rules of verdicts, played on the scores that runs have recorded. Other acceptances would have changed the models, and with
//! them the scores that follow: so this compares rules, and proves no single figure.

use std::{collections::BTreeMap, fmt::Write};

use decentralml_protocol::verdict::{self, CAP_PERCENT, FLOOR_PERCENT};
use decentralml_types::Score;

use crate::{Attack, Division, Found, Seats, count::Judged, table::Results};

/// What adds to a round's total.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Total {
    /// The magnitudes of all medians.
    Magnitudes,
    /// What is worth something: the rule of the chain.
    Worth,
}

/// A rule of verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rule {
    total: Total,
    /// Below so many percent of the total, negatively, an update is rejected whatever its past.
    floor: u64,
    /// A running score is at most so many percent of the moving average of totals.
    cap: u64,
}

/// The rule of the chain, and those beside it.
const RULES: [Rule; 6] = [
    Rule { total: Total::Worth, floor: FLOOR_PERCENT, cap: CAP_PERCENT },
    Rule { total: Total::Worth, floor: 40, cap: CAP_PERCENT },
    Rule { total: Total::Worth, floor: 80, cap: 2 * CAP_PERCENT },
    Rule { total: Total::Worth, floor: FLOOR_PERCENT, cap: 50 },
    Rule { total: Total::Magnitudes, floor: 40, cap: CAP_PERCENT },
    Rule { total: Total::Magnitudes, floor: 40, cap: 50 },
];

/// What a rule made of updates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Outcome {
    honest: u32,
    rejected: u32,
    attacks: u32,
    accepted: u32,
}

impl Rule {
    fn play(self, rounds: &[Vec<Judged>]) -> Outcome {
        let mut outcome = Outcome::default();
        let mut standings = BTreeMap::<usize, Score>::new();
        let mut trend = None;
        for round in rounds {
            let scores = round.iter().filter_map(|judged| judged.score);
            let total = scores.map(|score| match self.total {
                Total::Magnitudes => score.unsigned_abs(),
                Total::Worth => verdict::worth(score),
            });
            let total: u64 = total.sum();
            let average = verdict::trend(trend, total);
            trend = Some(average);
            let cap = Score::try_from(average * self.cap / 100).unwrap_or(Score::MAX);
            for judged in round {
                let accepts = judged.score.is_some_and(|score| {
                    let standing = standings.entry(judged.trainer).or_default();
                    *standing = standing.saturating_add(score).clamp(-cap, cap);
                    let too_bad = score < 0 && score.unsigned_abs() > total * self.floor / 100;
                    *standing > 0 && score != 0 && !too_bad
                });
                match (judged.hostile, judged.attacks) {
                    (_, true) => {
                        outcome.attacks += 1;
                        outcome.accepted += u32::from(accepts);
                    }
                    (false, false) => {
                        outcome.honest += 1;
                        outcome.rejected += u32::from(!accepts);
                    }
                    (true, false) => {}
                }
            }
        }
        outcome
    }
}

/// A table of all rules, over the runs with honest seats: of honest updates those that are rejected where nobody attacks, and of each
/// attack's those that are accepted, in percent, partition by partition.
pub fn markdown(results: &Results) -> String {
    let known: Vec<&Found> =
        results.values().filter(|found| found.cell.seats == Seats::Honest).collect();
    let attacks: Vec<Attack> =
        Attack::ALL.into_iter().filter(|attack| *attack != Attack::None).collect();
    let mut text = String::from("| Total, floor, cap | honest rejected |");
    for attack in &attacks {
        let _ = write!(text, " {} |", attack.name());
    }
    let _ = writeln!(text, "\n| --- | --- |{}", " --- |".repeat(attacks.len()));
    for rule in RULES {
        let total = match rule.total {
            Total::Magnitudes => "all",
            Total::Worth => "worth",
        };
        let _ = write!(text, "| {total}, {}, {} |", rule.floor, rule.cap);
        for attack in std::iter::once(Attack::None).chain(attacks.iter().copied()) {
            let shares = Division::ALL.map(|division| {
                let of = known
                    .iter()
                    .filter(|found| (found.cell.attack, found.cell.division) == (attack, division));
                let sum = of.map(|found| rule.play(&found.rounds)).fold(
                    (0, 0),
                    |(part, whole), played| match attack {
                        Attack::None => (part + played.rejected, whole + played.honest),
                        _ => (part + played.accepted, whole + played.attacks),
                    },
                );
                percent(sum)
            });
            let _ = write!(text, " {} |", shares.join(" / "));
        }
        text.push('\n');
    }
    text
}

fn percent((part, whole): (u32, u32)) -> String {
    match whole {
        0 => "–".to_owned(),
        _ => format!("{:.1}", 100.0 * f64::from(part) / f64::from(whole)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(scores: &[(usize, Score, bool)]) -> Vec<Judged> {
        let judged = |(trainer, score, attacks): &(usize, Score, bool)| Judged {
            trainer: *trainer,
            hostile: *attacks,
            attacks: *attacks,
            score: Some(*score),
        };
        scores.iter().map(judged).collect()
    }

    #[test]
    fn one_sacrificed_update_lifts_the_floor_where_magnitudes_count_and_not_where_worth_does() {
        let earned = round(&[(0, 100, false), (1, 100, false), (2, 100, false)]);
        let earned =
            earned.into_iter().map(|judged| Judged { hostile: judged.trainer == 2, ..judged });
        let rounds = [
            earned.clone().collect::<Vec<_>>(),
            round(&[(0, 100, false), (1, 100, false), (2, -199, true), (3, -9_000, true)]),
        ];
        let played = |total, floor| Rule { total, floor, cap: 1_000 }.play(&rounds);
        assert_eq!(played(Total::Worth, 60).accepted, 0);
        // The running score stays below what it has lost either way, so the standing is raised for this.
        let rich = [earned.clone().collect(), earned.collect(), rounds[1].clone()];
        let played = |total, floor| Rule { total, floor, cap: 1_000 }.play(&rich);
        assert_eq!(played(Total::Worth, 60).accepted, 0);
        assert_eq!(played(Total::Magnitudes, 40).accepted, 1);
        assert_eq!(played(Total::Worth, 60).rejected, 0);
    }
}
