//! How fast each is at the same work.

use crate::{
    MIB, Result, Scale, data,
    http::{Body, Connection},
    programs::{Daemon, Kind, Programs},
    tell,
};
use decentralml_storage::{Cid, Storage, parse_cid, unixfs::Importer};
use serde_json::Value;
use std::{
    convert::Infallible,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};
use tokio::runtime::Runtime;

/// Kubo's options for the canonical form.
pub const CANONICAL: &str =
    "cid-version=1&raw-leaves=true&chunker=size-1048576&max-file-links=1024&pin=true";

/// Bytes of a block.
const BLOCK: usize = 1 << 20;

/// What is measured, by its name in the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    Add,
    ClientAdd,
    Cat,
    CheckedCat,
    Fetch,
    BlockPut,
    BlockGet,
    Gateway,
    GatewayCar,
    CarOut,
    CarIn,
}

impl Work {
    /// In this order: what is read was added before.
    pub const ALL: [Self; 11] = [
        Self::Add,
        Self::ClientAdd,
        Self::Cat,
        Self::CheckedCat,
        Self::Fetch,
        Self::BlockPut,
        Self::BlockGet,
        Self::Gateway,
        Self::GatewayCar,
        Self::CarOut,
        Self::CarIn,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::ClientAdd => "client_add",
            Self::Cat => "cat",
            Self::CheckedCat => "checked_cat",
            Self::Fetch => "fetch",
            Self::BlockPut => "block_put",
            Self::BlockGet => "block_get",
            Self::Gateway => "gateway",
            Self::GatewayCar => "gateway_car",
            Self::CarOut => "car_out",
            Self::CarIn => "car_in",
        }
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::Add => "`add`",
            Self::ClientAdd => "`add` by our client, which knows the CID before",
            Self::Cat => "`cat`",
            Self::CheckedCat => "`cat`, its CID checked by the reader",
            Self::Fetch => "verified fetch by our client, block by block",
            Self::BlockPut => "`block/put`, 1 MiB, one at a time",
            Self::BlockGet => "`block/get`, 1 MiB, one at a time",
            Self::Gateway => "gateway, a file",
            Self::GatewayCar => "gateway, a CAR",
            Self::CarOut => "`dag/export`",
            Self::CarIn => "`dag/import`",
        }
    }

    /// How many times as fast as Kubo we want to be.
    pub fn goal(self) -> f64 {
        match self {
            Self::Add | Self::Fetch => 2.0,
            _ => 1.0,
        }
    }

    /// Whether it ends on the disk, so that it matters who syncs.
    fn writes(self) -> bool {
        matches!(self, Self::Add | Self::ClientAdd | Self::BlockPut | Self::CarIn)
    }
}

/// Megabytes per second, the median of all rounds.
#[derive(Clone, Copy, Debug)]
pub struct Speed {
    pub work: Work,
    pub ours: f64,
    pub kubo: f64,
    /// A Kubo that syncs, where something is written.
    pub synced: Option<f64>,
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The CID in the last line that `add` answers.
pub fn hash_of(answer: &[u8]) -> Result<String> {
    let text = String::from_utf8_lossy(answer);
    let last = text.lines().last().unwrap_or_default();
    let line: Value = serde_json::from_str(last)?;
    let hash = line["Hash"].as_str().ok_or_else(|| format!("add answers {text}"))?;
    Ok(hash.to_owned())
}

/// What is sent in one round. New in each: what a store has already costs it nothing.
struct Load {
    file: PathBuf,
    /// For the client, a file of its own.
    client_file: PathBuf,
    car: PathBuf,
    cid: Cid,
    client_cid: Cid,
    car_cid: Cid,
    blocks: Vec<(Cid, Vec<u8>)>,
    size: u64,
}

impl Load {
    fn make(folder: &Path, round: usize, scale: Scale) -> Result<Self> {
        let [file, client_file, car] = ["file", "client-file", "car"].map(|name| folder.join(name));
        let size = scale.file;
        Ok(Self {
            cid: data::write_named(&file, &format!("file {round}"), size)?,
            client_cid: data::write_named(&client_file, &format!("client {round}"), size)?,
            car_cid: data::write_car(&car, &format!("car {round}"), size)?,
            blocks: data::blocks(&format!("block {round}"), (size / 4 / MIB) as usize, BLOCK),
            file,
            client_file,
            car,
            size,
        })
    }

    /// Bytes that a work moves.
    fn bytes(&self, work: Work) -> u64 {
        match work {
            Work::BlockPut | Work::BlockGet => (self.blocks.len() * BLOCK) as u64,
            _ => self.size,
        }
    }

