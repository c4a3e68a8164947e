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

/// What a rule decided about an update.
#[derive(Clone, Copy, Debug)]
struct Decided<'a> {
    judged: &'a Judged,
    /// The running score of its trainer, this round included.
    standing: Score,
    accepted: bool,
}

impl Rule {
    fn decide(self, rounds: &[Vec<Judged>]) -> Vec<Vec<Decided<'_>>> {
        let mut standings = BTreeMap::<usize, Score>::new();
        let mut trend = None;
        let decided = rounds.iter().map(|round| {
            let scores = round.iter().filter_map(|judged| judged.score);
            let total = scores.map(|score| match self.total {
                Total::Magnitudes => score.unsigned_abs(),
                Total::Worth => verdict::worth(score),
            });
            let total: u64 = total.sum();
            let average = verdict::trend(trend, total);
            trend = Some(average);
            let cap = Score::try_from(average * self.cap / 100).unwrap_or(Score::MAX);
            let decided = round.iter().map(|judged| {
                let Judged { trainer, score: Some(score), .. } = *judged else {
                    return Decided { judged, standing: 0, accepted: false };
                };
                let standing = standings.entry(trainer).or_default();
                *standing = standing.saturating_add(score).clamp(-cap, cap);
                let too_bad = score < 0 && score.unsigned_abs() > total * self.floor / 100;
                let accepted = *standing > 0 && score != 0 && !too_bad;
                Decided { judged, standing: *standing, accepted }
            });
            decided.collect()
        });
        decided.collect()
    }

    fn play(self, rounds: &[Vec<Judged>]) -> Outcome {
        let mut outcome = Outcome::default();
        for Decided { judged, accepted, .. } in self.decide(rounds).into_iter().flatten() {
            match (judged.hostile, judged.attacks) {
                (_, true) => {
                    outcome.attacks += 1;
                    outcome.accepted += u32::from(accepted);
                }
                (false, false) => {
                    outcome.honest += 1;
                    outcome.rejected += u32::from(!accepted);
                }
                (true, false) => {}
            }
        }
        outcome
    }
}

/// By what a round's reward is divided among those who are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    /// The running score: what all rounds were worth, up to the cap.
    Past,
    /// What the update is worth in its round: the rule of the chain.
    Round,
}

/// What shares of rewards come to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Pay {
    /// An attacking update's, on the average, as a part of an honest one's in the same rounds; none where nobody attacks.
    attacks: Option<f64>,
    /// The least that an honest trainer got over all rounds, as a part of what honest ones got on the average.
    least: f64,
}

impl Weight {
    fn pay(self, rounds: &[Vec<Judged>]) -> Pay {
        let mut attacks = Mean::default();
        let mut beside = Mean::default();
        let mut honest = BTreeMap::<usize, f64>::new();
        for round in RULES[0].decide(rounds) {
            let weight = |decided: &Decided<'_>| match (decided.accepted, self) {
                (false, _) => 0.0,
                (true, Self::Past) => decided.standing as f64,
                (true, Self::Round) => verdict::worth(decided.judged.score.unwrap_or(0)) as f64,
            };
            let sum: f64 = round.iter().map(weight).sum();
            let is_attacked = round.iter().any(|decided| decided.judged.attacks);
            for decided in &round {
                let share = if sum > 0.0 { weight(decided) / sum } else { 0.0 };
                let judged = decided.judged;
                if judged.attacks {
                    attacks.add(share);
                } else if !judged.hostile {
                    *honest.entry(judged.trainer).or_default() += share;
                    if is_attacked {
                        beside.add(share);
                    }
                }
            }
        }
        let all: f64 = honest.values().sum();
        let least = honest.values().copied().fold(f64::INFINITY, f64::min);
        let part = attacks.of().zip(beside.of()).map(|(attacks, beside)| attacks / beside);
        Pay { attacks: part, least: least * honest.len() as f64 / all }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    sum: f64,
    count: u32,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
    }

    fn of(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / f64::from(self.count))
    }
}

/// A table of what attacks are paid, in percent of an honest update's pay, and of the least paid honest trainer without any attack, in
/// percent of what honest ones get on the average, by what pay may follow; over the runs with honest seats, partition by partition.
pub fn pay_markdown(results: &Results) -> String {
    let attacks: Vec<Attack> =
        Attack::ALL.into_iter().filter(|attack| *attack != Attack::None).collect();
    let mut text = String::from("| Pay follows | least paid honest |");
    for attack in &attacks {
        let _ = write!(text, " {} |", attack.name());
    }
    let _ = writeln!(text, "\n| --- | --- |{}", " --- |".repeat(attacks.len()));
    for weight in [Weight::Round, Weight::Past] {
        let name = match weight {
            Weight::Round => "the round",
            Weight::Past => "the running score",
        };
        let _ = write!(text, "| {name} |");
        for attack in std::iter::once(Attack::None).chain(attacks.iter().copied()) {
            let shares = Division::ALL.map(|division| {
                let mut mean = Mean::default();
                let is_it = |found: &&Found| {
                    let cell = found.cell;
                    cell.seats == Seats::Honest
                        && (cell.attack, cell.division) == (attack, division)
                };
                for found in results.values().filter(is_it) {
                    let pay = weight.pay(&found.rounds);
                    let part = if attack == Attack::None { Some(pay.least) } else { pay.attacks };
                    part.into_iter().for_each(|part| mean.add(part));
                }
                mean.of().map_or_else(|| "–".to_owned(), |part| format!("{:.0}", 100.0 * part))
            });
            let _ = write!(text, " {} |", shares.join(" / "));
        }
        text.push('\n');
    }
    text
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
    #![allow(clippy::unwrap_used)]
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
    fn who_stops_working_is_paid_for_its_past_only_where_pay_follows_it() {
        let earned: Vec<_> = (0..3)
            .map(|trainer| Judged {
                trainer,
                hostile: trainer == 2,
                attacks: false,
                score: Some(100),
            })
            .collect();
        let rounds = [earned, round(&[(0, 40, false), (1, 60, false), (2, 1, true)])];
        let pay = |weight: Weight| weight.pay(&rounds);
        let part = pay(Weight::Round).attacks.unwrap();
        assert!((part - 0.02).abs() < 1e-9, "{part}");
        let part = pay(Weight::Past).attacks.unwrap();
        assert!(part > 0.6, "{part}");
        // 1/3 and 40/101 of two rewards, beside 1/3 and 60/101.
        let least = pay(Weight::Round).least;
        assert!(
            (least - (0.333_333 + 0.396_040) / (0.333_333 + 0.495_050)).abs() < 1e-5,
            "{least}"
        );
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
