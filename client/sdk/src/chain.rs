//! The connection to a node.

use std::{sync::Arc, time::Duration};

use codec::Decode;
use decentralml_types::{Balance, BlockNumber, Hash};
use serde::Serialize;
use subxt::{
    Metadata, OnlineClient,
    backend::LegacyBackend,
    config::{RpcConfigFor, SubstrateConfig},
    rpcs::{
        RpcClient,
        client::reconnecting_rpc_client::{self, ExponentialBackoff, PingConfig},
        methods::LegacyRpcMethods,
    },
    utils::H256,
};

use crate::{
    anchor::Anchor,
    api,
    blocks::Blocks,
    call::Call,
    constants::{Constants, Deposits},
    difference::describe,
    error::{ConnectError, ReadError, SubmitError, within},
    event::Included,
    nonce::Turns,
    signer::Signer,
    submit::{self, Wait},
    view::View,
};

/// What our chains' runtimes call themselves.
const SPEC_NAME: &str = "decentralml";
/// The metadata that the types of this crate are made from.
const METADATA: &[u8] = include_bytes!("../metadata.scale");
/// How long the first connection may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How long any single answer may take.
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// How often an idle node is pinged, and after which silence the connection is given up: at the latest when the second has passed
/// twice. After a cut, TCP on its own would be silent for about as long again. An answer that is on its way is silence until all of it
/// is there.
const PING: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(20));
/// Bytes of an answer: metadata and a page of storage fit many times.
const MAX_ANSWER: u32 = 32 << 20;
/// Pauses between attempts to reconnect grow from the first to the second.
const RECONNECT: (u64, Duration) = (100, Duration::from_secs(2));
/// Rows that are read at once from a map.
const PAGE: u32 = 256;

/// A connection to a chain. Clones share it; it renews itself when it breaks.
#[derive(Clone)]
pub struct Chain {
    inner: Arc<Inner>,
}

struct Inner {
    url: String,
    client: OnlineClient<SubstrateConfig>,
    rpc: RpcClient,
    methods: LegacyRpcMethods<RpcConfigFor<SubstrateConfig>>,
    name: String,
    development: bool,
    properties: Properties,
    turns: Turns,
}

/// How amounts and addresses are written on this chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Properties {
    /// What the token is called.
    pub symbol: String,
    /// Digits after the point: a token is `10^decimals` planck.
    pub decimals: u8,
    /// The prefix of its addresses.
    pub ss58: u16,
}

