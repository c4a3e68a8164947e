//! From a call to a block that contains it.

use std::time::Duration;

use decentralml_types::Balance;
use subxt::{
    backend::BlockRef,
    client::{OnlineClientAtBlock, OnlineClientAtBlockImpl},
    config::{DefaultExtrinsicParamsBuilder, SubstrateConfig},
    error::{
        ArithmeticError, BackendError, DispatchError, ExtrinsicError, RpcError, TokenError,
        TransactionEventsError,
    },
    tx::{TransactionInBlock, TransactionProgress, TransactionStatus},
    utils::H256,
};

use crate::{
    anchor::Anchor,
    call::Call,
    chain::{ANSWER_LIMIT, Chain},
    constants::Constants,
    error::{ReadError, Shortage, SubmitError, within},
    event::{Event, Included},
    signer::Signer,
};

/// Until when a submission waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// A best block contains it. It may still be replaced by another block: for steps that are looked up and repeated.
    InBlock,
    /// A finalized block contains it: for money.
    Finalized,
}

/// How long inclusion may take: a few blocks, or a node that comes back.
const INCLUSION: Duration = Duration::from_secs(90);
/// How long finality may take after that.
const FINALITY: Duration = Duration::from_secs(180);
/// How long a free call waits in the pool before it is asked whether it still can succeed, and between two such questions.
const PATIENCE: Duration = Duration::from_secs(5);
/// What the pool says of a free call that would fail: the runtime's `free_calls::WOULD_FAIL`.
const WOULD_FAIL: &str = "Custom error: 1";
/// Submissions of one call before a race for the nonce, or a full pool, is reported.
const ATTEMPTS: u32 = 6;
/// The pause after the first of them; it doubles.
const PAUSE: Duration = Duration::from_millis(150);

type At = OnlineClientAtBlock<SubstrateConfig>;
type Progress = TransactionProgress<SubstrateConfig, OnlineClientAtBlockImpl<SubstrateConfig>>;
type InBlock = TransactionInBlock<SubstrateConfig, OnlineClientAtBlockImpl<SubstrateConfig>>;

pub(crate) async fn submit(
    chain: &Chain,
    signer: &Signer,
    call: &Call,
    wait: Wait,
) -> Result<Included, SubmitError> {
    carry_out(chain, signer, call, wait, None).await
}

/// [`submit`] on the forks that contain a block.
pub(crate) async fn submit_on(
    chain: &Chain,
    signer: &Signer,
    call: &Call,
    wait: Wait,
    anchor: Anchor,
) -> Result<Included, SubmitError> {
    tokio::select! {
        result = carry_out(chain, signer, call, wait, Some(anchor)) => match result {
            // To the pool it is a wrong signature, or a birth block that it does not know.
            Err(SubmitError::Invalid(_)) if anchor.is_abandoned(chain).await => {
                Err(SubmitError::Abandoned)
            }
            result => result,
        },
        // A pool may take its time to find out that what it has became invalid.
        () = anchor.abandoned(chain) => Err(SubmitError::Abandoned),
    }
}

async fn carry_out(
    chain: &Chain,
    signer: &Signer,
    call: &Call,
    wait: Wait,
    anchor: Option<Anchor>,
) -> Result<Included, SubmitError> {
    if signer.is_development() && !chain.is_development() {
        return Err(SubmitError::DevelopmentKey);
    }
    let mut pause = PAUSE;
    let mut attempt = 1;
    let (progress, sent) = loop {
        match enter_pool(chain, signer, call, anchor).await {
            Ok(entered) => break entered,
            Err(Refusal::Final(error)) => return Err(error),
            Err(Refusal::Passing(error)) if attempt == ATTEMPTS => return Err(error),
            Err(Refusal::Passing(error)) => {
                tracing::debug!(%error, attempt, call = %call, "submission is repeated");
                tokio::time::sleep(pause).await;
                pause *= 2;
                attempt += 1;
            }
        }
    };
    let block = tokio::select! {
        result = included(progress, wait) => result?,
        error = in_vain(chain, signer, &sent) => return Err(error),
    };
    match report(chain, block).await {
        Ok(included) => Ok(included),
        Err(Failed::Otherwise(error)) => Err(error),
        Err(failed) => Err(explain(failed, call, shortage(chain, signer, call.takes()).await)),
    }
}