    fn run(&self, work: Work, daemon: &Daemon, runtime: &Runtime) -> Result<()> {
        let mut rpc = daemon.connect()?;
        match work {
            Work::Add => {
                let body = Body::File(&File::open(&self.file)?, self.size);
                expect(&hash_of(&rpc.post(&format!("add?{CANONICAL}"), body)?)?, &self.cid)
            }
            Work::ClientAdd => {
                let added = runtime.block_on(async {
                    Storage::connect(&daemon.url()).await?.add_file(&self.client_file).await
                })?;
                expect(&added.cid.to_string(), &self.client_cid)
            }
            Work::Cat => self.whole(&mut rpc, "POST", &format!("/api/v0/cat?arg={}", self.cid)),
            Work::CheckedCat => self.checked(&mut rpc),
            Work::Fetch => {
                let bytes = runtime.block_on(async {
                    Storage::connect(&daemon.url()).await?.fetch(&self.cid, self.size).await
                })?;
                self.all(bytes.len() as u64)
            }
            Work::BlockPut => self.blocks.iter().try_for_each(|(cid, block)| {
                let command = "block/put?cid-codec=raw&mhtype=sha2-256";
                let answer: Value =
                    serde_json::from_slice(&rpc.post(command, Body::Bytes(block))?)?;
                expect(answer["Key"].as_str().unwrap_or_default(), cid)
            }),
            Work::BlockGet => self.blocks.iter().try_for_each(|(cid, block)| {
                let read = rpc.post(&format!("block/get?arg={cid}"), Body::Nothing)?;
                if read == *block { Ok(()) } else { Err(format!("{cid} has other bytes").into()) }
            }),
            Work::Gateway => {
                let mut gateway = Connection::open(daemon.gateway)?;
                self.whole(&mut gateway, "GET", &format!("/ipfs/{}", self.cid))
            }
            Work::GatewayCar => {
                let target = format!("/ipfs/{}?format=car", self.cid);
                self.more(Connection::open(daemon.gateway)?, "GET", &target)
            }
            Work::CarOut => {
                let target = format!("/api/v0/dag/export?arg={}&progress=false", self.cid);
                self.more(rpc, "POST", &target)
            }
            Work::CarIn => {
                let file = File::open(&self.car)?;
                let body = Body::File(&file, file.metadata()?.len());
                let answer = rpc.post("dag/import?pin-roots=true", body)?;
                let answer: Value = serde_json::from_slice(&answer)?;
                expect(answer["Root"]["Cid"]["/"].as_str().unwrap_or_default(), &self.car_cid)
            }
        }
    }

    fn whole(&self, connection: &mut Connection, method: &str, target: &str) -> Result<()> {
        self.all(connection.send(method, target, Body::Nothing, &mut |_| Ok(()))?)
    }

    fn all(&self, read: u64) -> Result<()> {
        match read == self.size {
            true => Ok(()),
            false => Err(format!("{read} bytes of {}", self.size).into()),
        }
    }

    /// A CAR, which has all bytes of the file and some around them.
    fn more(&self, mut connection: Connection, method: &str, target: &str) -> Result<()> {
        let read = connection.send(method, target, Body::Nothing, &mut |_| Ok(()))?;
        if read > self.size { Ok(()) } else { self.all(read) }
    }

    fn checked(&self, rpc: &mut Connection) -> Result<()> {
        let mut importer = Importer::new();
        let discard = &mut |_| Ok::<(), Infallible>(());
        let target = format!("/api/v0/cat?arg={}", self.cid);
        rpc.send(
            "POST",
            &target,
            Body::Nothing,
            &mut |piece| match importer.push(piece, discard) {
                Ok(()) => Ok(()),
                Err(never) => match never {},
            },
        )?;
        match importer.finish(discard) {
            Ok(imported) => expect(&imported.cid.to_string(), &self.cid),
            Err(never) => match never {},
        }
    }

    /// Has a store forget all of it.
    fn clear(&self, daemon: &Daemon) -> Result<()> {
        let mut rpc = daemon.connect()?;
        for cid in [self.cid, self.client_cid, self.car_cid] {
            rpc.post(&format!("pin/rm?arg={cid}"), Body::Nothing)?;
        }
        rpc.post("repo/gc?quiet=true", Body::Nothing).map(drop)
    }
}

fn expect(given: &str, cid: &Cid) -> Result<()> {
    match parse_cid(given) {
        Ok(given) if given == *cid => Ok(()),
        _ => Err(format!("{given} in the place of {cid}").into()),
    }
}

/// Measures everything, in rounds of which each has a turn of every program at every work.
pub fn measure(programs: &Programs, folder: &Path, scale: Scale) -> Result<Vec<Speed>> {
    let start = |kind| programs.start(kind, &folder.join(format!("speed-{kind:?}")));
    let daemons = [start(Kind::Ours)?, start(Kind::Kubo)?, start(Kind::Synced)?];
    let runtime = Runtime::new()?;
    let mut speeds = vec![[const { Vec::new() }; 3]; Work::ALL.len()];
    for round in 0..scale.rounds {
        tell(&format!("measuring speeds, round {} of {}", round + 1, scale.rounds));
        let load = Load::make(folder, round, scale)?;
        for (work, speeds) in Work::ALL.into_iter().zip(&mut speeds) {
            // Who is first has the warmer machine, or the colder one.
            for turn in 0..daemons.len() {
                let at = (turn + round) % daemons.len();
                let daemon = &daemons[at];
                // What is read from this one is what it was given, and so it takes part in all.
                let counts = daemon.kind != Kind::Synced || work.writes();
                if !counts {
                    continue;
                }
                // What another has not synced is not to be this one's trouble.
                Command::new("sync").status()?;
                let begun = Instant::now();
                load.run(work, daemon, &runtime)
                    .map_err(|error| format!("{:?}, {}: {error}", daemon.kind, work.name()))?;
                speeds[at].push(load.bytes(work) as f64 / begun.elapsed().as_secs_f64() / 1e6);
            }
        }
        daemons.iter().try_for_each(|daemon| load.clear(daemon))?;
    }
    for daemon in daemons {
        daemon.stop()?;
    }
    for name in ["file", "client-file", "car"] {
        fs::remove_file(folder.join(name))?;
    }
    let speed = |(work, [ours, kubo, synced]): (Work, [Vec<f64>; 3])| Speed {
        work,
        ours: median(ours),
        kubo: median(kubo),
        synced: work.writes().then(|| median(synced)),
    };
    Ok(Work::ALL.into_iter().zip(speeds).map(speed).collect())
}
