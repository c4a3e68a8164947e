//! Moves a file of a given size into a store and out of it again with our client, and prints the most memory that this took.
//!
//! ```text
//! transfer URL BYTES FOLDER [--resume]
//! ```
//!
//! The file is made in the folder, block after block of bytes without a pattern, and removed at the end with what was fetched; so the
//! folder needs room for twice its size. With `--resume` it goes block by block both ways, as `decentralml ipfs add` does to stores on
//! other machines. A token is read from `DECENTRALML_STORE_TOKEN`. Prints one JSON object: bytes, seconds of each way, and the peak of
//! the process's resident memory in KiB as Linux counts it, of its own anonymous memory beside it.

use decentralml_storage::{Storage, StoreToken, unixfs::canonical_cid};
use std::{
    env,
    error::Error,
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
    time::Instant,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    let (resume, words): (Vec<_>, Vec<_>) = words.iter().partition(|word| *word == "--resume");
    let [url, size, folder] = words.as_slice() else {
        return Err("usage: transfer URL BYTES FOLDER [--resume]".into());
    };
    let (size, folder) = (size.parse()?, Path::new(folder));
    let token = env::var("DECENTRALML_STORE_TOKEN").ok();
    let token = token.map(|token| StoreToken::new(&token)).transpose()?;
    let storage = Storage::connect_as(url, token.as_ref(), Default::default()).await?;
    let [sent, fetched] = ["transfer-sent", "transfer-fetched"].map(|name| folder.join(name));
    make(&sent, size)?;

    let begun = Instant::now();
    let added = match resume.is_empty() {
        true => storage.add_file(&sent).await?,
        false => storage.add_file_resuming(&sent, &|_| {}).await?,
    };
    let (add, begun) = (begun.elapsed(), Instant::now());
    let length = match resume.is_empty() {
        true => storage.fetch_to_file(&added.cid, &fetched, size).await?,
        false => storage.fetch_to_file_resuming(&added.cid, &fetched, size, |_| {}).await?,
    };
    let fetch = begun.elapsed();
    storage.unpin(&added.cid).await?;
    for file in [&sent, &fetched] {
        fs::remove_file(file)?;
    }
    if (added.size, length) != (size, size) {
        return Err(format!("{} bytes were sent and {length} came", added.size).into());
    }
    println!(
        r#"{{"bytes":{size},"add_seconds":{:.3},"fetch_seconds":{:.3},"peak_kib":{},"anonymous_kib":{}}}"#,
        add.as_secs_f64(),
        fetch.as_secs_f64(),
        memory("VmHWM:")?,
        memory("RssAnon:")?,
    );
    Ok(())
}

/// Writes a file of which no two blocks are alike: each piece repeats the hash of its number.
fn make(path: &Path, size: u64) -> Result<()> {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let (mut left, mut number) = (size, 0_u64);
    while left > 0 {
        let seed = canonical_cid(&number.to_le_bytes()).digest;
        let piece = seed.repeat(1 << 11);
        let length = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        file.write_all(&piece[..length])?;
        left -= length as u64;
        number += 1;
    }
    file.flush()?;
    Ok(())
}

/// A figure of `/proc/self/status`, in KiB.
fn memory(name: &str) -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let figure = line.and_then(|rest| rest.split_whitespace().next());
    Ok(figure.ok_or("no such figure in /proc/self/status")?.parse()?)
}
