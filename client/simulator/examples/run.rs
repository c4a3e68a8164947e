//! Runs a run file: `run RUN.toml OUT [THREADS [HOLD]]`. Prints a line of JSON for each round and the
//! model's CID at the end; a checkpoint is told too.
//!
//! `HOLD` is a place where it says `held` and does nothing more, to be killed there: `4.2` when two
//! clients of round 4 are ready, `saved.6` after the checkpoint of round 6.

use std::{env, error::Error, path::Path, sync::atomic::AtomicBool, thread};

use decentralml_simulator::{Event, Federation, Folder, Options, RunFile, simulate, variants};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = env::args().skip(1).collect();
    let [file, out, rest @ ..] = words.as_slice() else {
        return Err("usage: run RUN.toml OUT [THREADS [HOLD]]".into());
    };
    let threads = rest.first().map_or(Ok(0), |threads| threads.parse())?;
    let hold = rest.get(1).cloned().unwrap_or_default();
    let path = Path::new(file);
    let all = variants(&RunFile::text(path)?, path)?;
    for variant in all {
        let folder = path.parent().unwrap_or(Path::new("."));
        let federation = Federation::load(&variant.file, folder)?;
        let folder = Folder::open(&Path::new(out).join(&variant.folder))?;
        let options = Options { threads, ..Options::default() };
        let observe = |event: Event<'_>| match event {
            Event::Started { done, .. } => println!("after {} rounds", done.len()),
            Event::Round(record) => {
                println!("{}", serde_json::to_string(record).unwrap_or_default());
            }
            Event::Saved { round } => {
                println!("saved {round}");
                hold_at(&hold, &format!("saved.{round}"));
            }
            Event::Client { round, done, .. } => hold_at(&hold, &format!("{round}.{done}")),
            Event::OneByOne { why } => println!("one by one: {why}"),
            Event::Finished => {}
        };
        let outcome = simulate(&federation, &folder, options, &AtomicBool::new(false), &observe)?;
        println!("{}", outcome.report.model_cid);
    }
    Ok(())
}

/// Does nothing more, where this is the place to.
fn hold_at(hold: &str, place: &str) {
    if hold == place {
        println!("held");
        loop {
            thread::park();
        }
    }
}