/// What an account has free at the best block, for messages, as far as it can be read.
async fn shortage(chain: &Chain, signer: &Signer, needed: Option<Balance>) -> Box<Shortage> {
    let (account, token) = (signer.account(), chain.properties().clone());
    let mut shortage = Shortage { account, free: 0, needed, stays: None, token };
    if let Ok(view) = chain.best().await {
        shortage.free = view.balance(&account).await.map_or(0, |held| held.free);
        shortage.stays = Constants::read(&view).ok().map(|read| read.existential_deposit);
    }
    Box::new(shortage)
}

/// What a failure means for who signed the call.
fn explain(failed: Failed, call: &Call, shortage: Box<Shortage>) -> SubmitError {
    let name = call.name();
    match (failed, shortage.stays) {
        (Failed::Otherwise(error), _) => error,
        (Failed::NoFunds, _) => SubmitError::NoFunds { call: name, shortage },
        (Failed::Arithmetic(_), _) if call.moves_money() && shortage.is_real() => {
            SubmitError::NoFunds { call: name, shortage }
        }
        (Failed::BelowMinimum(_), Some(minimum)) if call.moves_money() => {
            SubmitError::BelowMinimum { call: name, minimum: shortage.token.tokens(minimum) }
        }
        (Failed::Arithmetic(text) | Failed::BelowMinimum(text), _) => SubmitError::Dispatch(text),
    }
}

/// Why the pool did not take a transaction.
enum Refusal {
    /// The same transaction may be taken in a moment.
    Passing(SubmitError),
    Final(SubmitError),
}

impl From<ReadError> for Refusal {
    fn from(error: ReadError) -> Self {
        if error.is_transient() { Self::Passing(error.into()) } else { Self::Final(error.into()) }
    }
}

async fn enter_pool(
    chain: &Chain,
    signer: &Signer,
    call: &Call,
    anchor: Option<Anchor>,
) -> Result<(Progress, Sent), Refusal> {
    let _turn = chain.turns().take(signer.account()).await;
    let account = signer.account();
    let nonce = chain.methods().system_account_next_index(&account);
    let nonce = within("the account's next nonce", ANSWER_LIMIT, nonce).await?;
    // Mortality is counted from a finalized block, unless another is asked for: one that is replaced makes the transaction void.
    let at = chain.client().at_current_block();
    let at: At = within("the finalized block", ANSWER_LIMIT, at).await?;

    let encoding = |error: ExtrinsicError| Refusal::Final(SubmitError::Encoding(error.to_string()));
    let bytes = call
        .encode(at.metadata_ref())
        .map_err(|error| Refusal::Final(SubmitError::Encoding(error)))?;
    let transactions = at.transactions();
    let payload = transactions.from_call_data_bytes(&bytes).map_err(encoding)?;
    let (birth, birth_hash) = match anchor {
        Some(anchor) => (anchor.number.into(), H256(anchor.hash)),
        None => (at.block_number(), at.block_hash()),
    };
    let params = DefaultExtrinsicParamsBuilder::<SubstrateConfig>::new()
        .nonce(nonce)
        .mortal_from_unchecked(Anchor::LIFETIME.into(), birth, birth_hash)
        .build();
    let mut signable = transactions.create_signable_offline(&payload, params).map_err(encoding)?;
    let transaction = signable.sign(signer.keypair()).map_err(encoding)?;
    match tokio::time::timeout(ANSWER_LIMIT, transaction.submit_and_watch()).await {
        Ok(Ok(progress)) => Ok((progress, Sent { call: bytes, nonce })),
        Ok(Err(error)) if would_fail(&error) => {
            let best = chain.best().await?;
            let failure = best.rehearse(&account, &bytes).await?;
            // Where it would work by now, the pool only has not seen the latest block yet.
            Err(failure.map_or_else(|| refusal(error), |failure| Refusal::Final(from(&failure))))
        }
        Ok(Err(error)) if cannot_pay(&error) => {
            let estimate = tokio::time::timeout(ANSWER_LIMIT, transaction.partial_fee_estimate());
            let needed = estimate.await.ok().and_then(Result::ok);
            Err(Refusal::Final(SubmitError::CannotPay(shortage(chain, signer, needed).await)))
        }
        Ok(Err(error)) => Err(refusal(error)),
        // It may be in the pool: a second one with another nonce could have its effect twice.
        Err(_) => Err(Refusal::Final(SubmitError::Unknown("the node did not answer".into()))),
    }
}

