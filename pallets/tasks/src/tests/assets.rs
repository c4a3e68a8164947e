//! Tasks that pay in another asset than the native token, whatever those with power over it do.

use super::*;
use crate::{Debt, Owed, PauseReason};
use frame_support::dispatch::Pays;
use sp_runtime::{ArithmeticError, TokenError};

const TOKEN: u32 = 7;
const ASSET: Asset = Asset::Id(TOKEN);
const MINTED: Balance = 100_000;
const MINIMUM: Balance = 10;
/// What one attempt is charged: as in a native task, and a collection of each of 6 trainers and 3 seats.
const ASSET_CHARGE: Balance = CHARGE + 6 + 3;

/// The issuer makes a token and gives some to the sponsor.
fn issue() {
    assert_ok!(Assets::create(signed(ISSUER), TOKEN, ISSUER, MINIMUM));
    assert_ok!(Assets::mint(signed(ISSUER), TOKEN, SPONSOR, MINTED));
}

fn asset_spec() -> TaskSpec {
    let mut spec = spec();
    spec.terms.asset = ASSET;
    spec
}

/// A task in the issuer's token, in its first round.
fn start_asset() -> TaskId {
    issue();
    start_with(asset_spec())
}

/// Such a task with its first round settled, so that it owes.
fn settled() -> TaskId {
    let task = start_asset();
    settle(task, 1, 1);
    task
}

fn held(who: AccountId) -> Balance {
    Assets::balance(TOKEN, who)
}

fn freeze() {
    assert_ok!(Assets::freeze_asset(signed(ISSUER), TOKEN));
}

fn thaw() {
    assert_ok!(Assets::thaw_asset(signed(ISSUER), TOKEN));
}

fn destroy() {
    assert_ok!(Assets::start_destroy(signed(ISSUER), TOKEN));
    assert_ok!(Assets::destroy_accounts(signed(ISSUER), TOKEN));
    assert_ok!(Assets::finish_destroy(signed(ISSUER), TOKEN));
}

fn pay(task: TaskId, amount: Balance) {
    assert_ok!(Tasks::row_settled(task, 1, &TRAINER, amount));
}

fn owed(task: TaskId) -> Balance {
    let row = Owed::<Test>::get(task, TRAINER).map_or(0, |debt| debt.amount);
    assert_eq!(money(task).owed, row);
    row
}

/// Collects for the trainer, free of charge.
fn collect(task: TaskId) {
    let post = Tasks::collect(signed(OTHER), task, TRAINER).unwrap();
    assert_eq!(post.pays_fee, Pays::No);
}

#[test]
fn a_sponsor_makes_its_token_and_pays_rewards_in_it_and_all_else_in_native_tokens() {
    build_and_execute(|| {
        assert_ok!(Assets::create(signed(SPONSOR), TOKEN, SPONSOR, MINIMUM));
        assert_ok!(Assets::mint(signed(SPONSOR), TOKEN, SPONSOR, MINTED));
        let native = total(SPONSOR);
        let task = create_with(asset_spec());
        let charges = ATTEMPTS * ASSET_CHARGE;
        assert!(has_event(Event::TaskCreated {
            task,
            sponsor: SPONSOR,
            asset: ASSET,
            pay: 3 * ROUND_PAY,
            charges,
            deposit: Tasks::deposit_for(&asset_spec()),
        }));
        assert_eq!(held(SPONSOR), MINTED - 3 * ROUND_PAY - MINIMUM);
        assert_eq!(total(SPONSOR), native - charges - EXISTENTIAL_DEPOSIT);

        enroll(task, 6, 3);
        settle(task, 1, 1);
        assert_eq!(total(TREASURY), EXISTENTIAL_DEPOSIT + 2 * ASSET_CHARGE);
        pay(task, 333);
        let (who, asset) = (TRAINER, ASSET);
        assert!(has_event(Event::Paid { task, round: 1, who, asset, amount: 333 }));
        assert_eq!((held(TRAINER), total(TRAINER)), (333, FUNDS));

        assert_ok!(Tasks::cancel(signed(SPONSOR), task));
        let (status, refunded) = (TaskStatus::Cancelled, 2 * ROUND_PAY);
        let charges = (ATTEMPTS - 2) * ASSET_CHARGE;
        assert!(has_event(Event::TaskEnded { task, status, refunded, charges }));
        claim_all(task, 1, &[]);
        let amount = ROUND_PAY - 333;
        assert!(has_event(Event::Refunded { task, asset, amount }));
        claim_all(task, 2, &[]);
        assert_ok!(Tasks::reap(signed(OTHER), task, 10));
        assert!(has_event(Event::Refunded { task, asset, amount: MINIMUM }));
        assert_eq!(held(SPONSOR), MINTED - 333);
        assert_eq!(total(SPONSOR), native - 2 * ASSET_CHARGE);
        assert!(!System::account_exists(&Tasks::account_of(task)));
    });
}

