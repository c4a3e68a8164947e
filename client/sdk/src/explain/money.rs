//! Each change of an account's balance, and what brought it about.

use std::{
    collections::BTreeSet,
    ops::{Add, AddAssign, Sub},
};

use decentralml_types::{Balance, BlockNumber, RoundNumber, TaskId};
use serde::Serialize;
use serde_json::Value as Json;

use crate::event::Event;

/// What an account has, or what changed of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Amounts {
    /// Native and free, in planck.
    pub free: i128,
    /// Native and held, in planck.
    pub held: i128,
    /// Of the asset that the task pays in, in its smallest unit; 0 where that is the native token.
    pub asset: i128,
}

impl Amounts {
    const ZERO: Self = Self { free: 0, held: 0, asset: 0 };

    /// Whether nothing changed.
    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }
}

impl Add for Amounts {
    type Output = Self;

    // Balances are far below what 127 bits count; what were not would show as a sum that is wrong.
    fn add(self, other: Self) -> Self {
        Self {
            free: self.free.saturating_add(other.free),
            held: self.held.saturating_add(other.held),
            asset: self.asset.saturating_add(other.asset),
        }
    }
}

impl Sub for Amounts {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            free: self.free.saturating_sub(other.free),
            held: self.held.saturating_sub(other.held),
            asset: self.asset.saturating_sub(other.asset),
        }
    }
}

impl AddAssign for Amounts {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// To what a change belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The round that is explained.
    Round,
    /// The task, and no one round of it: what was owed and collected, for example.
    Task,
    /// Other rounds, of whatever task.
    OtherRound,
    /// Transactions that the account has signed.
    Fee,
    /// Anything else: transfers, bonds, deposits.
    Other,
    /// No event tells.
    Unexplained,
}

/// A change of an account's balance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The block.
    pub block: BlockNumber,
    /// To what it belongs.
    pub cause: Cause,
    /// The event that says why, as `Pallet.Name`.
    pub by: String,
    /// The event that says how much, as `Pallet.Name`.
    pub moved: String,
    /// How much.
    pub change: Amounts,
}

/// Sums of entries by their cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sums {
    /// Of the round that is explained.
    pub round: Amounts,
    /// Of the task, and no one round of it.
    pub task: Amounts,
    /// Of other rounds.
    pub other_rounds: Amounts,
    /// Fees.
    pub fees: Amounts,
    /// Anything else.
    pub other: Amounts,
    /// What no event tells.
    pub unexplained: Amounts,
    /// By how much the balance differs between the two ends.
    pub difference: Amounts,
}

impl Sums {
    pub(super) fn of(entries: &[Entry], difference: Amounts) -> Self {
        let mut sums = Self { difference, ..Self::default() };
        for entry in entries {
            let sum = match entry.cause {
                Cause::Round => &mut sums.round,
                Cause::Task => &mut sums.task,
                Cause::OtherRound => &mut sums.other_rounds,
                Cause::Fee => &mut sums.fees,
                Cause::Other => &mut sums.other,
                Cause::Unexplained => &mut sums.unexplained,
            };
            *sum += entry.change;
        }
        sums
    }

    /// What is missing between what events say and by how much the balance differs: zero where everything is explained.
    pub fn missing(&self) -> Amounts {
        self.difference - (self.round + self.task + self.other_rounds + self.fees + self.other)
    }
}

/// Reads an account's money out of events, block by block.
#[derive(Clone, Debug)]
pub(super) struct Ledger {
    /// The account, as events write it.
    pub who: String,
    pub task: TaskId,
    pub round: RoundNumber,
    /// What the task pays in, where that is not the native token.
    pub asset: Option<u32>,
    /// Whether the account is the task's sponsor.
    pub is_sponsor: bool,
    /// The accounts out of which rounds pay: the task's and the treasury.
    pub payers: Vec<String>,
    /// Cases of the round in which the account is accused, or has reported.
    pub cases: BTreeSet<u64>,
    /// Cases of the round whose sponsor the account is: where the task was reaped, it gets the task's part.
    pub harmed: BTreeSet<u64>,
    /// Whose updates of the round the account has challenged.
    pub challenged: BTreeSet<String>,
}