/// What the node said with its refusal: a code of `sc-rpc-api`'s `author` module, and a detail.
fn answer(error: &ExtrinsicError) -> Option<(i32, String)> {
    match error {
        ExtrinsicError::ErrorSubmittingTransaction(BackendError::Rpc(RpcError::ClientError(
            subxt::rpcs::Error::User(user),
        ))) => {
            let detail = user.data.as_ref().map(|data| data.get().to_owned());
            Some((user.code, detail.unwrap_or_default()))
        }
        _ => None,
    }
}

/// Whether the pool found that the call costs nothing when it succeeds, and would fail now.
fn would_fail(error: &ExtrinsicError) -> bool {
    matches!(answer(error), Some((1010, detail)) if detail.contains(WOULD_FAIL))
}

fn cannot_pay(error: &ExtrinsicError) -> bool {
    matches!(answer(error), Some((1010, detail)) if detail.contains("pay some fees"))
}

/// What the pool's answer means.
fn refusal(error: ExtrinsicError) -> Refusal {
    let text = error.to_string();
    let Some((code, detail)) = answer(&error) else {
        return Refusal::Final(match &error {
            ExtrinsicError::ErrorSubmittingTransaction(backend)
                if backend.is_disconnected_will_reconnect() =>
            {
                SubmitError::Unknown(text)
            }
            _ => SubmitError::Invalid(text),
        });
    };
    match (code, detail.as_str()) {
        // A nonce that another transaction took meanwhile, or a block that was replaced.
        (1010, data)
            if ["outdated", "ancient birth block", WOULD_FAIL]
                .iter()
                .any(|passing| data.contains(passing)) =>
        {
            Refusal::Passing(SubmitError::Invalid(detail))
        }
        // Banned for a moment, already there, priority too low, pool full.
        (1012..=1014 | 1016, _) => Refusal::Passing(SubmitError::Invalid(text)),
        _ if detail.is_empty() => Refusal::Final(SubmitError::Invalid(text)),
        _ => Refusal::Final(SubmitError::Invalid(format!("{text}: {detail}"))),
    }
}

/// A transaction in the pool.
struct Sent {
    /// Its call, as the chain reads it.
    call: Vec<u8>,
    nonce: u64,
}

/// Ends once a free call has become one that would fail: others were faster, and no author takes it. Pools do not always say so.
async fn in_vain(chain: &Chain, signer: &Signer, sent: &Sent) -> SubmitError {
    let account = signer.account();
    loop {
        tokio::time::sleep(PATIENCE).await;
        let Ok(best) = chain.best().await else { continue };
        // Once it is in a block it would fail as well, as it has been done.
        let waits = best.nonce(&account).await.is_ok_and(|next| next <= sent.nonce);
        if let (true, Ok(Some(failure))) = (waits, best.rehearse(&account, &sent.call).await) {
            return from(&failure);
        }
    }
}

/// The failure of a free call, which moves none of its signer's money.
fn from(failure: &DispatchError) -> SubmitError {
    match rejected(failure) {
        Failed::Otherwise(error) => error,
        Failed::NoFunds => SubmitError::Dispatch(failure.to_string()),
        Failed::Arithmetic(text) | Failed::BelowMinimum(text) => SubmitError::Dispatch(text),
    }
}

