//! What is handed over: the DAG under a CID, as the bytes of a CAR from anywhere on.

use super::{most_blocks, section_length};
use crate::{
    Lease, Store, StoreError, WrittenCid,
    car::{BlockWalk, MAX_BLOCKS, Scope, before_block, encode_header},
};
use bytes::Bytes;
use decentralml_types::Cid;
use std::{
    collections::VecDeque,
    sync::{Arc, OnceLock},
};

/// Bytes of the pieces that are sent, so that it shows how far it is.
const PIECE: usize = 64 << 10;

/// A DAG that is all here and has been read once. No collection removes any of it as long as this lives.
///
/// Memory: 48 bytes for each block.
#[derive(Debug)]
pub struct Parcel {
    store: Arc<Store>,
    cid: Cid,
    header: Bytes,
    sections: Vec<Section>,
    _lease: Lease,
}

#[derive(Clone, Copy, Debug)]
struct Section {
    cid: WrittenCid,
    /// Where it ends in the CAR.
    end: u64,
}

/// Why a DAG cannot be handed over.
#[derive(Debug, thiserror::Error)]
pub enum ParcelError {
    /// It is not all here.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No host takes it.
    #[error("{cid} has too many small blocks to be handed over; add it as a file again")]
    TooManyBlocks {
        /// Its root.
        cid: Cid,
    },
}

impl Parcel {
    /// Reads all of a DAG and checks it. It blocks.
    pub fn new(store: &Arc<Store>, cid: &Cid) -> Result<Self, ParcelError> {
        let cid = *cid;
        let root = [cid.into()];
        let lease = store.lease(&cid);
        let header = Bytes::from(encode_header(&root));
        let (mut sections, mut end) = (Vec::new(), header.len() as u64);
        for next in BlockWalk::new(store, &root, Scope::All) {
            let (cid, block) = next?;
            end += section_length(&cid, block.data().len());
            sections.push(Section { cid, end });
            if sections.len() as u64 > MAX_BLOCKS {
                break;
            }
        }
        if sections.len() as u64 > most_blocks(end) {
            return Err(ParcelError::TooManyBlocks { cid });
        }
        Ok(Self { store: store.clone(), cid, header, sections, _lease: lease })
    }

    /// The root.
    pub fn cid(&self) -> Cid {
        self.cid
    }

    /// Bytes of the CAR.
    pub fn bytes(&self) -> u64 {
        self.sections.last().map_or(0, |last| last.end)
    }

    /// Blocks.
    pub fn blocks(&self) -> u64 {
        self.sections.len() as u64
    }

    /// The CAR from a byte on; `None` where no block ends there.
    pub(super) fn from(self: &Arc<Self>, offset: u64, broken: &Broken) -> Option<Pieces> {
        let (next, ready) = match offset {
            0 => (0, VecDeque::from([self.header.clone()])),
            _ => {
                let last = self.sections.binary_search_by_key(&offset, |section| section.end);
                (last.ok()? + 1, VecDeque::new())
            }
        };
        Some(Pieces { parcel: self.clone(), next, ready, broken: broken.clone() })
    }
}

/// Where it is said why a block of the own store cannot be sent.
pub(super) type Broken = Arc<OnceLock<String>>;

/// The bytes of a CAR, piece by piece, each block checked again. After an error it ends.
#[derive(Debug)]
pub(super) struct Pieces {
    parcel: Arc<Parcel>,
    next: usize,
    ready: VecDeque<Bytes>,
    broken: Broken,
}

impl Iterator for Pieces {
    type Item = Result<Bytes, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(piece) = self.ready.pop_front() {
            return Some(Ok(piece));
        }
        let Section { cid, .. } = self.parcel.sections.get(self.next)?;
        match self.parcel.store.get(&cid.cid()) {
            Ok(block) => {
                let mut data = block.data().clone();
                self.next += 1;
                while data.len() > PIECE {
                    self.ready.push_back(data.split_to(PIECE));
                }
                self.ready.push_back(data);
                Some(Ok(before_block(cid, block.data().len()).into()))
            }
            Err(error) => {
                self.next = usize::MAX;
                let _ = self.broken.set(error.to_string());
                Some(Err(error))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use tempfile::TempDir;

    #[test]
    fn it_goes_on_wherever_a_block_ends() {
        let folder = TempDir::new().unwrap();
        let store = Arc::new(Store::open(folder.path().join("store")).unwrap());
        let data: Vec<u8> = (0..(3_u32 << 18)).flat_map(u32::to_le_bytes).collect();
        let cid = store.add(&data[..], true).unwrap().cid;
        let parcel = Arc::new(Parcel::new(&store, &cid).unwrap());
        let car: Vec<u8> = store
            .export_car(&[cid.into()], Scope::All)
            .unwrap()
            .flat_map(|piece| piece.unwrap().to_vec())
            .collect();
        assert_eq!(parcel.blocks(), 4);
        let broken = Broken::default();
        let ends: Vec<_> = parcel.sections.iter().map(|section| section.end).collect();
        for offset in [0].into_iter().chain(ends) {
            let rest: Vec<u8> =
                parcel.from(offset, &broken).unwrap().flat_map(|piece| piece.unwrap()).collect();
            assert!(rest == car[offset as usize..], "{offset}");
        }
        for offset in [1, parcel.header.len() as u64, parcel.bytes() - 1, parcel.bytes() + 1] {
            assert!(parcel.from(offset, &broken).is_none(), "{offset}");
        }
        assert!(broken.get().is_none());
    }
}
