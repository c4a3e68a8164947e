use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
};

use decentralml_exact::Encoding;

use super::{Part, Updates, beyond, decode, width};
use crate::{model::Parameter, update::Update};

/// An update in a file of this machine: checked before it was written, so that reading it back is reading numbers.
#[derive(Clone, Debug)]
pub struct UpdateFile {
    path: PathBuf,
    parameters: Arc<[Parameter]>,
    encoding: Encoding,
    /// Where the numbers begin, in bytes.
    body: u64,
}

impl UpdateFile {
    /// Writes an update to `path`, and replaces what is there. It is not synced: after a crash it has to be written again.
    pub fn write(path: &Path, update: &Update) -> io::Result<Self> {
        let bytes = update.to_bytes();
        std::fs::write(path, &bytes)?;
        let numbers = update.values().len() * width(update.encoding());
        Ok(Self {
            path: path.to_owned(),
            parameters: update.parameters().into(),
            encoding: update.encoding(),
            body: bytes.len().saturating_sub(numbers) as u64,
        })
    }

    /// Names and shapes, sorted by name.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The encoding of the integers.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Fills `out` with the integers from the weight `start` on, in units of `2^-f`.
    pub fn read(&self, start: usize, out: &mut [i32]) -> io::Result<()> {
        let width = width(self.encoding);
        let mut bytes = vec![0; out.len() * width];
        // Opened each time: a round has more updates than a process may have open files.
        self.open()?.read(start, &mut bytes)?;
        decode(&bytes, width, out);
        Ok(())
    }

    /// Opens it to be read in several parts.
    pub fn open(&self) -> io::Result<impl Part + use<>> {
        let file = File::open(&self.path)?;
        Ok(Opened { file, at: 0, body: self.body, width: width(self.encoding) })
    }
}

struct Opened {
    file: File,
    /// Where the next byte comes from.
    at: u64,
    body: u64,
    width: usize,
}

impl Part for Opened {
    fn read(&mut self, start: usize, out: &mut [u8]) -> io::Result<()> {
        let start = self.body + (start * self.width) as u64;
        if start != self.at {
            self.file.seek(SeekFrom::Start(start))?;
        }
        // After an error, the place is not known.
        self.at = u64::MAX;
        self.file.read_exact(out)?;
        self.at = start + out.len() as u64;
        Ok(())
    }
}

impl Updates for [UpdateFile] {
    fn count(&self) -> usize {
        self.len()
    }

    fn kind(&self, update: usize) -> Option<(&[Parameter], Encoding)> {
        self.get(update).map(|file| (file.parameters(), file.encoding()))
    }

    fn read(&self, update: usize, start: usize, out: &mut [i32]) -> io::Result<()> {
        self.get(update).ok_or_else(beyond)?.read(start, out)
    }

    fn open(&self, update: usize) -> io::Result<Box<dyn Part + '_>> {
        Ok(Box::new(self.get(update).ok_or_else(beyond)?.open()?))
    }
}
