//! Validators that sign twice, on the real runtime: blocks of four validators, proofs with real signatures, and every planck of a bond.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use codec::{Decode, Encode};
use decentralml_protocol::slashing::{REPORTED_SESSIONS, TABLE, split};
use decentralml_runtime::{genesis_config_presets as presets, *};
use decentralml_traits::Scene;
use decentralml_types::{Balance, Fault, Role};
use frame_support::{
    storage::{TransactionOutcome, with_transaction},
    traits::{Get, Hooks},
};
use pallet_disputes::Cases;
use sp_consensus_babe::{
    BABE_ENGINE_ID, EquivocationProof as TwoBlocks,
    digests::{CompatibleDigestItem, PreDigest, SecondaryPlainPreDigest},
    runtime_decl_for_babe_api::BabeApiV2,
};
use sp_consensus_grandpa::{
    Equivocation, EquivocationProof as TwoVotes, localized_payload,
    runtime_decl_for_grandpa_api::GrandpaApiV3,
};
use sp_core::{
    H256, Pair,
    offchain::{TransactionPoolExt, testing::TestTransactionPoolExt},
};
use sp_io::TestExternalities;
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};
use sp_runtime::{
    BuildStorage, Digest, DigestItem, DispatchError,
    traits::{Dispatchable, Header as _},
    transaction_validity::{
        InvalidTransaction, TransactionSource, TransactionValidityError, ValidTransaction,
    },
};
use sp_session::MembershipProof;

/// Slots of a session.
const SESSION: u64 = 5;
const GENESIS_SLOT: u64 = 1_000;
/// Who signs twice.
const CULPRIT: Sr25519Keyring = Sr25519Keyring::Dave;
const BOND: Balance = 100 * UNIT;

