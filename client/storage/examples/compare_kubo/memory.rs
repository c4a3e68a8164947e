//! How soon each is there, and how much memory it takes.

use crate::{
    MIB, Result, Scale,
    http::Body,
    programs::{Kind, Programs},
    speeds::{CANONICAL, hash_of, median},
    tell,
};
use std::{fs, fs::File, path::Path};

/// Something of ours and of Kubo's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Both {
    pub ours: f64,
    pub kubo: f64,
}

/// Milliseconds from the start to the first answer, with an empty repository.
pub fn startup(programs: &Programs, folder: &Path, scale: Scale) -> Result<Both> {
    tell("starting both");
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..=scale.rounds {
        for (kind, times) in [Kind::Ours, Kind::Kubo].into_iter().zip(&mut times) {
            let daemon = programs.start(kind, &folder.join(format!("start-{kind:?}")))?;
            // The first start makes the repository and brings the program into memory.
            if round > 0 {
                times.push(daemon.started.as_secs_f64() * 1e3);
            }
            daemon.stop()?;
        }
    }
    let [ours, kubo] = times.map(median);
    Ok(Both { ours, kubo })
}

/// Most bytes in memory after the largest file has been added to, and read from, a program that has just been started.
pub fn peaks(programs: &Programs, folder: &Path, source: &Path, scale: Scale) -> Result<Both> {
    tell(&format!("adding and reading {} MiB, for the memory", scale.largest / MIB));
    let mut peaks = Both::default();
    let mut cids = Vec::new();
    for (kind, peak) in [(Kind::Ours, &mut peaks.ours), (Kind::Kubo, &mut peaks.kubo)] {
        let repository = folder.join(format!("memory-{kind:?}"));
        let daemon = programs.start(kind, &repository)?;
        let mut connection = daemon.connect()?;
        let body = Body::File(&File::open(source)?, scale.largest);
        let cid = hash_of(&connection.post(&format!("add?{CANONICAL}"), body)?)?;
        let read = connection.send(
            "POST",
            &format!("/api/v0/cat?arg={cid}"),
            Body::Nothing,
            &mut |_| Ok(()),
        )?;
        if read != scale.largest {
            return Err(format!("{kind:?} gives {read} bytes of {}", scale.largest).into());
        }
        cids.push(cid);
        *peak = daemon.peak()? as f64;
        daemon.stop()?;
        fs::remove_dir_all(repository)?;
    }
    if cids[0] != cids[1] {
        return Err(format!("the CIDs differ: {cids:?}").into());
    }
    Ok(peaks)
}
