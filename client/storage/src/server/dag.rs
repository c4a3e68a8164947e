//! `dag/export`, `dag/import`, `dag/stat`.

mod export;
mod import;
mod stat;

pub(super) use export::export;
pub(super) use import::import;
pub(super) use stat::stat;