/// Waits for the block.
async fn included(mut progress: Progress, wait: Wait) -> Result<InBlock, SubmitError> {
    let (state, limit) = match wait {
        Wait::InBlock => ("included", INCLUSION),
        Wait::Finalized => ("finalized", INCLUSION + FINALITY),
    };
    let watch = async {
        while let Some(status) = progress.next().await {
            match status.map_err(|error| SubmitError::Unknown(error.to_string()))? {
                TransactionStatus::InFinalizedBlock(block) => return Ok(block),
                TransactionStatus::InBestBlock(block) if wait == Wait::InBlock => return Ok(block),
                TransactionStatus::Error { message }
                | TransactionStatus::Invalid { message }
                | TransactionStatus::Dropped { message } => {
                    return Err(SubmitError::Invalid(message));
                }
                _ => {}
            }
        }
        Err(SubmitError::Unknown("the node ended its report".into()))
    };
    tokio::time::timeout(limit, watch).await.map_err(|_| SubmitError::Timeout { state, limit })?
}

/// Why a transaction that is in a block had no effect, as far as the block tells.
enum Failed {
    /// Its signer does not have what it takes.
    NoFunds,
    /// A sum is out of range, in these words: for an amount beyond all that exists the chain says so, not that it is missing.
    Arithmetic(String),
    /// Somebody would get less than an account can exist with, in these words.
    BelowMinimum(String),
    Otherwise(SubmitError),
}

impl<E: Into<SubmitError>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::Otherwise(error.into())
    }
}

/// What the transaction did, or why it failed.
async fn report(chain: &Chain, transaction: InBlock) -> Result<Included, Failed> {
    let events = match tokio::time::timeout(ANSWER_LIMIT, transaction.wait_for_success()).await {
        Ok(Ok(events)) => events,
        Ok(Err(TransactionEventsError::ExtrinsicFailed(error))) => return Err(rejected(&error)),
        Ok(Err(error)) => return Err(SubmitError::Unknown(error.to_string()).into()),
        Err(_) => return Err(SubmitError::Unknown("its events could not be read".into()).into()),
    };
    let mut decoded = Vec::new();
    for found in events.iter() {
        let found = found.map_err(|error| SubmitError::Unknown(error.to_string()))?;
        let event = Event::decode(&found);
        decoded.push(event.map_err(|error| SubmitError::Unknown(error.to_string()))?);
    }
    let block = transaction.block_hash();
    let at = chain.client().at_block(BlockRef::from_hash(block));
    let at: At = within("the transaction's block", ANSWER_LIMIT, at).await?;
    let fee = decoded
        .iter()
        .find(|event| event.is("TransactionPayment", "TransactionFeePaid"))
        .and_then(|event| event.amount("actual_fee"))
        .unwrap_or(0);
    Ok(Included {
        block: block.0,
        number: u32::try_from(at.block_number()).unwrap_or(u32::MAX),
        extrinsic: transaction.extrinsic_hash().0,
        events: decoded,
        fee,
    })
}

fn rejected(error: &DispatchError) -> Failed {
    match error {
        DispatchError::Module(module) => match module.details() {
            Ok(details) => SubmitError::Rejected {
                pallet: details.pallet.name().into(),
                name: details.variant.name.clone(),
                explanation: details.variant.docs.join(" ").trim().to_owned(),
            },
            Err(unknown) => SubmitError::Dispatch(unknown.to_string()),
        }
        .into(),
        DispatchError::Token(TokenError::FundsUnavailable | TokenError::NotExpendable) => {
            Failed::NoFunds
        }
        DispatchError::Token(TokenError::BelowMinimum | TokenError::CannotCreate) => {
            Failed::BelowMinimum(error.to_string())
        }
        DispatchError::Arithmetic(ArithmeticError::Underflow | ArithmeticError::Overflow) => {
            Failed::Arithmetic(error.to_string())
        }
        _ => SubmitError::Dispatch(error.to_string()).into(),
    }
}