#[test]
fn a_task_in_an_asset_that_is_not_there_is_not_created() {
    build_and_execute(|| {
        let create = || {
            frame_support::storage::with_storage_layer(|| {
                Tasks::create(signed(SPONSOR), Box::new(asset_spec()))
            })
        };
        assert_eq!(create(), Err(TokenError::UnknownAsset.into()));
        assert_ok!(Assets::create(signed(ISSUER), TOKEN, ISSUER, MINIMUM));
        assert_ok!(Assets::mint(signed(ISSUER), TOKEN, ISSUER, MINTED));
        assert_eq!(create(), Err(TokenError::FundsUnavailable.into()));
        // Whoever pays keeps the minimum, or it would be lost.
        assert_ok!(Assets::mint(signed(ISSUER), TOKEN, SPONSOR, 3 * ROUND_PAY + 2 * MINIMUM - 1));
        assert_eq!(create(), Err(TokenError::NotExpendable.into()));
        assert_ok!(Assets::mint(signed(ISSUER), TOKEN, SPONSOR, 1));
        freeze();
        assert_eq!(create(), Err(TokenError::Frozen.into()));
        assert_eq!((total(SPONSOR), crate::NextTask::<Test>::get()), (FUNDS, 0));
        thaw();
        assert_ok!(create());
        assert_eq!(held(SPONSOR), MINIMUM);
    });
}

#[test]
fn each_purse_is_funded_for_itself() {
    build_and_execute(|| {
        issue();
        let task = create_with(asset_spec());
        let before = purses(task);
        assert_ok!(Tasks::fund(signed(SPONSOR), task, 20, 30));
        let (who, asset) = (SPONSOR, ASSET);
        assert!(has_event(Event::TaskFunded { task, who, asset, pay: 20, charges: 30 }));
        assert_eq!(purses(task), (before.0 + 20, before.1 + 30));
        // Charges can be added whatever becomes of the asset.
        freeze();
        assert_ok!(Tasks::fund(signed(OTHER), task, 0, 5));
        assert_noop!(Tasks::fund(signed(SPONSOR), task, 5, 0), TokenError::Frozen);
    });
}

#[test]
fn slashed_bonds_pay_for_free_calls_and_never_for_rewards() {
    build_and_execute(|| {
        let task = start_asset();
        let (pay, charges) = purses(task);
        assert_ok!(Balances::transfer_allow_death(signed(OTHER), Tasks::account_of(task), 40));
        Tasks::recovered(task, 40);
        assert_eq!(purses(task), (pay, charges + 40));
    });
}

#[test]
fn a_frozen_asset_holds_no_row_up_and_is_collected_once_thawed() {
    build_and_execute(|| {
        let task = settled();
        freeze();
        pay(task, 333);
        let (who, asset, amount) = (TRAINER, ASSET, 333);
        let reason = TokenError::Frozen.into();
        assert!(has_event(Event::PaymentOwed { task, round: 1, who, asset, amount, reason }));
        assert_eq!(owed(task), 333);
        claim_all(task, 1, &[FEE]);
        assert_eq!(Rounds::<Test>::get(task, 1).unwrap().open_rows, 0);
        assert_noop!(Tasks::collect(signed(OTHER), task, TRAINER), TokenError::Frozen);
        thaw();
        collect(task);
        assert!(has_event(Event::Collected { task, who, asset, amount: 333 + FEE }));
        assert_eq!((held(TRAINER), owed(task)), (333 + FEE, 0));
        let again = Tasks::collect(signed(OTHER), task, TRAINER);
        assert_eq!(again.unwrap_err().error, Error::<Test>::NothingOwed.into());
    });
}

