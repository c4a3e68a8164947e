//! Files that are written and synced while the next blocks come in.

use super::{
    direct::Writer,
    error::{At, StoreError},
};
use bytes::Bytes;
use std::{
    fs::File,
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

/// Threads of one batch. Most of a sync is waiting, and file systems commit together what is synced at the same time.
const THREADS: usize = 12;

/// Threads of all batches; those that come later have fewer, or none.
const ALL_THREADS: usize = 48;

/// Blocks that wait for their turn. They are in memory, as are those that are being written.
const WAITING: usize = 4;

/// Files for which no thread is worth its start.
const FEW: usize = 2;

/// Threads that run.
static RUNNING: AtomicUsize = AtomicUsize::new(0);

/// A file on its way to the disk.
#[derive(Debug)]
struct Draft {
    path: PathBuf,
    data: Bytes,
}

/// What waits. The receiver is the threads' and ours, so that it is always there.
#[derive(Debug)]
struct Queue {
    sender: SyncSender<Draft>,
    receiver: Arc<Mutex<Receiver<Draft>>>,
}

impl Queue {
    fn new() -> Self {
        let (sender, receiver) = sync_channel(WAITING);
        Self { sender, receiver: Arc::new(Mutex::new(receiver)) }
    }
}

/// The files of a batch.
#[derive(Debug, Default)]
pub(super) struct Writing {
    /// Those that were written at once and are still to be synced.
    own: Vec<(PathBuf, File)>,
    writer: Writer,
    queue: Option<Queue>,
    threads: Vec<JoinHandle<Result<(), StoreError>>>,
}

impl Writing {
    /// Writes a new file, at once or some time before [`Writing::finish`] returns, by which an error may be told, too.
    pub fn add(&mut self, path: PathBuf, data: &Bytes) -> Result<(), StoreError> {
        if self.own.len() >= FEW && self.has_thread() {
            if let Some(queue) = &self.queue {
                let _ = queue.sender.send(Draft { path, data: data.clone() });
            }
            return Ok(());
        }
        let file = self.writer.write(&path, data).at(&path)?;
        // A file that waits for its sync is open, and a process has few of those: where no thread is free, a batch has no more of them.
        if self.own.len() >= FEW {
            return file.sync_all().at(&path);
        }
        self.own.push((path, file));
        Ok(())
    }

    /// Starts one more thread, if there may be one; returns whether there is any.
    fn has_thread(&mut self) -> bool {
        if self.threads.len() < THREADS
            && let Some(place) = Place::take()
        {
            let receiver = self.queue.get_or_insert_with(Queue::new).receiver.clone();
            // Where there is no thread to be had, those that run have to do.
            self.threads.extend(thread::Builder::new().spawn(move || work(&receiver, place)));
        }
        !self.threads.is_empty()
    }

    /// Waits until all files are on the disk.
    pub fn finish(&mut self) -> Result<(), StoreError> {
        let own = self.own.drain(..).try_for_each(|(path, file)| file.sync_all().at(&path));
        own.and(self.stop())
    }

    /// Waits until nothing is written any more.
    pub fn stop(&mut self) -> Result<(), StoreError> {
        self.queue = None;
        let mut result = Ok(());
        for thread in self.threads.drain(..) {
            let failed =
                |_| Err(StoreError::Source(io::Error::other("a thread that writes failed")));
            result = result.and(thread.join().unwrap_or_else(failed));
        }
        result
    }
}

/// One of the [`ALL_THREADS`].
struct Place;

impl Place {
    fn take() -> Option<Self> {
        let more = |running| (running < ALL_THREADS).then_some(running + 1);
        RUNNING.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok().map(|_| Self)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        RUNNING.fetch_sub(1, Ordering::Relaxed);
    }
}

fn work(queue: &Mutex<Receiver<Draft>>, _place: Place) -> Result<(), StoreError> {
    let (mut writer, mut result) = (Writer::default(), Ok(()));
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        // It ends with the batch.
        let Ok(Draft { path, data }) = next else { return result };
        // After an error the others are taken all the same: whoever adds them waits for room in the queue.
        if result.is_ok() {
            let written = writer.write(&path, &data);
            // Syncs take time, and the bytes are not kept in memory for them.
            drop(data);
            result = written.and_then(|file| file.sync_all()).at(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;

    #[test]
    fn a_file_that_cannot_be_written_fails_the_batch_wherever_it_is_among_the_others() {
        let data = Bytes::from_static(b"block");
        for impossible in [None, Some(0), Some(1), Some(2), Some(50), Some(99)] {
            let folder = tempfile::tempdir().unwrap();
            let path = |number: usize| folder.path().join(number.to_string());
            if let Some(number) = impossible {
                fs::create_dir(path(number)).unwrap();
            }
            let mut writing = Writing::default();
            let added =
                (0..100).map(|number| writing.add(path(number), &data).is_ok()).collect::<Vec<_>>();
            let all = added.into_iter().all(|added| added) && writing.finish().is_ok();
            assert_eq!(all, impossible.is_none(), "{impossible:?}");
            if all {
                assert!((0..100).all(|number| fs::read(path(number)).unwrap() == data));
            }
        }
    }

    #[test]
    fn no_more_threads_run_than_there_are_places() {
        let folder = tempfile::tempdir().unwrap();
        let data = Bytes::from_static(b"block");
        let mut batches: Vec<_> = (0..20).map(|_| Writing::default()).collect();
        for (number, batch) in batches.iter_mut().enumerate() {
            for file in 0..20 {
                batch.add(folder.path().join(format!("{number} {file}")), &data).unwrap();
            }
        }
        assert!(batches.iter().map(|batch| batch.threads.len()).sum::<usize>() <= ALL_THREADS);
        assert!(batches.iter().all(|batch| batch.own.len() <= FEW), "too many files are open");
        assert!(batches.iter_mut().all(|batch| batch.finish().is_ok()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 400);
    }
}
