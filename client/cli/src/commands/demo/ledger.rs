//! Where a task's money went, as the events of the chain tell it.

use color_eyre::Result;
use decentralml_sdk::{Chain, Event};
use decentralml_types::{Balance, BlockNumber, TaskId};
use futures::{StreamExt, TryStreamExt, stream};
use std::ops::RangeInclusive;

/// Blocks whose events are read at the same time.
const PARALLEL: usize = 8;

/// Sums of what events say, in planck.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// To trainers and evaluators.
    pub paid: Balance,
    /// Back to the sponsor, of what it had put into the task.
    pub refunded: Balance,
    /// What the chain kept of the task's money for calls that were free for those who made them.
    pub charged: Balance,
    /// What came into the task beside the sponsor's funds: its share of slashes, and gifts.
    pub gained: Balance,
    /// What the treasury got of slashes, in whatever task.
    pub slashed: Balance,
    /// Fees of everybody.
    pub fees: Balance,
    /// Held from the sponsor, and no part of what it gets back for the task.
    pub deposit: Balance,
}

impl Ledger {
    /// Reads the events of these blocks, whose state the node must still have.
    pub async fn read(
        chain: &Chain,
        task: TaskId,
        blocks: RangeInclusive<BlockNumber>,
    ) -> Result<Self> {
        let blocks = stream::iter(blocks)
            .map(|number| async move { chain.at_height(number).await?.events().await })
            .buffered(PARALLEL);
        let ledger = blocks.try_fold(Self::default(), |mut ledger, events| async move {
            events.iter().for_each(|event| ledger.enter(task, event));
            Ok(ledger)
        });
        Ok(ledger.await?)
    }

    fn enter(&mut self, task: TaskId, event: &Event) {
        // An amount that is not there is missed in the sums.
        let amount = |field| event.amount(field).unwrap_or(0);
        let add = |sum: &mut Balance, amount| *sum = sum.saturating_add(amount);
        match (event.pallet.as_str(), event.name.as_str()) {
            ("TransactionPayment", "TransactionFeePaid") => {
                add(&mut self.fees, amount("actual_fee"));
            }
            ("Participants", "Slashed") => {
                let others = amount("to_harmed").saturating_add(amount("to_reporter"));
                add(&mut self.slashed, amount("amount").saturating_sub(others));
            }
            ("Tasks", name) if event.task() == Some(task) => match name {
                "TaskCreated" => self.deposit = amount("deposit"),
                // The demo's task pays in native tokens: all of it is of one kind.
                "TaskFunded" => {
                    add(&mut self.gained, amount("pay").saturating_add(amount("charges")))
                }
                "Recovered" => add(&mut self.gained, amount("amount")),
                "RoundCharged" => add(&mut self.charged, amount("amount")),
                "Paid" | "Collected" => add(&mut self.paid, amount("amount")),
                "TaskEnded" => {
                    add(&mut self.refunded, amount("refunded").saturating_add(amount("charges")));
                }
                "Refunded" => add(&mut self.refunded, amount("amount")),
                "TaskReaped" => {
                    add(&mut self.refunded, amount("returned").saturating_sub(self.deposit));
                }
                _ => {}
            },
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn ledger(events: &[(&str, &str, Value)]) -> Ledger {
        let mut ledger = Ledger::default();
        for (pallet, name, fields) in events {
            let event = Event {
                pallet: (*pallet).to_owned(),
                name: (*name).to_owned(),
                fields: fields.clone(),
            };
            ledger.enter(7, &event);
        }
        ledger
    }

    #[test]
    fn every_way_that_money_takes_is_in_one_sum() {
        let large = 1_u128 << 60;
        let ledger = ledger(&[
            ("TransactionPayment", "TransactionFeePaid", json!({ "actual_fee": 3, "tip": 0 })),
            ("Tasks", "TaskCreated", json!({ "task": 7, "pay": 1_000, "deposit": 50 })),
            ("Tasks", "RoundCharged", json!({ "task": 7, "round": 1, "amount": 20 })),
            ("Tasks", "Paid", json!({ "task": 7, "round": 1, "amount": large.to_string() })),
            ("Tasks", "Paid", json!({ "task": 7, "round": 1, "amount": 1 })),
            ("Participants", "Slashed", json!({ "amount": 11, "to_harmed": 4, "to_reporter": 2 })),
            ("Tasks", "Recovered", json!({ "task": 7, "amount": 4 })),
            ("Tasks", "TaskFunded", json!({ "task": 7, "pay": 8, "charges": 3 })),
            (
                "Tasks",
                "TaskEnded",
                json!({ "task": 7, "status": "Completed", "refunded": 500, "charges": 100 }),
            ),
            ("Tasks", "Refunded", json!({ "task": 7, "amount": 30 })),
            ("Tasks", "TaskReaped", json!({ "task": 7, "returned": 51 })),
            ("TransactionPayment", "TransactionFeePaid", json!({ "actual_fee": 2, "tip": 0 })),
        ]);
        let expected = Ledger {
            paid: large + 1,
            refunded: 600 + 30 + 1,
            charged: 20,
            gained: 4 + 11,
            slashed: 5,
            fees: 5,
            deposit: 50,
        };
        assert_eq!(ledger, expected);
    }

    #[test]
    fn the_money_of_other_tasks_and_what_is_no_payment_is_left_out() {
        let ledger = ledger(&[
            ("Tasks", "Paid", json!({ "task": 8, "round": 1, "amount": 40 })),
            ("Tasks", "RoundClosed", json!({ "task": 7, "round": 1, "returned": 40 })),
            ("Validation", "Rewarded", json!({ "task": 7, "round": 1, "amount": 40 })),
        ]);
        assert_eq!(ledger, Ledger::default());
    }
}