impl Chain {
    /// Connects to a node and checks that it runs the chain this program was built for.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        if !(url.starts_with("ws://") || url.starts_with("wss://")) {
            return Err(ConnectError::Url { url: url.into() });
        }
        let rpc = open(url).await?;
        let read = |source| ConnectError::Read { url: url.into(), source };
        let methods = LegacyRpcMethods::new(rpc.clone());
        check_name(url, &methods).await?;

        let backend =
            LegacyBackend::<SubstrateConfig>::builder().storage_page_size(PAGE).build(rpc.clone());
        let client = OnlineClient::from_backend(Arc::new(backend));
        let client = within("the genesis hash", ANSWER_LIMIT, client).await.map_err(read)?;
        let at = within("the metadata", ANSWER_LIMIT, client.at_current_block());
        let at = at.await.map_err(read)?;
        if !api::is_codegen_valid_for(at.metadata_ref()) {
            return Err(ConnectError::MetadataMismatch {
                url: url.into(),
                found: at.spec_version(),
                difference: difference(at.metadata_ref()),
            });
        }

        let name = within("the chain's name", ANSWER_LIMIT, methods.system_chain()).await;
        let kind = within("the chain's type", ANSWER_LIMIT, methods.system_chain_type()).await;
        let properties = within("properties", ANSWER_LIMIT, methods.system_properties()).await;
        Ok(Self {
            inner: Arc::new(Inner {
                url: url.into(),
                client,
                rpc,
                name: name.map_err(read)?,
                development: matches!(kind.map_err(read)?.as_str(), "Development" | "Local"),
                properties: Properties::read(&properties.map_err(read)?),
                methods,
                turns: Turns::default(),
            }),
        })
    }

    /// The node's address.
    pub fn url(&self) -> &str {
        &self.inner.url
    }

    /// The hash of block 0.
    pub fn genesis(&self) -> Hash {
        self.inner.client.genesis_hash().0
    }

    /// What the chain is called.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Whether it is a development or local chain: only there publicly known keys are accepted.
    pub fn is_development(&self) -> bool {
        self.inner.development
    }

    /// How amounts and addresses are written.
    pub fn properties(&self) -> &Properties {
        &self.inner.properties
    }

    /// The state at the best block, which may still be replaced by another: for the steps of the protocol.
    pub async fn best(&self) -> Result<View, ReadError> {
        let hash = self.methods().chain_get_block_hash(None);
        let hash = within("the best block", ANSWER_LIMIT, hash).await?;
        self.at(hash.ok_or(ReadError::Ended)?.0).await
    }

    /// The state at the last finalized block, which nothing replaces: where money is concerned.
    pub async fn finalized(&self) -> Result<View, ReadError> {
        let at = self.client().at_current_block();
        Ok(View::new(within("the finalized block", ANSWER_LIMIT, at).await?))
    }

    /// The state at a block.
    pub async fn at(&self, block: Hash) -> Result<View, ReadError> {
        let at = self.client().at_block(H256(block));
        Ok(View::new(within("a block", ANSWER_LIMIT, at).await?))
    }

    /// The state at a height of the best chain. A node keeps the state of recent blocks only.
    pub async fn at_height(&self, number: BlockNumber) -> Result<View, ReadError> {
        let at = self.client().at_block(u64::from(number));
        Ok(View::new(within("a block", ANSWER_LIMIT, at).await?))
    }

    /// New best blocks as they come.
    pub async fn best_blocks(&self) -> Result<Blocks, ReadError> {
        Blocks::new(self.clone(), false).await
    }

    /// New finalized blocks as they come.
    pub async fn finalized_blocks(&self) -> Result<Blocks, ReadError> {
        Blocks::new(self.clone(), true).await
    }

    /// Signs a call, submits it, and waits until it is included or finalized. An error of the pallet is
    /// [`SubmitError::Rejected`]. Concurrent calls of one account do not disturb each other.
    pub async fn submit(
        &self,
        signer: &Signer,
        call: &Call,
        wait: Wait,
    ) -> Result<Included, SubmitError> {
        submit::submit(self, signer, call, wait).await
    }

    /// [`Chain::submit`] for what only those chains may contain that contain the anchor, within [`Anchor::LIFETIME`] blocks from
    /// there. Where the best chain no longer contains it, this ends with [`SubmitError::Abandoned`]; should the chain come back to
    /// that fork, the transaction may still be included there.
    pub async fn submit_on(
        &self,
        signer: &Signer,
        call: &Call,
        wait: Wait,
        anchor: Anchor,
    ) -> Result<Included, SubmitError> {
        submit::submit_on(self, signer, call, wait, anchor).await
    }

    /// The runtime's fixed numbers.
    pub async fn constants(&self) -> Result<Constants, ReadError> {
        Constants::read(&self.finalized().await?)
    }

    /// What the chain holds for an account's records.
    pub async fn deposits(&self) -> Result<Deposits, ReadError> {
        Deposits::read(&self.finalized().await?)
    }

    pub(crate) fn client(&self) -> &OnlineClient<SubstrateConfig> {
        &self.inner.client
    }

    pub(crate) fn rpc(&self) -> &RpcClient {
        &self.inner.rpc
    }

    pub(crate) fn methods(&self) -> &LegacyRpcMethods<RpcConfigFor<SubstrateConfig>> {
        &self.inner.methods
    }

    pub(crate) fn turns(&self) -> &Turns {
        &self.inner.turns
    }
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Chain({} at {})", self.inner.name, self.inner.url)
    }
}

