//! Bytes on their way between here and stores: a bar with rate and time left, and what goes on where it was ended.

use crate::context::Context;
use color_eyre::{Report, Result, eyre::WrapErr};
use decentralml_storage::{Added, Error, Progress, Storage, unfinished};
use decentralml_types::Cid;
use decentralml_worker::Upload;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::{
    fs,
    io::{self, IsTerminal, Write},
    path::Path,
    sync::LazyLock,
    time::{Duration, SystemTime},
};
use tokio::sync::watch;

/// How long what an interrupted fetch has left in the state folder is kept: a week.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// All bars of this process.
static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Standard error for lines of the log, which stand above the bars.
pub struct Log;

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        above(&BARS, &mut io::stderr(), line).map(|()| line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Writes all of a line while no bar is there: a bar between two parts would tear it.
fn above(bars: &MultiProgress, screen: &mut impl Write, line: &[u8]) -> io::Result<()> {
    bars.suspend(|| screen.write_all(line))
}

/// Has a bar stand below the log, with the others of this process.
pub fn show(bar: ProgressBar) -> ProgressBar {
    BARS.add(bar)
}

/// How far a transfer is. Only a terminal sees it, and nobody where results are JSON.
pub struct Bar(ProgressBar);

impl Bar {
    /// A bar behind these words.
    pub fn new(context: &Context, words: &str) -> Self {
        if context.settings.json {
            return Self::hidden();
        }
        Self(show(styled(words.to_owned())))
    }

    /// One that nobody sees.
    pub fn hidden() -> Self {
        Self(ProgressBar::hidden())
    }

    /// Shows how far it is.
    pub fn at(&self, progress: Progress) {
        self.0.set_length(progress.total);
        self.0.set_position(progress.done);
    }
}

fn styled(words: String) -> ProgressBar {
    let bar = ProgressBar::new(0).with_message(words);
    let template = "{msg} {bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Shows on a terminal how far updates on their way to hosts are; elsewhere the log tells.
pub fn shown(context: &Context) -> Option<watch::Sender<Vec<Upload>>> {
    if context.settings.json || !io::stderr().is_terminal() {
        return None;
    }
    let (uploads, seen) = watch::channel(Vec::new());
    tokio::spawn(follow(seen, |words| Bar(show(styled(words)))));
    Some(uploads)
}

/// Has a bar for each upload that is on its way.
async fn follow(mut seen: watch::Receiver<Vec<Upload>>, bar: impl Fn(String) -> Bar) {
    let mut shown: Vec<(Upload, Bar)> = Vec::new();
    while seen.changed().await.is_ok() {
        let now = seen.borrow_and_update().clone();
        shown.retain(|(known, _)| now.iter().any(|upload| upload.is_same(known)));
        for upload in now {
            let at = Progress { done: upload.at.done, total: upload.at.total };
            match shown.iter().find(|(known, _)| known.is_same(&upload)) {
                Some((_, bar)) => bar.at(at),
                None => {
                    let words = format!("task {}, round {}: to hosts", upload.task, upload.round);
                    let bar = bar(words);
                    bar.at(at);
                    shown.push((upload, bar));
                }
            }
        }
    }
}

/// Fetches a file beside its target, where an interrupted fetch of the same goes on.
pub async fn to_file(
    storage: &Storage,
    cid: &Cid,
    target: &Path,
    max_bytes: u64,
    bar: &Bar,
) -> Result<u64> {
    Ok(storage.fetch_to_file_resuming(cid, target, max_bytes, |at| bar.at(at)).await?)
}

/// Names the option that allows more, where a file is larger than `--max-bytes`.
pub fn unless_larger<T>(done: Result<T, impl Into<Report>>) -> Result<T> {
    done.map_err(|error| {
        let report = error.into();
        let error = report.downcast_ref::<Error>();
        if !matches!(error, Some(Error::TooLarge { .. })) {
            return report;
        }
        report.wrap_err("not fetched; a larger --max-bytes allows it")
    })
}

/// What is left when a fetch to a file is interrupted.
pub fn left_behind(target: &Path, cid: &Cid) -> String {
    format!("what has come is kept in {}: run it again to go on", unfinished(target, cid).display())
}

/// Fetches a file into memory by way of the state folder, where an interrupted fetch of the same goes on.
pub async fn to_memory(
    context: &Context,
    storage: &Storage,
    cid: &Cid,
    max_bytes: u64,
    words: &str,
) -> Result<Vec<u8>> {
    let folder = context.settings.state.join("fetching");
    let failed = || format!("{} cannot be used", folder.display());
    fs::create_dir_all(&folder).wrap_err_with(failed)?;
    sweep(&folder);
    let bar = Bar::new(context, words);
    let target = folder.join(format!("{cid}.{}", std::process::id()));
    to_file(storage, cid, &target, max_bytes, &bar).await?;
    let bytes = fs::read(&target).wrap_err_with(failed);
    fs::remove_file(&target).wrap_err_with(failed)?;
    bytes
}

/// Adds a file; to a store on another machine, and where it is asked for, block by block, so that an interrupted one goes on.
pub async fn add(storage: &Storage, path: &Path, resume: bool, bar: &Bar) -> Result<Added> {
    let told = |at| bar.at(at);
    Ok(match resume || !storage.is_on_this_machine() {
        true => storage.add_file_resuming(path, &told).await?,
        false => storage.add_file_with(path, &told).await?,
    })
}

/// Removes from a folder for unfinished fetches what nobody has gone on with for long. What cannot be removed stays.
pub fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let changed = entry.metadata().and_then(|found| found.modified());
        let age = changed.ok().and_then(|at| SystemTime::now().duration_since(at).ok());
        if age.is_some_and(|age| age > KEPT) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use decentralml_storage::host::Handing;
    use indicatif::{ProgressDrawTarget, TermLike};
    use std::{
        fs::File,
        sync::{
            Arc, Mutex,
            atomic::{AtomicBool, Ordering},
        },
        thread,
    };
    use tracing_subscriber::fmt::MakeWriter;

    /// What a terminal gets, in small pieces, so that others come between them.
    #[derive(Clone, Debug, Default)]
    struct Screen(Arc<Mutex<Vec<u8>>>);

    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let piece = &bytes[..bytes.len().min(16)];
            self.0.lock().unwrap().extend_from_slice(piece);
            thread::yield_now();
            Ok(piece.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl TermLike for Screen {
        fn width(&self) -> u16 {
            80
        }

        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            self.write_str("\x1b[A")
        }

        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            self.write_str("\x1b[B")
        }

        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            self.write_str("\x1b[C")
        }

        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            self.write_str("\x1b[D")
        }

        fn write_line(&self, line: &str) -> io::Result<()> {
            self.write_str(&format!("{line}\r\n"))
        }

        fn write_str(&self, text: &str) -> io::Result<()> {
            self.clone().write_all(text.as_bytes())
        }

        fn clear_line(&self) -> io::Result<()> {
            self.write_str("\r\x1b[2K")
        }

        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The log of a process with these bars, on this screen.
    struct Above(MultiProgress, Screen);

    impl Write for &Above {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            above(&self.0, &mut self.1.clone(), line).map(|()| line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Above {
        type Writer = &'a Self;

        fn make_writer(&'a self) -> Self::Writer {
            self
        }
    }

    #[test]
    fn lines_of_the_log_stay_whole_beside_bars_that_move() {
        const LINES: usize = 12;
        let screen = Screen::default();
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::term_like_with_hz(
            Box::new(screen.clone()),
            255,
        ));
        let log = tracing_subscriber::fmt().with_ansi(false).without_time().with_target(false);
        let log = log.with_writer(Above(bars.clone(), screen.clone())).finish();
        let log = tracing::Dispatch::new(log);
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            for number in 0..2 {
                let bar = bars.add(styled(format!("task {number}, round 1: to hosts")));
                let is_over = &is_over;
                scope.spawn(move || {
                    bar.set_length(1_000);
                    while !is_over.load(Ordering::Relaxed) {
                        bar.inc(1);
                        // The lines have their turns, too.
                        thread::sleep(Duration::from_millis(2));
                    }
                });
            }
            let writers = ["trainer", "evaluator"].map(|who| {
                let log = log.clone();
                scope.spawn(move || {
                    tracing::dispatcher::with_default(&log, || {
                        for number in 0..LINES {
                            tracing::info!(who, number, "hosts hold the file");
                        }
                    });
                })
            });
            let written = writers.map(|writer| writer.join());
            is_over.store(true, Ordering::Relaxed);
            assert!(written.iter().all(Result::is_ok));
        });
        let seen = String::from_utf8(screen.0.lock().unwrap().clone()).unwrap();
        assert!(seen.contains("round 1: to hosts"), "no bar was drawn");
        for who in ["trainer", "evaluator"] {
            for number in 0..LINES {
                let line = format!(" INFO hosts hold the file who=\"{who}\" number={number}\n");
                assert_eq!(seen.matches(&line).count(), 1, "{line:?} is torn or missing");
            }
        }
    }

    #[tokio::test]
    async fn uploads_have_a_bar_each_while_they_are_on_their_way() {
        let (uploads, seen) = watch::channel(Vec::new());
        let bars = Mutex::new(Vec::new());
        let following = follow(seen, |words| {
            let bar = ProgressBar::hidden().with_message(words);
            bars.lock().unwrap().push(bar.clone());
            Bar(bar)
        });
        let sending = async {
            let upload = |(task, round, done): (u32, u32, u64)| {
                let at = Handing { done, total: 100, holders: 0 };
                Upload { task, round, at }
            };
            let on_their_way = [
                vec![(7, 1, 10)],
                vec![(7, 1, 20), (8, 1, 5)],
                vec![(7, 1, 30), (8, 1, 6)],
                vec![(8, 1, 7)],
                vec![(8, 1, 8), (7, 2, 9)],
                vec![],
            ];
            for now in on_their_way {
                let expected: Vec<u64> = now.iter().map(|(_, _, done)| *done).collect();
                uploads.send_replace(now.into_iter().map(upload).collect());
                let seen = || -> Vec<u64> {
                    let bars = bars.lock().unwrap();
                    let live = bars.iter().filter(|bar| !bar.is_finished());
                    live.map(ProgressBar::position).collect()
                };
                while seen() != expected {
                    tokio::task::yield_now().await;
                }
            }
            drop(uploads);
        };
        tokio::join!(following, sending);
        let bars = bars.into_inner().unwrap();
        let words: Vec<_> = bars.iter().map(ProgressBar::message).collect();
        let upload = |task, round| format!("task {task}, round {round}: to hosts");
        assert_eq!(words, [upload(7, 1), upload(8, 1), upload(7, 2)]);
        assert!(bars.iter().all(|bar| bar.is_finished() && bar.length() == Some(100)));
    }

    #[test]
    fn only_what_was_left_for_long_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        for (name, age) in [("new", Duration::ZERO), ("old", 2 * KEPT)] {
            let file = File::create(folder.path().join(name)).unwrap();
            file.set_modified(SystemTime::now() - age).unwrap();
        }
        sweep(folder.path());
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().flatten().collect();
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].file_name(), "new");
    }
}
