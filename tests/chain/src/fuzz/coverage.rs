//! What was reached: a fuzzer that never settles a round finds nothing.

use crate::chain::Outcome;
use decentralml_protocol::slashing::FAULTS;
use decentralml_runtime::*;
use decentralml_types::{Failure, Fault, Outcome as Judged, Phase, Ruling, TaskStatus};
use serde::Serialize;
use std::collections::BTreeMap;

/// Our pallets: their names, their indices and their calls. The steps reach each of these calls, successfully and not; a new
/// pallet goes here with its steps, and is reached by [`super::Step::Wild`] from then on.
pub fn ours() -> [(&'static str, usize, &'static [&'static str]); 11] {
    use frame_support::traits::{GetCallName, PalletInfoAccess};
    macro_rules! pallets {
        ($($pallet:ident: $crate_name:ident),* $(,)?) => {
            [$((stringify!($pallet), $pallet::index(), $crate_name::Call::<Runtime>::get_call_names())),*]
        };
    }
    pallets![
        Participants: pallet_participants,
        Tasks: pallet_tasks,
        Assignments: pallet_assignments,
        Results: pallet_results,
        Validation: pallet_validation,
        Models: pallet_models,
        Data: pallet_data,
        Disputes: pallet_disputes,
        Challenges: pallet_challenges,
        Golds: pallet_golds,
        Parameters: pallet_parameters,
    ]
}

/// How often a call was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Calls {
    pub succeeded: u64,
    pub failed: u64,
    /// Refused before they were executed, as where the sender cannot pay the fee.
    pub refused: u64,
}

/// How often what happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    pub operations: u64,
    pub blocks: u64,
    pub chains: u64,
    pub calls: BTreeMap<String, Calls>,
    /// Phases, failures, faults and the like, each by its kind and name.
    pub events: BTreeMap<String, u64>,
}

impl Coverage {
    pub fn call(&mut self, name: &str, outcome: Option<&Outcome>) {
        self.operations += 1;
        let calls = self.calls.entry(name.into()).or_default();
        match outcome {
            Some(outcome) if outcome.result.is_ok() => calls.succeeded += 1,
            Some(_) => calls.failed += 1,
            None => calls.refused += 1,
        }
        for event in outcome.iter().flat_map(|outcome| &outcome.events) {
            self.event(event);
        }
    }

    /// Notes what no single event tells.
    pub fn happened(&mut self, what: &str) {
        *self.events.entry(what.into()).or_default() += 1;
    }

    fn event(&mut self, event: &RuntimeEvent) {
        use pallet_challenges::Event as Challenge;
        use pallet_disputes::Event as Dispute;
        use pallet_golds::Event as Gold;
        use pallet_tasks::Event as Task;
        use pallet_validation::Event as Validation;
        let mut note = |kind: &str, name: &dyn std::fmt::Debug| {
            *self.events.entry(format!("{kind} {name:?}")).or_default() += 1;
        };
        match event {
            RuntimeEvent::Tasks(Task::RoundStarted { .. }) => note("phase", &Phase::Training),
            RuntimeEvent::Tasks(Task::PhaseEntered { phase, .. }) => note("phase", phase),
            RuntimeEvent::Tasks(Task::RoundSettled { .. }) => note("phase", &Phase::Settled),
            RuntimeEvent::Tasks(Task::RoundVoided { failure, .. }) => {
                note("phase", &Phase::Void);
                note("failure", failure);
            }
            RuntimeEvent::Tasks(Task::CommitteeRedrawn { failure, .. }) => note("redraw", failure),
            RuntimeEvent::Tasks(Task::TaskPaused { reason, .. }) => note("pause", reason),
            RuntimeEvent::Tasks(Task::TaskEnded { status, .. }) => note("end", status),
            RuntimeEvent::Tasks(Task::EnrollmentReopened { .. }) => {
                note("end", &TaskStatus::Enrolling)
            }
            RuntimeEvent::Validation(Validation::Judged { outcome, .. }) => match outcome {
                Judged::Accepted { .. } => note("judged", &"Accepted"),
                Judged::Rejected => note("judged", &"Rejected"),
                Judged::Copied => note("judged", &"Copied"),
                Judged::Faulty(fault) => note("judged", fault),
            },
            RuntimeEvent::Disputes(Dispute::Opened { fault, .. }) => note("accused", fault),
            RuntimeEvent::Disputes(Dispute::Executed { ruling, .. }) => note("executed", ruling),
            RuntimeEvent::Disputes(Dispute::Freed { ruling, .. }) => note("freed", ruling),
            RuntimeEvent::Challenges(Challenge::Answered { exists, .. }) => note("answer", exists),
            RuntimeEvent::Challenges(Challenge::Unanswered { .. }) => note("answer", &"none"),
            RuntimeEvent::Challenges(Challenge::Lapsed { .. }) => note("answer", &"pointless"),
            RuntimeEvent::Golds(Gold::GoldRevealed { label, confirmed, missed, .. }) => {
                note("gold", &(label, confirmed, *missed > 0));
            }
            RuntimeEvent::Golds(Gold::GoldsConcluded { forfeited, .. }) => {
                note("golds", &if *forfeited > 0 { "forfeited" } else { "returned" });
            }
            RuntimeEvent::Validation(Validation::Rewarded { role, .. }) => note("paid", role),
            RuntimeEvent::Validation(Validation::Closed { role, .. }) => note("closed", role),
            RuntimeEvent::Tasks(Task::PaymentOwed { asset, .. }) => {
                note("owed", &if asset.is_native() { "native" } else { "tokens" })
            }
            RuntimeEvent::Tasks(Task::Paid { asset, .. } | Task::Collected { asset, .. }) => {
                note("pay in", &if asset.is_native() { "native" } else { "tokens" })
            }
            _ => {}
        }
    }

