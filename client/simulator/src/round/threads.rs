use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::SimulateError;

/// Stack of a thread; the graph of a deep model is walked on it.
const STACK: usize = 8 << 20;

/// The threads of a run.
///
/// What one client computes stays on one thread, since every thread is a pool of its own: no other
/// client's work gets in between, and sums are in the same order whatever the number of threads.
pub(crate) struct Threads {
    single: Vec<ThreadPool>,
    /// For what is computed once a round.
    all: ThreadPool,
}

impl Threads {
    pub(crate) fn new(count: usize) -> Result<Self, SimulateError> {
        let count = match count {
            0 => thread::available_parallelism().map_or(1, usize::from),
            count => count.min(1_024),
        };
        let pool = |count| {
            ThreadPoolBuilder::new()
                .num_threads(count)
                .stack_size(STACK)
                .build()
                .map_err(|error| SimulateError::Other(format!("threads: {error}")))
        };
        let single = (0..count).map(|_| pool(1)).collect::<Result<_, _>>()?;
        Ok(Self { single, all: pool(count)? })
    }

    pub(crate) fn count(&self) -> usize {
        self.single.len()
    }

    /// Does what uses all threads itself.
    pub(crate) fn together<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.all.install(work)
    }

    /// Does the work of `0..count`, each on one thread, and gives the results in this order; or the
    /// error of the first that failed, where the others are given up.
    pub(crate) fn each<T: Send>(
        &self,
        count: usize,
        work: impl Fn(usize) -> Result<T, SimulateError> + Sync,
    ) -> Result<Vec<T>, SimulateError> {
        let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
        let results = Mutex::new(Vec::with_capacity(count));
        let errors = Mutex::new(Vec::new());
        let take = || {
            while !failed.load(Ordering::Relaxed) {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= count {
                    return;
                }
                match work(index) {
                    Ok(result) => {
                        results
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .push((index, result));
                    }
                    Err(error) => {
                        failed.store(true, Ordering::Relaxed);
                        errors.lock().unwrap_or_else(PoisonError::into_inner).push((index, error));
                    }
                }
            }
        };
        thread::scope(|scope| {
            for pool in self.single.iter().take(count) {
                scope.spawn(|| pool.install(take));
            }
        });
        let errors = errors.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, error)) = errors.into_iter().min_by_key(|(index, _)| *index) {
            return Err(error);
        }
        let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        results.sort_by_key(|(index, _)| *index);
        Ok(results.into_iter().map(|(_, result)| result).collect())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn results_come_in_order_each_from_a_pool_of_one() {
        let threads = Threads::new(3).unwrap();
        let found = threads
            .each(100, |index| {
                assert_eq!(rayon::current_num_threads(), 1);
                Ok(index * index)
            })
            .unwrap();
        assert_eq!(found, (0..100).map(|index| index * index).collect::<Vec<_>>());
        assert_eq!(threads.together(rayon::current_num_threads), 3);
        let failed: Result<Vec<()>, _> =
            threads.each(10, |index| Err(SimulateError::Other(index.to_string())));
        assert_eq!(failed.unwrap_err().to_string(), "0");
    }
}
