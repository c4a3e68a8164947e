#![allow(clippy::panic)]

use super::*;
use proptest::prelude::*;

const DOCUMENT: &str = include_str!("../../../../docs/protocol.md");

/// The cells of the document's table of faults, as the document would have them by [`rule`].
fn expected(fault: Fault) -> [String; 7] {
    let Rule { punished, proof, penalty } = rule(fault);
    let punished = match punished {
        Role::Trainer => "trainer",
        Role::Evaluator => "seat",
        Role::Validator => "validator",
    };
    let proof = match proof {
        Proof::Chain => "the chain",
        Proof::Committee => "a committee",
        Proof::Challenge => "a challenge",
    };
    let percents = [penalty.percent, penalty.to_task, penalty.to_reporter, penalty.to_treasury()]
        .map(of_percent);
    let [percent, to_task, to_reporter, to_treasury] = percents;
    let [punished, proof] = [punished, proof].map(str::to_owned);
    [format!("`{fault:?}`"), punished, percent, proof, to_task, to_reporter, to_treasury]
}

fn of_percent(percent: u8) -> String {
    if percent == 0 { "–".into() } else { format!("{percent} %") }
}

#[test]
fn the_document_has_the_same_table() {
    let header = "| Fault | Punished | Of the task's bond | Shown by | To the task | To the reporter | To the treasury |";
    let mut lines = DOCUMENT.lines().skip_while(|line| *line != header).skip(2);
    for fault in FAULTS {
        let line = lines.next().unwrap_or_else(|| panic!("docs/protocol.md lacks {fault:?}"));
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells, expected(fault));
    }
    assert_eq!(lines.next(), Some(""), "docs/protocol.md has a fault too many");
}

#[test]
fn the_table_has_every_fault_once() {
    use scale_info::{TypeDef, TypeInfo};
    let TypeDef::Variant(variants) = Fault::type_info().type_def else { panic!("an enum") };
    let names: Vec<&str> = variants.variants.iter().map(|variant| variant.name).collect();
    assert_eq!(FAULTS.map(|fault| format!("{fault:?}")).as_slice(), names);
}

#[test]
fn nobody_but_the_treasury_gets_all_and_the_parts_are_the_whole() {
    for fault in FAULTS {
        let Penalty { percent, to_task, to_reporter } = TABLE.of(fault);
        assert!((1..=100).contains(&percent), "{fault:?}");
        assert!(to_task + to_reporter < 100, "{fault:?}");
        let given = to_task + to_reporter + TABLE.of(fault).to_treasury();
        assert_eq!(given, 100, "{fault:?}");
        assert_eq!(TABLE.of(fault), rule(fault).penalty);
    }
}

#[test]
fn only_challenges_and_reports_pay_a_reporter_and_no_committee_pays_the_task() {
    for fault in FAULTS {
        let Rule { punished, proof, penalty } = rule(fault);
        let of_validators = punished == Role::Validator;
        let reported = proof == Proof::Challenge || of_validators;
        assert_eq!(penalty.to_reporter > 0, reported, "{fault:?}");
        let harms_a_task = proof != Proof::Committee && !of_validators;
        assert_eq!(penalty.to_task > 0, harms_a_task, "{fault:?}");
    }
}

#[test]
fn a_reporter_whose_word_nobody_needs_to_trust_pays_no_costs() {
    assert!(reporter_answers(Fault::Unanswered));
    assert!(!reporter_answers(Fault::Equivocated));
}

#[test]
fn silence_costs_no_less_than_the_worst_that_revealing_can() {
    let cost = |fault| TABLE.of(fault).percent;
    for fault in [Fault::Unavailable, Fault::Malformed, Fault::Unanswered] {
        assert!(cost(Fault::NotRevealed) >= cost(fault));
    }
    for fault in [Fault::WrongAggregate, Fault::GoldMissed] {
        assert!(cost(Fault::NotOpened) >= cost(fault));
    }
}

fn votes(guilty: u32, innocent: u32, council: u32) -> Votes {
    Votes { guilty, innocent, council }
}

