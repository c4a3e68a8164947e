//! Updates as bytes: integers as they are, or packed.

use decentralml_learning::{
    Codec, CodecError, Draw, Encoding, Malformed, ModelSpec, Residual, Update, Weights,
};
use decentralml_types::TaskSpec;

use crate::{convert, error::WorkerError, model::ModelError};

/// How a task's updates are written and read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wire {
    encoding: Encoding,
    codec: Option<Codec>,
    feedback: bool,
}

/// An update, and what is sent of it.
#[derive(Clone, Debug)]
pub struct Written {
    /// What is sent.
    pub bytes: Vec<u8>,
    /// What everybody reads in them.
    pub update: Update,
    /// Weights at the task's clip, or, where updates are packed, beyond it: larger changes were cut.
    pub cut: usize,
}

/// Why bytes are not an update of a task.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Not the integers of an update.
    #[error(transparent)]
    Plain(#[from] Malformed),
    /// Not a packed update.
    #[error(transparent)]
    Packed(#[from] CodecError),
}

impl Wire {
    /// As the specification says. Fails where it contradicts itself.
    pub fn of(spec: &TaskSpec) -> Result<Self, ModelError> {
        let feedback = spec.encoding.error_feedback;
        Ok(Self { encoding: convert::encoding(spec)?, codec: convert::codec(spec)?, feedback })
    }

    /// Integers as they are.
    #[cfg(test)]
    pub(crate) fn plain(encoding: Encoding) -> Self {
        Self { encoding, codec: None, feedback: false }
    }

    /// The integers that are aggregated.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Whether a trainer adds to its next change what its last update left out.
    pub fn has_feedback(&self) -> bool {
        self.feedback && self.codec.is_some()
    }

    /// Bytes of an update of a model: of a packed one at most, of any other exactly.
    pub fn most_bytes(&self, model: &ModelSpec) -> u64 {
        match &self.codec {
            Some(codec) => codec.most_bytes(model) as u64,
            None => Update::byte_length(model, self.encoding) as u64,
        }
    }

    /// The update `trained − base`, with what `residual` says was left out before; what it leaves out is in there then.
    ///
    /// Fails for changes that are not finite, and for weights of different models.
    pub fn write(
        &self,
        base: &Weights,
        trained: &Weights,
        draw: &Draw,
        residual: Option<&mut Residual>,
    ) -> Result<Written, WorkerError> {
        match &self.codec {
            Some(codec) => {
                let packed = codec.pack(base, trained, self.encoding, draw, residual)?;
                Ok(Written { bytes: packed.bytes, update: packed.update, cut: packed.saturated })
            }
            None => {
                let update = Update::from_delta(base, trained, self.encoding)?;
                Ok(Written { bytes: update.to_bytes(), cut: update.at_clip(), update })
            }
        }
    }

    /// Reads an update to a model, and refuses everything else.
    pub fn read(&self, bytes: &[u8], model: &ModelSpec) -> Result<Update, Unreadable> {
        Ok(match &self.codec {
            Some(codec) => codec.unpack(bytes, model, self.encoding)?,
            None => Update::from_bytes(bytes, model, self.encoding)?,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::convert::tests::{packed, task_spec};
    use decentralml_types::spec;

    const DRAW: Draw = Draw { run: [4; 32], round: 2, client: 0 };

    fn model() -> ModelSpec {
        ModelSpec::mlp(6, &[40], 3)
    }

    fn weights() -> (Weights, Weights) {
        (Weights::init(&model(), [1; 32]), Weights::init(&model(), [2; 32]))
    }

    fn wire(encoding: spec::Encoding) -> Wire {
        let spec = TaskSpec { encoding, ..task_spec() };
        decentralml_protocol::spec::check(&spec).unwrap();
        Wire::of(&spec).unwrap()
    }

    #[test]
    fn every_encoding_is_read_as_it_was_written_and_within_its_length() {
        let (base, trained) = weights();
        let mut wires = vec![
            spec::Encoding::plain(8, 6, 127),
            spec::Encoding::plain(16, 12, 32_767),
            spec::Encoding::plain(32, 20, i32::MAX as u32),
        ];
        for bits in [4, 8, 16, 32] {
            for keep in [1_000_000, 10_000] {
                wires.push(spec::Encoding { bits, keep, ..packed() });
            }
        }
        for encoding in wires {
            let wire = wire(encoding);
            let written = wire.write(&base, &trained, &DRAW, None).unwrap();
            assert!(!written.update.is_zero());
            assert!(written.bytes.len() as u64 <= wire.most_bytes(&model()), "{encoding:?}");
            assert_eq!(wire.read(&written.bytes, &model()).unwrap(), written.update);
            assert_eq!(written.update.encoding(), wire.encoding());
            for broken in [&written.bytes[1..], b"", b"DMLU"] {
                assert!(wire.read(broken, &model()).is_err(), "{encoding:?}");
            }
        }
    }

    #[test]
    fn a_plain_update_is_no_packed_one_nor_the_other_way_round() {
        let (base, trained) = weights();
        let wires = [wire(spec::Encoding::plain(8, 6, 127)), wire(packed())];
        let bytes = wires.map(|wire| wire.write(&base, &trained, &DRAW, None).unwrap().bytes);
        assert!(wires[0].read(&bytes[1], &model()).is_err());
        assert!(wires[1].read(&bytes[0], &model()).is_err());
    }

    #[test]
    fn what_was_left_out_comes_with_the_next_update() {
        let (base, trained) = weights();
        let wire = wire(packed());
        assert!(wire.has_feedback());
        let mut residual = Residual::zero(&model());
        let first = wire.write(&base, &trained, &DRAW, Some(&mut residual)).unwrap();
        let next = Draw { round: 3, ..DRAW };
        let second = wire.write(&base, &base, &next, Some(&mut residual)).unwrap();
        assert!(!second.update.is_zero(), "nothing was learned in this round but much left out");
        let both = first.update.values().iter().zip(second.update.values());
        let sent = both.filter(|(a, b)| **a != 0 || **b != 0).count();
        assert!(sent > first.update.values().iter().filter(|q| **q != 0).count());
    }

    #[test]
    fn a_change_beyond_the_clip_is_cut_and_counted() {
        let (base, trained) = weights();
        let narrow = spec::Encoding { clip: 10, keep: 1_000_000, ..packed() };
        for encoding in [spec::Encoding::plain(8, 16, 10), narrow] {
            let written = wire(encoding).write(&base, &trained, &DRAW, None).unwrap();
            assert!(written.cut > 0 && written.update.values().iter().all(|q| q.abs() <= 10));
        }
    }
}
