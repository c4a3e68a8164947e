//! What the goals are, and what a cell misses.

use crate::{Attack, Found, Seats};

/// What an attack may be paid at most, as a share of an honest update's pay.
pub const PAY: f64 = 0.02;
/// What a hostile seat may be paid at most, as a share of an honest one's pay: what the conditions on parameters assume of made-up scores.
pub const SEAT_PAY: f64 = decentralml_protocol::payoff::MADE_UP_PERCENT as f64 / 100.0;
/// The share of honest updates that may be rejected.
pub const REJECTED: f64 = 0.01;
/// By how much accuracy may be below that of the clean run.
pub const BEHIND: f64 = 0.01;
/// The share of marked rows that may be taken for the target.
pub const MARKED: f64 = 0.05;

/// The goals in a sentence.
pub fn told() -> String {
    format!(
        "goals, set for {} % hostile trainers: paid at most {} % of an honest share, no honest participant slashed, at most {} % of \
         honest updates rejected, accuracy at most {} points below the clean run's (backdoor: at most {} % of marked rows taken for \
         the target; hostile seats: paid at most {} % of an honest one's pay)",
        crate::cell::MIDDLE,
        PAY * 100.0,
        REJECTED * 100.0,
        BEHIND * 100.0,
        MARKED * 100.0,
        SEAT_PAY * 100.0
    )
}

/// What a cell misses, in words; `clean` is the accuracy of its clean run, where that has been run.
pub fn misses(found: &Found, clean: Option<f64>) -> Vec<&'static str> {
    let counts = &found.counts;
    let mut missed = Vec::new();
    let mut goal = |is_met: bool, name| {
        if !is_met {
            missed.push(name);
        }
    };
    // Where attacks were judged and nobody was paid for anything, they have reached what they could.
    goal(counts.pay().map_or(counts.hostile_pay.turns == 0, |pay| pay <= PAY), "pay");
    goal(counts.honest_slashes == 0, "slashed");
    goal(counts.honest_rejected() <= REJECTED, "rejected");
    goal(clean.is_some_and(|clean| found.accuracy >= clean - BEHIND), "accuracy");
    if found.cell.attack == Attack::Backdoor {
        goal(found.marked <= MARKED, "backdoor");
    }
    if found.cell.seats != Seats::Honest {
        let unpaid = counts.hostile_seat_pay.paid == 0;
        goal(unpaid || counts.seat_pay().is_some_and(|pay| pay <= SEAT_PAY), "seats");
    }
    missed
}

/// Whether a cell meets them, for a table.
pub fn verdict(found: &Found, clean: Option<f64>) -> String {
    if clean.is_none() {
        return "clean run missing".to_owned();
    }
    match misses(found, clean) {
        missed if missed.is_empty() => "meets".to_owned(),
        missed => format!("misses: {}", missed.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cell, Counts, Division, count::Pay};

    fn found(attack: Attack) -> Found {
        Found {
            cell: Cell { attack, percent: 20, ..Cell::clean(Division::Iid) },
            counts: Counts {
                honest_updates: 200,
                honest_rejected: 2,
                hostile_pay: Pay { paid: 2, turns: 1 },
                honest_pay: Pay { paid: 100, turns: 1 },
                ..Counts::default()
            },
            rounds: Vec::new(),
            accuracy: 0.895,
            curve: Vec::new(),
            marked: 0.06,
            seconds: 1.0,
        }
    }

    #[test]
    fn what_is_at_its_limit_meets_and_what_is_beyond_is_named() {
        let mut cell = found(Attack::SignFlip);
        assert_eq!(verdict(&cell, Some(0.9)), "meets");
        assert_eq!(verdict(&cell, None), "clean run missing");
        cell.counts.honest_rejected = 3;
        cell.counts.honest_slashes = 1;
        cell.counts.hostile_pay.paid = 3;
        assert_eq!(verdict(&cell, Some(0.91)), "misses: pay, slashed, rejected, accuracy");
        assert_eq!(misses(&found(Attack::Backdoor), Some(0.9)), ["backdoor"]);
    }

    #[test]
    fn attacks_that_leave_nobody_paid_miss_and_what_never_attacked_does_not() {
        let mut cell = found(Attack::Sleeper);
        cell.counts.hostile_pay = Pay { paid: 0, turns: 4 };
        cell.counts.honest_pay = Pay { paid: 0, turns: 16 };
        assert_eq!(misses(&cell, Some(0.9)), ["pay"]);
        cell.counts.hostile_pay = Pay::default();
        assert!(misses(&cell, Some(0.9)).is_empty());
    }

    #[test]
    fn hostile_seats_are_held_against_honest_ones() {
        let mut cell = found(Attack::SignFlip);
        cell.cell.seats = Seats::Inverted;
        cell.counts.honest_seat_pay = Pay { paid: 100, turns: 1 };
        for (paid, missed) in [(0, false), (10, false), (11, true)] {
            cell.counts.hostile_seat_pay = Pay { paid, turns: 1 };
            assert_eq!(misses(&cell, Some(0.9)).contains(&"seats"), missed, "{paid}");
        }
    }
}
