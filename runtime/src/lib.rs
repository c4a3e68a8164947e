//! The DecentralML chain: BABE and GRANDPA, a council, the nine pallets of federated training, that of shared data, and that of validators.
//!
//! `configs/` holds one file per area, `settings` the numbers that a chain fixes at genesis, `apis` what applications ask,
//! `free_calls` what costs nothing, `weights/` what our calls were measured to cost, `genesis_config_presets` the chains that can be started by name.

#![cfg_attr(not(feature = "std"), no_std)]
#![recursion_limit = "512"]

#[cfg(feature = "std")]
include!(concat!(env!("OUT_DIR"), "/wasm_binary.rs"));

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmark_helpers;
#[cfg(feature = "runtime-benchmarks")]
#[macro_use]
mod benchmarks;

pub mod apis;
pub mod configs;
mod evidence;
pub mod federated_api;
pub mod free_calls;
pub mod genesis_config_presets;
mod implementations;
pub mod settings;
mod views;
pub mod weights;

use alloc::vec::Vec;
use decentralml_types::{Balance, BlockNumber};
use sp_runtime::{
    MultiAddress, MultiSignature, generic, impl_opaque_keys,
    traits::{BlakeTwo256, IdentifyAccount, Verify},
};
use sp_version::RuntimeVersion;

/// Signatures of extrinsics.
pub type Signature = MultiSignature;
/// An account: the public key of a [`Signature`].
pub type AccountId = <<Signature as Verify>::Signer as IdentifyAccount>::AccountId;
/// How extrinsics name accounts.
pub type Address = MultiAddress<AccountId, ()>;
/// Transactions of one account.
pub type Nonce = u32;
/// Hashes of the chain.
pub type Hash = sp_core::H256;
/// A block header.
pub type Header = generic::Header<BlockNumber, BlakeTwo256>;
/// A block.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;

/// One token in planck.
pub const UNIT: Balance = 1_000_000_000_000;
/// A thousandth of a token.
pub const MILLIUNIT: Balance = UNIT / 1_000;
/// Less than this, and an account ceases to exist.
pub const EXISTENTIAL_DEPOSIT: Balance = MILLIUNIT;

/// The checks that a transaction passes before it is executed.
pub type TxExtension = (
    frame_system::AuthorizeCall<Runtime>,
    frame_system::CheckNonZeroSender<Runtime>,
    frame_system::CheckSpecVersion<Runtime>,
    frame_system::CheckTxVersion<Runtime>,
    frame_system::CheckGenesis<Runtime>,
    frame_system::CheckEra<Runtime>,
    frame_system::CheckNonce<Runtime>,
    frame_system::CheckWeight<Runtime>,
    pallet_transaction_payment::ChargeTransactionPayment<Runtime>,
    free_calls::CheckFreeCall,
    frame_metadata_hash_extension::CheckMetadataHash<Runtime>,
    frame_system::WeightReclaim<Runtime>,
);

/// A transaction as it travels.
pub type UncheckedExtrinsic =
    generic::UncheckedExtrinsic<Address, RuntimeCall, Signature, TxExtension>;
/// A payload that is signed.
pub type SignedPayload = generic::SignedPayload<RuntimeCall, TxExtension>;
/// Applies blocks.
pub type Executive = frame_executive::Executive<
    Runtime,
    Block,
    frame_system::ChainContext<Runtime>,
    Runtime,
    AllPalletsWithSystem,
>;

impl_opaque_keys! {
    /// What a validator signs blocks and finality votes with.
    pub struct SessionKeys {
        pub babe: Babe,
        pub grandpa: Grandpa,
    }
}

/// What this code is. `spec_version` changes with every runtime that is not equal to the last.
#[sp_version::runtime_version]
pub const VERSION: RuntimeVersion = RuntimeVersion {
    spec_name: alloc::borrow::Cow::Borrowed("decentralml"),
    impl_name: alloc::borrow::Cow::Borrowed("decentralml"),
    authoring_version: 1,
    spec_version: 1,
    impl_version: 1,
    apis: apis::RUNTIME_API_VERSIONS,
    transaction_version: 1,
    system_version: 1,
};

#[frame_support::runtime]
mod runtime {
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeFreezeReason,
        RuntimeHoldReason,
        RuntimeSlashReason,
        RuntimeLockId,
        RuntimeTask,
        RuntimeViewFunction
    )]
    pub struct Runtime;

    #[runtime::pallet_index(0)]
    pub type System = frame_system;
    #[runtime::pallet_index(1)]
    pub type Settings = crate::settings;
    #[runtime::pallet_index(2)]
    pub type Timestamp = pallet_timestamp;
    #[runtime::pallet_index(3)]
    pub type Babe = pallet_babe;
    #[runtime::pallet_index(4)]
    pub type Authorship = pallet_authorship;
    #[runtime::pallet_index(5)]
    pub type Offences = pallet_offences;
    #[runtime::pallet_index(6)]
    pub type Historical = pallet_session::historical;
    #[runtime::pallet_index(7)]
    pub type Session = pallet_session;
    #[runtime::pallet_index(8)]
    pub type Grandpa = pallet_grandpa;
    #[runtime::pallet_index(9)]
    pub type Utility = pallet_utility;

    #[runtime::pallet_index(10)]
    pub type Balances = pallet_balances;
    #[runtime::pallet_index(11)]
    pub type TransactionPayment = pallet_transaction_payment;

    #[runtime::pallet_index(12)]
    pub type Assets = pallet_assets;

    #[runtime::pallet_index(20)]
    pub type Council = pallet_collective<Instance1>;
    #[runtime::pallet_index(21)]
    pub type CouncilMembership = pallet_membership<Instance1>;
    #[runtime::pallet_index(22)]
    pub type ValidatorMembership = pallet_membership<Instance2>;

    #[runtime::pallet_index(30)]
    pub type Participants = pallet_participants;
    #[runtime::pallet_index(31)]
    pub type Tasks = pallet_tasks;
    #[runtime::pallet_index(32)]
    pub type Assignments = pallet_assignments;
    #[runtime::pallet_index(33)]
    pub type Results = pallet_results;
    #[runtime::pallet_index(34)]
    pub type Validation = pallet_validation;
    #[runtime::pallet_index(35)]
    pub type Models = pallet_models;
    #[runtime::pallet_index(36)]
    pub type Data = pallet_data;
    #[runtime::pallet_index(37)]
    pub type Disputes = pallet_disputes;
    #[runtime::pallet_index(38)]
    pub type Challenges = pallet_challenges;
    #[runtime::pallet_index(39)]
    pub type Parameters = pallet_parameters;
    #[runtime::pallet_index(40)]
    pub type Validators = pallet_validators;
    #[runtime::pallet_index(41)]
    pub type Golds = pallet_golds;
}