#[test]
fn more_than_half_of_the_council_decide_at_once() {
    assert_eq!(ruling(votes(2, 0, 3), false), Some(Ruling::Guilty));
    assert_eq!(ruling(votes(0, 2, 3), false), Some(Ruling::Freed));
    assert_eq!(ruling(votes(2, 0, 4), false), None, "half is not more than half");
    assert_eq!(ruling(votes(0, 2, 4), false), None);
    assert_eq!(ruling(votes(1, 1, 3), false), None);
}

#[test]
fn at_the_deadline_the_majority_of_those_that_voted_decides() {
    assert_eq!(ruling(votes(1, 0, 9), true), Some(Ruling::Guilty));
    assert_eq!(ruling(votes(1, 2, 9), true), Some(Ruling::Freed));
    for undecided in [votes(0, 0, 9), votes(2, 2, 9), votes(0, 0, 0)] {
        assert_eq!(ruling(undecided, true), Some(Ruling::Undecided));
        assert_eq!(ruling(undecided, false), None);
    }
}

#[test]
fn what_nobody_judges_falls_unless_the_chain_proves_it() {
    let stands = |fault| is_executed(fault, Some(Ruling::Undecided));
    assert_eq!(FAULTS.map(stands), [true, true, false, false, false, false, true, false]);
    for fault in FAULTS {
        assert!(is_executed(fault, None), "nobody has appealed");
        assert!(is_executed(fault, Some(Ruling::Guilty)));
        assert!(!is_executed(fault, Some(Ruling::Freed)));
    }
}

#[test]
fn a_round_takes_the_blocks_of_two_committees() {
    let deadlines = crate::spec::example().deadlines;
    assert_eq!(round_blocks(&deadlines), 60 + 30 + 2 * (60 + 30 + 30));
    let mut longest = deadlines;
    [longest.training, longest.scoring] = [BlockNumber::MAX; 2];
    assert!(round_blocks(&longest) > u64::from(BlockNumber::MAX), "nothing is cut off");
}

#[test]
fn an_appeal_puts_a_share_of_what_was_seized_at_stake_or_the_least_and_never_more_than_all_of_it() {
    assert_eq!(appeal_bond(1_000, 10, 50), 100);
    assert_eq!(appeal_bond(400, 10, 50), 50);
    assert_eq!([51, 50, 49, 1, 0].map(|seized| appeal_bond(seized, 10, 50)), [50, 50, 49, 1, 0]);
    assert_eq!(appeal_bond(Balance::MAX, 100, 0), Balance::MAX);
}

#[test]
fn costs_are_nine_tenths_of_what_is_at_stake_at_most() {
    assert_eq!(appeal_costs(100, 40), 40);
    assert_eq!(appeal_costs(100, 91), 90);
    assert_eq!([44, 10, 1, 0].map(|stake| appeal_costs(stake, 40)), [39, 9, 0, 0]);
}

proptest! {
    #[test]
    fn no_percentages_split_more_than_there_is(
        amount: Balance, percent: u8, to_task: u8, to_reporter: u8,
    ) {
        let penalty = Penalty { percent, to_task, to_reporter };
        let slash = super::amount(penalty, amount);
        prop_assert!(slash <= amount);
        let Split { to_task, to_reporter, to_treasury } = split(penalty, slash);
        prop_assert_eq!(to_task + to_reporter + to_treasury, slash);
    }

    #[test]
    fn a_slash_is_at_most_the_bond_and_is_split_without_rest(bond: Balance) {
        for fault in FAULTS {
            let slash = amount(TABLE.of(fault), bond);
            prop_assert!(slash <= bond);
            let Split { to_task, to_reporter, to_treasury } = split(TABLE.of(fault), slash);
            prop_assert_eq!(to_task + to_reporter + to_treasury, slash);
            prop_assert!(to_task.max(to_reporter) <= slash / 2);
        }
    }

    #[test]
    fn an_appeal_is_decided_at_its_deadline(guilty in 0u32..200, innocent in 0u32..200, council in 0u32..200) {
        prop_assert!(ruling(votes(guilty, innocent, council), true).is_some());
    }
}
