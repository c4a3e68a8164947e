//! The sections of a CAR whose blocks are known before: each is held against what it has to be as soon as it begins.

use super::{
    fault::Fault,
    section_length,
    upload::{Progress, Room},
};
use crate::{Block, MAX_BLOCK, car::encode_header};
use bytes::{Buf, BytesMut};
use decentralml_types::Cid;

/// Bytes of the longest length that a section may have: 21 bits and some.
const MAX_VARINT: usize = 4;

/// Takes a stream piece by piece. Memory: one block and a piece.
#[derive(Debug)]
pub(super) struct Sections {
    buffer: BytesMut,
    header: Vec<u8>,
    /// Whether the header is still to come.
    at_header: bool,
    room: Room,
}

impl Sections {
    /// For what follows `progress`.
    pub fn new(root: Cid, progress: &Progress, room: Room) -> Self {
        let header = encode_header(&[root.into()]);
        Self { buffer: BytesMut::new(), header, at_header: progress.offset == 0, room }
    }

    pub fn push(&mut self, piece: &[u8]) {
        self.buffer.extend_from_slice(piece);
    }

    /// The next block that is whole, by which `progress` goes on; `None` where more has to come first. After an error
    /// `progress` is where it was.
    pub fn next(&mut self, progress: &mut Progress) -> Result<Option<Block>, Fault> {
        if self.at_header {
            let there = self.buffer.len().min(self.header.len());
            if self.buffer[..there] != self.header[..there] {
                let why =
                    "it does not begin with the header of a CAR of version 1 with this one root";
                return Err(Fault::malformed(why));
            }
            if there < self.header.len() {
                return Ok(None);
            }
            self.buffer.advance(there);
            self.at_header = false;
        }
        let Some(expected) = progress.order.peek() else { return Ok(None) };
        let Some((length, read)) = varint(&self.buffer)? else { return Ok(None) };
        let cid = expected.to_bytes();
        let Some(size) = length.checked_sub(cid.len()).filter(|size| *size <= MAX_BLOCK) else {
            let why = format!("a section of {length} bytes; a block has {MAX_BLOCK} at most");
            return Err(Fault::malformed(why));
        };
        let start = progress.offset.max(self.header.len() as u64);
        let end = start.saturating_add(section_length(&expected, size));
        if end > self.room.bytes {
            return Err(Fault::too_large(self.room.bytes));
        }
        if progress.blocks == self.room.blocks {
            return Err(Fault::too_many_blocks(self.room.blocks));
        }
        let section = &self.buffer[read..];
        let there = section.len().min(cid.len());
        if section[..there] != cid[..there] {
            return Err(Fault::foreign(&expected));
        }
        if section.len() < length {
            self.buffer.reserve(length + read - self.buffer.len());
            return Ok(None);
        }
        let data = self.buffer.split_to(read + length).freeze().split_off(read + cid.len());
        let block =
            Block::verified(expected.cid(), data).ok_or_else(|| Fault::mismatch(&expected))?;
        progress.order.pass(&block).map_err(|error| Fault::node(&expected, &error))?;
        progress.offset = end;
        progress.blocks += 1;
        Ok(Some(block))
    }
}

/// What a host takes of an upload that comes in these pieces, of at most `max_bytes`, and whether that is all of it. Not for programs: the
/// fuzz tests see what a host would do, without a host.
#[doc(hidden)]
pub fn taken<'a>(
    root: Cid,
    max_bytes: u64,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Block>, bool) {
    let room = Room::new(max_bytes);
    let mut progress = Progress::new(root);
    let mut sections = Sections::new(root, &progress, room);
    let mut blocks = Vec::new();
    for piece in pieces {
        sections.push(piece);
        loop {
            match sections.next(&mut progress) {
                Ok(Some(block)) => blocks.push(block),
                Ok(None) => break,
                Err(_) => return (blocks, false),
            }
        }
    }
    (blocks, progress.is_complete())
}