/// A first connection that fails at once where nobody answers, then one that reconnects for ever.
async fn open(url: &str) -> Result<RpcClient, ConnectError> {
    let no_chain = |reason: String| ConnectError::NoChain { url: url.into(), reason };
    let late = || no_chain(format!("no answer within {} seconds", CONNECT_LIMIT.as_secs()));
    let probe = RpcClient::from_insecure_url(url);
    let probe = tokio::time::timeout(CONNECT_LIMIT, probe).await.map_err(|_| late())?;
    drop(probe.map_err(|error| no_chain(innermost(&error)))?);

    let (first, most) = RECONNECT;
    let (every, silence) = PING;
    let lasting = reconnecting_rpc_client::RpcClient::builder()
        .retry_policy(ExponentialBackoff::from_millis(first).max_delay(most))
        .max_request_size(MAX_ANSWER)
        .max_response_size(MAX_ANSWER)
        .request_timeout(ANSWER_LIMIT)
        .connection_timeout(CONNECT_LIMIT)
        .enable_ws_ping(PingConfig::new().ping_interval(every).inactive_limit(silence))
        .build(url);
    let lasting = tokio::time::timeout(CONNECT_LIMIT, lasting).await.map_err(|_| late())?;
    Ok(RpcClient::new(lasting.map_err(|error| no_chain(innermost(&error)))?))
}

async fn check_name(
    url: &str,
    methods: &LegacyRpcMethods<RpcConfigFor<SubstrateConfig>>,
) -> Result<(), ConnectError> {
    let version = methods.state_call("Core_version", None, None);
    let version = within("the runtime's version", ANSWER_LIMIT, version)
        .await
        .map_err(|source| ConnectError::Read { url: url.into(), source })?;
    // The name comes first in `RuntimeVersion`.
    match String::decode(&mut &version[..]) {
        Ok(name) if name == SPEC_NAME => Ok(()),
        Ok(found) => Err(ConnectError::OtherChain { url: url.into(), found }),
        Err(_) => Err(ConnectError::OtherChain { url: url.into(), found: "unreadable".into() }),
    }
}

/// In which points a chain differs from the one that this program was built for.
fn difference(theirs: &Metadata) -> String {
    match Metadata::decode_from(METADATA) {
        Ok(ours) => describe(&ours, theirs),
        Err(error) => format!("this program's own cannot be read: {error}"),
    }
}

/// The cause at the bottom says most: "Connection refused". The layers above it only repeat what they are.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let text = cause.to_string();
    text.rsplit("client error: ").next().unwrap_or(&text).to_owned()
}

impl Properties {
    /// An amount for people, such as `0.5 DML`: every planck is there, zeros at the end are not.
    pub fn tokens(&self, planck: Balance) -> String {
        let scale = 10_u128.checked_pow(self.decimals.into()).unwrap_or(1);
        let (whole, rest) = (planck / scale, planck % scale);
        if rest == 0 {
            return format!("{whole} {}", self.symbol);
        }
        let digits = format!("{rest:0width$}", width = self.decimals.into());
        format!("{whole}.{} {}", digits.trim_end_matches('0'), self.symbol)
    }

    fn read(properties: &serde_json::Map<String, serde_json::Value>) -> Self {
        let number = |key| properties.get(key).and_then(serde_json::Value::as_u64);
        Self {
            symbol: properties
                .get("tokenSymbol")
                .and_then(serde_json::Value::as_str)
                .unwrap_or("UNIT")
                .into(),
            decimals: number("tokenDecimals").and_then(|n| n.try_into().ok()).unwrap_or(12),
            ss58: number("ss58Format").and_then(|n| n.try_into().ok()).unwrap_or(42),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn where_no_chain_is_the_error_says_how_to_start_one() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        drop(listener);
        let error = Chain::connect(&url).await.unwrap_err();
        assert!(matches!(error, ConnectError::NoChain { .. }), "{error:?}");
        assert!(error.to_string().contains("decentralml-node --dev"), "{error}");
    }

    #[test]
    fn amounts_are_shown_to_the_planck_and_without_zeros_at_the_end() {
        let token = |decimals| Properties { symbol: "DML".into(), decimals, ss58: 42 };
        for (planck, text) in [
            (0, "0 DML"),
            (1, "0.000000000001 DML"),
            (500_000_000_000, "0.5 DML"),
            (10_000_000_000_000, "10 DML"),
            (1_000_000_000_001, "1.000000000001 DML"),
        ] {
            assert_eq!(token(12).tokens(planck), text);
        }
        assert_eq!(token(0).tokens(7), "7 DML");
        assert_eq!(token(u8::MAX).tokens(7), "7 DML", "no chain has so many");
    }

    #[tokio::test]
    async fn an_address_that_is_none_is_named() {
        let error = Chain::connect("http://127.0.0.1:9944").await.unwrap_err();
        assert!(matches!(error, ConnectError::Url { .. }));
    }
}
