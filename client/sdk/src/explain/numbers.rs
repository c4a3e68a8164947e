//! The numbers by which a step was decided, computed again by the rules of the protocol.

use std::fmt::Debug;

use decentralml_protocol::{
    gold, payout, slashing,
    verdict::{self, Finding},
};
use decentralml_types::{
    Balance, BlockNumber, CommitteeNumber, Fault, Label, Opinion, Outcome, Score,
    limits::TALLY_BATCH,
};
use serde::Serialize;

use super::{ExplainError, Part, missing, money::Ledger};
use crate::{AccountId, ReadError, View, event::Event};

mod draw;

pub use draw::DrawNumbers;

/// The numbers of a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Numbers {
    /// Of a draw.
    Draw(DrawNumbers),
    /// Of a verdict on the account's update.
    Judged(JudgedNumbers),
    /// Of a payment.
    Pay(PayNumbers),
    /// Of the account's scores, beside those of the other seats.
    Seat(SeatNumbers),
    /// Of a case against the account.
    Fault(FaultNumbers),
    /// Of a gold result that was revealed.
    Gold(GoldNumbers),
}

/// What a seat said of an update.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeatOpinion {
    /// The seat.
    pub seat: AccountId,
    /// Its opinion.
    pub opinion: Opinion,
}

/// Why an update was accepted, or not.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JudgedNumbers {
    /// The update's number in the round.
    pub index: u32,
    /// Opinions of the seats that opened them.
    pub opinions: Vec<SeatOpinion>,
    /// Their median; `None` where they make a fault.
    pub median: Option<Score>,
    /// Sum of the positive medians of the round's updates: T.
    pub total: u64,
    /// The moving average of these sums: E, which bounds the running score.
    pub trend: u64,
    /// The running score before the round.
    pub before: Score,
    /// The running score after it.
    pub after: Score,
    /// The score below which an update is rejected whatever its trainer's past.
    pub floor: i128,
    /// What became of it.
    pub outcome: Outcome,
}

/// Why so much was paid: `pot · weight / weights`, rounded down.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PayNumbers {
    /// What the round pays in all, or the fee of a seat.
    pub pot: Balance,
    /// The account's weight: a trainer's running score; of a seat, how near it is to the medians, in micro-nats.
    pub weight: u64,
    /// Sum of the weights of all accepted updates; of a seat, how near it can be.
    pub weights: u128,
    /// What the rule gives.
    pub amount: Balance,
}

/// How near to the medians a seat was: its fee falls with the distance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeatNumbers {
    /// The committee.
    pub committee: CommitteeNumber,
    /// Updates that it judged.
    pub updates: u32,
    /// Those of which it has an opinion.
    pub compared: u32,
    /// Mean distance of these, in micro-nats, rounded down. What is no score, and an update that is found faulty or copied, counts as 0.
    pub mean: u64,
    /// The largest of them.
    pub largest: u64,
}

/// Who was right about a gold result.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GoldNumbers {
    /// What was known of it.
    pub label: Label,
    /// What was found of it: the median of the seats' scores.
    pub median: Score,
    /// What a score has to exceed in magnitude to say something clearly: 2 % of T, and 100 micro-nats.
    pub clear: u64,
    /// Whether the median clearly says what was known.
    pub confirmed: bool,
    /// What the account has said, where it was a seat.
    pub said: Option<Opinion>,
    /// Whether that is clearly the opposite, of one that is confirmed.
    pub missed: bool,
}

/// What a fault costs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FaultNumbers {
    /// The fault.
    pub fault: Fault,
    /// What the account had put at risk: the task's bond times its weight in draws.
    pub bond: Balance,
    /// What of it the fault costs, in percent.
    pub percent: u8,
    /// That is at most.
    pub cost: Balance,
    /// What was taken.
    pub taken: Balance,
    /// The part of the task, should the slash be executed.
    pub to_task: Balance,
    /// The part of the reporter.
    pub to_reporter: Balance,
    /// The part of the treasury.
    pub to_treasury: Balance,
}

