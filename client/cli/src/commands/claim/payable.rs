//! Rows whose pay cannot arrive: less than what an account that does not exist needs to come into being.

use super::{Claimed, Outcome};
use crate::units::tokens;
use color_eyre::Result;
use decentralml_sdk::{AccountId, Chain, Properties, Row, View};
use decentralml_types::{Balance, BlockNumber, CommitteeNumber, RoundNumber, TaskId};
use std::collections::{BTreeMap, BTreeSet};

/// What names a row: its task, its round, whose it is, and the committee of a seat.
type Key = (TaskId, RoundNumber, AccountId, Option<CommitteeNumber>);

fn key(row: &Row) -> Key {
    (row.task, row.round, row.account, row.committee)
}

/// What is needed to know which of a few accounts can be paid what.
#[derive(Default)]
struct Known {
    /// What an account has free; of those that have less than the existential deposit. What is held does not count for it.
    has: BTreeMap<AccountId, Balance>,
    /// What these accounts' rows pay.
    pays: BTreeMap<Key, Balance>,
    /// The last block in which a round is paid.
    until: BTreeMap<(TaskId, RoundNumber), BlockNumber>,
}

/// Marks the claims that the chain would refuse because their pay alone does not make an account. To send them would cost a fee
/// and settle nothing.
pub async fn mark(claims: &mut [Claimed], view: &View, chain: &Chain) -> Result<()> {
    let least = chain.constants().await?.existential_deposit;
    let mut known = Known::default();
    let accounts: BTreeSet<AccountId> = claims.iter().map(|claim| claim.row.account).collect();
    for account in accounts {
        let has = view.balance(&account).await?.free;
        if has < least {
            known.has.insert(account, has);
        }
    }
    let of_these = |claim: &&Claimed| known.has.contains_key(&claim.row.account);
    let rows: BTreeSet<_> =
        claims.iter().filter(of_these).map(|claim| (claim.row.account, claim.row.task)).collect();
    for (account, task) in rows {
        for claim in view.claimable(task, &account).await? {
            let round = claim.row.round;
            known.pays.insert(key(&claim.row), claim.amount);
            if let Some(record) = view.round(task, round).await? {
                known.until.insert((task, round), record.deadline);
            }
        }
    }
    apply(claims, known, least, chain.properties());
    Ok(())
}

/// In the order in which the chain takes them: what is paid first may bring the account into being for the next.
fn apply(claims: &mut [Claimed], mut known: Known, least: Balance, token: &Properties) {
    for claim in claims {
        let row = &claim.row;
        let Some(has) = known.has.get_mut(&row.account) else { continue };
        let pays = known.pays.get(&key(row)).copied().unwrap_or(0);
        let then = has.saturating_add(pays);
        if pays == 0 || then >= least {
            *has = then;
            continue;
        }
        let until = known.until.get(&(row.task, row.round));
        let until = until.map_or_else(String::new, |block| {
            format!(", up to block {block}; after that the row is settled without pay")
        });
        claim.amount = Some(pays);
        claim.outcome = Outcome::Unpayable;
        claim.reason = Some(format!(
            "the account does not exist any more, and {} is less than the {} that an account has at least: send it {} or more \
             and claim again{until}",
            tokens(pays, token),
            tokens(least, token),
            tokens(least.saturating_sub(*has), token),
        ));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const GONE: AccountId = AccountId([7; 32]);

    fn outcomes(pays: &[Balance]) -> Vec<Claimed> {
        let mut known = Known { has: BTreeMap::from([(GONE, 0)]), ..Known::default() };
        let mut claims = Vec::new();
        for (round, pays) in (1..).zip(pays) {
            let row = Row { task: 1, round, account: GONE, committee: None };
            known.pays.insert(key(&row), *pays);
            known.until.insert((1, round), 500 + round);
            claims.push(Claimed::open(row, None));
        }
        let row = Row { task: 1, round: 1, account: AccountId([8; 32]), committee: None };
        claims.push(Claimed::open(row, Some(1)));
        let token = Properties { symbol: "DML".to_owned(), decimals: 0, ss58: 42 };
        apply(&mut claims, known, 100, &token);
        claims
    }

    #[test]
    fn what_is_too_little_for_an_account_that_is_gone_says_what_it_needs_and_until_when() {
        let claims = outcomes(&[40, 60]);
        assert_eq!(claims[2].outcome, Outcome::Open, "another account, which exists");
        for (claim, parts) in [
            (&claims[0], ["and 40 DML is", "the 100 DML", "send it 100 DML", "block 501"]),
            (&claims[1], ["and 60 DML is", "the 100 DML", "send it 100 DML", "block 502"]),
        ] {
            assert_eq!(claim.outcome, Outcome::Unpayable);
            let reason = claim.reason.as_deref().unwrap();
            for part in parts {
                assert!(reason.contains(part), "{part}: {reason}");
            }
        }
    }

    #[test]
    fn what_brings_the_account_back_makes_room_for_the_rest_and_a_slash_needs_none() {
        let open = |pays: &[Balance]| {
            let claims = outcomes(pays);
            claims.iter().map(|claim| claim.outcome == Outcome::Open).collect::<Vec<_>>()
        };
        assert_eq!(open(&[100, 1]), [true, true, true]);
        assert_eq!(open(&[1, 100, 1]), [false, true, true, true]);
        assert_eq!(open(&[0]), [true, true]);
    }
}
