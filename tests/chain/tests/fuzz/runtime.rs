//! The runtime in front of bytes that anybody may send.

use super::calls;
use codec::{Decode, DecodeLimit, Encode};
use decentralml_chain::{
    fuzz::{
        Step,
        step::{Shape, Way},
        world::{World, name},
    },
    watch::guarded,
};
use decentralml_runtime::*;
use decentralml_traits::Draw;
use sp_core::H256;
use sp_runtime::transaction_validity::TransactionSource;

/// How deep calls lie in each other, at most, where validators decode them.
const DEPTH: u32 = 256;

/// After so many inputs another chain takes over, a phase further.
const INPUTS: u32 = 500;

/// Chains on which a round is under way, each in another phase.
pub struct Chains {
    world: World,
    inputs: u32,
}

impl Chains {
    pub fn new() -> Self {
        Self { world: under_way(0), inputs: 0 }
    }

    fn world(&mut self) -> &mut World {
        self.inputs += 1;
        if self.inputs.is_multiple_of(INPUTS) {
            self.world = under_way(self.inputs / INPUTS % 8);
        }
        &mut self.world
    }

    /// A call that can be decoded is executed, with its fee, and leaves nothing wrong behind.
    pub fn check_call(&mut self, input: &[u8]) -> bool {
        let Ok(call) = RuntimeCall::decode_all_with_depth_limit(DEPTH, &mut &input[..]) else {
            return false;
        };
        assert!(call.encoded_size() <= input.len());
        assert_eq!(RuntimeCall::decode(&mut &call.encode()[..]).as_ref(), Ok(&call));
        let world = self.world();
        // The time is given by whoever makes the block, and nobody else.
        for who in [1, 5] {
            let outcome = guarded(|| world.chain.submit(&name(who), call.clone()));
            outcome.unwrap_or_else(|why| panic!("{call:?}: {why}")).ok();
        }
        world.chain.check().unwrap_or_else(|why| panic!("{call:?}: {why}"));
        true
    }

    /// A transaction that can be decoded is looked at as by the pool, which writes nothing. Nobody has signed it, so it is refused.
    pub fn check_transaction(&mut self, input: &[u8]) -> bool {
        let decoded = UncheckedExtrinsic::decode_all_with_depth_limit(DEPTH, &mut &input[..]);
        let Ok(transaction) = decoded else { return false };
        assert!(transaction.encoded_size() <= input.len());
        let chain = &mut self.world().chain;
        let validity = guarded(|| {
            chain.read(|| {
                let source = TransactionSource::External;
                Executive::validate_transaction(source, transaction, H256::default())
            })
        });
        assert!(validity.unwrap().is_err(), "what nobody has signed enters the pool");
        true
    }

    /// The name of a method, a zero, and its arguments. The SDK ends the call where these do not decode, by a panic that says so:
    /// no other is borne.
    pub fn check_question(&mut self, input: &[u8]) -> bool {
        let mut parts = input.splitn(2, |byte| *byte == 0);
        let (Some(method), Some(arguments)) = (parts.next(), parts.next()) else { return false };
        let Ok(method) = str::from_utf8(method) else { return false };
        if !method.starts_with("FederatedApi_") {
            return false;
        }
        let chain = &mut self.world().chain;
        let answer =
            guarded(|| chain.read(|| decentralml_runtime::apis::api::dispatch(method, arguments)));
        match answer {
            Ok(answer) => answer.is_some_and(|answer| answer.len() < 1 << 20),
            Err(why) if why.contains("Bad input data") => false,
            Err(why) => panic!("{method}: {why}"),
        }
    }
}

fn under_way(phases: u32) -> World {
    let shape = Shape { sealed: phases.is_multiple_of(2), ..Shape::ordinary() };
    let mut world = World::new(phases.into(), false);
    world.step(&Step::Create { who: 0, shape }).unwrap();
    // The task of the valid calls is the second one.
    world.step(&Step::Create { who: 0, shape }).unwrap();
    world.step(&Step::Join { from: 1, trainers: 4, evaluators: 3, task: 0 }).unwrap();
    for _ in 0..phases {
        let everybody = Step::Everybody { task: 0, absent: 0, deviant: 0, way: Way::Honest };
        world.step(&everybody).unwrap();
    }
    world
}

pub fn calls() -> Vec<Vec<u8>> {
    let ours: Vec<_> = calls::ours().into_iter().map(|(.., call)| call).collect();
    let batch: RuntimeCall = pallet_utility::Call::batch_all { calls: ours.clone() }.into();
    let nested: RuntimeCall = pallet_utility::Call::force_batch { calls: vec![batch] }.into();
    ours.into_iter().chain([nested]).map(|call| call.encode()).collect()
}

pub fn transactions() -> Vec<Vec<u8>> {
    calls::ours().into_iter().map(|(.., call)| calls::signed(call).encode()).collect()
}

pub fn questions() -> Vec<Vec<u8>> {
    let who = name(5);
    let ask = |method: &str, arguments: Vec<u8>| {
        [b"FederatedApi_", method.as_bytes(), &[0], &arguments].concat()
    };
    vec![
        ask("task", 1u32.encode()),
        ask("place", (1u32, 1u32, Draw::Trainers, &who).encode()),
        ask("place", (1u32, 1u32, Draw::Committee(0), &who).encode()),
        ask("assignment", (1u32, &who).encode()),
        ask("round", (1u32, 1u32).encode()),
        ask("updates", (1u32, 1u32).encode()),
        ask("claimable", (1u32, &who, Some(1u32), 256u32).encode()),
    ]
}
