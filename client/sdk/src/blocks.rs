//! Blocks as they come.

use std::time::Duration;

use futures::FutureExt;
use subxt::{client, config::SubstrateConfig};

use crate::{
    chain::Chain,
    error::{ReadError, within},
    view::View,
};

/// How long to wait for a subscription, and for the state of a block that was announced.
const LIMIT: Duration = Duration::from_secs(30);
/// How long to wait before a lost subscription is renewed, at first and at most.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// Renewals in a row that may fail before the caller is told.
const RENEWALS: u32 = 8;

/// A stream of new blocks, best or finalized. It survives a lost connection and a restarted node.
pub struct Blocks {
    chain: Chain,
    finalized: bool,
    stream: Option<client::Blocks<SubstrateConfig>>,
}

impl Blocks {
    pub(crate) async fn new(chain: Chain, finalized: bool) -> Result<Self, ReadError> {
        let mut blocks = Self { chain, finalized, stream: None };
        blocks.subscribe().await?;
        Ok(blocks)
    }

    /// The next block, or the newest of those that came while the caller was busy. Waits as long as there is none; an error
    /// means that the node has been out of reach for several attempts, and the next call tries anew.
    pub async fn next(&mut self) -> Result<View, ReadError> {
        let mut pause = BACK_OFF.0;
        for _ in 0..RENEWALS {
            match self.newest().await {
                Ok(view) => return Ok(view),
                Err(error) => {
                    tracing::debug!(%error, "subscription to blocks is renewed");
                    self.stream = None;
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(BACK_OFF.1);
                }
            }
        }
        Err(ReadError::Ended)
    }

    async fn newest(&mut self) -> Result<View, ReadError> {
        if self.stream.is_none() {
            self.subscribe().await?;
        }
        let stream = self.stream.as_mut().ok_or(ReadError::Ended)?;
        let read = |error| ReadError::Node { what: "the next block", source: Box::new(error) };
        let mut item = stream.next().await.ok_or(ReadError::Ended)?;
        // What waits already is newer: the state of the ones before is of no use any more.
        while let Some(Some(newer)) = stream.next().now_or_never() {
            item = newer;
        }
        let block = item.map_err(|error| read(error.into()))?;
        let client = self.chain.client();
        let at = within(
            "the state of a new block",
            LIMIT,
            client.at_block_hash_and_number(
                subxt::backend::BlockRef::from_hash(block.hash()),
                block.number(),
            ),
        );
        Ok(View::new(at.await?))
    }

    async fn subscribe(&mut self) -> Result<(), ReadError> {
        let client = self.chain.client();
        let stream = if self.finalized {
            within("finalized blocks", LIMIT, client.stream_blocks()).await?
        } else {
            within("best blocks", LIMIT, client.stream_best_blocks()).await?
        };
        self.stream = Some(stream);
        Ok(())
    }
}