#[test]
fn an_account_that_is_blocked_is_owed() {
    build_and_execute(|| {
        let task = settled();
        pay(task, 100);
        assert_ok!(Assets::block(signed(ISSUER), TOKEN, TRAINER));
        pay(task, 50);
        assert_eq!((held(TRAINER), owed(task)), (100, 50));
        assert_ok!(Assets::thaw(signed(ISSUER), TOKEN, TRAINER));
        // What is paid next takes it along.
        pay(task, 1);
        assert_eq!((held(TRAINER), owed(task)), (151, 0));
    });
}

#[test]
fn an_account_with_too_many_assets_to_hold_another_is_owed() {
    build_and_execute(|| {
        let task = settled();
        let junk = 100..;
        let filled = junk
            .take_while(|&id| {
                assert_ok!(Assets::create(signed(OTHER), id, OTHER, 1));
                Assets::mint(signed(OTHER), id, TRAINER, 1).is_ok()
            })
            .count();
        assert!(filled > 0);
        pay(task, 333);
        assert_eq!(owed(task), 333);
        assert_ok!(Assets::burn(signed(OTHER), 100, TRAINER, 1));
        collect(task);
        assert_eq!(held(TRAINER), 333);
    });
}

#[test]
fn shares_below_the_minimum_are_owed_until_they_add_up() {
    build_and_execute(|| {
        let task = settled();
        for sum in [4, 8] {
            pay(task, 4);
            assert_eq!((held(TRAINER), owed(task)), (0, sum));
        }
        assert_noop!(Tasks::collect(signed(OTHER), task, TRAINER), TokenError::BelowMinimum);
        pay(task, 4);
        assert_eq!((held(TRAINER), owed(task)), (12, 0));
        assert!(has_event(Event::Collected { task, who: TRAINER, asset: ASSET, amount: 8 }));
        pay(task, 1);
        assert_eq!(held(TRAINER), 13);
    });
}

#[test]
fn no_round_starts_that_could_not_be_paid() {
    build_and_execute(|| {
        let task = start_asset();
        freeze();
        settle(task, 1, 1);
        let reason = PauseReason::AssetUnavailable;
        assert!(has_event(Event::TaskPaused { task, reason }));
        // Neither charged for nor reserved.
        assert_eq!((at(task), money(task).reserved), ((1, Phase::Settled), 0));
        assert_eq!(total(TREASURY), EXISTENTIAL_DEPOSIT + ASSET_CHARGE);
        assert_noop!(Tasks::resume(signed(SPONSOR), task), Error::<Test>::AssetUnavailable);
        thaw();
        assert_ok!(Tasks::resume(signed(SPONSOR), task));
        assert_eq!(at(task), (2, Phase::Training));
    });
}

#[test]
fn an_admin_takes_rewards_away_and_nothing_else() {
    build_and_execute(|| {
        let task = start_asset();
        let account = Tasks::account_of(task);
        let taken = held(account);
        assert_ok!(Assets::force_transfer(signed(ISSUER), TOKEN, account, ISSUER, taken));
        assert_eq!(held(account), 0);
        Tasks::do_try_state().unwrap();
        settle(task, 1, 1);
        assert_eq!(status(task), TaskStatus::Paused);
        pay(task, 333);
        assert_eq!(owed(task), 333);
        // Anybody may make up for it; as much as is owed is not enough for another round.
        assert_ok!(Assets::transfer(signed(ISSUER), TOKEN, account, ROUND_PAY + MINIMUM));
        collect(task);
        assert_noop!(Tasks::resume(signed(SPONSOR), task), Error::<Test>::AssetUnavailable);
        let missing = taken - ROUND_PAY - MINIMUM;
        assert_ok!(Assets::transfer(signed(ISSUER), TOKEN, account, missing));
        assert_ok!(Tasks::resume(signed(SPONSOR), task));
    });
}

