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
    sentence: String,
}

impl Screen {
    fn show(&mut self, shown: &Shown, out: &mut Out<'_>) -> Result<()> {
        let sentence = shown.progress.sentence();
        if !self.redraw {
            // The count of blocks that are left changes with every block; the rest is news.
            let news = sentence.split(", at most").next().unwrap_or_default().to_owned();
            if news != self.sentence {
                out.line(&format!("block {}: {news}", shown.progress.block))?;
                self.sentence = news;
            }
            return Ok(());
        }
        let text = self.frame(&sentence, &round_table(&shown.rounds, &shown.models));
        out.line(&text)
    }

    /// The next picture, which begins by wiping out the last one.
    fn frame(&mut self, sentence: &str, rounds: &str) -> String {
        let wipe = match self.height {
            0 => String::new(),
            height => format!("\x1b[{height}A\x1b[J"),
        };
        let text = format!("{rounds}\n\n{sentence}");
        self.height = text.lines().count();
        wipe + &text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_wipes_exactly_the_one_before_it() {
        let mut screen = Screen::default();
        assert_eq!(screen.frame("a", "x\ny"), "x\ny\n\na");
        assert!(screen.frame("b", "x").starts_with("\x1b[4A\x1b[Jx"));
        assert!(screen.frame("c", "x").starts_with("\x1b[3A\x1b[J"));
    }
}
