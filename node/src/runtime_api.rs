//! What the node expects of the runtime, as types only.
//!
//! The client asks for a type that implements the runtime's interfaces. The node has no runtime of its own: every call
//! is executed by the WebAssembly on the chain, and the bodies below are never reached. Blocks are as the node sees
//! them, with extrinsics as opaque bytes.

#![allow(
    clippy::unimplemented,
    reason = "the bodies give calls their types; calls themselves run in WebAssembly"
)]

use sp_consensus_babe::{AuthorityId as BabeId, BabeConfiguration, Epoch, Slot};
use sp_consensus_grandpa::{AuthorityId as GrandpaId, AuthorityList, SetId};
use sp_core::{OpaqueMetadata, crypto::KeyTypeId};
use sp_inherents::{CheckInherentsResult, InherentData};
use sp_runtime::{
    AccountId32, ApplyExtrinsicResult, ExtrinsicInclusionMode, OpaqueExtrinsic, Weight, generic,
    traits::{BlakeTwo256, Block as BlockT, NumberFor},
    transaction_validity::{TransactionSource, TransactionValidity},
};
use sp_session::OpaqueGeneratedSessionKeys;
use sp_version::RuntimeVersion;

/// The height of a block.
pub type BlockNumber = u32;
/// A block whose extrinsics are bytes.
pub type Block = generic::Block<generic::Header<BlockNumber, BlakeTwo256>, OpaqueExtrinsic>;
/// Amounts of money in planck.
type Balance = u128;
/// How many transactions an account has sent.
type Nonce = u32;

/// Stands for the runtime that the node does not have.
#[expect(dead_code, reason = "only its interfaces matter; there is never a value")]
pub struct Runtime;

sp_api::impl_runtime_apis! {
    impl sp_api::Core<Block> for Runtime {
        fn version() -> RuntimeVersion {
            unimplemented!()
        }

        fn execute_block(_: <Block as BlockT>::LazyBlock) {
            unimplemented!()
        }

        fn initialize_block(_: &<Block as BlockT>::Header) -> ExtrinsicInclusionMode {
            unimplemented!()
        }
    }

    impl sp_api::Metadata<Block> for Runtime {
        fn metadata() -> OpaqueMetadata {
            unimplemented!()
        }

        fn metadata_at_version(_: u32) -> Option<OpaqueMetadata> {
            unimplemented!()
        }

        fn metadata_versions() -> Vec<u32> {
            unimplemented!()
        }
    }

    impl sp_block_builder::BlockBuilder<Block> for Runtime {
        fn apply_extrinsic(_: <Block as BlockT>::Extrinsic) -> ApplyExtrinsicResult {
            unimplemented!()
        }

        fn finalize_block() -> <Block as BlockT>::Header {
            unimplemented!()
        }

        fn inherent_extrinsics(_: InherentData) -> Vec<<Block as BlockT>::Extrinsic> {
            unimplemented!()
        }

        fn check_inherents(_: <Block as BlockT>::LazyBlock, _: InherentData) -> CheckInherentsResult {
            unimplemented!()
        }
    }

    impl sp_transaction_pool::runtime_api::TaggedTransactionQueue<Block> for Runtime {
        fn validate_transaction(
            _: TransactionSource,
            _: <Block as BlockT>::Extrinsic,
            _: <Block as BlockT>::Hash,
        ) -> TransactionValidity {
            unimplemented!()
        }
    }

    impl sp_consensus_babe::BabeApi<Block> for Runtime {
        fn configuration() -> BabeConfiguration {
            unimplemented!()
        }

        fn current_epoch_start() -> Slot {
            unimplemented!()
        }

        fn current_epoch() -> Epoch {
            unimplemented!()
        }

        fn next_epoch() -> Epoch {
            unimplemented!()
        }

        fn generate_key_ownership_proof(
            _: Slot,
            _: BabeId,
        ) -> Option<sp_consensus_babe::OpaqueKeyOwnershipProof> {
            unimplemented!()
        }

        fn submit_report_equivocation_unsigned_extrinsic(
            _: sp_consensus_babe::EquivocationProof<<Block as BlockT>::Header>,
            _: sp_consensus_babe::OpaqueKeyOwnershipProof,
        ) -> Option<()> {
            unimplemented!()
        }
    }

    impl sp_consensus_grandpa::GrandpaApi<Block> for Runtime {
        fn grandpa_authorities() -> AuthorityList {
            unimplemented!()
        }

        fn submit_report_equivocation_unsigned_extrinsic(
            _: sp_consensus_grandpa::EquivocationProof<<Block as BlockT>::Hash, NumberFor<Block>>,
            _: sp_consensus_grandpa::OpaqueKeyOwnershipProof,
        ) -> Option<()> {
            unimplemented!()
        }

        fn generate_key_ownership_proof(
            _: SetId,
            _: GrandpaId,
        ) -> Option<sp_consensus_grandpa::OpaqueKeyOwnershipProof> {
            unimplemented!()
        }

        fn current_set_id() -> SetId {
            unimplemented!()
        }
    }

    impl sp_session::SessionKeys<Block> for Runtime {
        fn generate_session_keys(_: Vec<u8>, _: Option<Vec<u8>>) -> OpaqueGeneratedSessionKeys {
            unimplemented!()
        }

        fn decode_session_keys(_: Vec<u8>) -> Option<Vec<(Vec<u8>, KeyTypeId)>> {
            unimplemented!()
        }
    }

    impl frame_system_rpc_runtime_api::AccountNonceApi<Block, AccountId32, Nonce> for Runtime {
        fn account_nonce(_: AccountId32) -> Nonce {
            unimplemented!()
        }
    }

    impl pallet_transaction_payment_rpc_runtime_api::TransactionPaymentApi<Block, Balance> for Runtime {
        fn query_info(
            _: <Block as BlockT>::Extrinsic,
            _: u32,
        ) -> pallet_transaction_payment_rpc_runtime_api::RuntimeDispatchInfo<Balance> {
            unimplemented!()
        }

        fn query_fee_details(
            _: <Block as BlockT>::Extrinsic,
            _: u32,
        ) -> pallet_transaction_payment_rpc_runtime_api::FeeDetails<Balance> {
            unimplemented!()
        }

        fn query_weight_to_fee(_: Weight) -> Balance {
            unimplemented!()
        }

        fn query_length_to_fee(_: u32) -> Balance {
            unimplemented!()
        }
    }
}
