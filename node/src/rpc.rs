//! The JSON-RPC methods beyond those that every Substrate node serves (`chain_*`, `state_*`, `author_*`, `system_*`,
//! `chainHead_*`, …): nonces and dry runs, fees, BABE and GRANDPA. What the pallets answer is asked by `state_call`.

use std::{error::Error, sync::Arc};

use jsonrpsee::RpcModule;
use pallet_transaction_payment_rpc::{TransactionPayment, TransactionPaymentApiServer};
use sc_consensus_babe::BabeWorkerHandle;
use sc_consensus_babe_rpc::{Babe, BabeApiServer};
use sc_consensus_grandpa::{
    FinalityProofProvider, GrandpaJustificationStream, SharedAuthoritySet, SharedVoterState,
};
use sc_consensus_grandpa_rpc::{Grandpa, GrandpaApiServer};
use sc_rpc::SubscriptionTaskExecutor;
use sp_core::H256;
use sp_keystore::KeystorePtr;
use substrate_frame_rpc_system::{System, SystemApiServer};

use crate::{
    runtime_api::{Block, BlockNumber},
    service::{FullBackend, FullClient, FullPool, FullSelectChain},
};

/// The parts of the node that the methods ask.
pub struct Dependencies {
    /// The chain's client.
    pub client: Arc<FullClient>,
    /// Pending transactions, which count for an account's next nonce.
    pub pool: Arc<FullPool>,
    /// Which fork is the best.
    pub select_chain: FullSelectChain,
    /// The keys whose slots `babe_epochAuthorship` tells.
    pub keystore: KeystorePtr,
    /// BABE's epochs.
    pub babe_worker: BabeWorkerHandle<Block>,
    /// GRANDPA's current rounds.
    pub voter_state: SharedVoterState,
    /// Who votes in GRANDPA.
    pub authority_set: SharedAuthoritySet<H256, BlockNumber>,
    /// New justifications, for subscribers.
    pub justifications: GrandpaJustificationStream<Block>,
    /// Proofs that a block is final.
    pub finality_proofs: Arc<FinalityProofProvider<FullBackend, Block>>,
}

/// The additional methods as one module.
///
/// # Errors
///
/// Two methods have the same name.
pub fn module(
    dependencies: &Dependencies,
    executor: SubscriptionTaskExecutor,
) -> Result<RpcModule<()>, Box<dyn Error + Send + Sync>> {
    let Dependencies {
        client,
        pool,
        select_chain,
        keystore,
        babe_worker,
        voter_state,
        authority_set,
        justifications,
        finality_proofs,
    } = dependencies;
    let mut module = RpcModule::new(());
    module.merge(System::new(client.clone(), pool.clone()).into_rpc())?;
    module.merge(TransactionPayment::new(client.clone()).into_rpc())?;
    module.merge(
        Babe::new(client.clone(), babe_worker.clone(), keystore.clone(), select_chain.clone())
            .into_rpc(),
    )?;
    module.merge(
        Grandpa::new(
            executor,
            authority_set.clone(),
            voter_state.clone(),
            justifications.clone(),
            finality_proofs.clone(),
        )
        .into_rpc(),
    )?;
    Ok(module)
}
