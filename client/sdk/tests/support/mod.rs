//! A node that answers what it is told to: enough of a node's RPC to connect, and to refuse a transaction or execute it in vain.

use codec::Encode;
use jsonrpsee::{
    PendingSubscriptionSink, RpcModule, SubscriptionMessage,
    server::{Server, ServerHandle},
    types::{ErrorObjectOwned, Params},
};
use serde_json::{Value, json};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

/// The metadata that the SDK was built with.
pub const METADATA: &[u8] = include_bytes!("../../metadata.scale");
/// Where the accounts' balances are: `twox128("System") ++ twox128("Account")`.
const ACCOUNTS: &str = "0x26aa394eea5630e07c48ae0c9558cef7b99d880ec681799c0cf30e8886371da9";

/// Where a block's events are: `twox128("System") ++ twox128("Events")`.
const EVENTS: &str = "0x26aa394eea5630e07c48ae0c9558cef780d41e5e16056765bc8461851072c9d7";

/// What the node pretends.
#[derive(Clone)]
pub struct Pretense {
    /// The name of its runtime.
    pub name: &'static str,
    /// Its metadata.
    pub metadata: Vec<u8>,
    /// What every account has, in planck.
    pub free: u128,
    /// What it asks for a transaction, in planck.
    pub fee: u128,
    /// The encoded `DispatchError` with which a transaction fails in a block; without one, none gets into the pool.
    pub failure: Option<Vec<u8>>,
    /// Where the first transaction makes the best chain another one: what it says of the transaction.
    pub forks: Option<Fork>,
    /// The last transaction, in hexadecimal digits.
    pub submitted: Arc<Mutex<Option<String>>>,
}

/// What a node says of a transaction that came when the best chain became another.
#[derive(Clone, Copy, Debug)]
#[allow(dead_code, reason = "not every test file has forks")]
pub enum Fork {
    /// Nothing: it waits in the pool for ever.
    Silent,
    /// That its signature is wrong.
    Refused,
}

/// What the node knows.
struct Node {
    pretense: Pretense,
    /// The best chain is another than at first.
    forked: AtomicBool,
}

impl Default for Pretense {
    fn default() -> Self {
        Self {
            name: "decentralml",
            metadata: METADATA.to_vec(),
            free: 0,
            fee: 0,
            failure: None,
            forks: None,
            submitted: Arc::default(),
        }
    }
}

/// Runs such a node. It ends with the handle.
pub async fn node(pretense: Pretense) -> (String, ServerHandle) {
    let mut module = RpcModule::new(Node { pretense, forked: AtomicBool::new(false) });
    module
        .register_method("chain_getBlockHash", |_, node, _| {
            hash(if node.forked.load(Ordering::SeqCst) { 9 } else { 1 })
        })
        .unwrap();
    module.register_method("chain_getFinalizedHead", move |_, _, _| hash(1)).unwrap();
    module.register_method("chain_getHeader", |_, _, _| header()).unwrap();
    module
        .register_method("chain_getBlock", |_, node, _| {
            let submitted = node.pretense.submitted.lock().unwrap();
            let body: Vec<String> = submitted.iter().cloned().collect();
            json!({ "block": { "header": header(), "extrinsics": body }, "justifications": null })
        })
        .unwrap();
    module.register_method("system_chain", |_, _, _| json!("Pretense")).unwrap();
    module.register_method("system_chainType", |_, _, _| json!("Development")).unwrap();
    module.register_method("system_properties", |_, _, _| json!({ "tokenSymbol": "DML" })).unwrap();
    module.register_method("system_accountNextIndex", |_, _, _| json!(0)).unwrap();
    module
        .register_method("state_call", |params, node, _| state_call(&params, &node.pretense))
        .unwrap();
    module
        .register_method("state_getStorage", |params, node, _| {
            let key: String = params.sequence().next().unwrap();
            let balance = (node.pretense.free, 0_u128, 0_u128, 1_u128 << 127);
            let account = (0_u32, 0_u32, 1_u32, 0_u32, balance);
            match &node.pretense.failure {
                _ if key.starts_with(ACCOUNTS) => json!(hexadecimal(&account.encode())),
                Some(failure) if key == EVENTS => json!(hexadecimal(&failed(failure))),
                _ => Value::Null,
            }
        })
        .unwrap();
    module
        .register_subscription(
            "author_submitAndWatchExtrinsic",
            "author_extrinsicUpdate",
            "author_unwatchExtrinsic",
            |params, pending, node, _| async move { take(&params, pending, &node).await },
        )
        .unwrap();
    serve(module).await
}

