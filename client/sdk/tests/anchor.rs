//! Transactions that are bound to a block: what is signed, and what becomes of them when the chain takes another fork.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use decentralml_sdk::{Anchor, Chain, Signer, SubmitError, Wait, call};
use std::{sync::Arc, time::Duration};
use subxt_signer::sr25519::{PublicKey, Signature, verify};
use support::{Fork, Pretense, node};

/// The number that the node gives every block is 16, so this one tells a transaction's own anchor from the finalized block.
const ANCHOR: Anchor = Anchor { number: 77, hash: [1; 32] };

/// Whether a transaction counts from a block and is signed for that block's hash: what the chain itself checks.
fn is_of(extrinsic: &str, anchor: Anchor, signer: &Signer, genesis: [u8; 32]) -> bool {
    let digits = extrinsic.strip_prefix("0x").unwrap();
    let bytes: Vec<u8> = (0..digits.len() / 2)
        .map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap())
        .collect();
    // A length of two bytes, the version, an address and a signature with their kinds; then what the extensions say: the era,
    // the nonce and the tip, which are 0, and that there is no hash of the metadata.
    let (signed, rest) = bytes.split_at(2 + 1 + 33 + 65);
    let (extra, call) = rest.split_at(2 + 1 + 1 + 1);
    let period_of_64 = 5_u16;
    let era = period_of_64 | ((anchor.number % 64) as u16) << 4;
    let none = [0_u8];
    let versions = [77_u32.to_le_bytes(), 1_u32.to_le_bytes()].concat();
    let payload = [call, extra, &versions, &genesis, &anchor.hash, &none].concat();
    let signature = Signature(signed[signed.len() - 64..].try_into().unwrap());
    extra[..2] == era.to_le_bytes() && verify(&signature, payload, &PublicKey(signer.account().0))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_is_bound_to_a_block_is_signed_for_that_block() {
    // It is included, and fails: with arithmetic.
    let pretense = Pretense { failure: Some(vec![8, 0]), ..Pretense::default() };
    let submitted = Arc::clone(&pretense.submitted);
    let (url, _node) = node(pretense).await;
    let chain = Chain::connect(&url).await.unwrap();
    let signer = Signer::from_uri("//Fork").unwrap();
    let commit = call::commit(7, 3, [4; 32]);
    let sent = async |anchor: Option<Anchor>| {
        let result = match anchor {
            Some(anchor) => chain.submit_on(&signer, &commit, Wait::InBlock, anchor).await,
            None => chain.submit(&signer, &commit, Wait::InBlock).await,
        };
        assert!(matches!(result, Err(SubmitError::Dispatch(_))), "{result:?}");
        submitted.lock().unwrap().take().unwrap()
    };
    let genesis = chain.genesis();
    let bound = sent(Some(ANCHOR)).await;
    assert!(is_of(&bound, ANCHOR, &signer, genesis));
    // The block of that height on another fork.
    assert!(!is_of(&bound, Anchor { hash: [2; 32], ..ANCHOR }, &signer, genesis));
    let free = sent(None).await;
    assert!(is_of(&free, Anchor { number: 16, hash: [1; 32] }, &signer, genesis));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_of_a_fork_that_was_given_up_is_not_waited_for() {
    for fork in [Fork::Silent, Fork::Refused] {
        let (url, _node) = node(Pretense { forks: Some(fork), ..Pretense::default() }).await;
        let chain = Chain::connect(&url).await.unwrap();
        let signer = Signer::from_uri("//Fork").unwrap();
        let commit = call::commit(7, 3, [4; 32]);
        let result = chain.submit_on(&signer, &commit, Wait::InBlock, ANCHOR);
        // Far below the time that inclusion may take.
        let result = tokio::time::timeout(Duration::from_secs(45), result).await;
        let error = result.expect("it ends by itself").unwrap_err();
        assert!(matches!(error, SubmitError::Abandoned), "{fork:?}: {error:?}");
        assert!(error.is_transient(), "another may be made for the new fork");
    }
}
