//! The bond: what is missing of it, whether it may be made and can be paid, and what a slash took from it.

use decentralml_sdk::{AccountId, Constants, Member, Properties, View, call};
use decentralml_types::{Balance, TaskId};

use crate::{error::WorkerError, tries::AGAIN, work::Work};

/// What bonding and enrolling cost at most: as many plain calls.
const CALLS: Balance = 2;

/// Replaces what a slash took from below what is at risk: without it the chain lets the account commit to nothing. Says whether
/// the bond suffices: where the money for it is missing, that is said once, and it is asked for again every [`AGAIN`] blocks.
pub(crate) async fn cover(work: &Work, task: TaskId) -> Result<bool, WorkerError> {
    let mut pace = work.bonding.lock().await;
    // Another task may have covered it since the block at hand.
    let view = work.chain.best().await?;
    let member = view.member(work.role, &work.account()).await?.unwrap_or_default();
    let missing = shortfall(&member);
    if missing == 0 {
        return Ok(true);
    }
    let now = view.number();
    if !pace.is_due(now) {
        return Ok(false);
    }
    match top_up(work, &view, task, &member, missing).await {
        Ok(()) => Ok(true),
        Err(error) if pace.put_off(now, &error) => {
            match pace.is_news(&error) {
                true => tracing::warn!(
                    task, %error, "cannot top up the bond yet, asks again every {AGAIN} blocks"
                ),
                false => tracing::debug!(task, %error, "still cannot top up the bond"),
            }
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

async fn top_up(
    work: &Work,
    view: &View,
    task: TaskId,
    member: &Member,
    missing: Balance,
) -> Result<(), WorkerError> {
    within_limit(work.max_bond, task, member.engaged, work.chain.properties())?;
    afford(work, view, task, missing, &work.chain.constants().await?).await?;
    let amount = work.chain.properties().tokens(missing);
    tracing::info!(task, %amount, "tops up the bond after a slash");
    work.submit_final(call::bond(work.role, missing)).await?;
    Ok(())
}

/// What the bond lacks to what is at risk.
fn shortfall(member: &Member) -> Balance {
    member.engaged.saturating_sub(member.bond)
}

/// What is to be bonded before `risk` more can be put at risk: the bond is at least the chain's minimum.
pub(super) fn missing(member: Option<&Member>, risk: Balance, minimum: Balance) -> Balance {
    let (bond, engaged) = member.map_or((0, 0), |member| (member.bond, member.engaged));
    engaged.saturating_add(risk).max(minimum).saturating_sub(bond)
}

pub(super) fn within_limit(
    allowed: Balance,
    task: TaskId,
    needed: Balance,
    token: &Properties,
) -> Result<(), WorkerError> {
    if needed > allowed {
        let (needed, allowed) = (token.tokens(needed), token.tokens(allowed));
        return Err(WorkerError::BondTooLarge { task, needed, allowed });
    }
    Ok(())
}

/// Whether the account can bond so much more: see [`WorkerError::NoFunds`].
pub(super) async fn afford(
    work: &Work,
    view: &View,
    task: TaskId,
    missing: Balance,
    constants: &Constants,
) -> Result<(), WorkerError> {
    let account = work.account();
    let free = view.balance(&account).await?.free;
    suffices(task, account, free, price(missing, constants), work.chain.properties())
}

fn suffices(
    task: TaskId,
    account: AccountId,
    free: Balance,
    needed: Balance,
    token: &Properties,
) -> Result<(), WorkerError> {
    if free < needed {
        let (free, needed) = (token.tokens(free), token.tokens(needed));
        return Err(WorkerError::NoFunds { task, account, free, needed });
    }
    Ok(())
}

/// What is free of an account that bonds so much more, at least: the existential deposit has to stay, and the fee comes on top,
/// which is estimated from what the chain charges for a call of ours.
fn price(missing: Balance, constants: &Constants) -> Balance {
    let call = constants.call_price.max(constants.existential_deposit);
    let fee = call.saturating_mul(CALLS);
    missing.saturating_add(constants.existential_deposit).saturating_add(fee)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{enroll::Pace, tries::LIMIT};

    fn account(who: u8) -> AccountId {
        AccountId::from([who; 32])
    }

    fn token() -> Properties {
        Properties { symbol: "DML".into(), decimals: 2, ss58: 42 }
    }

    fn member(bond: Balance, engaged: Balance) -> Member {
        Member { bond, engaged, ..Member::default() }
    }

    #[test]
    fn money_is_asked_for_once_and_waited_for_beyond_any_number_of_failures() {
        let constants = Constants {
            existential_deposit: 10,
            deposit_base: 0,
            deposit_per_row: 0,
            call_price: 30,
            unbonding_period: 1,
        };
        let needed = price(500, &constants);
        assert_eq!(needed, 500 + 10 + 2 * 30);
        assert_eq!(price(500, &Constants { call_price: 0, ..constants }), 500 + 10 + 2 * 10);

        let (mut pace, mut now) = (Pace::default(), 1);
        for attempt in 0..=LIMIT {
            assert!(pace.is_due(now));
            let error = suffices(7, account(1), needed - 1, needed, &token()).unwrap_err();
            assert!(pace.put_off(now, &error), "nothing that is counted");
            assert_eq!(pace.is_news(&error), attempt == 0);
            for part in ["5.69 DML", "5.7 DML", &account(1).to_string()] {
                assert!(error.to_string().contains(part), "{error}");
            }
            assert!(!pace.is_due(now + AGAIN - 1));
            now += AGAIN;
        }
        let less = suffices(7, account(1), 3, needed, &token()).unwrap_err();
        assert!(pace.is_news(&less));
        assert!(suffices(7, account(1), needed, needed, &token()).is_ok());
    }

    #[test]
    fn a_bond_is_topped_up_to_what_is_at_risk_and_to_the_minimum() {
        assert_eq!(missing(None, 50, 100), 100);
        assert_eq!(missing(None, 150, 100), 150);
        assert_eq!(missing(Some(&member(100, 0)), 50, 100), 0);
        assert_eq!(missing(Some(&member(100, 80)), 50, 100), 30);
        assert_eq!(missing(Some(&member(60, 80)), 50, 100), 70);
    }

    #[test]
    fn what_another_task_has_covered_meanwhile_is_not_bonded_again() {
        assert_eq!(shortfall(&member(60, 80)), 20);
        assert_eq!(shortfall(&member(80, 80)), 0);
        assert_eq!(shortfall(&member(100, 80)), 0);
        assert_eq!(shortfall(&Member::default()), 0);
    }
}
