//! What the pallets are told, by area.

mod consensus;
mod federated;
mod governance;
mod money;
mod system;

pub use consensus::{BABE_GENESIS_EPOCH_CONFIG, ReportLongevity};
pub use governance::{CouncilInstance, ValidatorInstance};
pub use money::{Funds, TreasuryAccount};
