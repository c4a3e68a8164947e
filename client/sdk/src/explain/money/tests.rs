use super::*;
use serde_json::json;

const WHO: &str = "0xaa";
const OTHER: &str = "0xbb";
const TASK: &str = "0xcc";

fn ledger() -> Ledger {
    Ledger {
        who: WHO.to_owned(),
        task: 7,
        round: 2,
        asset: Some(4),
        is_sponsor: false,
        payers: vec![TASK.to_owned()],
        cases: BTreeSet::new(),
        harmed: BTreeSet::new(),
        challenged: BTreeSet::new(),
    }
}

fn event(pallet: &str, name: &str, fields: Json) -> Event {
    Event { pallet: pallet.to_owned(), name: name.to_owned(), fields }
}

/// The causes and changes of one transaction's events.
fn told(ledger: &mut Ledger, events: &[(&str, &str, Json)]) -> Vec<(Cause, i128, i128)> {
    let events: Vec<(Option<u32>, Event)> = events
        .iter()
        .map(|(pallet, name, fields)| (Some(1), event(pallet, name, fields.clone())))
        .collect();
    let sum = {
        let mut sum = Amounts::ZERO;
        for (_, event) in &events {
            sum += ledger.change(event).unwrap_or_default();
        }
        sum
    };
    let entries = ledger.enter(9, &events, sum);
    entries.iter().map(|entry| (entry.cause, entry.change.free, entry.change.held)).collect()
}

#[test]
fn a_claim_in_a_batch_with_others_is_told_apart_from_them_and_from_its_fee() {
    let pay = |to: &str, amount: u32, round: u32| {
        [
            ("Balances", "Transfer", json!({ "from": TASK, "to": to, "amount": amount })),
            ("Tasks", "Paid", json!({ "task": 7, "round": round, "who": to, "amount": amount })),
        ]
    };
    let mut events = vec![("Balances", "Withdraw", json!({ "who": WHO, "amount": 30 }))];
    events.extend(pay(OTHER, 5, 2));
    events.extend(pay(WHO, 100, 2));
    events.extend(pay(WHO, 40, 1));
    // Its own money: what comes after it is not why it went.
    events.push(("Balances", "Transfer", json!({ "from": WHO, "to": OTHER, "amount": 3 })));
    events.extend(pay(WHO, 1, 2));
    events.push(("Balances", "Deposit", json!({ "who": WHO, "amount": 10 })));
    events.push((
        "TransactionPayment",
        "TransactionFeePaid",
        json!({ "who": WHO, "actual_fee": 20, "tip": 0 }),
    ));
    let expected = [
        (Cause::Fee, -30, 0),
        (Cause::Round, 100, 0),
        (Cause::OtherRound, 40, 0),
        (Cause::Other, -3, 0),
        (Cause::Round, 1, 0),
        (Cause::Fee, 10, 0),
    ];
    assert_eq!(told(&mut ledger(), &events), expected);
}

#[test]
fn the_part_of_a_task_that_was_reaped_comes_to_its_sponsor_from_the_round() {
    let opened = json!({ "case": 3, "accused": OTHER, "task": 7, "round": 2, "reporter": "None" });
    let executed = [
        (
            "Balances",
            "TransferOnHold",
            json!({ "reason": 1, "source": OTHER, "dest": WHO, "amount": 50 }),
        ),
        ("Disputes", "Executed", json!({ "case": 3, "accused": OTHER, "bond_lost": 0 })),
    ];
    for (is_sponsor, cause) in [(true, Cause::Round), (false, Cause::Other)] {
        let mut ledger = Ledger { is_sponsor, ..ledger() };
        assert_eq!(told(&mut ledger, &[("Disputes", "Opened", opened.clone())]), []);
        assert_eq!(told(&mut ledger, &executed), [(cause, 50, 0)]);
    }
}

