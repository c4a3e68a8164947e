//! The embedded store and a real Kubo, side by side: the same CIDs, and how fast, how large and how soon each is.
//!
//! `scripts/compare-kubo.sh` runs it. Both are programs of their own, started here in empty repositories on free ports of this machine;
//! both are asked by the same client, one after the other, so that what else the machine does hits both. Kubo runs as it comes, but
//! with the canonical form of files (profile `unixfs-v1-2025`) and without peers.
//!
//! Ends with an error when a CID differs. A goal that is missed is named, and is none.

mod cids;
mod data;
mod http;
mod memory;
mod programs;
mod report;
mod speeds;

use programs::{Kind, Programs};
use report::Report;
use std::{env, error::Error, fs, path::PathBuf, process::ExitCode};

type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

const MIB: u64 = 1 << 20;

/// How much is done.
#[derive(Clone, Copy, Debug)]
struct Scale {
    /// Bytes of the largest file whose CIDs are compared, and whose adding shows the peak of the memory.
    largest: u64,
    /// Bytes of the files whose speeds are measured.
    file: u64,
    /// Times that each is measured; the median counts.
    rounds: usize,
}

struct Options {
    programs: Programs,
    /// An empty folder, on the disk that is measured.
    folder: PathBuf,
    out: PathBuf,
    date: String,
    quick: bool,
}

fn options() -> Result<Options> {
    let mut arguments = env::args().skip(1);
    let (mut named, mut quick) = (Vec::new(), false);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => quick = true,
            name => named.push((name.to_owned(), arguments.next().unwrap_or_default())),
        }
    }
    let value = |name: &str| {
        let found = named.iter().find(|(known, value)| known == name && !value.is_empty());
        found.map(|(_, value)| value.clone()).ok_or_else(|| format!("{name} VALUE is missing"))
    };
    Ok(Options {
        programs: Programs { ours: value("--ours")?.into(), kubo: value("--kubo")?.into() },
        folder: value("--folder")?.into(),
        out: value("--out")?.into(),
        date: value("--date")?,
        quick,
    })
}

/// What goes to the person who waits.
fn tell(what: &str) {
    eprintln!("compare: {what}");
}

fn compare(options: &Options) -> Result<Report> {
    let Options { programs, folder, quick, .. } = options;
    let scale = match quick {
        true => Scale { largest: 256 * MIB, file: 32 * MIB, rounds: 3 },
        false => Scale { largest: 2048 * MIB, file: 256 * MIB, rounds: 5 },
    };
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default().to_owned();

    let source = folder.join("source");
    tell(&format!("writing {} MiB of noise", scale.largest / MIB));
    data::write(&source, "the largest file", scale.largest + 1)?;

    let startup = memory::startup(programs, folder, scale)?;
    let memory = memory::peaks(programs, folder, &source, scale)?;
    let cids = cids::compare(programs, folder, &source, scale)?;
    fs::remove_file(&source)?;
    let speeds = speeds::measure(programs, folder, scale)?;
    let version = programs.version(Kind::Kubo)?;
    Ok(Report {
        date: options.date.clone(),
        quick: *quick,
        load,
        version,
        scale,
        cids,
        speeds,
        startup,
        memory,
    })
}

fn main() -> ExitCode {
    let compared = options().and_then(|options| {
        let report = compare(&options)?;
        if let Some(folder) = options.out.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&options.out, format!("{:#}\n", report.json()))?;
        println!("{}", report.table());
        tell(&format!("written to {}", options.out.display()));
        report.verdict()
    });
    match compared {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compare: {error}");
            ExitCode::FAILURE
        }
    }
}
