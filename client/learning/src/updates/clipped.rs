use std::io;

use decentralml_exact::{self as exact, Encoding};
use rayon::prelude::*;

use super::{Part, Updates, Values, decode, width};
use crate::model::Parameter;

/// Updates cut to a norm while they are read.
pub struct Clipped<'a, U: ?Sized> {
    updates: &'a U,
    bound: u64,
    /// Of each update, rounded up, in units of `2^-f`.
    norms: Vec<u128>,
}

impl<'a, U: Updates + ?Sized> Clipped<'a, U> {
    /// Reads all updates once for their norms. `bound` is in units of `2^-f`, and positive.
    ///
    /// What is read then is what [`Update::clip_norm`](crate::Update::clip_norm) would have made of each update.
    pub fn new(updates: &'a U, bound: u64) -> io::Result<Self> {
        if bound == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a norm bound of zero"));
        }
        let norm = |index| {
            let length = updates.kind(index).map_or(0, |(parameters, _)| {
                parameters.iter().map(Parameter::count).sum::<usize>()
            });
            let mut chunk = vec![0; length.min(NORM_CHUNK)];
            let mut squared = 0;
            for start in (0..length).step_by(NORM_CHUNK) {
                chunk.truncate(length - start);
                updates.read(index, start, &mut chunk)?;
                squared += exact::norm_squared(&chunk);
            }
            let root = squared.isqrt();
            Ok(if root * root < squared { root + 1 } else { root })
        };
        let norms = (0..updates.count()).into_par_iter().map(norm).collect::<io::Result<_>>()?;
        Ok(Self { updates, bound, norms })
    }

    /// How many updates are cut.
    pub fn cut(&self) -> usize {
        self.norms.iter().filter(|norm| **norm > u128::from(self.bound)).count()
    }

    fn clip(&self, update: usize, values: &mut [i32]) {
        let norm = self.norms.get(update).copied().unwrap_or(0);
        exact::clip_to(values, norm, self.bound);
    }
}

/// Integers that are read at a time for a norm.
const NORM_CHUNK: usize = 1 << 16;

impl<U: Updates + ?Sized> Updates for Clipped<'_, U> {
    fn count(&self) -> usize {
        self.updates.count()
    }

    fn kind(&self, update: usize) -> Option<(&[Parameter], Encoding)> {
        self.updates.kind(update)
    }

    fn read(&self, update: usize, start: usize, out: &mut [i32]) -> io::Result<()> {
        self.updates.read(update, start, out)?;
        self.clip(update, out);
        Ok(())
    }

    fn open(&self, update: usize) -> io::Result<Box<dyn Part + '_>> {
        let width = self.kind(update).map_or(4, |(_, encoding)| width(encoding));
        Ok(Box::new(ClippedPart { all: self, update, part: self.updates.open(update)?, width }))
    }
}

struct ClippedPart<'a, U: ?Sized> {
    all: &'a Clipped<'a, U>,
    update: usize,
    part: Box<dyn Part + 'a>,
    width: usize,
}

impl<U: Updates + ?Sized> Part for ClippedPart<'_, U> {
    fn read(&mut self, start: usize, out: &mut [u8]) -> io::Result<()> {
        self.part.read(start, out)?;
        let mut values = vec![0; out.len() / self.width];
        decode(out, self.width, &mut values);
        self.all.clip(self.update, &mut values);
        Values { values: &values, width: self.width }.read(0, out)
    }
}
