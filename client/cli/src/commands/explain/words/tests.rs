use super::*;
use decentralml_sdk::explain::SeatOpinion;
use serde_json::json;

fn told(step: &str, fields: Json, numbers: Option<Numbers>) -> String {
    let step = Step { block: 5, step: step.to_owned(), by: None, fields, numbers };
    let token = Properties { symbol: "DML".to_owned(), decimals: 0, ss58: 42 };
    sentence(&step, &AccountId([1; 32]), &token, &token)
}

#[test]
fn who_is_not_drawn_is_told_why() {
    let draw = DrawNumbers {
        draw: Draw::Trainers,
        population: 5,
        places: 3,
        seed_block: 12,
        weight: Some(1),
        peers: Some(5),
        given: Some(3),
        slot: Some(4),
        place: Some(3),
        drawn: false,
    };
    let text = |draw| told("Assignments.DrawOpened", json!({}), Some(Numbers::Draw(draw)));
    assert!(text(draw.clone()).contains("place 3, not below 3: not drawn"));
    let heavy = DrawNumbers {
        weight: Some(8),
        peers: Some(2),
        given: Some(1),
        slot: Some(1),
        place: Some(1),
        ..draw.clone()
    };
    assert!(text(heavy).contains("slot 1 of 2 of weight 8 has place 1, not below 1: not drawn"));
    let open = DrawNumbers { given: None, place: None, ..draw.clone() };
    assert!(text(open).contains("slot 4, but no seed became known"));
    let none = DrawNumbers { slot: None, place: None, weight: None, peers: None, ..draw };
    assert!(text(none).contains("not enrolled for it in time"));
}

#[test]
fn a_rejection_says_by_which_rule() {
    let judged = |median: i64, after: i64| {
        let opinions =
            vec![SeatOpinion { seat: AccountId([2; 32]), opinion: Opinion::Score(median) }];
        let numbers = JudgedNumbers {
            index: 0,
            opinions,
            median: Some(median),
            total: 100,
            trend: 90,
            before: 0,
            after,
            floor: -40,
            outcome: Outcome::Rejected,
        };
        told("Validation.Judged", json!({ "outcome": "Rejected" }), Some(Numbers::Judged(numbers)))
    };
    assert!(judged(-41, 9).ends_with("rejected, below the floor"));
    assert!(judged(-40, -40).ends_with("rejected, the running score is not positive"));
    assert!(judged(0, 40).ends_with("rejected, worth exactly nothing"));
}

#[test]
fn a_copy_is_told_as_one_with_what_each_seat_said() {
    let said = [Opinion::Copied, Opinion::Score(7), Opinion::Copied];
    let opinions = said.map(|opinion| SeatOpinion { seat: AccountId([2; 32]), opinion });
    let numbers = JudgedNumbers {
        index: 0,
        opinions: opinions.into(),
        median: None,
        total: 100,
        trend: 90,
        before: 5,
        after: 5,
        floor: -40,
        outcome: Outcome::Copied,
    };
    let text = told("Validation.Judged", json!({}), Some(Numbers::Judged(numbers)));
    assert!(text.contains("seats say copied, 7, copied: most have it as a copy"), "{text}");
    assert!(text.ends_with("running score 5 → 5 (bound ±90), T = 100, floor -40: copied, unpaid"));
}

#[test]
fn what_this_program_does_not_know_is_shown_as_it_is() {
    let text = told("Tasks.Blessed", json!({ "task": 7 }), None);
    assert_eq!(text, r#"Tasks.Blessed {"task":7}"#);
    let paid = told("Tasks.Paid", json!({ "amount": "36893488147419103232" }), None);
    assert_eq!(paid, "was paid 36893488147419103232 DML");
}

#[test]
fn a_seat_is_told_whether_it_was_wrong_about_a_gold_result() {
    let fields = json!({ "label": "Bad", "confirmed": true, "missed": 1 });
    let numbers = |said, missed| GoldNumbers {
        label: decentralml_types::Label::Bad,
        median: -900,
        clear: 20,
        confirmed: true,
        said,
        missed,
    };
    let text = |said, missed| {
        told("Golds.GoldRevealed", fields.clone(), Some(Numbers::Gold(numbers(said, missed))))
    };
    let wrong = text(Some(Opinion::Score(700)), true);
    assert!(wrong.contains("known as bad; confirmed: true, seats that were wrong: 1"), "{wrong}");
    assert!(
        wrong.contains(
            "the median is -900, and what exceeds 20 is clear, it said 700: clearly the opposite"
        ),
        "{wrong}"
    );
    assert!(text(Some(Opinion::Score(-3)), false).contains("it said -3: not clearly wrong"));
    assert!(
        text(Some(Opinion::Unavailable), false).contains("it said unavailable: not clearly wrong")
    );
    assert!(text(None, false).ends_with("what exceeds 20 is clear"));
    let lost = json!({ "forfeited": 3, "returned": 0 });
    assert!(told("Golds.GoldsConcluded", lost, None).contains("3 DML of the deposits are lost"));
}
