//! What each calls the same bytes.

use crate::{
    MIB, Result, Scale,
    http::{Body, part},
    programs::{Daemon, Kind, Programs},
    speeds::hash_of,
    tell,
};
use decentralml_storage::unixfs::{CHUNK_SIZE, Importer, MAX_LINKS};
use std::{
    convert::Infallible,
    fs::{self, File},
    io::Read,
    path::Path,
};

/// Bytes of a chunk in Kubo's older profiles, and their links of a node.
const OLD_CHUNK: u64 = 256 << 10;
const OLD_LINKS: u64 = 174;

/// Largest chunk that Kubo makes.
const LARGEST_CHUNK: u64 = 2_096_896;

/// What came out.
#[derive(Debug, Default)]
pub struct Cids {
    pub compared: usize,
    pub equal: usize,
    /// Cases with other CIDs, and both of them.
    pub different: Vec<String>,
    /// Cases that the embedded store has no form for, and what it says.
    pub refused: Vec<String>,
}

impl Cids {
    fn hold(&mut self, case: String, ours: &str, kubo: &str) {
        self.compared += 1;
        if ours == kubo {
            self.equal += 1;
        } else {
            self.different.push(format!("{case}: {ours} and by Kubo {kubo}"));
        }
    }
}

/// A file of `size` bytes in chunks of `chunk` bytes under nodes of `links` links.
#[derive(Clone, Copy)]
struct Case {
    size: u64,
    chunk: u64,
    links: u64,
}

impl Case {
    fn is_canonical(&self) -> bool {
        (self.chunk, self.links) == (CHUNK_SIZE as u64, MAX_LINKS as u64)
    }

    fn options(&self) -> String {
        let Self { chunk, links, .. } = self;
        format!(
            "add?cid-version=1&raw-leaves=true&only-hash=true&chunker=size-{chunk}&max-file-links={links}"
        )
    }
}

fn cases(largest: u64) -> Vec<Case> {
    let around = |size: u64| [size - 1, size, size + 1];
    let canonical = [0, 1, 1000].into_iter().chain(
        [MIB, 2 * MIB, OLD_LINKS * MIB, 1024 * MIB, 2048 * MIB].into_iter().flat_map(around),
    );
    let links = MAX_LINKS as u64;
    let canonical = canonical.map(|size| Case { size, chunk: CHUNK_SIZE as u64, links });
    // Both fan-outs at the boundaries of one node, of three levels, of old chunks and of odd ones.
    let other = [
        (OLD_CHUNK, OLD_LINKS, OLD_CHUNK),
        (OLD_CHUNK, OLD_LINKS, OLD_CHUNK * OLD_LINKS),
        (OLD_CHUNK, links, OLD_CHUNK * OLD_LINKS),
        (OLD_CHUNK, links, OLD_CHUNK * links),
        (CHUNK_SIZE as u64, OLD_LINKS, MIB * OLD_LINKS),
        (LARGEST_CHUNK, links, 4 * LARGEST_CHUNK),
        (LARGEST_CHUNK, OLD_LINKS, 7 * MIB),
        (1024, OLD_LINKS, 1024 * OLD_LINKS),
        (1024, OLD_LINKS, 1024 * OLD_LINKS * OLD_LINKS),
        (1000, links, 1000 * links),
        (64, links, 64 * links * links),
    ];
    let other = other.into_iter().flat_map(|(chunk, links, size)| {
        around(size).into_iter().map(move |size| Case { size, chunk, links })
    });
    canonical.chain(other).filter(|case| case.size <= largest + 1).collect()
}

/// Compares all cases.
pub fn compare(programs: &Programs, folder: &Path, source: &Path, scale: Scale) -> Result<Cids> {
    let repository = folder.join("cids");
    let ours = programs.start(Kind::Ours, &repository)?;
    let kubo = programs.start(Kind::Kubo, &repository)?;
    let cases = cases(scale.largest);
    tell(&format!("comparing the CIDs of {} files and of directories", cases.len()));
    let mut cids = Cids::default();
    for case in cases {
        let Case { size, chunk, links } = case;
        let by = |daemon: &Daemon| {
            let answer =
                daemon.connect()?.post(&case.options(), Body::File(&File::open(source)?, size))?;
            hash_of(&answer)
        };
        let our_cid = match case.is_canonical() {
            true => by(&ours)?,
            // Forms that the store reads, and its importer makes, but that nobody can ask it for.
            false => by_importer(source, case)?,
        };
        let name = format!("{size} bytes in chunks of {chunk} under {links} links");
        cids.hold(name, &our_cid, &by(&kubo)?);
    }
    for (name, form) in directories() {
        let by = |daemon: &Daemon| {
            let options = "add?cid-version=1&raw-leaves=true&only-hash=true&chunker=size-1048576&max-file-links=1024";
            hash_of(&daemon.connect()?.post(options, Body::Form(&form))?)
        };
        let their_cid = by(&kubo)?;
        match by(&ours) {
            Ok(our_cid) => cids.hold(name.into(), &our_cid, &their_cid),
            Err(error) => cids.refused.push(format!("{name}: {error}")),
        }
    }
    drop((ours, kubo));
    fs::remove_dir_all(repository)?;
    Ok(cids)
}

fn by_importer(source: &Path, Case { size, chunk, links }: Case) -> Result<String> {
    let importer = Importer::with_layout(chunk as usize, links as usize);
    let mut importer = importer.ok_or("a layout that is none")?;
    let discard = &mut |_| Ok::<(), Infallible>(());
    let mut reader = File::open(source)?.take(size);
    let mut buffer = vec![0; 1 << 20];
    while let read @ 1.. = reader.read(&mut buffer)? {
        match importer.push(&buffer[..read], discard) {
            Ok(()) => {}
            Err(never) => match never {},
        }
    }
    match importer.finish(discard) {
        Ok(imported) => Ok(imported.cid.to_string()),
        Err(never) => match never {},
    }
}

/// Directories as forms that `add` takes. The root is what is answered last.
fn directories() -> Vec<(&'static str, Vec<u8>)> {
    let folder = |name: &str| {
        part(&format!("name=\"file\"; filename=\"{name}\""), "application/x-directory", b"")
    };
    let file = |name: &str, content: &[u8]| {
        let disposition = format!("name=\"file\"; filename=\"{name}\"");
        part(&disposition, "application/octet-stream", content)
    };
    let many = (0..300)
        .map(|number| file(&format!("d%2F{number}.bin"), format!("file {number}").as_bytes()));
    let large = vec![7; CHUNK_SIZE + 1];
    vec![
        ("an empty directory", folder("d")),
        ("a directory of one file", [folder("d"), file("d%2Fa.txt", b"a")].concat()),
        (
            "names that sort by bytes",
            [
                folder("d"),
                file("d%2Fb", b"1"),
                file("d%2FB", b"2"),
                file("d%2F%C3%BC", b"3"),
                file("d%2Fa%20b", b"4"),
                file("d%2Fab", b""),
            ]
            .concat(),
        ),
        (
            "directories in directories",
            [
                folder("d"),
                file("d%2Flarge", &large),
                folder("d%2Fsub"),
                file("d%2Fsub%2Fa", b"a"),
                folder("d%2Fsub%2Fempty"),
                folder("d%2Fsub%2Fsub"),
                file("d%2Fsub%2Fsub%2Fb", b"b"),
            ]
            .concat(),
        ),
        ("a directory of 300 files", [folder("d"), many.collect::<Vec<_>>().concat()].concat()),
    ]
}
