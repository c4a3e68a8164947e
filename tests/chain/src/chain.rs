//! Blocks and transactions.

use codec::{DecodeLimit, Encode};
use decentralml_runtime::*;
use decentralml_types::{Balance, BlockNumber};
use frame_support::{
    BoundedVec,
    dispatch::{GetDispatchInfo, PostDispatchInfo},
    storage::{storage_prefix, transactional::with_transaction_unchecked, unhashed},
    traits::{OnFinalize, OnIdle},
    weights::Weight,
};
use sp_consensus_babe::digests::{PreDigest, SecondaryPlainPreDigest};
use sp_core::H256;
use sp_io::{TestExternalities, hashing::blake2_256};
use sp_runtime::{
    BuildStorage, Digest, DigestItem, DispatchError, DispatchResultWithInfo, TransactionOutcome,
    generic::{CheckedExtrinsic, Era, ExtrinsicFormat},
    traits::{Applyable, Header as _},
    transaction_validity::{InvalidTransaction, TransactionValidityError},
};

use crate::invariants;

type BlockWeights = <Runtime as frame_system::Config>::BlockWeights;
type BlockHashCount = <Runtime as frame_system::Config>::BlockHashCount;

/// Calls within calls, at most: what validators decode.
const MAX_DEPTH: u32 = 256;

/// The least that an account holds of an asset of the genesis, if any.
pub const LEAST_OF_TOKENS: Balance = 10;

/// The account of a number.
pub fn account(number: u32) -> AccountId {
    AccountId::new((b"account", number).using_encoded(blake2_256))
}

/// What a chain begins with.
#[derive(Clone, Debug, Default)]
pub struct Genesis {
    /// Who owns what, in planck. The treasury gets a token besides.
    pub accounts: Vec<(AccountId, Balance)>,
    /// The council.
    pub council: Vec<AccountId>,
    /// Assets beside the native token, by their numbers: who issues each of them, and who owns how much.
    pub tokens: Vec<(AccountId, Vec<(AccountId, Balance)>)>,
    /// What the VRF outputs of blocks, and so all draws, follow from.
    pub seed: u64,
}

/// What became of a transaction that a block took.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How its call ended.
    pub result: Result<(), DispatchError>,
    /// What its sender paid for it in the end, in planck.
    pub fee: Balance,
    /// All events of it.
    pub events: Vec<RuntimeEvent>,
}

/// A chain in memory, within a block that takes transactions.
pub struct Chain {
    pub(crate) state: TestExternalities,
    seed: u64,
    slot: u64,
}

impl Chain {
    /// A chain in its first block.
    pub fn new(genesis: Genesis) -> Self {
        let Genesis { mut accounts, council, tokens, seed } = genesis;
        accounts.push((configs::TreasuryAccount::get(), UNIT));
        // Nobody signs blocks here, but sessions need somebody to be in office.
        let validator = account(u32::MAX);
        let keys = SessionKeys {
            babe: sp_core::sr25519::Public::from_raw([1; 32]).into(),
            grandpa: sp_core::ed25519::Public::from_raw([1; 32]).into(),
        };
        let genesis = RuntimeGenesisConfig {
            balances: BalancesConfig { balances: accounts, ..Default::default() },
            babe: BabeConfig {
                epoch_config: configs::BABE_GENESIS_EPOCH_CONFIG,
                ..Default::default()
            },
            council_membership: CouncilMembershipConfig {
                members: BoundedVec::truncate_from(council),
                ..Default::default()
            },
            validator_membership: ValidatorMembershipConfig {
                members: BoundedVec::truncate_from(vec![validator.clone()]),
                ..Default::default()
            },
            session: SessionConfig {
                keys: vec![(validator.clone(), validator, keys)],
                ..Default::default()
            },
            assets: assets(tokens),
            // Short enough for cases and challenges to come to their end between other steps.
            settings: SettingsConfig {
                appeal_window: 40,
                judgment_period: 60,
                answer_period: 20,
                ..Default::default()
            },
            ..Default::default()
        };
        let storage = genesis.build_storage().expect("the genesis holds together");
        let mut chain = Self { state: storage.into(), seed, slot: 1_000_000 };
        chain.begin(1, 1);
        chain
    }

