//! Files that are written past the system's cache of files.
//!
//! A block is written once and synced at once. In the cache its bytes would be copied into memory that has to be found first, which
//! costs more than to hash them, and would push out what others have there. Whoever reads the block brings it in.

use crate::buffer::{Buffer, SECTOR};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write},
    path::Path,
};

/// `O_DIRECT`, which every architecture numbers as it likes. Elsewhere all goes through the cache.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
const DIRECT: Option<i32> = Some(0o40_000);
#[cfg(all(target_os = "linux", target_arch = "aarch64"))]
const DIRECT: Option<i32> = Some(0o200_000);
#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
const DIRECT: Option<i32> = None;

/// From how many bytes on it is worth it.
const LARGE: usize = 64 << 10;

/// Writes files.
#[derive(Debug)]
pub(super) struct Writer {
    /// How files are opened that go past the cache; `None` once the file system has said that there is no such way.
    flag: Option<i32>,
}

impl Default for Writer {
    fn default() -> Self {
        Self { flag: DIRECT }
    }
}

impl Writer {
    /// Makes a file with these bytes, which are not synced.
    pub fn write(&mut self, path: &Path, data: &[u8]) -> io::Result<File> {
        if let Some(flag) = self.flag.filter(|_| data.len() >= LARGE) {
            match write_past(path, data, flag) {
                Err(error)
                    if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) =>
                {
                    self.flag = None;
                    // It may have been made before it was refused.
                    match fs::remove_file(path) {
                        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                        _ => {}
                    }
                }
                written => return written,
            }
        }
        let mut file = File::create_new(path)?;
        file.write_all(data)?;
        Ok(file)
    }
}

/// The last sector is written whole.
fn write_past(path: &Path, data: &[u8], flag: i32) -> io::Result<File> {
    let mut file = create(path, flag)?;
    if data.len().is_multiple_of(SECTOR) && data.as_ptr().align_offset(SECTOR) == 0 {
        file.write_all(data)?;
    } else {
        file.write_all(Buffer::padded(data).as_ref())?;
        file.set_len(data.len() as u64)?;
    }
    Ok(file)
}

#[cfg(unix)]
fn create(path: &Path, flag: i32) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().write(true).create_new(true).custom_flags(flag).open(path)
}

#[cfg(not(unix))]
fn create(path: &Path, _flag: i32) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn files_of_all_lengths_have_their_bytes_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Writer::default();
        let bytes: Vec<u8> = (0..(2 << 20) + 7).map(|at| (at / 7) as u8).collect();
        for (number, length) in
            [0, 1, LARGE - 1, LARGE, LARGE + 1, 1 << 20, (1 << 20) + SECTOR, (2 << 20) - 1, 100]
                .into_iter()
                .enumerate()
        {
            let path = folder.path().join(number.to_string());
            let data = &bytes[7..7 + length];
            writer.write(&path, data).unwrap().sync_all().unwrap();
            assert_eq!(fs::read(&path).unwrap(), data, "{length} bytes");
        }
    }

    #[test]
    fn a_file_that_is_there_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "other").unwrap();
        let error = Writer::default().write(&path, &[1; LARGE]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"other");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_can_only_be_written_through_the_cache_is_written_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        // Half of `O_TMPFILE`, which Linux refuses in the way in which file systems refuse `O_DIRECT`.
        let mut writer = Writer { flag: Some(0o20_000_000) };
        writer.write(&path, &[1; LARGE]).unwrap();
        assert_eq!(fs::read(&path).unwrap(), [1; LARGE]);
        assert_eq!(writer.flag, None);
    }
}
