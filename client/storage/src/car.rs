//! CAR version 1: blocks of a DAG in one stream, each with its CID.
//!
//! ```text
//! varint | DAG-CBOR {roots: [CID], version: 1}    the header, at most 64 KiB
//! varint | CID | block                            a section, as often as there are blocks
//! ```
//!
//! Nothing that is read is believed: lengths have limits before a byte is kept, a block is handed out only when its bytes have
//! the hash of its CID, and what the format cannot show (a stream that was cut between two sections) shows when the
//! roots are pinned. Version 2, an index around a version 1, is refused by name.

mod error;
mod export;
mod frame;
mod header;
mod import;
mod order;
mod range;
mod reader;
mod walk;
mod writer;

pub use error::CarError;
pub use export::{CarExport, Scope, Selection};
pub(crate) use frame::before_block;
pub(crate) use header::encode as encode_header;
pub use import::{CarImport, ImportError, MAX_BLOCKS};
pub(crate) use order::Preorder;
pub use range::EntityBytes;
pub use reader::CarReader;
pub(crate) use walk::BlockWalk;
pub use writer::CarWriter;

/// Most bytes of a header: room for 1,500 roots.
pub const MAX_HEADER: u64 = 64 << 10;

#[cfg(test)]
mod tests;