/// The number at the beginning and its length; `None` where it has not ended.
fn varint(bytes: &[u8]) -> Result<Option<(usize, usize)>, Fault> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(MAX_VARINT).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            // Padded with zeros it would have another length than here.
            if *byte == 0 && index > 0 {
                break;
            }
            return Ok(Some((value, index + 1)));
        }
    }
    match bytes.len() < MAX_VARINT && bytes.iter().all(|byte| byte & 0x80 != 0) {
        true => Ok(None),
        false => Err(Fault::malformed("a length that is no varint or too large")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        Store,
        car::Scope,
        host::{Parcel, largest_car},
        unixfs,
    };
    use proptest::prelude::*;
    use std::{io::Read, sync::Arc};
    use tempfile::TempDir;

    fn stores() -> (TempDir, Arc<Store>, Store) {
        let folder = TempDir::new().unwrap();
        let full = Arc::new(Store::open(folder.path().join("full")).unwrap());
        let empty = Store::open(folder.path().join("empty")).unwrap();
        (folder, full, empty)
    }

    #[test]
    fn lengths_are_read_when_they_have_ended() {
        for (bytes, expected) in [
            (&[][..], Some(None)),
            (&[0x80], Some(None)),
            (&[0xff, 0xff, 0xff], Some(None)),
            (&[0x05, 0xff], Some(Some((5, 1)))),
            (&[0x80, 0x01], Some(Some((128, 2)))),
            (&[0xff, 0xff, 0xff, 0x7f], Some(Some(((1 << 28) - 1, 4)))),
            (&[0x80, 0x00], None),
            (&[0xff, 0xff, 0xff, 0xff], None),
            (&[0xff; 9], None),
        ] {
            assert_eq!(varint(bytes).ok(), expected, "{bytes:?}");
        }
    }

    #[test]
    fn both_ends_count_the_same_bytes() {
        for size in [0, 1, 5000, (1 << 20) + 1, 5 << 20] {
            let (_folder, full, empty) = stores();
            // Zeros: equal leaves, each of which comes once.
            let cid = full.add(std::io::repeat(0).take(size), true).unwrap().cid;
            let parcel = Parcel::new(&full, &cid).unwrap();
            let car: Vec<u8> = full
                .export_car(&[cid.into()], Scope::All)
                .unwrap()
                .flat_map(|piece| piece.unwrap().to_vec())
                .collect();
            assert_eq!(parcel.bytes(), car.len() as u64);
            assert!(parcel.bytes() <= largest_car(size), "{size}");
            let room = Room::new(parcel.bytes());
            let mut progress = Progress::scan(&empty, cid, room).unwrap();
            let mut sections = Sections::new(cid, &progress, room);
            let mut blocks = Vec::new();
            for piece in car.chunks(1000) {
                sections.push(piece);
                while let Some(block) = sections.next(&mut progress).unwrap() {
                    blocks.push(block);
                }
            }
            assert!(progress.is_complete() && sections.buffer.is_empty());
            assert_eq!((progress.offset, progress.blocks), (parcel.bytes(), parcel.blocks()));
            let mut scanned = Progress::scan(&full, cid, room).unwrap();
            assert!(scanned.is_complete());
            assert_eq!(scanned.offset, progress.offset);
            assert!(Progress::scan(&full, cid, Room::new(parcel.bytes() - 1)).is_err());
            blocks.pop();
            blocks.iter().for_each(|block| empty.put(block).unwrap());
            let mut part = Progress::scan(&empty, cid, room).unwrap();
            assert!(!part.is_complete() && part.offset < progress.offset);
        }
    }

    #[test]
    fn a_file_in_many_leaves_is_within_its_largest_car() {
        // Leaves without bytes of their own stand for those of a MiB: only what is around them is counted here.
        for leaves in [1, 2, 40, 1025] {
            let size = leaves * unixfs::CHUNK_SIZE as u64;
            let mut bytes = encode_header(&[unixfs::canonical_cid(b"").into()]).len() as u64;
            unixfs::import::<std::io::Error>(std::io::repeat(0).take(size), |block| {
                let nodes = block.cid().codec == decentralml_types::Codec::DagPb;
                if nodes {
                    bytes += section_length(&block.cid().into(), block.data().len());
                }
                Ok(())
            })
            .unwrap();
            bytes += leaves * (section_length(&unixfs::canonical_cid(b"").into(), 1 << 20));
            assert!(bytes <= largest_car(size), "{leaves}: {bytes} > {}", largest_car(size));
            assert!(largest_car(size) < size + size / 1000 + 2048, "and not much more");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_or_waited_for_without_a_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..200), after_header: bool
        ) {
            let cid = unixfs::canonical_cid(b"update");
            let room = Room::new(1000);
            let mut progress = Progress::new(cid);
            let mut sections = Sections::new(cid, &progress, room);
            if after_header {
                sections.push(&encode_header(&[cid.into()]));
            }
            sections.push(&bytes);
            prop_assert!(!matches!(sections.next(&mut progress), Ok(Some(_))));
            prop_assert_eq!(progress.offset, 0);
        }
    }
}
