//! One chain: steps made from a seed, taken, and wound down.

use super::{
    Coverage, Step,
    step::{any_step, fate, governed, judged, opening},
    world::World,
};
use crate::watch::guarded;
use proptest::{
    strategy::{BoxedStrategy, Just, Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde::{Deserialize, Serialize};
use std::cell::{Cell, RefCell};

/// A step that can still be made simpler.
pub type Tree = Box<dyn ValueTree<Value = Step>>;

/// What is needed to do it all again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// What the chain's draws follow from.
    pub chain: u64,
    /// Whether sponsors end what is open in the end, or time does.
    pub cancel: bool,
    pub steps: Vec<Step>,
}

/// Something that must not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The step in which it did; as many as there are where it was the winding down.
    pub step: usize,
    pub what: String,
}

impl Violation {
    /// What kind it is of: the text without accounts, amounts and the call. While steps are left out, another kind is another
    /// violation.
    pub fn kind(&self) -> String {
        let text = self.what.split("(after").next().unwrap_or_default();
        let words = text.split_whitespace().filter(|word| !word.contains(char::is_numeric));
        words.collect::<Vec<_>>().join(" ")
    }
}

/// What a case came to.
pub struct Report {
    pub coverage: Coverage,
    pub violation: Option<Violation>,
    /// Every call with its result, where it was asked for.
    pub log: Vec<String>,
}

/// The steps of a case by its seed, simplest last.
pub fn trees(seed: u64, length: usize) -> Vec<Tree> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let [create, join] = opening(seed);
    let cancel = Just(Step::CancelIn { task: 0, phase: (seed % 6) as u8 }).boxed();
    // Every chain begins with two tasks with people in them, so that none is spent on nothing.
    let mut begin =
        vec![create.clone(), join.clone(), cancel, create, join, fate(seed), judged(seed)];
    if let Some((govern, first)) = governed(seed) {
        let at = if first { 0 } else { begin.len() - 2 };
        begin.insert(at, govern);
    }
    let any = any_step();
    let rest = length.saturating_sub(begin.len());
    begin
        .iter()
        .chain(std::iter::repeat_n(&any, rest))
        .map(|next| tree(next, &mut runner))
        .collect()
}

fn tree(strategy: &BoxedStrategy<Step>, runner: &mut TestRunner) -> Tree {
    strategy.new_tree(runner).expect("no step is ever rejected")
}

impl Case {
    pub fn new(seed: u64, length: usize) -> Self {
        let steps = trees(seed, length).iter().map(|tree| tree.current()).collect();
        Self { chain: seed, cancel: seed.is_multiple_of(2), steps }
    }
}

/// Takes all steps and winds down, up to the first violation.
pub fn run(case: &Case, log: bool) -> Report {
    let at = Cell::new(0);
    let world = RefCell::new(None);
    let result = guarded(|| {
        let mut world = world.borrow_mut();
        let world = world.insert(World::new(case.chain, log));
        for (index, step) in case.steps.iter().enumerate() {
            at.set(index);
            if let Some(log) = &mut world.log {
                log.push(format!("{index}: {step:?}"));
            }
            world.step(step)?;
        }
        at.set(case.steps.len());
        if let Some(log) = &mut world.log {
            log.push("winding down".into());
        }
        world.wind_down(case.cancel)
    });
    let what = match result {
        Ok(Ok(())) => None,
        Ok(Err(what)) | Err(what) => Some(what),
    };
    let violation = what.map(|what| Violation { step: at.get(), what });
    let (coverage, log) = world
        .into_inner()
        .map_or_else(Default::default, |world| (world.coverage, world.log.unwrap_or_default()));
    Report { coverage, violation, log }
}
