//! Tasks in which everybody does anything at any time: on the real runtime no order of calls breaks what has to hold.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use decentralml_runtime::*;
use decentralml_types::{
    Balance, CommitteeNumber, Opinion, Opinions, Phase, Role, RoundNumber, TaskId, TaskSpec, limits,
};
use proptest::prelude::*;
use std::collections::BTreeMap;
use support::*;

/// What happens next. Most of it may fail, as what participants send at the wrong time does.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// One trainer or seat does its part of the present phase, if it has one, in this way.
    Act(u8, Way),
    /// Everybody does, as they should, once what is drawn is known.
    Everybody,
    Advance,
    Blocks(u32),
    Due,
    Claim(RoundNumber),
    Enroll(u8),
    Leave(u8),
    /// Registers a key, or removes it.
    Key(u8, bool),
    Pause,
    Resume,
    Fund,
    Cancel,
    /// Tries to pay what is owed to one account.
    Collect(u8),
    /// The issuer of the asset that the task pays in uses its power over it.
    Power(Power),
}

#[derive(Clone, Copy, Debug)]
enum Power {
    Freeze,
    Thaw,
    /// Lets an account receive nothing, or everything again.
    Block(u8, bool),
    /// Takes so many parts in a hundred out of the task's account.
    Take(u8),
    /// Gives some to the task's account.
    Give,
    /// As much as there can be.
    Inflate,
    StartDestroying,
    Destroy,
}

#[derive(Clone, Copy, Debug)]
enum Way {
    Honest,
    /// A score or CID of one's own, or another hash of the plain update than was committed to.
    Lie(Opinion),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let lie = prop_oneof![
        Just(Opinion::Unavailable),
        Just(Opinion::Malformed),
        Just(Opinion::Copied),
        (-limits::MAX_SCORE..=limits::MAX_SCORE).prop_map(Opinion::Score),
        (-20_000_i64..20_000).prop_map(Opinion::Score),
    ];
    let way = prop_oneof![3 => Just(Way::Honest), 1 => lie.prop_map(Way::Lie)];
    let power = prop_oneof![
        4 => Just(Power::Freeze),
        8 => Just(Power::Thaw),
        3 => (0..7_u8, any::<bool>()).prop_map(|(who, open)| Power::Block(who, open)),
        3 => (1..=100_u8).prop_map(Power::Take),
        4 => Just(Power::Give),
        1 => Just(Power::Inflate),
        1 => Just(Power::StartDestroying),
        1 => Just(Power::Destroy),
    ];
    let step = prop_oneof![
        40 => (0..7_u8, way).prop_map(|(who, way)| Step::Act(who, way)),
        24 => Just(Step::Everybody),
        8 => Just(Step::Advance),
        12 => (1..8_u32).prop_map(Step::Blocks),
        5 => Just(Step::Due),
        4 => (1..6_u32).prop_map(Step::Claim),
        3 => (0..7_u8).prop_map(Step::Enroll),
        2 => (0..7_u8).prop_map(Step::Leave),
        2 => (0..7_u8, any::<bool>()).prop_map(|(who, has)| Step::Key(who, has)),
        1 => Just(Step::Pause),
        2 => Just(Step::Resume),
        1 => Just(Step::Fund),
        2 => (0..7_u8).prop_map(Step::Collect),
        3 => power.prop_map(Step::Power),
    ];
    // A task is cancelled once, or never.
    (prop::collection::vec(step, 0..150), prop::option::of(0..150_usize)).prop_map(
        |(mut steps, cancel)| {
            if let Some(at) = cancel.filter(|at| *at < steps.len()) {
                steps[at] = Step::Cancel;
            }
            steps
        },
    )
}

/// Trainers are the first four, seats the others.
fn name(who: u8) -> (Role, u8) {
    let who = usize::from(who);
    match who.checked_sub(TRAINERS.len()) {
        None => (Role::Trainer, TRAINERS[who]),
        Some(seat) => (Role::Evaluator, SEATS[seat]),
    }
}

/// A task, and what seats have committed to.
struct Play {
    task: TaskId,
    /// What it pays in, where that is not native.
    asset: Option<u32>,
    sheets: BTreeMap<(RoundNumber, CommitteeNumber, u8), Opinions>,
}

impl Play {
    /// Where the task is: rounds, their committees and phases come in this order.
    fn position(&self) -> Option<(RoundNumber, CommitteeNumber, Phase)> {
        let number = pallet_tasks::Tasks::<Runtime>::get(self.task)?.current?;
        let round = pallet_tasks::Rounds::<Runtime>::get(self.task, number)?;
        Some((number, round.committee, round.phase))
    }

