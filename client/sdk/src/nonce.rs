//! One transaction of an account at a time between asking for its next nonce and handing it to the pool.
//!
//! The node's pool is the only memory of nonces: it counts what waits in it, so another process, or this one after a crash,
//! gets the right number. What is left to do here is to keep the submissions of one process from asking at the same time.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::OwnedMutexGuard;

use crate::AccountId;

/// A turn for each account.
#[derive(Clone, Default)]
pub(crate) struct Turns {
    accounts: Arc<Mutex<BTreeMap<AccountId, Arc<tokio::sync::Mutex<()>>>>>,
}

impl Turns {
    /// Waits for the account's turn, which lasts until the guard is dropped.
    pub(crate) async fn take(&self, account: AccountId) -> OwnedMutexGuard<()> {
        let turn = {
            let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
            accounts.entry(account).or_default().clone()
        };
        turn.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// A pool that hands out the next nonce and takes a moment to notice a transaction.
    #[derive(Default)]
    struct Pool {
        next: AtomicU64,
    }

    impl Pool {
        async fn submit(&self) -> u64 {
            let nonce = self.next.load(Ordering::SeqCst);
            tokio::task::yield_now().await;
            self.next.store(nonce + 1, Ordering::SeqCst);
            nonce
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn concurrent_submissions_of_one_account_never_share_a_nonce() {
        let (turns, pool) = (Turns::default(), Arc::new(Pool::default()));
        let submissions = (0..32).map(|_| {
            let (turns, pool) = (turns.clone(), pool.clone());
            tokio::spawn(async move {
                let _turn = turns.take(AccountId::from([1; 32])).await;
                pool.submit().await
            })
        });
        let mut nonces = Vec::new();
        for submission in submissions.collect::<Vec<_>>() {
            nonces.push(submission.await.unwrap());
        }
        nonces.sort_unstable();
        assert_eq!(nonces, (0..32).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn accounts_do_not_wait_for_each_other() {
        let turns = Turns::default();
        let _alice = turns.take(AccountId::from([1; 32])).await;
        let _bob = turns.take(AccountId::from([2; 32])).await;
    }
}
