//! What happened to an account in a round, as the events tell it.

use decentralml_types::{BlockNumber, Role};
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::{
    ExplainError, Part,
    money::{Cause, Ledger, name},
    numbers::{Check, Numbers},
};
use crate::{Enrollment, View, event::Event};

/// What a round does to all: `Pallet.Name`.
const OF_ALL: [&str; 9] = [
    "Tasks.RoundStarted",
    "Assignments.DrawOpened",
    "Tasks.PhaseEntered",
    "Tasks.CommitteeRedrawn",
    "Validation.Tallied",
    "Golds.GoldRevealed",
    "Tasks.RoundSettled",
    "Tasks.RoundVoided",
    "Tasks.RoundClosed",
];

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// The block.
    pub block: BlockNumber,
    /// The event, as `Pallet.Name`.
    pub step: String,
    /// Who signed the transaction that brought it about, in hexadecimal; `None` where the chain itself did.
    pub by: Option<String>,
    /// What the event says.
    pub fields: Json,
    /// By which numbers it was decided, computed again.
    pub numbers: Option<Numbers>,
}

/// What was told so far.
#[derive(Default)]
pub(super) struct Told {
    pub steps: Vec<Step>,
    pub checks: Vec<Check>,
}

impl Told {
    /// What happened before the round.
    pub fn enrolled(&mut self, block: BlockNumber, role: Role, row: &Enrollment) {
        let fields = json!({
            "role": format!("{role:?}"),
            "weight": row.weight,
            "slot": row.slot,
            "at_risk": row.engaged.to_string(),
        });
        let step = "Assignments.Enrolled".to_owned();
        self.steps.push(Step { block, step, by: None, fields, numbers: None });
    }
}

impl Part<'_> {
    /// What the events of a block say.
    pub(super) async fn tell(
        &self,
        view: &View,
        ledger: &Ledger,
        events: &[(Option<u32>, Event)],
        told: &mut Told,
    ) -> Result<(), ExplainError> {
        for (origin, event) in events {
            if !is_told(ledger, event) {
                continue;
            }
            let signer = events.iter().find(|(other, event)| {
                other == origin && event.is("TransactionPayment", "TransactionFeePaid")
            });
            let by = signer.filter(|_| origin.is_some());
            let by = by.and_then(|(_, event)| event.fields["who"].as_str());
            let numbers = self.numbers(view, ledger, event, &mut told.checks).await?;
            told.steps.push(Step {
                block: view.number(),
                step: name(event),
                by: by.map(str::to_owned),
                fields: event.fields.clone(),
                numbers,
            });
        }
        Ok(())
    }
}

/// Whether an event is a step of the account in the round.
fn is_told(ledger: &Ledger, event: &Event) -> bool {
    if ledger.is_of_round(event) && OF_ALL.contains(&name(event).as_str()) {
        return true;
    }
    match ledger.relation(event) {
        Some(Cause::Round) => true,
        // To enroll, to leave, and to collect what was owed are of no round.
        Some(Cause::Task) => ledger.mentions(event),
        _ => false,
    }
}
