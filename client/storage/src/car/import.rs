//! A CAR into a store.

use super::{CarError, CarReader};
use crate::{Hold, Store, StoreError, WrittenCid};
use std::io::Read;

/// Most blocks of one import. What is remembered of each, some 100 bytes, would otherwise be without a limit: a block may
/// be empty.
pub const MAX_BLOCKS: u64 = 1 << 20;

/// What an import brought.
#[derive(Debug)]
pub struct CarImport {
    /// The roots that the header names; their blocks may be elsewhere, or nowhere.
    pub roots: Vec<WrittenCid>,
    /// Blocks, also those that were here before or came twice.
    pub blocks: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Keeps the blocks until the roots are pinned.
    pub hold: Hold,
}

/// Why a CAR was not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is not in order.
    #[error(transparent)]
    Car(#[from] CarError),
    /// The store does not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It has more than [`MAX_BLOCKS`] blocks.
    #[error("a CAR of more than {MAX_BLOCKS} blocks is not imported; split it into several")]
    TooManyBlocks,
}

impl Store {
    /// Imports all blocks of a CAR, or none: they become visible together when the last one has been checked. Nothing is
    /// pinned. At most `max_bytes` of blocks are taken, and [`MAX_BLOCKS`] blocks.
    pub fn import_car(
        &self,
        reader: impl Read,
        max_bytes: Option<u64>,
    ) -> Result<CarImport, ImportError> {
        let mut car = CarReader::new(reader)?;
        if let Some(limit) = max_bytes {
            car = car.with_limit(limit);
        }
        let mut batch = self.batch();
        let (mut blocks, mut bytes) = (0, 0);
        for next in &mut car {
            let (_, block) = next?;
            if blocks == MAX_BLOCKS {
                return Err(ImportError::TooManyBlocks);
            }
            blocks += 1;
            bytes += block.data().len() as u64;
            batch.put(&block)?;
        }
        let hold = batch.commit()?;
        Ok(CarImport { roots: car.roots().to_vec(), blocks, bytes, hold })
    }
}