impl Ledger {
    /// What changed in a block, as its events tell. `difference` is by how much the balance differs: what is missing becomes an
    /// entry of its own.
    pub fn enter(
        &mut self,
        block: BlockNumber,
        events: &[(Option<u32>, Event)],
        difference: Amounts,
    ) -> Vec<Entry> {
        self.learn(events);
        let mut entries = Vec::new();
        for (index, (origin, event)) in events.iter().enumerate() {
            let Some(change) = self.change(event).filter(|change| !change.is_zero()) else {
                continue;
            };
            let (before, after) = (&events[..index], &events[index + 1..]);
            let own =
                |(other, event): &(Option<u32>, Event)| (other == origin).then(|| event.clone());
            let before: Vec<Event> = before.iter().filter_map(own).collect();
            let after: Vec<Event> = after.iter().filter_map(own).collect();
            let (cause, by) = self.cause(event, &before, &after);
            entries.push(Entry { block, cause, by, moved: name(event), change });
        }
        let told = entries.iter().fold(Amounts::ZERO, |sum, entry| sum + entry.change);
        let change = difference - told;
        if !change.is_zero() {
            let (cause, by, moved) = (Cause::Unexplained, String::new(), String::new());
            entries.push(Entry { block, cause, by, moved, change });
        }
        entries
    }

    /// Cases and challenges in which the account has a part.
    fn learn(&mut self, events: &[(Option<u32>, Event)]) {
        for (_, event) in events {
            if !self.is_of_round(event) {
                continue;
            }
            if event.is("Disputes", "Opened")
                && (self.is_own(event, "accused") || self.is_own(event, "reporter"))
            {
                self.cases.extend(event.fields["case"].as_u64());
            }
            if event.is("Disputes", "Opened") && self.is_sponsor {
                self.harmed.extend(event.fields["case"].as_u64());
            }
            if event.is("Challenges", "Challenged") && self.is_own(event, "challenger") {
                self.challenged.extend(text(event, "trainer"));
            }
        }
    }

    /// To what a change belongs: pallets tell what they have done once the money has moved, so it is the next event of the same
    /// transaction that is about the account.
    fn cause(&self, event: &Event, before: &[Event], after: &[Event]) -> (Cause, String) {
        let fee = after.iter().position(|event| {
            event.is("TransactionPayment", "TransactionFeePaid") && self.is_own(event, "who")
        });
        let is_withdrawal =
            |event: &Event| event.is("Balances", "Withdraw") && self.is_own(event, "who");
        if fee.is_some() && is_withdrawal(event) && !before.iter().any(is_withdrawal) {
            return (Cause::Fee, "TransactionPayment.TransactionFeePaid".into());
        }
        // A transfer stands for itself, but for what a round pays.
        let (from, to) = (text(event, "from"), text(event, "to"));
        let is_pay = to.as_ref() == Some(&self.who)
            && from.as_ref().is_some_and(|from| self.payers.contains(from));
        if from.is_none() || is_pay {
            let told = std::iter::once(event).chain(after);
            let found = told.map(|event| (self.relation(event), event));
            let found = found.filter_map(|(cause, event)| Some((cause?, name(event))));
            if let Some(found) = found.into_iter().next() {
                return found;
            }
            if fee.is_some() && event.is("Balances", "Deposit") {
                return (Cause::Fee, "TransactionPayment.TransactionFeePaid".into());
            }
        }
        (Cause::Other, name(event))
    }

    /// To what an event says that money belongs; `None` where it says nothing of the account, or only repeats a part of another.
    pub fn relation(&self, event: &Event) -> Option<Cause> {
        let pallet = event.pallet.as_str();
        if matches!(pallet, "Balances" | "Assets" | "System" | "TransactionPayment" | "Utility") {
            return None;
        }
        if pallet == "Participants"
            && matches!(event.name.as_str(), "Seized" | "GivenBack" | "Slashed" | "Charged")
        {
            return None;
        }
        if let Some(case) = event.fields.get("case").and_then(Json::as_u64) {
            return match self.cases.contains(&case) {
                true => Some(Cause::Round),
                false if event.name == "Executed" && self.harmed.contains(&case) => {
                    Some(Cause::Round)
                }
                false => self.mentions(event).then_some(Cause::OtherRound),
            };
        }
        let challenged = pallet == "Challenges"
            && text(event, "trainer").is_some_and(|trainer| self.challenged.contains(&trainer));
        if self.is_of_round(event) && (self.mentions(event) || challenged) {
            return Some(Cause::Round);
        }
        let refunds = matches!(event.name.as_str(), "Refunded" | "TaskEnded" | "TaskReaped");
        if self.is_sponsor && pallet == "Tasks" && refunds && event.task() == Some(self.task) {
            return Some(Cause::Task);
        }
        self.mentions(event).then(|| match event.fields.get("round") {
            Some(_) => Cause::OtherRound,
            None if event.task() == Some(self.task) => Cause::Task,
            None => Cause::Other,
        })
    }

