//! Fetching from several sources, none of which is trusted: the bytes are right, an honest one wins, and what is said in the end
//! is what happened.

mod cache;
mod hostile;
mod resume;
mod said;
mod urls;

use crate::support;

const MIB: usize = 1 << 20;
