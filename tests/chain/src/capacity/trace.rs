//! What a call does to the state, seen without its taking place.

use crate::chain::Chain;
use anyhow::{Result, anyhow};
use codec::Encode;
use decentralml_runtime::*;
use frame_support::{
    dispatch::{DispatchInfo, GetDispatchInfo, PostDispatchInfo},
    storage::storage_prefix,
};
use sp_io::hashing::twox_128;
use sp_runtime::traits::Dispatchable;
use sp_trie::recorder::Recorder;
use std::{collections::BTreeSet, time::Instant};

/// What a call touches and takes.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Keys that it reads, each counted once.
    pub reads: usize,
    /// Keys that it writes or removes, each counted once.
    pub writes: usize,
    /// Bytes of the nodes of the state's tree on the way to these keys: they grow with the tree's depth.
    pub proof_bytes: usize,
    /// Median time of native code on a state in memory, in nanoseconds.
    pub nanoseconds: u64,
    /// What it declares beforehand, in picoseconds.
    pub declared: u64,
    /// What it takes of the block in the end, in picoseconds.
    pub weight: u64,
}

impl Chain {
    /// Makes a call as a transaction of the account would, but takes neither a fee for it nor room in the block.
    ///
    /// # Errors
    ///
    /// The call fails; then it has changed nothing.
    pub fn dispatch(
        &mut self,
        who: &AccountId,
        call: impl Into<RuntimeCall>,
    ) -> Result<PostDispatchInfo> {
        let call = call.into();
        self.read(|| dispatch(who, call))
    }

    /// Writes the state to its tree, and forgets all events.
    ///
    /// # Errors
    ///
    /// Something has begun a storage transaction and not ended it.
    pub fn forget_events(&mut self) -> Result<()> {
        self.state.commit_all().map_err(|error| anyhow!(error))?;
        self.read(System::reset_events);
        Ok(())
    }

    /// What a call would touch if it were made now. Changes nothing; the time is the median of so many repetitions, none where that
    /// is 0.
    ///
    /// # Errors
    ///
    /// The call would fail.
    pub fn trace(&mut self, who: &AccountId, call: &RuntimeCall, repeats: usize) -> Result<Trace> {
        let state = &mut self.state;
        // What is not written to the tree yet would not be read from it.
        state.commit_all().map_err(|error| anyhow!(error))?;
        let recorder = Recorder::default();
        let outcome = state.execute_with_recorder(recorder.clone(), || dispatch(who, call.clone()));
        let written = state.overlayed_changes().changes().filter(|(key, _)| counts(key)).count();
        state.reset_overlay();
        let info: DispatchInfo = call.get_dispatch_info();
        let weight = outcome?.calc_actual_weight(&info).ref_time();
        let reads: BTreeSet<_> =
            recorder.recorded_keys().into_values().flat_map(|keys| keys.into_keys()).collect();
        let mut times: Vec<u64> = (0..repeats)
            .map(|_| {
                let call = call.clone();
                let nanoseconds = state.execute_with(|| {
                    let began = Instant::now();
                    let outcome = dispatch(who, call);
                    let nanoseconds = began.elapsed().as_nanos() as u64;
                    outcome.map(|_| nanoseconds)
                });
                state.reset_overlay();
                nanoseconds
            })
            .collect::<Result<_>>()?;
        times.sort_unstable();
        Ok(Trace {
            reads: reads.iter().filter(|key| counts(key)).count(),
            writes: written,
            proof_bytes: recorder.to_storage_proof().encoded_size(),
            nanoseconds: times.get(times.len() / 2).copied().unwrap_or_default(),
            declared: info.call_weight.ref_time(),
            weight,
        })
    }
}

fn dispatch(who: &AccountId, call: RuntimeCall) -> Result<PostDispatchInfo> {
    call.dispatch(RuntimeOrigin::signed(who.clone()))
        .map_err(|failed| anyhow!("a call of a round failed: {:?}", failed.error))
}

/// Whether a key is more than what every block keeps in memory anyway, such as its number, its weight and its events.
fn counts(key: &[u8]) -> bool {
    let system = key.starts_with(&twox_128(b"System"));
    let account = key.starts_with(&storage_prefix(b"System", b"Account"));
    !key.starts_with(b":") && (!system || account)
}
