//! A runtime that was built with its benchmarks, executed as validators execute it: as WebAssembly, on a trie.

use anyhow::{Context, Result, anyhow};
use codec::{Decode, Encode};
use frame_benchmarking::{
    BenchmarkBatch, BenchmarkConfig, BenchmarkList, BenchmarkParameter, BenchmarkResult,
};
use frame_support::traits::StorageInfo;
use sc_chain_spec::GenesisConfigBuilderRuntimeCaller;
use sc_client_db::BenchmarkingState;
use sc_executor::WasmExecutor;
use sp_core::{
    storage::well_known_keys::CODE,
    traits::{CallContext, ReadRuntimeVersionExt, RuntimeCode, WrappedRuntimeCode},
};
use sp_externalities::Extensions;
use sp_keystore::{KeystoreExt, testing::MemoryKeystore};
use sp_runtime::traits::{BlakeTwo256, Hash};
use sp_state_machine::{OverlayedChanges, StateMachine};
use std::{borrow::Cow, fs, path::Path};

/// What benchmarks start from.
const PRESET: &str = "development";

type Benching = frame_benchmarking::benchmarking::HostFunctions;
type State = BenchmarkingState<BlakeTwo256>;

/// A value for each size of a call that varies.
pub type Point = Vec<(BenchmarkParameter, u32)>;

/// A benchmark that a runtime has.
#[derive(Clone, Debug)]
pub struct Benchmark {
    pub pallet: String,
    pub instance: String,
    pub name: String,
    /// What varies, from where to where.
    pub ranges: Vec<(BenchmarkParameter, u32, u32)>,
}

/// A runtime, and the states on which it is measured.
pub struct Runtime {
    code: Vec<u8>,
    hash: Vec<u8>,
    executor: WasmExecutor<(sp_io::SubstrateHostFunctions, Benching)>,
    /// Counts which rows are read and written, which takes time.
    counting: State,
    timing: State,
}

impl Runtime {
    pub fn open(file: &Path) -> Result<Self> {
        let code = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
        let mut genesis = GenesisConfigBuilderRuntimeCaller::<Benching>::new(&code)
            .get_storage_for_named_preset(Some(&PRESET.to_owned()))
            .map_err(|error| anyhow!("no state for the preset {PRESET}: {error}"))?;
        genesis.top.insert(CODE.to_vec(), code.clone());
        let state = |count| {
            BenchmarkingState::new(genesis.clone(), None, true, count)
                .map_err(|error| anyhow!("no state to measure on: {error}"))
        };
        let (counting, timing) = (state(true)?, state(false)?);
        let hash = BlakeTwo256::hash(&code).as_bytes().to_vec();
        Ok(Self { code, hash, executor: WasmExecutor::builder().build(), counting, timing })
    }

    /// All benchmarks, in the runtime's order, and all rows that it may touch.
    pub fn benchmarks(&self) -> Result<(Vec<Benchmark>, Vec<StorageInfo>)> {
        let (lists, rows): (Vec<BenchmarkList>, _) =
            self.call(&self.timing, "Benchmark_benchmark_metadata", &false.encode()).context(
                "the runtime lists no benchmarks: build it with the feature runtime-benchmarks",
            )?;
        let mut all = Vec::new();
        for list in lists {
            let (pallet, instance) = (text(&list.pallet)?, text(&list.instance)?);
            for benchmark in list.benchmarks {
                all.push(Benchmark {
                    pallet: pallet.clone(),
                    instance: instance.clone(),
                    name: text(&benchmark.name)?,
                    ranges: benchmark.components,
                });
            }
        }
        Ok((all, rows))
    }

    /// Runs a benchmark, and what it claims of the state afterwards.
    pub fn verify(&self, benchmark: &Benchmark, point: &Point) -> Result<()> {
        self.dispatch(&self.timing, benchmark, point, true, 1).map(drop)
    }

    /// Runs a benchmark once, and counts the rows that it reads and writes.
    pub fn count(&self, benchmark: &Benchmark, point: &Point) -> Result<Vec<BenchmarkResult>> {
        self.dispatch(&self.counting, benchmark, point, false, 1)
    }

    /// Runs a benchmark some times, and takes the time of each run.
    pub fn time(
        &self,
        benchmark: &Benchmark,
        point: &Point,
        repeat: u32,
    ) -> Result<Vec<BenchmarkResult>> {
        self.dispatch(&self.timing, benchmark, point, false, repeat)
    }

    fn dispatch(
        &self,
        state: &State,
        benchmark: &Benchmark,
        point: &Point,
        verify: bool,
        internal_repeats: u32,
    ) -> Result<Vec<BenchmarkResult>> {
        let config = BenchmarkConfig {
            pallet: benchmark.pallet.clone().into_bytes(),
            instance: benchmark.instance.clone().into_bytes(),
            benchmark: benchmark.name.clone().into_bytes(),
            selected_components: point.clone(),
            verify,
            internal_repeats,
        };
        let batches: Result<Vec<BenchmarkBatch>, String> =
            self.call(state, "Benchmark_dispatch_benchmark", &config.encode())?;
        let batches = batches.map_err(|error| anyhow!(error))?;
        Ok(batches.into_iter().flat_map(|batch| batch.results).collect())
    }

    fn call<R: Decode>(&self, state: &State, function: &str, arguments: &[u8]) -> Result<R> {
        let mut extensions = Extensions::default();
        extensions.register(KeystoreExt::new(MemoryKeystore::new()));
        extensions.register(ReadRuntimeVersionExt::new(self.executor.clone()));
        let code = WrappedRuntimeCode(Cow::Borrowed(&self.code));
        let result = StateMachine::new(
            state,
            &mut OverlayedChanges::default(),
            &self.executor,
            function,
            arguments,
            &mut extensions,
            &RuntimeCode { code_fetcher: &code, heap_pages: None, hash: self.hash.clone() },
            CallContext::Offchain,
        )
        .execute()
        .map_err(|error| anyhow!("{function} failed: {error}"))?;
        R::decode(&mut &result[..])
            .with_context(|| format!("what {function} returned is of another type"))
    }
}

fn text(bytes: &[u8]) -> Result<String> {
    String::from_utf8(bytes.to_vec()).context("a name in the runtime is not UTF-8")
}
