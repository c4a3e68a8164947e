//! Bytes that no chunk repeats and nothing compresses, the same in every run.

use crate::Result;
use decentralml_storage::{
    Cid,
    car::CarWriter,
    unixfs::{Imported, canonical_cid, import},
};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io::{self, BufWriter, Read, Write},
    path::Path,
};

/// The key stream under the hash of a seed.
struct Noise {
    stream: ChaCha8Rng,
    left: u64,
}

impl Noise {
    fn new(seed: &str, size: u64) -> Self {
        Self { stream: ChaCha8Rng::from_seed(Sha256::digest(seed).into()), left: size }
    }
}

impl Read for Noise {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.left.min(buffer.len() as u64) as usize;
        self.stream.fill_bytes(&mut buffer[..count]);
        self.left -= count as u64;
        Ok(count)
    }
}

pub fn bytes(seed: &str, size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    Noise::new(seed, size as u64).stream.fill_bytes(&mut bytes);
    bytes
}

/// Writes a file and syncs it, so that the disk is done with it before anything is measured.
pub fn write(path: &Path, seed: &str, size: u64) -> Result<()> {
    let mut file = File::create(path)?;
    let (mut noise, mut buffer) = (Noise::new(seed, size), vec![0; 1 << 20]);
    while let read @ 1.. = noise.read(&mut buffer)? {
        file.write_all(&buffer[..read])?;
    }
    Ok(file.sync_all()?)
}

/// [`write()`], and the CID of the file.
pub fn write_named(path: &Path, seed: &str, size: u64) -> Result<Cid> {
    write(path, seed, size)?;
    Ok(import(File::open(path)?, |_| Ok::<_, io::Error>(()))?.cid)
}

/// Writes a CAR of a file in its canonical form; returns the root.
pub fn write_car(path: &Path, seed: &str, size: u64) -> Result<Cid> {
    let Imported { cid, .. } = import(Noise::new(seed, size), |_| Ok::<_, io::Error>(()))?;
    let mut car = CarWriter::new(BufWriter::new(File::create(path)?), &[cid.into()])?;
    import(Noise::new(seed, size), |block| car.write(&block))?;
    let file = car.into_inner().into_inner().map_err(|error| error.into_error())?;
    file.sync_all()?;
    Ok(cid)
}

/// Blocks with their CIDs.
pub fn blocks(seed: &str, count: usize, size: usize) -> Vec<(Cid, Vec<u8>)> {
    let block = |number| bytes(&format!("{seed} {number}"), size);
    (0..count).map(block).map(|block| (canonical_cid(&block), block)).collect()
}