#[test]
fn an_asset_destroyed_in_mid_task_strands_nothing_native() {
    build_and_execute(|| {
        let task = start_asset();
        destroy();
        Taken::set(true);
        settle(task, 1, 1);
        assert_eq!(status(task), TaskStatus::Paused);
        claim_all(task, 1, &[333]);
        assert_eq!(owed(task), 333);
        assert_ok!(Tasks::cancel(signed(SPONSOR), task));
        let charges = (ATTEMPTS - 1) * ASSET_CHARGE;
        let status = TaskStatus::Cancelled;
        assert!(has_event(Event::TaskEnded { task, status, refunded: 0, charges }));

        assert_noop!(Tasks::reap(signed(OTHER), task, 10), Error::<Test>::DebtsLeft);
        let write_off = || Tasks::write_off(signed(OTHER), task, TRAINER);
        go_by(1_000);
        assert_noop!(write_off(), Error::<Test>::TooEarly);
        go_by(1);
        assert_ok!(write_off());
        let (who, asset) = (TRAINER, ASSET);
        assert!(has_event(Event::WrittenOff { task, who, asset, amount: 333 }));
        assert_noop!(write_off(), Error::<Test>::NothingOwed);
        assert_ok!(Tasks::reap(signed(OTHER), task, 10));
        assert_eq!(total(SPONSOR), FUNDS - ASSET_CHARGE);
        assert!(!System::account_exists(&Tasks::account_of(task)));
    });
}

#[test]
fn a_task_whose_asset_is_gone_is_reaped_at_once_where_it_owes_nothing() {
    build_and_execute(|| {
        let task = start_asset();
        destroy();
        assert_ok!(Tasks::cancel(signed(SPONSOR), task));
        assert_ok!(Tasks::reap(signed(OTHER), task, 10));
        assert_eq!(total(SPONSOR), FUNDS - ASSET_CHARGE);
    });
}

#[test]
fn an_asset_that_stays_frozen_holds_native_money_up_for_a_while_only() {
    build_and_execute(|| {
        let task = start_asset();
        freeze();
        assert_ok!(Tasks::cancel(signed(SPONSOR), task));
        assert_eq!(money(task).free, 3 * ROUND_PAY);
        assert_noop!(Tasks::reap(signed(OTHER), task, 10), TokenError::Frozen);
        go_by(1_001);
        assert_ok!(Tasks::reap(signed(OTHER), task, 10));
        assert_eq!(total(SPONSOR), FUNDS - ASSET_CHARGE);
        let account = Tasks::account_of(task);
        // The asset stays where it cannot be moved, and the existential deposit does not.
        assert_eq!((held(account), total(account)), (3 * ROUND_PAY + MINIMUM, 0));
    });
}

#[test]
fn an_asset_that_is_being_destroyed_is_as_good_as_frozen() {
    build_and_execute(|| {
        let task = settled();
        assert_ok!(Assets::start_destroy(signed(ISSUER), TOKEN));
        pay(task, 333);
        assert_eq!(owed(task), 333);
        assert_ok!(Tasks::cancel(signed(SPONSOR), task));
        claim_all(task, 1, &[]);
        claim_all(task, 2, &[]);
        go_by(1_001);
        assert_ok!(Tasks::write_off(signed(OTHER), task, TRAINER));
        assert_ok!(Tasks::reap(signed(OTHER), task, 10));
        assert_eq!(total(SPONSOR), FUNDS - 2 * ASSET_CHARGE);
    });
}

#[test]
fn what_the_sponsor_does_not_get_back_is_kept_for_it() {
    build_and_execute(|| {
        let task = start_asset();
        freeze();
        assert_ok!(Tasks::cancel(signed(SPONSOR), task));
        let collect = || Tasks::collect(signed(OTHER), task, SPONSOR);
        assert_noop!(collect(), TokenError::Frozen);
        thaw();
        assert_ok!(collect());
        let amount = 3 * ROUND_PAY;
        assert!(has_event(Event::Refunded { task, asset: ASSET, amount }));
        assert_eq!((held(SPONSOR), money(task)), (MINTED - MINIMUM, Money::default()));
        assert_noop!(collect(), Error::<Test>::NothingOwed);
    });
}

