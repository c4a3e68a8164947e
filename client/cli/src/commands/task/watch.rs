//! `decentralml task watch`.

use super::{
    TaskArg,
    progress::Progress,
    show::{Shown, round_table},
};
use crate::{
    context::Context,
    daemon::{DaemonOpts, StopRequest},
    output::Out,
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::View;
use decentralml_types::TaskId;
use std::io::{IsTerminal, stdout};

/// Follow a task block by block, until it is over or Ctrl-C is pressed.
///
/// On a terminal the table is redrawn; elsewhere a line is printed when something changes. With --json the last state is
/// printed at the end.
#[derive(Args, Debug)]
pub struct Opts {
    #[command(flatten)]
    task: TaskArg,
}

/// Follows the best blocks.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let id = opts.task.task;
    let chain = context.chain().await?;
    let mut stop = StopRequest::listen(DaemonOpts::default())?;
    let mut screen = Screen { redraw: stdout().is_terminal(), ..Screen::default() };
    let mut last = read(&chain.best().await?, id).await?;
    let mut blocks = chain.best_blocks().await?;
    loop {
        screen.show(&last, out)?;
        if last.progress.task.status.is_final() {
            break;
        }
        let view = tokio::select! {
            view = blocks.next() => view?,
            () = stop.wait() => break,
        };
        last = read(&view, id).await?;
    }
    if out.json() {
        out.result(&last, |_| String::new())?;
    }
    Ok(())
}

async fn read(view: &View, id: TaskId) -> Result<Shown> {
    Ok(Shown {
        progress: Progress::read(view, id).await?,
        rounds: view.rounds(id).await?,
        models: view.models(Some(id)).await?,
    })
}

/// What was drawn last.
#[derive(Default)]
struct Screen {
    redraw: bool,
    height: usize,
    news: String,
}

impl Screen {
    fn show(&mut self, shown: &Shown, out: &mut Out<'_>) -> Result<()> {
        let progress = &shown.progress;
        let (sentence, attempts) = (progress.sentence(), progress.attempts.sentence());
        if !self.redraw {
            // The time that is left changes with every block; the rest is news.
            let news = format!("{}; {attempts}", progress.news());
            if news != self.news {
                out.line(&format!("block {}: {sentence}; attempts: {attempts}", progress.block))?;
                self.news = news;
            }
            return Ok(());
        }
        let end = format!("{sentence}\nattempts: {attempts}");
        let text = self.frame(&end, &round_table(&shown.rounds, &shown.models));
        out.line(&text)
    }

    /// The next picture, which begins by wiping out the last one.
    fn frame(&mut self, end: &str, rounds: &str) -> String {
        let wipe = match self.height {
            0 => String::new(),
            height => format!("\x1b[{height}A\x1b[J"),
        };
        let text = format!("{rounds}\n\n{end}");
        self.height = text.lines().count();
        wipe + &text
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::commands::task::show::tests::shown;
    use decentralml_types::Phase;

    fn print(screen: &mut Screen, shown: &Shown) -> String {
        let mut bytes = Vec::new();
        screen.show(shown, &mut Out::new(&mut bytes, false)).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_line_is_printed_when_something_is_new_and_not_because_time_goes_by() {
        let (mut screen, mut shown) = (Screen::default(), shown());
        assert_eq!(
            print(&mut screen, &shown),
            "block 100: round 3: training, 5 of 6 committed, at most 10 blocks (1 min) left; attempts: 3 of 60 used\n"
        );
        shown.progress.block = 101;
        shown.progress.left = None;
        assert_eq!(print(&mut screen, &shown), "");
        shown.progress.round.as_mut().unwrap().phase = Phase::Revealing;
        let line = print(&mut screen, &shown);
        assert!(line.starts_with("block 101: round 3: revealing"), "{line}");
    }

    #[test]
    fn a_terminal_shows_the_rounds_the_time_left_and_the_attempts() {
        let mut screen = Screen { redraw: true, ..Screen::default() };
        let text = print(&mut screen, &shown());
        assert!(text.starts_with("round"), "{text}");
        assert!(text.contains("at most 10 blocks (1 min) left\nattempts: 3 of 60 used"), "{text}");
        let lines = text.lines().count();
        assert!(print(&mut screen, &shown()).starts_with(&format!("\x1b[{lines}A\x1b[J")));
    }

    #[test]
    fn a_frame_wipes_exactly_the_one_before_it() {
        let mut screen = Screen::default();
        assert_eq!(screen.frame("a", "x\ny"), "x\ny\n\na");
        assert!(screen.frame("b", "x").starts_with("\x1b[4A\x1b[Jx"));
        assert!(screen.frame("c", "x").starts_with("\x1b[3A\x1b[J"));
    }
}
