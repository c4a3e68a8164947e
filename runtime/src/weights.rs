//! What our calls were measured to weigh.
//!
//! Each file here is made by `scripts/weights.sh`. Of BABE and GRANDPA only the check of an equivocation's proof is measured;
//! `configs/consensus.rs` builds the weight of a report around it. For the rest of the SDK's pallets the SDK's own figures serve.

pub mod pallet_assignments;
pub mod pallet_babe;
pub mod pallet_challenges;
pub mod pallet_data;
pub mod pallet_disputes;
pub mod pallet_golds;
pub mod pallet_grandpa;
pub mod pallet_models;
pub mod pallet_parameters;
pub mod pallet_participants;
pub mod pallet_results;
pub mod pallet_tasks;
pub mod pallet_validation;