#[test]
fn debts_wait_as_long_as_claims_after_the_end_and_after_the_last_failure() {
    build_and_execute(|| {
        let task = settled();
        freeze();
        pay(task, 100);
        let write_off = || Tasks::write_off(signed(OTHER), task, TRAINER);
        go_by(1_001);
        assert_noop!(write_off(), Error::<Test>::TaskNotOver);
        assert_ok!(Tasks::cancel(signed(SPONSOR), task));
        go_by(900);
        pay(task, 50);
        let since = System::block_number();
        assert_eq!(Owed::<Test>::get(task, TRAINER), Some(Debt { amount: 150, since }));
        go_by(1_000);
        assert_noop!(write_off(), Error::<Test>::TooEarly);
        go_by(1);
        thaw();
        // Where it can be paid again, it goes to whom it is owed for as long as nobody gives it up.
        assert_ok!(write_off());
        assert_eq!((held(TRAINER), held(SPONSOR)), (0, MINTED - ROUND_PAY - MINIMUM + 150));
    });
}

#[test]
fn a_supply_without_room_makes_no_payment_vanish() {
    build_and_execute(|| {
        let task = settled();
        let rest = Balance::MAX - MINTED;
        assert_ok!(Assets::mint(signed(ISSUER), TOKEN, ISSUER, rest));
        pay(task, 333);
        assert_eq!((held(TRAINER), owed(task)), (0, 333));
        assert_noop!(Tasks::collect(signed(OTHER), task, TRAINER), Error::<Test>::NotReceived);
        assert_ok!(Assets::burn(signed(ISSUER), TOKEN, ISSUER, rest));
        collect(task);
        assert_eq!(held(TRAINER), 333);
    });
}

#[test]
fn sums_that_do_not_fit_are_not_taken() {
    build_and_execute(|| {
        let task = start_asset();
        let account = Tasks::account_of(task);
        // Burned in the account and minted again, the same units would be recorded twice.
        let quarter = Balance::MAX / 4;
        let overflow = Err(ArithmeticError::Overflow.into());
        Taken::set(true);
        for expected in [Ok(()), Ok(()), Ok(()), overflow] {
            assert_ok!(Assets::mint(signed(ISSUER), TOKEN, ISSUER, quarter + MINIMUM));
            assert_eq!(Tasks::fund(signed(ISSUER), task, quarter, 0), expected);
            for who in [account, ISSUER] {
                assert_ok!(Assets::burn(signed(ISSUER), TOKEN, who, held(who)));
            }
        }
    });
}

#[test]
fn a_minimum_raised_by_force_makes_payments_wait() {
    build_and_execute(|| {
        let task = settled();
        let minimum = |minimum| {
            assert_ok!(Assets::force_asset_status(
                RuntimeOrigin::root(),
                TOKEN,
                ISSUER,
                ISSUER,
                ISSUER,
                ISSUER,
                minimum,
                false,
                false
            ));
        };
        minimum(MINTED);
        pay(task, 333);
        assert_eq!(owed(task), 333);
        minimum(MINIMUM);
        collect(task);
        assert_eq!(held(TRAINER), 333);
    });
}

#[test]
fn assets_that_anybody_sends_do_not_keep_the_existential_deposit() {
    build_and_execute(|| {
        issue();
        let task = create();
        let account = Tasks::account_of(task);
        assert_ok!(Assets::mint(signed(ISSUER), TOKEN, account, MINIMUM));
        assert_ok!(Tasks::cancel(signed(SPONSOR), task));
        assert_ok!(Tasks::reap(signed(OTHER), task, 10));
        assert_eq!((total(SPONSOR), total(account)), (FUNDS, 0));
    });
}

#[test]
fn debts_that_do_not_add_up_are_noticed() {
    build_and_execute(|| {
        let task = settled();
        let set = |owed| {
            crate::Tasks::<Test>::mutate(task, |row| row.as_mut().unwrap().money.owed = owed)
        };
        set(1);
        assert!(Tasks::do_try_state().is_err());
        set(0);
        Owed::<Test>::insert(task, OTHER, Debt { amount: 1, since: 0 });
        assert!(Tasks::do_try_state().is_err());
        Owed::<Test>::remove(task, OTHER);
        Owed::<Test>::insert(task + 1, OTHER, Debt { amount: 1, since: 0 });
        assert!(Tasks::do_try_state().is_err());
        Owed::<Test>::remove(task + 1, OTHER);
    });
}