    /// Whether an event names the round.
    pub fn is_of_round(&self, event: &Event) -> bool {
        event.task() == Some(self.task)
            && event.fields.get("round").and_then(Json::as_u64) == Some(self.round.into())
    }

    /// Whether an event names the account.
    pub fn mentions(&self, event: &Event) -> bool {
        let Json::Object(fields) = &event.fields else { return false };
        fields.values().any(|value| self.is_named(value))
    }

    fn is_own(&self, event: &Event, field: &str) -> bool {
        event.fields.get(field).is_some_and(|value| self.is_named(value))
    }

    /// As itself, or as what is there of an option.
    fn is_named(&self, value: &Json) -> bool {
        let value = value.get("Some").unwrap_or(value);
        value.as_str() == Some(&self.who)
    }

    /// What an event says has changed for the account.
    fn change(&self, event: &Event) -> Option<Amounts> {
        let amount = |field| event.amount(field).map_or(0, signed);
        let own = |field| i128::from(self.is_own(event, field));
        let of = |free: i128, held: i128| Some(Amounts { free, held, asset: 0 });
        match (event.pallet.as_str(), event.name.as_str()) {
            ("Balances", name) => match name {
                "Deposit" | "Minted" | "Restored" => of(own("who") * amount("amount"), 0),
                "Withdraw" | "Burned" | "Slashed" | "Suspended" => {
                    of(-own("who") * amount("amount"), 0)
                }
                "DustLost" => of(-own("account") * amount("amount"), 0),
                "Transfer" => of((own("to") - own("from")) * amount("amount"), 0),
                "Held" | "Reserved" => {
                    let amount = own("who") * amount("amount");
                    of(-amount, amount)
                }
                "Released" | "Unreserved" => {
                    let amount = own("who") * amount("amount");
                    of(amount, -amount)
                }
                "BurnedHeld" => of(0, -own("who") * amount("amount")),
                // On our chains whoever gets a part of a bond has it free.
                "TransferOnHold" => {
                    of(own("dest") * amount("amount"), -own("source") * amount("amount"))
                }
                "TransferAndHold" => {
                    of(-own("source") * amount("transferred"), own("dest") * amount("transferred"))
                }
                _ => None,
            },
            // The loss of an appeal's bond is told by no event of the balances.
            ("Disputes", "Executed") => of(0, -own("accused") * amount("bond_lost")),
            ("Assets", name) => {
                let asset = event.fields.get("asset_id")?.as_u64()?;
                if self.asset.map(u64::from) != Some(asset) {
                    return None;
                }
                let asset = match name {
                    "Issued" => own("owner") * amount("amount"),
                    "Burned" => -own("owner") * amount("balance"),
                    "Transferred" => (own("to") - own("from")) * amount("amount"),
                    "TransferredApproved" => (own("destination") - own("owner")) * amount("amount"),
                    "Deposited" => own("who") * amount("amount"),
                    "Withdrawn" => -own("who") * amount("amount"),
                    _ => 0,
                };
                Some(Amounts { asset, ..Amounts::ZERO })
            }
            _ => None,
        }
    }
}

/// An amount with a sign.
pub(super) fn signed(amount: Balance) -> i128 {
    i128::try_from(amount).unwrap_or(i128::MAX)
}

/// `Pallet.Name`.
pub(super) fn name(event: &Event) -> String {
    format!("{}.{}", event.pallet, event.name)
}

fn text(event: &Event, field: &str) -> Option<String> {
    Some(event.fields.get(field)?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests;