/// Includes a transaction at once, or says that its sender cannot pay.
async fn take(params: &Params<'_>, pending: PendingSubscriptionSink, node: &Node) {
    if let Some(fork) = node.pretense.forks {
        *node.pretense.submitted.lock().unwrap() = Some(params.one().unwrap());
        node.forked.store(true, Ordering::SeqCst);
        let refusal = Some("Transaction has a bad signature");
        match fork {
            Fork::Silent => pending.accept().await.unwrap().closed().await,
            Fork::Refused => {
                let refusal = ErrorObjectOwned::owned(1010, "Invalid Transaction", refusal);
                pending.reject(refusal).await;
            }
        }
        return;
    }
    if node.pretense.failure.is_none() {
        let refusal = ErrorObjectOwned::owned(
            1010,
            "Invalid Transaction",
            Some("Inability to pay some fees (e.g. account balance too low)"),
        );
        return pending.reject(refusal).await;
    }
    *node.pretense.submitted.lock().unwrap() = Some(params.one().unwrap());
    let sink = pending.accept().await.unwrap();
    let included = SubscriptionMessage::from_json(&json!({ "inBlock": hash(2) })).unwrap();
    sink.send(included).await.unwrap();
    sink.closed().await;
}

fn hash(byte: u8) -> Value {
    json!(format!("0x{}", format!("{byte:02x}").repeat(32)))
}

fn header() -> Value {
    json!({
        "parentHash": hash(0), "number": "0x10", "stateRoot": hash(0),
        "extrinsicsRoot": hash(0), "digest": { "logs": [] },
    })
}

/// The events of a block whose only transaction failed: one record of `System::ExtrinsicFailed`, without topics.
fn failed(error: &[u8]) -> Vec<u8> {
    const COMPACT_ONE: u8 = 1 << 2;
    let during_the_first = (0_u8, 0_u32);
    let extrinsic_failed = (0_u8, 1_u8);
    // Two compact zeros, the class, and whether it pays a fee.
    let dispatch_info = [0_u8; 4];
    let no_topics = 0_u8;
    let before = (COMPACT_ONE, during_the_first, extrinsic_failed).encode();
    [before, error.to_vec(), dispatch_info.to_vec(), vec![no_topics]].concat()
}

/// Runs a server of which nothing is known.
pub async fn serve<Context: Send + Sync + 'static>(
    module: RpcModule<Context>,
) -> (String, ServerHandle) {
    let server = Server::builder().build("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", server.local_addr().unwrap());
    (url, server.start(module))
}

fn state_call(params: &Params<'_>, node: &Pretense) -> Result<Value, ErrorObjectOwned> {
    let method: String = params.sequence().next().unwrap();
    let version = || {
        let interfaces: Vec<([u8; 8], u32)> = Vec::new();
        (node.name, "pretense", 1_u32, 77_u32, 1_u32, interfaces, 1_u32, 1_u8).encode()
    };
    let answer = match method.as_str() {
        "Core_version" => version(),
        "Metadata_metadata_versions" => vec![16_u32].encode(),
        "Metadata_metadata_at_version" => Some(node.metadata.clone()).encode(),
        // Two compact zeros, the class, and the fee.
        "TransactionPaymentApi_query_info" => (0_u8, 0_u8, 0_u8, node.fee).encode(),
        _ => return Err(ErrorObjectOwned::owned(4003, format!("no {method}"), None::<()>)),
    };
    Ok(json!(hexadecimal(&answer)))
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("0x{digits}")
}
