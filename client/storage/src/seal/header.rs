//! The header of a sealed file, read within limits.
//!
//! `age` reads headers of any length, and begins anew with every line: its time grows with the square of the lines. So the lines
//! are counted here first. It also takes bodies without their last line, which the format once allowed and other programs refuse:
//! here only what all of them read is.

use super::{MAX_RECIPIENTS, OpenError};
use std::io::{BufRead, Read};

/// Bytes of the header of a file for [`MAX_RECIPIENTS`]: 98 for each, and some for the stanza without a meaning that `age` adds.
pub(super) const MAX_BYTES: usize = 32 << 10;

/// Most lines of a header: two for each recipient, and as many for what other programs may add.
const MAX_LINES: usize = 4 * MAX_RECIPIENTS;

const VERSION: &[u8] = b"age-encryption.org/v1\n";
const STANZA: &[u8] = b"-> ";
const RECIPIENT: &[u8] = b"-> X25519 ";
const END: &[u8] = b"---";

/// Bytes of the last line: `--- `, 32 bytes in base64, a line feed.
const END_LINE: usize = 48;

/// Bytes of a line of a body that another one follows, with its line feed. The last one is shorter, empty if need be.
const FULL_LINE: usize = 65;

/// The header with its last line, of `max_bytes` at most; nothing beyond it is taken from `input`.
pub(super) fn read(input: &mut impl BufRead, max_bytes: usize) -> Result<Vec<u8>, OpenError> {
    let too_long = OpenError::HeaderTooLong { limit: max_bytes };
    let odd = OpenError::Malformed("its header is none of an age file");
    let mut header = Vec::new();
    let mut recipients = 0;
    let mut in_body = false;
    for _ in 0..MAX_LINES {
        let start = header.len();
        let room = max_bytes.saturating_sub(start);
        input
            .by_ref()
            .take(room as u64)
            .read_until(b'\n', &mut header)
            .map_err(super::opening::read_failed)?;
        let line = header.get(start..).unwrap_or_default();
        if start == 0 {
            if line != VERSION {
                return Err(OpenError::Malformed(
                    "it does not begin like an age file of version 1",
                ));
            }
            continue;
        }
        if !line.ends_with(b"\n") {
            let cut_off = OpenError::Malformed("it ends within its header");
            return Err(if line.len() == room { too_long } else { cut_off });
        }
        if in_body {
            if line.starts_with(b"-") {
                return Err(odd);
            }
            in_body = line.len() == FULL_LINE;
        } else if line.starts_with(STANZA) {
            recipients += usize::from(line.starts_with(RECIPIENT));
            in_body = true;
        } else {
            // Of a shorter line `age` would take the missing bytes from what follows, which nobody has counted.
            let ends = line.starts_with(END) && line.len() == END_LINE;
            return if ends { Ok(header) } else { Err(odd) };
        }
        if recipients > MAX_RECIPIENTS {
            return Err(too_long);
        }
    }
    Err(too_long)
}