#[test]
fn a_case_belongs_to_its_round_from_the_accusation_to_the_slash() {
    let mut ledger = ledger();
    let opened = json!({ "case": 3, "accused": WHO, "task": 7, "round": 2, "reporter": "None" });
    assert_eq!(told(&mut ledger, &[("Disputes", "Opened", opened)]), []);
    let appeal = [
        ("Balances", "Held", json!({ "who": WHO, "amount": 6 })),
        ("Disputes", "Appealed", json!({ "case": 3, "bond": 6 })),
    ];
    assert_eq!(told(&mut ledger, &appeal), [(Cause::Round, -6, 6)]);
    let held = |dest: &str, amount: u32| {
        ("Balances", "TransferOnHold", json!({ "source": WHO, "dest": dest, "amount": amount }))
    };
    let executed = [
        held(TASK, 25),
        ("Tasks", "Recovered", json!({ "task": 7, "amount": 25 })),
        held(OTHER, 25),
        ("Participants", "Slashed", json!({ "who": WHO, "amount": 50 })),
        ("Disputes", "Executed", json!({ "case": 3, "accused": WHO, "bond_lost": 6 })),
    ];
    let expected = [(Cause::Round, 0, -25), (Cause::Round, 0, -25), (Cause::Round, 0, -6)];
    assert_eq!(told(&mut ledger, &executed), expected);
    let elsewhere = [held(TASK, 9), ("Disputes", "Executed", json!({ "case": 4, "accused": WHO }))];
    assert_eq!(told(&mut ledger, &elsewhere), [(Cause::OtherRound, 0, -9)]);
}

#[test]
fn the_bond_of_a_challenge_goes_to_the_round_also_where_the_answer_does_not_name_the_challenger() {
    let mut ledger = ledger();
    let key = |name: &str| json!({ "task": 7, "round": 2, "trainer": OTHER, "challenger": name });
    let challenged = [
        ("Balances", "Held", json!({ "who": WHO, "amount": 5 })),
        ("Challenges", "Challenged", key(WHO)),
    ];
    assert_eq!(told(&mut ledger, &challenged), [(Cause::Round, -5, 5)]);
    let answered = [
        ("Balances", "TransferOnHold", json!({ "source": WHO, "dest": OTHER, "amount": 5 })),
        ("Challenges", "Answered", json!({ "task": 7, "round": 2, "trainer": OTHER, "by": OTHER })),
    ];
    assert_eq!(told(&mut ledger, &answered), [(Cause::Round, 0, -5)]);
}

#[test]
fn what_no_event_tells_is_an_entry_of_its_own_and_missing_from_the_sum() {
    let paid = (Some(1), event("Balances", "Minted", json!({ "who": WHO, "amount": 4 })));
    let difference = Amounts { free: 5, held: -1, asset: 2 };
    let entries = ledger().enter(9, &[paid], difference);
    let rest = Amounts { free: 1, held: -1, asset: 2 };
    assert_eq!(
        entries.iter().map(|entry| entry.cause).collect::<Vec<_>>(),
        [Cause::Other, Cause::Unexplained]
    );
    assert_eq!(entries[1].change, rest);
    let sums = Sums::of(&entries, difference);
    assert_eq!((sums.unexplained, sums.missing()), (rest, rest));
}

#[test]
fn pay_in_an_asset_counts_in_that_asset_only() {
    let transfer = |asset: u32| {
        let fields = json!({ "asset_id": asset, "from": TASK, "to": WHO, "amount": 8 });
        (Some(1), event("Assets", "Transferred", fields))
    };
    let paid = json!({ "task": 7, "round": 2, "who": WHO, "amount": 8 });
    let paid = (Some(1), event("Tasks", "Paid", paid));
    let difference = Amounts { asset: 8, ..Amounts::ZERO };
    let entries = ledger().enter(9, &[transfer(5), transfer(4), paid], difference);
    assert_eq!(entries.len(), 1);
    assert_eq!((entries[0].cause, entries[0].change), (Cause::Round, difference));
    assert_eq!(entries[0].by, "Tasks.Paid");
}