    /// Ends this block and begins the next.
    pub fn next_block(&mut self) {
        self.skip(1);
    }

    /// Ends this block and begins the one so many later. Those in between are left out: nothing in the runtime has to happen in
    /// each of them, but a draw that waits for the VRF output of one of them never gets it.
    pub fn skip(&mut self, blocks: BlockNumber) {
        if blocks > 0 {
            let next = self.number().saturating_add(blocks);
            self.end();
            self.begin(next, blocks.into());
        }
    }

    /// The number of this block.
    pub fn number(&mut self) -> BlockNumber {
        self.read(System::block_number)
    }

    /// Looks into the state. What is written there is written without a transaction.
    pub fn read<T>(&mut self, look: impl FnOnce() -> T) -> T {
        self.state.execute_with(look)
    }

    /// A transaction of an account, with the fee and all checks of a real one but that of the signature. Where this block is
    /// full, it goes into the next one. The error is why no block takes it: then nothing happened, and nothing was paid.
    pub fn submit(
        &mut self,
        who: &AccountId,
        call: impl Into<RuntimeCall>,
    ) -> Result<Outcome, TransactionValidityError> {
        let call = call.into();
        let full = TransactionValidityError::Invalid(InvalidTransaction::ExhaustsResources);
        // A block in which a session ends is full from its beginning, and another one may follow it.
        for _ in 0..2 {
            match self.read(|| apply(who, call.clone())) {
                Err(error) if error == full => self.next_block(),
                other => return other,
            }
        }
        self.read(|| apply(who, call))
    }

    /// The events since the last transaction began, hooks of blocks included.
    pub fn events(&mut self) -> Vec<RuntimeEvent> {
        self.read(events)
    }

    /// Every invariant of the runtime; see [`invariants::check`].
    pub fn check(&mut self) -> Result<(), String> {
        self.read(invariants::check)
    }

    fn begin(&mut self, number: BlockNumber, slots: u64) {
        self.slot += slots;
        let slot = self.slot;
        self.read(|| {
            let digest = PreDigest::SecondaryPlain(SecondaryPlainPreDigest {
                authority_index: 0,
                slot: slot.into(),
            });
            let digest = DigestItem::PreRuntime(sp_consensus_babe::BABE_ENGINE_ID, digest.encode());
            let parent = H256((b"parent", number).using_encoded(blake2_256));
            let header = Header::new(
                number,
                H256::default(),
                H256::default(),
                parent,
                Digest { logs: vec![digest] },
            );
            System::set_block_number(number - 1);
            Executive::initialize_block(&header);
            let now = slot * settings::BlockTime::<Runtime>::get();
            let inherent = UncheckedExtrinsic::new_bare(pallet_timestamp::Call::set { now }.into());
            Executive::apply_extrinsic(inherent)
                .expect("a block takes its time")
                .expect("the time is that of the slot");
        });
    }

    /// What `Executive::finalize_block` does, without the roots of state and transactions, and with a VRF output of our own:
    /// BABE takes it from the author's signature.
    fn end(&mut self) {
        let seed = self.seed;
        self.read(|| {
            System::note_finished_extrinsics();
            let number = System::block_number();
            let used = System::block_weight().total();
            let left = BlockWeights::get().max_block.saturating_sub(used);
            let idle = if left.all_gt(Weight::zero()) {
                AllPalletsWithSystem::on_idle(number, left)
            } else {
                Weight::zero()
            };
            assert!(idle.all_lte(left), "hooks take no more than is left of a block");
            AllPalletsWithSystem::on_finalize(number);
            let output = (b"vrf", seed, number).using_encoded(blake2_256);
            unhashed::put(&storage_prefix(b"Babe", b"AuthorVrfRandomness"), &Some(output));
            for temporary in
                [&b"ExecutionPhase"[..], b"BlockSize", b"InherentsApplied", b"ExtrinsicCount"]
            {
                sp_io::storage::clear(&storage_prefix(b"System", temporary));
            }
            let _ =
                unhashed::clear_prefix(&storage_prefix(b"System", b"ExtrinsicData"), None, None);
            let old = number.saturating_sub(BlockHashCount::get()).saturating_sub(1);
            // Commitments bind the genesis, so its hash stays.
            if old > 0 {
                frame_system::BlockHash::<Runtime>::remove(old);
            }
        });
    }
}