    fn step(&mut self, step: Step) {
        let task = self.task;
        let _ = match step {
            Step::Act(who, way) => return self.act(who, way),
            Step::Everybody => {
                blocks(2);
                return (0..7).for_each(|who| self.act(who, Way::Honest));
            }
            Step::Blocks(count) => return blocks(count),
            Step::Due => {
                if let Some((number, ..)) = self.position() {
                    let deadline =
                        pallet_tasks::Rounds::<Runtime>::get(task, number).unwrap().deadline;
                    blocks(deadline.saturating_sub(System::block_number()).min(2_000));
                }
                call(SPONSOR, pallet_tasks::Call::advance { task })
            }
            Step::Advance => call(SPONSOR, pallet_tasks::Call::advance { task }),
            Step::Claim(round) => return settle(task, round),
            Step::Enroll(who) => {
                let (role, name) = name(who);
                let weight = weight(task, name);
                call(name, pallet_assignments::Call::enroll { task, role, weight })
            }
            Step::Leave(who) => {
                let (role, name) = name(who);
                call(name, pallet_assignments::Call::leave { task, role })
            }
            Step::Key(who, has) => {
                let (_, name) = name(who);
                let key = has.then_some([name; 32]);
                call(name, pallet_participants::Call::set_encryption_key { key })
            }
            Step::Pause => call(SPONSOR, pallet_tasks::Call::pause { task }),
            Step::Resume => call(SPONSOR, pallet_tasks::Call::resume { task }),
            Step::Fund => {
                call(SPONSOR, pallet_tasks::Call::fund { task, pay: UNIT, charges: UNIT })
            }
            Step::Cancel => call(SPONSOR, pallet_tasks::Call::cancel { task }),
            Step::Collect(who) => {
                let account = account(name(who).1);
                call(SPONSOR, pallet_tasks::Call::collect { task, account })
            }
            Step::Power(power) => return self.power(power),
        };
    }

    fn power(&self, power: Power) {
        let Some(id) = self.asset else { return };
        let address = |who: &AccountId| Address::Id(who.clone());
        let escrow = <Tasks as decentralml_traits::Escrow<AccountId>>::account(self.task);
        let issuer = |what: pallet_assets::Call<Runtime>| call(ISSUER, what);
        let _ = match power {
            Power::Freeze => issuer(pallet_assets::Call::freeze_asset { id }),
            Power::Thaw => issuer(pallet_assets::Call::thaw_asset { id }),
            Power::Block(who, open) => {
                let who = address(&account(name(who).1));
                issuer(match open {
                    true => pallet_assets::Call::thaw { id, who },
                    false => pallet_assets::Call::block { id, who },
                })
            }
            Power::Take(percent) => {
                let amount = Assets::balance(id, &escrow) / 100 * Balance::from(percent);
                let (source, dest) = (address(&escrow), address(&account(ISSUER)));
                issuer(pallet_assets::Call::force_transfer { id, source, dest, amount })
            }
            Power::Give => {
                let beneficiary = address(&escrow);
                issuer(pallet_assets::Call::mint { id, beneficiary, amount: 7 * UNIT })
            }
            Power::Inflate => {
                let beneficiary = address(&account(ISSUER));
                let amount = Balance::MAX - Assets::total_supply(id);
                issuer(pallet_assets::Call::mint { id, beneficiary, amount })
            }
            Power::StartDestroying => issuer(pallet_assets::Call::start_destroy { id }),
            Power::Destroy => issuer(pallet_assets::Call::destroy_accounts { id })
                .and_then(|_| issuer(pallet_assets::Call::finish_destroy { id })),
        };
    }

    fn act(&mut self, who: u8, way: Way) {
        let Some((number, committee, phase)) = self.position() else { return };
        let (task, (role, name)) = (self.task, name(who));
        let _ = match (phase, role) {
            (Phase::Training, Role::Trainer) => commit(task, name),
            (Phase::Revealing, Role::Trainer) => match way {
                Way::Honest => reveal(task, name),
                Way::Lie(Opinion::Score(_)) => reveal_as(task, name, Some([0xff; 32])),
                Way::Lie(_) => reveal_as(task, name, None),
            },
            (Phase::Scoring, Role::Trainer) => hand_over(task, name),
            (Phase::Scoring, Role::Evaluator) => {
                let sheet = opinions(task, |trainer| match way {
                    Way::Honest => honest(trainer),
                    Way::Lie(opinion) => opinion,
                });
                self.sheets.entry((number, committee, name)).or_insert_with(|| sheet.clone());
                commit_scores(task, name, &sheet)
            }
            (Phase::Verdict, Role::Evaluator) => {
                let Some(sheet) = self.sheets.get(&(number, committee, name)) else { return };
                open_scores(task, name, sheet.clone())
            }
            (Phase::Aggregating | Phase::Settled, Role::Evaluator) => {
                let cid = match way {
                    Way::Honest => model_cid(number),
                    Way::Lie(_) => update_cid(name, number),
                };
                let (round, metric, state) = (number, 900_000, None);
                call(name, pallet_validation::Call::attest { task, round, cid, metric, state })
            }
            (Phase::Tallying, _) => call(name, pallet_tasks::Call::advance { task }),
            _ => return,
        };
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn phases_never_go_back_and_money_adds_up_whatever_is_called(
        steps in steps(), is_sealed: bool, is_native: bool, is_by_bond: bool,
    ) {
        chain(|| {
            let spec = if is_sealed { sealed() } else { digits() };
            let spec = TaskSpec { rounds: 5, target: None, ..spec };
            let spec = if is_by_bond { by_bond(spec) } else { spec };
            let (spec, asset) = match is_native {
                true => (spec, None),
                false => {
                    let (spec, id) = in_token(spec);
                    (spec, Some(id))
                }
            };
            let task = running(spec);
            let mut play = Play { task, asset, sheets: BTreeMap::new() };
            let mut position = play.position();
            for step in steps {
                play.step(step);
                let next = play.position();
                assert!(next >= position, "{position:?} was followed by {next:?}");
                position = next;
                check();
            }
            clear(task);
        });
    }
}
