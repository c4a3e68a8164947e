//! `try_state` sees what no call could have left, and no answer breaks what must hold.

use super::*;
use crate::{Challenge, HoldReason, Record};
use frame_support::{
    assert_ok,
    traits::{fungible::MutateHold, tokens::Precision},
};
use proptest::prelude::*;

/// Two open challenges, and what `try_state` says after a change.
fn after(change: impl FnOnce()) -> Result<(), &'static str> {
    externalities().execute_with(|| {
        assert_ok!(challenge(CHALLENGER, TRAINER, &[]));
        assert_ok!(challenge(CHALLENGER, OTHER_TRAINER, &[]));
        assert_ok!(Challenges::do_try_state());
        change();
        Challenges::do_try_state().map_err(Into::into)
    })
}

fn changed(change: impl FnOnce(&mut Record<AccountId>)) -> Result<(), &'static str> {
    after(|| {
        Records::<Test>::mutate((TASK, ROUND, TRAINER), |record| change(record.as_mut().unwrap()))
    })
}

fn open(record: &mut Record<AccountId>) -> &mut Challenge<AccountId> {
    match &mut record.stage {
        Stage::Open(challenge) => challenge,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_no_call_could_have_left_is_noticed() {
    let differs = Err("the hold differs from the recorded bonds");
    assert_eq!(changed(|record| open(record).bond += 1), differs);
    assert_eq!(changed(|record| record.stage = Stage::Answered), differs);
    let released = after(|| {
        let reason = HoldReason::Challenge.into();
        assert_ok!(Balances::release(&reason, &CHALLENGER, 1, Precision::Exact));
    });
    assert_eq!(released, differs);
    let number = Err("an impossible number of challenges");
    assert_eq!(changed(|record| record.made = 0), number);
    assert_eq!(changed(|record| record.made = MAX_CHALLENGES + 1), number);
    let own = Err("a trainer challenges itself");
    assert_eq!(changed(|record| open(record).challenger = TRAINER), own);
    let gone = after(|| Updates::mutate(|updates| updates.retain(|who, _| *who != TRAINER)));
    assert_eq!(gone, Err("a challenge of an update that is gone"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any order of challenges, answers right and wrong, conclusions and pauses.
    #[test]
    fn no_sequence_of_calls_makes_or_loses_money(steps in prop::collection::vec((0u8..7, 0u64..4, 0u16..3), 1..60)) {
        build_and_execute(|| {
            let tree = Tree::new();
            for (step, who, link) in steps {
                let who = [CHALLENGER, MALLORY, HOST, TRAINER][who as usize];
                let trainer = if link == 0 { OTHER_TRAINER } else { TRAINER };
                let _ = match step {
                    0 => challenge(who, trainer, &[link]).is_ok(),
                    1 => challenge(who, trainer, &[]).is_ok(),
                    2 => answer(who, trainer, &[&tree.top]).is_ok(),
                    3 => answer(who, trainer, &[&tree.top, &tree.nodes[1]]).is_ok(),
                    4 => answer(who, trainer, &[b"small"]).is_ok(),
                    5 => conclude(who, trainer).is_ok(),
                    _ => {
                        pass(PERIOD / 2);
                        true
                    }
                };
                Challenges::do_try_state().unwrap();
            }
        });
    }
}
