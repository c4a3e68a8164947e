//! The state at one block. All answers of a [`View`] belong together, however long it is kept; a node keeps the state of recent
//! blocks only, so it should not be kept for long.

mod assets;
mod calls;
mod council;
mod data;
mod disputes;
mod draw;
mod golds;
mod judged;
mod models;
mod money;
mod rounds;
mod tasks;

pub use golds::GoldStep;

use std::time::Duration;

use decentralml_types::{BlockNumber, Hash};
use subxt::{
    client::OnlineClientAtBlock,
    config::SubstrateConfig,
    constants, events,
    ext::scale_decode::DecodeAsType,
    runtime_apis,
    storage::{Address, PrefixOf},
};

use crate::{
    anchor::Anchor,
    chain::ANSWER_LIMIT,
    error::{ReadError, within},
    event::{self, Event},
    record::Listing,
};

/// How long reading a whole map may take.
const MAP_LIMIT: Duration = Duration::from_secs(120);

/// The state at one block.
#[derive(Clone)]
pub struct View {
    at: OnlineClientAtBlock<SubstrateConfig>,
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "View(block {})", self.number())
    }
}

impl View {
    pub(crate) fn new(at: OnlineClientAtBlock<SubstrateConfig>) -> Self {
        Self { at }
    }

    /// The block's number.
    pub fn number(&self) -> BlockNumber {
        // Heights are 32 bits on our chains.
        BlockNumber::try_from(self.at.block_number()).unwrap_or(BlockNumber::MAX)
    }

    /// The block's hash.
    pub fn hash(&self) -> Hash {
        self.at.block_hash().0
    }

    /// The block, to bind a transaction to: see [`Chain::submit_on`](crate::Chain::submit_on).
    pub fn anchor(&self) -> Anchor {
        Anchor { number: self.number(), hash: self.hash() }
    }

    /// What happened in the block, in order: by its transactions, and by the chain itself.
    pub async fn events(&self) -> Result<Vec<Event>, ReadError> {
        let client = self.at.events();
        let events = within("the events of a block", ANSWER_LIMIT, client.fetch()).await?;
        let mut decoded = Vec::new();
        for found in events.iter() {
            decoded.push(Event::decode(&found.map_err(event::unreadable)?)?);
        }
        Ok(decoded)
    }

    /// The same, each event with the number of the transaction in the block that brought it about; `None` where the chain itself did.
    pub(crate) async fn events_by_origin(&self) -> Result<Vec<(Option<u32>, Event)>, ReadError> {
        let client = self.at.events();
        let events = within("the events of a block", ANSWER_LIMIT, client.fetch()).await?;
        let mut decoded = Vec::new();
        for found in events.iter() {
            let found = found.map_err(event::unreadable)?;
            let origin = match found.phase() {
                events::Phase::ApplyExtrinsic(number) => Some(number),
                events::Phase::Finalization | events::Phase::Initialization => None,
            };
            decoded.push((origin, Event::decode(&found)?));
        }
        Ok(decoded)
    }

    // The shapes of storage, constants and interfaces are compared as a whole when the chain is connected, so single
    // addresses are not validated again.

    async fn get<KeyParts, Value, IsPlain>(
        &self,
        what: &'static str,
        address: subxt::storage::StaticAddress<KeyParts, Value, IsPlain>,
        key: KeyParts,
    ) -> Result<Option<Value>, ReadError>
    where
        subxt::storage::StaticAddress<KeyParts, Value, IsPlain>:
            Address<KeyParts = KeyParts, Value = Value>,
        Value: DecodeAsType,
    {
        let read = async {
            match self.at.storage().try_fetch(address.unvalidated(), key).await? {
                Some(value) => Ok::<_, subxt::Error>(Some(value.decode()?)),
                None => Ok(None),
            }
        };
        within(what, ANSWER_LIMIT, read).await
    }

    async fn entries<KeyParts, Value, IsPlain, Prefix>(
        &self,
        what: &'static str,
        address: subxt::storage::StaticAddress<KeyParts, Value, IsPlain>,
        prefix: Prefix,
    ) -> Result<Vec<(KeyParts, Value)>, ReadError>
    where
        subxt::storage::StaticAddress<KeyParts, Value, IsPlain>:
            Address<KeyParts = KeyParts, Value = Value>,
        KeyParts: subxt::ext::frame_decode::storage::IntoDecodableValues,
        Value: DecodeAsType,
        Prefix: PrefixOf<KeyParts>,
    {
        let read = async {
            let mut rows = self.at.storage().iter(address.unvalidated(), prefix).await?;
            let mut entries = Vec::new();
            while let Some(row) = rows.next().await {
                let row = row?;
                entries.push((row.key()?.decode()?, row.value().decode()?));
            }
            Ok::<_, subxt::Error>(entries)
        };
        within(what, MAP_LIMIT, read).await
    }

    /// Those rows of a map that `pick` makes something of, among its first `most`.
    async fn search<KeyParts, Value, IsPlain, Prefix, T>(
        &self,
        what: &'static str,
        address: subxt::storage::StaticAddress<KeyParts, Value, IsPlain>,
        prefix: Prefix,
        most: usize,
        pick: impl Fn(KeyParts, Value) -> Option<T>,
    ) -> Result<Listing<T>, ReadError>
    where
        subxt::storage::StaticAddress<KeyParts, Value, IsPlain>:
            Address<KeyParts = KeyParts, Value = Value>,
        KeyParts: subxt::ext::frame_decode::storage::IntoDecodableValues,
        Value: DecodeAsType,
        Prefix: PrefixOf<KeyParts>,
    {
        let read = async {
            let mut entries = self.at.storage().iter(address.unvalidated(), prefix).await?;
            let mut rows = Vec::new();
            let mut seen = 0;
            while let Some(row) = entries.next().await {
                let row = row?;
                if seen == most {
                    return Ok(Listing { rows, complete: false });
                }
                seen += 1;
                rows.extend(pick(row.key()?.decode()?, row.value().decode()?));
            }
            Ok::<_, subxt::Error>(Listing { rows, complete: true })
        };
        within(what, MAP_LIMIT, read).await
    }

    async fn ask<Arguments, Answer>(
        &self,
        what: &'static str,
        question: runtime_apis::StaticPayload<Arguments, Answer>,
    ) -> Result<Answer, ReadError>
    where
        runtime_apis::StaticPayload<Arguments, Answer>: runtime_apis::Payload<ReturnType = Answer>,
    {
        within(what, ANSWER_LIMIT, self.at.runtime_apis().call(question.unvalidated())).await
    }

    pub(crate) fn metadata(&self) -> &subxt::Metadata {
        self.at.metadata_ref()
    }

    pub(crate) fn constant<A: constants::Address>(
        &self,
        address: A,
    ) -> Result<A::Target, ReadError> {
        self.at
            .constants()
            .entry(address)
            .map_err(|error| ReadError::Node { what: "a constant", source: Box::new(error.into()) })
    }
}

/// UTF-8 text of the chain; what is none is shown with replacement characters.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