    pub fn add(&mut self, other: Self) {
        self.operations += other.operations;
        self.blocks += other.blocks;
        self.chains += other.chains;
        for (name, calls) in other.calls {
            let sum = self.calls.entry(name).or_default();
            sum.succeeded += calls.succeeded;
            sum.failed += calls.failed;
            sum.refused += calls.refused;
        }
        for (name, count) in other.events {
            *self.events.entry(name).or_default() += count;
        }
    }

    /// What must have happened and has not. Anything longer than a few thousand operations reaches all of it.
    pub fn missing(&self) -> Vec<String> {
        let calls = names().into_iter().flat_map(|name| {
            let calls = self.calls.get(&name).copied().unwrap_or_default();
            let succeeded = (calls.succeeded == 0).then(|| format!("{name} never succeeded"));
            let failed = (calls.failed == 0).then(|| format!("{name} never failed"));
            [succeeded, failed].into_iter().flatten()
        });
        let events = wanted().into_iter().filter(|name| !self.events.contains_key(name));
        calls.chain(events.map(|name| format!("{name} never happened"))).collect()
    }

    /// A table of all of it.
    pub fn table(&self) -> String {
        let mut text =
            format!("{:<36}{:>10}{:>10}{:>10}\n", "call", "succeeded", "failed", "refused");
        for (name, calls) in &self.calls {
            let Calls { succeeded, failed, refused } = calls;
            text += &format!("{name:<36}{succeeded:>10}{failed:>10}{refused:>10}\n");
        }
        for (name, count) in &self.events {
            text += &format!("{name:<36}{count:>10}\n");
        }
        text
    }
}

/// Our calls, named as the metadata names them.
fn names() -> Vec<String> {
    let calls = |(pallet, _, names): (&str, usize, &'static [&'static str])| {
        let pallet = pallet.to_owned();
        names.iter().map(move |name| format!("{pallet}.{name}"))
    };
    ours().into_iter().flat_map(calls).collect()
}

/// Three are left out. A task is paid for in advance, so it runs out of funds only where an issuer takes them. Seats that have not opened lose their bonds before
/// they may sit in the round's second committee, so both fail in the same way only where many evaluators are enrolled. And few lifetimes
/// end in the middle of a round: that tasks expire is wanted all the same.
fn wanted() -> Vec<String> {
    use Phase::*;
    let phases = [Training, Revealing, Scoring, Verdict, Tallying, Aggregating, Settled, Void]
        .map(|phase| format!("phase {phase:?}"));
    let failures = [
        Failure::TooFewCommitments,
        Failure::TooFewReveals,
        Failure::TooFewScores,
        Failure::NothingAccepted,
        Failure::NoAgreement,
        Failure::Cancelled,
    ]
    .map(|failure| format!("failure {failure:?}"));
    let redraws = [Failure::TooFewScores, Failure::TooFewOpenings, Failure::NoAgreement]
        .map(|failure| format!("redraw {failure:?}"));
    // Validators are reported by engines of consensus, of which there are none here: `runtime/tests/offences.rs`.
    let faults = FAULTS.into_iter().filter(|fault| *fault != Fault::Equivocated);
    let faults: Vec<_> = faults.map(|fault| format!("accused {fault:?}")).collect();
    let ruled = |how: &str, ruling: Ruling| format!("{how} {:?}", Some(ruling));
    let cases = [
        "executed None".to_owned(),
        ruled("executed", Ruling::Guilty),
        ruled("executed", Ruling::Undecided),
        ruled("freed", Ruling::Freed),
        ruled("freed", Ruling::Undecided),
    ];
    let answers =
        ["true", "false", "\"none\"", "\"pointless\""].map(|kind| format!("answer {kind}"));
    let ends =
        [TaskStatus::Completed, TaskStatus::Cancelled, TaskStatus::Expired, TaskStatus::Enrolling]
            .map(|status| format!("end {status:?}"));
    let others = [
        "judged \"Accepted\"",
        "gold (Bad, true, false)",
        "gold (Good, true, true)",
        "gold (Good, true, false)",
        "gold (Good, false, false)",
        "gold (Blank, false, false)",
        "golds \"forfeited\"",
        "golds \"returned\"",
        "judged \"Rejected\"",
        "judged \"Copied\"",
        "pay in \"native\"",
        "pay in \"tokens\"",
        "owed \"tokens\"",
        "judged Unavailable",
        "judged Malformed",
        "paid Trainer",
        "paid Evaluator",
        "closed Trainer",
        "closed Evaluator",
        "pause Sponsor",
        "pause RetriesExhausted",
        "pause AttemptsExhausted",
        // Parameters that change while something of others lives, and what that then came to by the others.
        "set while a task lives",
        "set while a case is open",
        "set while a challenge is open",
        "by old penalties",
        "by old parts",
        "by old stake",
        "by old costs",
        "by old prices",
        "costs of a reporter",
        "costs of the treasury",
        "parameters refused",
    ]
    .map(String::from);
    let cancels = [Training, Revealing, Scoring, Verdict, Tallying, Aggregating]
        .map(|phase| format!("cancelled in {phase:?}"));
    [&phases[..], &cancels, &failures, &redraws, &faults, &cases, &answers, &ends, &others].concat()
}