/// The four validators of a local network, with short sessions and what nodes hand over to the pool.
fn network(test: impl FnOnce(&Pool<'_>)) {
    let patch = presets::get_preset(&presets::LOCAL_TESTNET.into()).unwrap();
    let patch: serde_json::Value = serde_json::from_slice(&patch).unwrap();
    let mut config = serde_json::to_value(RuntimeGenesisConfig::default()).unwrap();
    for (pallet, values) in patch.as_object().unwrap() {
        for (name, value) in values.as_object().unwrap() {
            config[pallet][name] = value.clone();
        }
    }
    config["settings"]["epochLength"] = SESSION.into();
    let config: RuntimeGenesisConfig = serde_json::from_value(config).unwrap();
    let mut chain: TestExternalities = config.build_storage().unwrap().into();
    let (pool, state) = TestTransactionPoolExt::new();
    chain.register_extension(TransactionPoolExt::new(pool));
    chain.execute_with(|| {
        begin(1);
        let issued = Balances::total_issuance();
        // From here on the sets are those that the pallet of validators has planned.
        go_to_session(3);
        let reported = || state.write().transactions.pop();
        test(&reported);
        support::check();
        assert_eq!(Balances::total_issuance(), issued, "nothing is minted or burned");
    });
}

type Pool<'a> = dyn Fn() -> Option<Vec<u8>> + 'a;

fn slot_of(number: u32) -> u64 {
    GENESIS_SLOT + u64::from(number)
}

/// Begins a block of Alice's, who never is disabled.
fn begin(number: u32) {
    let author = index_of(Sr25519Keyring::Alice);
    let header = Header::new(
        number,
        H256::zero(),
        H256::zero(),
        H256::from_low_u64_be(number.into()),
        Digest { logs: vec![pre_digest(author, slot_of(number))] },
    );
    Executive::initialize_block(&header);
}

fn pre_digest(authority_index: u32, slot: u64) -> DigestItem {
    let slot = SecondaryPlainPreDigest { authority_index, slot: slot.into() };
    DigestItem::PreRuntime(BABE_ENGINE_ID, PreDigest::SecondaryPlain(slot).encode())
}

fn next_block() {
    let number = System::block_number();
    Babe::on_finalize(number);
    Grandpa::on_finalize(number);
    begin(number + 1);
}

fn go_to_session(session: u32) {
    while Session::current_index() < session {
        next_block();
    }
}

fn is_in_office(who: Sr25519Keyring) -> bool {
    Session::validators().contains(&who.to_account_id())
}

/// Two blocks for a slot, sealed by a key.
fn two_blocks(signer: Sr25519Keyring, index: u32, slot: u64) -> TwoBlocks<Header> {
    let block = |state: u8| {
        let mut header = Header::new(
            System::block_number(),
            H256::zero(),
            H256::repeat_byte(state),
            H256::zero(),
            Digest { logs: vec![pre_digest(index, slot)] },
        );
        let signature = signer.pair().sign(header.hash().as_ref());
        header.digest_mut().push(DigestItem::babe_seal(signature.into()));
        header
    };
    TwoBlocks {
        offender: CULPRIT.public().into(),
        slot: slot.into(),
        first_header: block(1),
        second_header: block(2),
    }
}

fn index_of(who: Sr25519Keyring) -> u32 {
    let at = Session::validators().iter().position(|one| *one == who.to_account_id());
    at.unwrap() as u32
}

/// The culprit's, in the slot of this block.
fn equivocation() -> TwoBlocks<Header> {
    two_blocks(CULPRIT, index_of(CULPRIT), slot_of(System::block_number()))
}

/// Two prevotes in a round of finality. Their parts are encoded as the library of votes does, on which nothing else here depends.
fn two_votes(signer: Ed25519Keyring, round: u64) -> TwoVotes<Hash, u32> {
    let set = pallet_grandpa::CurrentSetId::<Runtime>::get();
    let vote = |block: u8| {
        let target = (H256::repeat_byte(block), System::block_number());
        let message = localized_payload(round, set, &(0u8, target));
        (target, signer.pair().sign(&message))
    };
    let culprit = Ed25519Keyring::Dave.public();
    let encoded = (0u8, round, culprit, vote(1), vote(2)).encode();
    TwoVotes::new(set, Equivocation::decode(&mut &encoded[..]).unwrap())
}

fn ownership() -> MembershipProof {
    let of_slot = slot_of(System::block_number()).into();
    let proof = <Runtime as BabeApiV2<Block>>::generate_key_ownership_proof(
        of_slot,
        CULPRIT.public().into(),
    );
    proof.unwrap().decode().unwrap()
}

fn report(equivocation_proof: TwoBlocks<Header>, key_owner_proof: MembershipProof) -> RuntimeCall {
    let equivocation_proof = Box::new(equivocation_proof);
    pallet_babe::Call::report_equivocation_unsigned { equivocation_proof, key_owner_proof }.into()
}

/// What a node's pool says to a report, which it tries on the state of its best block.
fn pool_of(
    source: TransactionSource,
    call: RuntimeCall,
) -> Result<ValidTransaction, TransactionValidityError> {
    with_transaction(|| {
        let report = UncheckedExtrinsic::new_bare(call);
        let said = Executive::validate_transaction(source, report, System::parent_hash());
        TransactionOutcome::Rollback(Ok::<_, DispatchError>(said))
    })
    .unwrap()
}

/// What it says to what the node itself reports.
fn pool(call: RuntimeCall) -> Result<ValidTransaction, TransactionValidityError> {
    pool_of(TransactionSource::Local, call)
}

/// Puts a report into the next block: one in which a session ends is full from its beginning.
fn include(call: RuntimeCall) {
    next_block();
    Executive::apply_extrinsic(UncheckedExtrinsic::new_bare(call)).unwrap().unwrap();
}

fn bond_of(who: Sr25519Keyring) -> pallet_participants::Member {
    let row = pallet_participants::Members::<Runtime>::get(Role::Validator, who.to_account_id());
    row.unwrap_or_default()
}

fn owned_by(who: &AccountId) -> Balance {
    let data = System::account(who).data;
    data.free + data.reserved
}

/// Whom the block that is made now pays for a report.
fn reporter() -> AccountId {
    Authorship::author().unwrap()
}

#[test]
fn the_validators_of_a_local_network_stay_in_office() {
    network(|_| {
        go_to_session(5);
        assert_eq!(Session::validators().len(), 4);
        assert!(Cases::<Runtime>::iter().next().is_none());
    });
}

#[test]
fn two_blocks_for_a_slot_cost_the_bond_pay_the_reporter_and_end_the_office() {
    network(|reported| {
        let (equivocation, session) = (equivocation(), Session::current_index());
        let ownership = <Runtime as BabeApiV2<Block>>::generate_key_ownership_proof(
            equivocation.slot,
            CULPRIT.public().into(),
        );
        <Runtime as BabeApiV2<Block>>::submit_report_equivocation_unsigned_extrinsic(
            equivocation,
            ownership.unwrap(),
        )
        .unwrap();
        let bytes = reported().expect("the node has handed its report over");
        let report = UncheckedExtrinsic::decode(&mut &bytes[..]).unwrap();
        assert!(pool(report.function.clone()).is_ok());

        let culprit = CULPRIT.to_account_id();
        let (before, reporter) = (owned_by(&culprit), reporter());
        let earned_before = owned_by(&reporter);
        assert_ne!(reporter, culprit);
        include(report.function.clone());
        let case = Cases::<Runtime>::get(0).unwrap();
        assert_eq!(case.charge.fault, Fault::Equivocated);
        assert_eq!((case.charge.scene, case.charge.amount), (Scene::Session(session), BOND));
        assert_eq!(case.charge.reporter, Some(reporter.clone()));
        let row = bond_of(CULPRIT);
        assert_eq!((row.bond, row.disputed), (0, BOND));
        assert_eq!(Session::disabled_validators(), [index_of(CULPRIT)]);

        // The same is not taken twice.
        assert_eq!(pool(report.function), Err(InvalidTransaction::Stale.into()));

        // It was planned for the next session, and is disabled in it; from then on it is out.
        go_to_session(session + 1);
        assert_eq!(Session::disabled_validators(), [index_of(CULPRIT)]);
        go_to_session(session + 2);
        assert!(!is_in_office(CULPRIT));
        assert_eq!(Session::validators().len(), 3);

        while System::block_number() < case.deadline {
            next_block();
        }
        Disputes::conclude(RuntimeOrigin::signed(reporter.clone()), 0).unwrap();
        let parts = split(TABLE.equivocated, BOND);
        assert_eq!(parts.to_reporter, BOND / 10);
        assert_eq!(owned_by(&culprit), before - BOND);
        assert_eq!(owned_by(&reporter), earned_before + parts.to_reporter);

        // Whoever bonds again is in office again.
        let bond = pallet_participants::Call::bond { role: Role::Validator, amount: BOND };
        let bond: RuntimeCall = bond.into();
        bond.dispatch(RuntimeOrigin::signed(culprit)).unwrap();
        go_to_session(Session::current_index() + 2);
        assert!(is_in_office(CULPRIT));
    });
}

#[test]
fn two_votes_in_a_round_of_finality_cost_the_bond() {
    network(|reported| {
        let equivocation = two_votes(Ed25519Keyring::Dave, 7);
        let ownership = <Runtime as GrandpaApiV3<Block>>::generate_key_ownership_proof(
            equivocation.set_id(),
            equivocation.offender().clone(),
        );
        <Runtime as GrandpaApiV3<Block>>::submit_report_equivocation_unsigned_extrinsic(
            equivocation,
            ownership.unwrap(),
        )
        .unwrap();
        let bytes = reported().expect("the node has handed its report over");
        let report = UncheckedExtrinsic::decode(&mut &bytes[..]).unwrap().function;
        assert!(pool(report.clone()).is_ok());
        include(report);
        let charge = Cases::<Runtime>::get(0).unwrap().charge;
        assert_eq!((charge.accused, charge.amount), (CULPRIT.to_account_id(), BOND));
        go_to_session(Session::current_index() + 2);
        assert!(!is_in_office(CULPRIT));
    });
}

#[test]
fn of_what_was_reported_no_other_report_is_taken() {
    network(|_| {
        let grandpa = |round| {
            let votes = two_votes(Ed25519Keyring::Dave, round);
            let proof = <Runtime as GrandpaApiV3<Block>>::generate_key_ownership_proof(
                votes.set_id(),
                votes.offender().clone(),
            );
            (Box::new(votes), proof.unwrap().decode().unwrap())
        };
        let babe = (equivocation(), ownership());
        let (equivocation_proof, key_owner_proof) = grandpa(7);
        include(
            pallet_grandpa::Call::report_equivocation_unsigned {
                equivocation_proof,
                key_owner_proof,
            }
            .into(),
        );
        assert_eq!(bond_of(CULPRIT).disputed, BOND);

        // Another round, which need not have been, and blocks of the same session.
        let reporter = RuntimeOrigin::signed(Sr25519Keyring::Eve.to_account_id());
        let (equivocation_proof, key_owner_proof) = grandpa(8);
        let again = pallet_grandpa::Call::<Runtime>::report_equivocation {
            equivocation_proof,
            key_owner_proof,
        };
        let failed = RuntimeCall::from(again).dispatch(reporter).unwrap_err();
        let duplicate = pallet_grandpa::Error::<Runtime>::DuplicateOffenceReport;
        assert_eq!(failed.error, duplicate.into());
        let stale = Err(InvalidTransaction::Stale.into());
        assert_eq!(pool(report(babe.0, babe.1)), stale);

        // What follows the session in which it was reported is another matter.
        go_to_session(Session::current_index() + 1);
        assert!(pool(report(equivocation(), ownership())).is_ok());
    });
}

#[test]
fn a_false_proof_does_not_enter_the_pool_and_costs_nobody_anything() {
    network(|_| {
        let bad = Err(InvalidTransaction::BadProof.into());
        let (index, slot) = (index_of(CULPRIT), slot_of(System::block_number()));
        // Somebody else's signatures.
        let forged = two_blocks(Sr25519Keyring::Eve, index, slot);
        assert_eq!(pool(report(forged.clone(), ownership())), bad);
        assert!(report(forged, ownership()).dispatch(RuntimeOrigin::none()).is_err());
        // One block, twice.
        let mut one = equivocation();
        one.second_header = one.first_header.clone();
        assert_eq!(pool(report(one, ownership())), bad);
        // A proof of membership that is another session's.
        let mut elsewhere = ownership();
        elsewhere.session -= 1;
        elsewhere.validator_count += 1;
        assert_eq!(pool(report(equivocation(), elsewhere)), bad);
        // Votes that somebody else has signed.
        let votes = two_votes(Ed25519Keyring::Eve, 7);
        let key_owner_proof = <Runtime as GrandpaApiV3<Block>>::generate_key_ownership_proof(
            votes.set_id(),
            votes.offender().clone(),
        );
        let key_owner_proof = key_owner_proof.unwrap().decode().unwrap();
        let equivocation_proof = Box::new(votes);
        let call = pallet_grandpa::Call::report_equivocation_unsigned {
            equivocation_proof,
            key_owner_proof,
        };
        assert_eq!(pool(call.into()), bad);
        assert_eq!(bond_of(CULPRIT).bond, BOND);
    });
}

#[test]
fn other_nodes_reports_do_not_enter_the_pool_without_a_signature() {
    network(|_| {
        let call = report(equivocation(), ownership());
        let sent = pool_of(TransactionSource::External, call);
        assert_eq!(sent, Err(InvalidTransaction::Call.into()));
    });
}

#[test]
fn an_equivocation_can_be_reported_for_as_long_as_sessions_are_remembered() {
    network(|_| {
        let (equivocation, ownership) = (equivocation(), ownership());
        go_to_session(ownership.session + REPORTED_SESSIONS);
        assert!(pool(report(equivocation.clone(), ownership.clone())).is_ok());
        go_to_session(ownership.session + REPORTED_SESSIONS + 1);
        let late = pool(report(equivocation, ownership));
        assert_eq!(late, Err(InvalidTransaction::BadProof.into()));
    });
}

#[test]
fn whoever_unbonds_is_still_liable_and_leaves_office() {
    network(|_| {
        let equivocation = equivocation();
        let ownership = ownership();
        let culprit = RuntimeOrigin::signed(CULPRIT.to_account_id());
        Participants::unbond(culprit, Role::Validator, BOND).unwrap();
        go_to_session(ownership.session + 2);
        assert!(!is_in_office(CULPRIT));
        include(report(equivocation, ownership));
        assert_eq!(bond_of(CULPRIT).disputed, BOND);
        assert!(Session::disabled_validators().is_empty(), "it has no office to be taken out of");
    });
}

#[test]
fn where_all_have_unbonded_those_in_office_go_on() {
    network(|_| {
        for validator in Session::validators() {
            Participants::unbond(RuntimeOrigin::signed(validator), Role::Validator, BOND).unwrap();
        }
        go_to_session(Session::current_index() + 3);
        assert_eq!(Session::validators().len(), 4);
    });
}

#[test]
fn an_innocent_validator_is_freed_and_no_reporter_pays_for_it() {
    network(|_| {
        let reporter = reporter();
        include(report(equivocation(), ownership()));
        let (culprit, earned_before) = (CULPRIT.to_account_id(), owned_by(&reporter));
        let owned = owned_by(&culprit);
        Disputes::appeal(RuntimeOrigin::signed(culprit.clone()), 0).unwrap();
        // The reporter is a party, and the other two of the council are enough.
        let council = [Sr25519Keyring::Alice, Sr25519Keyring::Bob, Sr25519Keyring::Charlie];
        let judges = council.map(|one| one.to_account_id()).into_iter();
        for judge in judges.filter(|judge| *judge != reporter).take(2) {
            Disputes::vote(RuntimeOrigin::signed(judge), 0, false).unwrap();
        }
        Disputes::conclude(RuntimeOrigin::signed(reporter.clone()), 0).unwrap();
        assert_eq!(bond_of(CULPRIT).disputed, 0);
        assert_eq!(owned_by(&reporter), earned_before);
        let costs = <Runtime as pallet_disputes::Config>::AppealCosts::get();
        assert_eq!(owned_by(&culprit), owned + costs);
    });
}
