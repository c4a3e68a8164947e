//! Tasks that pay in a token of somebody's making, on the real runtime. After each test all native money is accounted for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use decentralml_runtime::{
    federated_api::{Claims, runtime_decl_for_federated_api::FederatedApiV1},
    *,
};
use decentralml_types::{Asset, Balance, Phase, Role, TaskId};
use frame_support::dispatch::Pays;
use support::*;

fn held(id: u32, name: u8) -> Balance {
    Assets::balance(id, account(name))
}

fn claimable(task: TaskId, name: u8) -> Claims {
    <Runtime as FederatedApiV1<Block, AccountId>>::claimable(task, account(name), None, 256)
}

fn destroy(id: u32) {
    ok(ISSUER, pallet_assets::Call::start_destroy { id });
    ok(ISSUER, pallet_assets::Call::destroy_accounts { id });
    ok(ISSUER, pallet_assets::Call::finish_destroy { id });
}

#[test]
fn rewards_and_fees_are_paid_in_the_token_and_all_else_in_native_tokens() {
    chain(|| {
        let (spec, id) = in_token(digits());
        let names = || TRAINERS.into_iter().chain(SEATS);
        let native: Balance = names().map(balance).sum();
        let (sponsor, tokens) = (balance(SPONSOR), held(id, SPONSOR));
        let task = running(spec.clone());
        play_until(task, Phase::Settled);
        assert_eq!(claimable(task, 11).asset, Asset::Id(id));
        settle(task, 1);
        clear(task);
        for name in SEATS {
            assert_eq!(held(id, name), spec.terms.fee_per_seat);
        }
        let shares: Balance = TRAINERS.into_iter().map(|name| held(id, name)).sum();
        // Shares are rounded down, and what is left of them goes back.
        let rest = spec.terms.reward_per_round - shares;
        assert!(rest < TRAINERS.len() as Balance, "{rest}");
        let paid = shares + 3 * spec.terms.fee_per_seat;
        assert_eq!(held(id, SPONSOR), tokens - paid, "to the last unit");
        assert_eq!(names().map(balance).sum::<Balance>(), native);
        assert_eq!(sponsor - balance(SPONSOR), 2 * charge(&spec));
    });
}

#[test]
fn a_frozen_token_delays_pay_and_keeps_nobody_in_the_task() {
    chain(|| {
        let (spec, id) = in_token(digits());
        let task = running(spec);
        play_until(task, Phase::Settled);
        ok(ISSUER, pallet_assets::Call::freeze_asset { id });
        let due = claimable(task, 11).claims[0].amount;
        settle(task, 1);
        assert_eq!((claimable(task, 11).owed, held(id, 11)), (due, 0));
        ok(SPONSOR, pallet_tasks::Call::cancel { task });
        for name in TRAINERS {
            ok(name, pallet_assignments::Call::leave { task, role: Role::Trainer });
            ok(name, pallet_participants::Call::unbond { role: Role::Trainer, amount: 100 * UNIT });
        }
        ok(ISSUER, pallet_assets::Call::thaw_asset { id });
        let collect = pallet_tasks::Call::collect { task, account: account(11) };
        assert_eq!(call(12, collect).unwrap().pays_fee, Pays::No);
        assert_eq!((claimable(task, 11).owed, held(id, 11)), (0, due));
        clear(task);
    });
}

#[test]
fn a_destroyed_token_leaves_nothing_native_behind() {
    chain(|| {
        let (spec, id) = in_token(digits());
        let sponsor = balance(SPONSOR);
        let task = running(spec.clone());
        destroy(id);
        play_until(task, Phase::Settled);
        assert_eq!(round(task).0, 1, "no other round starts");
        settle(task, 1);
        clear(task);
        assert_eq!(sponsor - balance(SPONSOR), charge(&spec));
    });
}

#[test]
fn the_number_of_a_destroyed_asset_does_not_come_back() {
    chain(|| {
        let (_, id) = in_token(digits());
        destroy(id);
        let admin = || Address::Id(account(SPONSOR));
        let create = |id| pallet_assets::Call::create { id, admin: admin(), min_balance: 1 };
        for wrong in [id, id + 2] {
            let error = call(SPONSOR, create(wrong)).unwrap_err().error;
            assert_eq!(error, pallet_assets::Error::<Runtime>::BadAssetId.into());
        }
        let forced = Assets::force_create(RuntimeOrigin::root(), id, admin(), false, 1);
        let error = pallet_assets::Error::<Runtime>::AssetIdAllocationFailed;
        assert_eq!(forced, Err(error.into()));
        // A call that fails leaves nothing: the chain rolls it back, this test has to.
        pallet_assets::Asset::<Runtime>::remove(id);
        ok(SPONSOR, create(id + 1));
    });
}
