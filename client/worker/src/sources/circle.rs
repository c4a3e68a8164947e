//! Which accounts are asked to keep a trainer's update, in which order, and so where seats look for it.
//!
//! Everybody finds the same list from the chain alone: the accounts that may keep bytes of the task and have announced hosts, in an order
//! that is another for each trainer and round. A trainer hands its update to accounts of the first *circle*, as many as [`size`] says, and
//! to nobody else. Seats look there first, at all that these accounts have announced, and in the circles behind it afterwards: accounts that
//! have enrolled or announced something since may have moved a holder back.

use codec::Encode;
use decentralml_protocol::draw;
use decentralml_sdk::AccountId;
use decentralml_storage::SourceUrl;
use decentralml_types::{Hash, host::MAX_HOSTS, limits::MAX_CUSTODY_HOSTS};

/// Accounts in a circle besides twice as many as are to hold an update.
const SPARE: usize = 4;
/// Accounts of a task whose hosts are looked up for one purpose, at most: seats see no further.
pub(super) const MAX_ACCOUNTS: usize = 256;
/// What seats ask for the same bytes at a time, at most: all places of a trainer and of the largest circle.
pub(super) const MAX_SOURCES: usize =
    (MAX_HOSTS as usize) * (2 * MAX_CUSTODY_HOSTS as usize + SPARE + 1);

/// A host that may take an update: whose it is, and where.
pub(crate) type Candidate = (AccountId, SourceUrl);

/// An account and all that it has announced, the preferred place first.
pub(super) type Announced = (AccountId, Vec<SourceUrl>);

/// Accounts in a circle, where so many are to hold an update.
pub(super) fn size(hosts: u8) -> usize {
    usize::from(hosts).saturating_mul(2).saturating_add(SPARE)
}

/// The accounts that may keep what is `whose`, in their order. `of` names what it is for: in the second round and later it is not known
/// before the round starts, so nobody enrolls accounts beforehand that come first.
pub(super) fn in_order(
    of: &Hash,
    whose: &AccountId,
    mut accounts: Vec<AccountId>,
) -> Vec<AccountId> {
    let key = |account: &AccountId| draw::key(of, &("hosts", whose.0, account.0).encode());
    accounts.retain(|account| account != whose);
    accounts.sort_by_cached_key(key);
    accounts.dedup();
    accounts.truncate(MAX_ACCOUNTS);
    accounts
}

/// One circle of those who have announced something; after the last one the first comes again.
pub(super) fn of_number(announced: Vec<Announced>, size: usize, number: usize) -> Vec<Announced> {
    let size = size.max(1);
    let circles = announced.len().div_ceil(size).max(1);
    announced.into_iter().skip(number % circles * size).take(size).collect()
}

/// All places: the preferred ones of all accounts in their order, then the second ones, and so on.
pub(super) fn by_rank(announced: Vec<Announced>) -> Vec<Candidate> {
    let most = announced.iter().map(|(_, urls)| urls.len()).max().unwrap_or(0);
    let at = |rank: usize| {
        announced
            .iter()
            .filter_map(move |(account, urls)| Some((*account, urls.get(rank)?.clone())))
    };
    (0..most).flat_map(at).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use std::collections::BTreeSet;

    fn account(who: u16) -> AccountId {
        let mut bytes = [0; 32];
        bytes[..2].copy_from_slice(&who.to_le_bytes());
        AccountId::from(bytes)
    }

    /// An account that has announced so many places.
    fn announced(account: AccountId, places: usize) -> Announced {
        let place = |rank| format!("http://{}-{rank}", account.0[0]).parse().unwrap();
        (account, (0..places).map(place).collect())
    }

    const TRAINER: u16 = 999;

    #[test]
    fn the_order_is_another_for_each_trainer_and_round_and_the_same_for_everybody() {
        let all: Vec<_> = (1..=20).map(account).collect();
        let order = |of: u8, whose| in_order(&[of; 32], &account(whose), all.clone());
        let first = order(1, TRAINER);
        let mut reversed = all.clone();
        reversed.reverse();
        assert_eq!(first, in_order(&[1; 32], &account(TRAINER), reversed));
        assert_ne!(first, order(1, TRAINER + 1));
        assert_ne!(first, order(2, TRAINER));
        assert_eq!(first.len(), 20);
        assert!(!order(1, 3).contains(&account(3)), "nobody hands anything to itself");
    }

    #[test]
    fn accounts_with_many_places_hide_no_holder_from_the_seats() {
        // The attack: each of them announces as much as the chain takes, so that seats come to the end of their list early.
        for hosts in 0..=MAX_CUSTODY_HOSTS {
            let all: Vec<_> = (1..=300).map(account).collect();
            let order = in_order(&[1; 32], &account(TRAINER), all);
            let lists: Vec<_> =
                order.into_iter().map(|who| announced(who, MAX_HOSTS as usize)).collect();
            let handed_to = of_number(lists.clone(), size(hosts), 0);
            assert_eq!(handed_to.len(), size(hosts));
            let looked_at = by_rank(of_number(lists, size(hosts), 0));
            assert!(looked_at.len() + MAX_HOSTS as usize <= MAX_SOURCES, "{}", looked_at.len());
            for (who, places) in handed_to {
                for place in places {
                    assert!(looked_at.contains(&(who, place.clone())), "{hosts}: {place}");
                }
            }
        }
    }

    #[test]
    fn a_holder_that_newcomers_have_moved_back_is_found_in_a_later_circle() {
        let lists = |count| {
            let order = in_order(&[1; 32], &account(TRAINER), (1..=count).map(account).collect());
            order.into_iter().map(|who| announced(who, 1)).collect::<Vec<_>>()
        };
        let size = size(1);
        let handed_to = of_number(lists(6), size, 0);
        let (holder, _) = handed_to.last().unwrap();
        let seen: Vec<BTreeSet<AccountId>> = (0..50)
            .map(|number| {
                of_number(lists(100), size, number).into_iter().map(|one| one.0).collect()
            })
            .collect();
        assert!(!seen[0].contains(holder), "it was moved back");
        assert!(seen.iter().any(|circle| circle.contains(holder)));
        let all: BTreeSet<_> = seen.iter().flatten().collect();
        assert_eq!(all.len(), 100, "every account is looked at some time");
        assert_eq!(of_number(Vec::new(), size, 3), []);
    }

    #[test]
    fn preferred_places_come_before_all_others() {
        let lists =
            vec![announced(account(1), 3), announced(account(2), 1), announced(account(3), 2)];
        let places: Vec<_> = by_rank(lists).into_iter().map(|(_, url)| url.to_string()).collect();
        assert_eq!(
            places,
            ["http://1-0", "http://2-0", "http://3-0", "http://1-1", "http://3-1", "http://1-2"]
        );
    }
}