/// Something that was computed again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The block.
    pub block: BlockNumber,
    /// What.
    pub what: &'static str,
    /// What this program has computed.
    pub computed: String,
    /// What the chain says.
    pub chain: String,
    /// Whether they are equal.
    pub holds: bool,
}

impl Check {
    fn equal<T: PartialEq + Debug>(
        block: BlockNumber,
        what: &'static str,
        computed: T,
        chain: T,
    ) -> Self {
        let holds = computed == chain;
        let [computed, chain] = [computed, chain].map(|value| format!("{value:?}"));
        Self { block, what, computed, chain, holds }
    }
}

impl Part<'_> {
    /// The numbers of an event, and what they say of the chain's own.
    pub(super) async fn numbers(
        &self,
        view: &View,
        ledger: &Ledger,
        event: &Event,
        checks: &mut Vec<Check>,
    ) -> Result<Option<Numbers>, ExplainError> {
        let is_own = |field: &str| event.fields[field].as_str() == Some(&ledger.who);
        let lost = |error| missing(view.number(), error);
        match (event.pallet.as_str(), event.name.as_str()) {
            ("Assignments", "DrawOpened") => self.draw(event, checks).await,
            ("Validation", "Judged") if is_own("trainer") => {
                self.judged(view, checks).await.map_err(lost)
            }
            ("Validation", "Tallied") => self.seat(view, event, checks).await.map_err(lost),
            ("Validation", "Rewarded") => self.pay(view.number(), event, checks).await,
            ("Validation", "Closed") if is_own("who") => {
                // Closed for nothing, where that is what the rule gives; otherwise for another reason than the rule of pay.
                let numbers = self.pay(view.number(), event, &mut Vec::new()).await?;
                Ok(numbers
                    .filter(|numbers| matches!(numbers, Numbers::Pay(pay) if pay.amount == 0)))
            }
            ("Golds", "GoldRevealed") => self.gold(view, event, checks).await.map_err(lost),
            ("Disputes", "Opened") if is_own("accused") => {
                self.fault(view.number(), event, checks).await
            }
            _ => Ok(None),
        }
    }

    async fn judged(
        &self,
        view: &View,
        checks: &mut Vec<Check>,
    ) -> Result<Option<Numbers>, ReadError> {
        let (task, number, who) = (self.task.id, self.round.number, &self.account);
        let Some(round) = view.round(task, number).await? else { return Ok(None) };
        let key = (task, number, round.committee);
        let row = view.commitment(task, number, who).await?.and_then(|row| row.revealed);
        let counted = view.counted(task, number, round.committee).await?;
        let standing = view.standing(task, number, who).await?;
        let trend = view.trend(task, number).await?;
        let found = view.verdict(task, number, who).await?;
        // Where the row was settled in the same block, they are gone.
        let (Some(row), Some(counted), Some(standing), Some((earlier, trend)), Some(found)) =
            (row, counted, standing, trend, found)
        else {
            return Ok(None);
        };
        let Some(chain) = found.outcome else { return Ok(None) };
        let opinions = view.opinions(key, &counted.opened, row.index).await?;
        let mut said: Vec<Opinion> = opinions.iter().map(|(_, opinion)| *opinion).collect();
        let block = view.number();
        let finding = verdict::finding(&mut said);
        let (median, after, outcome) = match finding {
            Some(Finding::Fault(fault)) => (None, standing.previous, Outcome::Faulty(fault)),
            Some(Finding::Copied) => (None, standing.previous, Outcome::Copied),
            Some(Finding::Nothing) => {
                (Some(0), verdict::running(standing.previous, 0, trend), Outcome::Rejected)
            }
            Some(Finding::Score(score)) => {
                let after = verdict::running(standing.previous, score, trend);
                (Some(score), after, verdict::outcome(after, score, counted.total))
            }
            None => return Ok(None),
        };
        if opinions.len() == counted.opened.len() {
            checks.extend([
                Check::equal(block, "median of the scores", median.unwrap_or(0), found.score),
                Check::equal(block, "running score", after, standing.score),
                Check::equal(block, "outcome", outcome, chain),
                Check::equal(
                    block,
                    "moving average of totals",
                    verdict::trend(earlier, counted.total),
                    trend,
                ),
            ]);
        }
        let floor = i128::from(counted.total) * i128::from(verdict::FLOOR_PERCENT) / 100;
        let opinions = opinions.into_iter();
        Ok(Some(Numbers::Judged(JudgedNumbers {
            index: row.index,
            opinions: opinions.map(|(seat, opinion)| SeatOpinion { seat, opinion }).collect(),
            median,
            total: counted.total,
            trend,
            before: standing.previous,
            after: standing.score,
            floor: -floor,
            outcome: chain,
        })))
    }

    /// The account's scores beside the medians, where it has opened a seat of the committee.
    async fn seat(
        &self,
        view: &View,
        event: &Event,
        checks: &mut Vec<Check>,
    ) -> Result<Option<Numbers>, ReadError> {
        let committee = event.fields["committee"].as_u64().and_then(|n| n.try_into().ok());
        let Some(committee) = committee else { return Ok(None) };
        let key = (self.task.id, self.round.number, committee);
        let Some(counted) = view.counted(key.0, key.1, key.2).await? else { return Ok(None) };
        let mut seats = counted.opened.iter().zip(&counted.distances);
        let chain = seats.find(|(seat, _)| **seat == self.account);
        let Some((_, chain)) = chain else { return Ok(None) };
        let mut distances = Vec::new();
        for batch in 0..counted.updates.div_ceil(TALLY_BATCH) {
            let own = view.sheet(key, batch, &self.account).await?;
            let mut sheets = Vec::new();
            for seat in &counted.opened {
                sheets.push(view.sheet(key, batch, seat).await?);
            }
            for (index, opinion) in own.iter().enumerate() {
                let mut said: Vec<Opinion> =
                    sheets.iter().filter_map(|sheet| sheet.get(index).copied()).collect();
                let found = verdict::finding(&mut said);
                distances.extend(found.map(|found| payout::distance(*opinion, found)));
            }
        }
        let compared = u32::try_from(distances.len()).unwrap_or(u32::MAX);
        let sum: u64 = distances.iter().fold(0, |sum, distance| sum.saturating_add(*distance));
        checks.push(Check::equal(view.number(), "distance from the medians", sum, *chain));
        Ok(Some(Numbers::Seat(SeatNumbers {
            committee,
            updates: counted.updates,
            compared,
            mean: sum.checked_div(compared.into()).unwrap_or(0),
            largest: distances.into_iter().max().unwrap_or(0),
        })))
    }

    async fn pay(
        &self,
        block: BlockNumber,
        event: &Event,
        checks: &mut Vec<Check>,
    ) -> Result<Option<Numbers>, ExplainError> {
        let terms = &self.task.spec.terms;
        // The state before the claim, with which the rows go.
        let view = self.history.at(block.saturating_sub(1)).await?;
        let lost = |error| missing(view.number(), error);
        let (task, round) = (self.task.id, self.round.number);
        let (pot, weight, weights) = if event.fields["role"] == "Trainer" {
            let verdict = view.verdict(task, round, &self.account).await.map_err(lost)?;
            let weights = view.weights(task, round).await.map_err(lost)?;
            let is_gold = verdict.as_ref().is_some_and(|verdict| verdict.gold);
            match (verdict.and_then(|verdict| verdict.outcome), weights) {
                (Some(Outcome::Accepted { weight }), Some(weights)) => {
                    (terms.reward_per_round, weight, weights)
                }
                // Known to be bad, and found so: as much as on the average.
                (Some(Outcome::Rejected), _) if is_gold => {
                    (terms.reward_per_round, 1, self.task.spec.trainers.max.into())
                }
                _ => return Ok(None),
            }
        } else {
            let counted = view.counted(task, round, self.round.committee).await.map_err(lost)?;
            let Some(counted) = counted else { return Ok(None) };
            let seats = counted.opened.iter().zip(&counted.distances);
            let Some((_, distance)) = seats.into_iter().find(|(seat, _)| **seat == self.account)
            else {
                return Ok(None);
            };
            let (near, most) = payout::nearness(*distance, counted.total, counted.updates);
            (terms.fee_per_seat, near, most.into())
        };
        let amount = payout::share(pot, weight, weights);
        let chain = event.amount("amount").unwrap_or(0);
        checks.push(Check::equal(block, "pay", amount, chain));
        Ok(Some(Numbers::Pay(PayNumbers { pot, weight, weights, amount })))
    }

    /// A gold result, as far as its rows are there.
    async fn gold(
        &self,
        view: &View,
        event: &Event,
        checks: &mut Vec<Check>,
    ) -> Result<Option<Numbers>, ReadError> {
        let told = event.fields["label"].as_str();
        let is_told = |label: &Label| told == Some(format!("{label:?}").as_str());
        let label = [Label::Good, Label::Bad].into_iter().find(is_told);
        let trainer = event.account("trainer");
        let (Some(label), Some(trainer)) = (label, trainer) else { return Ok(None) };
        let (task, round) = (self.task.id, self.round.number);
        let key = (task, round, self.round.committee);
        let row = view.commitment(task, round, &trainer).await?.and_then(|row| row.revealed);
        let counted = view.counted(key.0, key.1, key.2).await?;
        let (Some(row), Some(counted)) = (row, counted) else { return Ok(None) };
        let mut said = view.opinions(key, &counted.opened, row.index).await?;
        let own = said.iter().find(|(seat, _)| *seat == self.account).map(|(_, said)| *said);
        let missed_by = |(seat, said): &&(AccountId, Opinion)| {
            !counted.unmeasured.contains(seat) && gold::misses(label, *said, counted.total)
        };
        let missed = said.iter().filter(missed_by).count();
        let mut opinions: Vec<Opinion> = said.drain(..).map(|(_, said)| said).collect();
        let Some(found) = verdict::finding(&mut opinions) else { return Ok(None) };
        let confirmed = gold::confirms(label, found, counted.total);
        let block = view.number();
        let chain = event.fields["confirmed"].as_bool().unwrap_or_default();
        checks.push(Check::equal(block, "whether a gold result is confirmed", confirmed, chain));
        let missed = if confirmed { missed as u64 } else { 0 };
        let chain = event.fields["missed"].as_u64().unwrap_or_default();
        checks.push(Check::equal(block, "seats that have missed a gold result", missed, chain));
        Ok(Some(Numbers::Gold(GoldNumbers {
            label,
            median: found.score(),
            clear: gold::clear(counted.total),
            confirmed,
            said: own,
            missed: confirmed && own.is_some_and(|own| gold::misses(label, own, counted.total)),
        })))
    }

    async fn fault(
        &self,
        block: BlockNumber,
        event: &Event,
        checks: &mut Vec<Check>,
    ) -> Result<Option<Numbers>, ExplainError> {
        let told = event.fields["fault"].as_str();
        let is_told = |fault: &Fault| told == Some(format!("{fault:?}").as_str());
        let (Some(fault), Some(taken)) =
            (slashing::FAULTS.into_iter().find(is_told), event.amount("amount"))
        else {
            return Ok(None);
        };
        let penalty = self.task.penalties.of(fault);
        // The state before: the account may have left since.
        let view = self.history.at(block.saturating_sub(1)).await?;
        let role = slashing::rule(fault).punished;
        let enrolled = view.enrollment(self.task.id, role, &self.account).await;
        let enrolled = enrolled.map_err(|error| missing(view.number(), error))?;
        let Some(bond) = enrolled.map(|enrolled| enrolled.engaged) else { return Ok(None) };
        let cost = slashing::amount(penalty, bond);
        // Where less was left of the bond, less was taken.
        checks.push(Check::equal(block, "cost of a fault", taken.min(cost), taken));
        let split = slashing::split(penalty, taken);
        Ok(Some(Numbers::Fault(FaultNumbers {
            fault,
            bond,
            percent: penalty.percent,
            cost,
            taken,
            to_task: split.to_task,
            to_reporter: split.to_reporter,
            to_treasury: split.to_treasury,
        })))
    }
}