/// Assets that an account holds at least a few units of, or none.
fn assets(tokens: Vec<(AccountId, Vec<(AccountId, Balance)>)>) -> AssetsConfig {
    let mut genesis = AssetsConfig { next_asset_id: Some(0), ..Default::default() };
    for (id, (issuer, owners)) in (0..).zip(tokens) {
        genesis.assets.push((id, issuer, false, LEAST_OF_TOKENS));
        genesis.accounts.extend(owners.into_iter().map(|(who, amount)| (id, who, amount)));
        genesis.next_asset_id = Some(id + 1);
    }
    genesis
}

fn extension(who: &AccountId) -> TxExtension {
    (
        frame_system::AuthorizeCall::new(),
        frame_system::CheckNonZeroSender::new(),
        frame_system::CheckSpecVersion::new(),
        frame_system::CheckTxVersion::new(),
        frame_system::CheckGenesis::new(),
        frame_system::CheckEra::from(Era::Immortal),
        frame_system::CheckNonce::from(System::account_nonce(who)),
        frame_system::CheckWeight::new(),
        pallet_transaction_payment::ChargeTransactionPayment::from(0),
        free_calls::CheckFreeCall,
        frame_metadata_hash_extension::CheckMetadataHash::new(false),
        frame_system::WeightReclaim::new(),
    )
}

/// What `Executive::apply_extrinsic` does with a transaction whose signature is right; one that is refused leaves nothing behind.
fn apply(who: &AccountId, call: RuntimeCall) -> Result<Outcome, TransactionValidityError> {
    let signature = Signature::Sr25519([0; 64].into());
    let transaction =
        UncheckedExtrinsic::new_signed(call, who.clone().into(), signature, extension(who));
    let encoded = transaction.encode();
    let length = encoded.len();
    let info = transaction.get_dispatch_info();
    let transaction = UncheckedExtrinsic::decode_all_with_depth_limit(MAX_DEPTH, &mut &encoded[..])
        .map_err(|_| InvalidTransaction::Call)?;
    let checked = CheckedExtrinsic::<AccountId, RuntimeCall, TxExtension> {
        format: ExtrinsicFormat::Signed(who.clone(), extension(who)),
        function: transaction.function,
    };
    System::reset_events();
    let result: DispatchResultWithInfo<PostDispatchInfo> = with_transaction_unchecked(|| {
        System::note_extrinsic(encoded);
        #[allow(deprecated, reason = "what the SDK's own executive is made of")]
        match Applyable::apply::<Runtime>(checked, &info, length) {
            Ok(result) => TransactionOutcome::Commit(Ok(result)),
            Err(refused) => TransactionOutcome::Rollback(Err(refused)),
        }
    })?;
    System::note_applied_extrinsic(&result, info);
    let events = events();
    let fee = events.iter().fold(0, |sum: Balance, event| match event {
        RuntimeEvent::TransactionPayment(
            pallet_transaction_payment::Event::TransactionFeePaid { actual_fee, .. },
        ) => sum.saturating_add(*actual_fee),
        _ => sum,
    });
    Ok(Outcome { result: result.map(drop).map_err(|failed| failed.error), fee, events })
}

fn events() -> Vec<RuntimeEvent> {
    System::read_events_no_consensus().map(|record| record.event).collect()
}
