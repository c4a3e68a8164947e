//! Inputs by number, and what is done about the one that fails.

use crate::mutate;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sha2::{Digest, Sha256};
use std::{
    env,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    process,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Inputs of each decoder where nothing else is asked for.
const FEW: u64 = 2_000;

/// An input that takes as long hangs. No decoder needs a thousandth of it; the margin is for machines that stand still.
const HANGS: Duration = Duration::from_secs(300);

/// From how many inputs on some must have been taken, and some refused.
const MANY: u64 = 1_000;

fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// Whether this decoder is among those that are asked for: in `DECENTRALML_FUZZ_DECODERS`, with commas between them.
fn is_chosen(name: &str) -> bool {
    let chosen = env::var("DECENTRALML_FUZZ_DECODERS").unwrap_or_default();
    chosen.is_empty() || chosen.split(',').any(|chosen| chosen == name)
}

/// Gives `check` the valid inputs, all of which it has to take, and then the damaged ones. `words` are put in here and there.
pub fn run(name: &str, valid: &[Vec<u8>], words: &[&[u8]], mut check: impl FnMut(&[u8]) -> bool) {
    let seed = number("DECENTRALML_FUZZ_SEED").unwrap_or(0);
    let count = number("DECENTRALML_FUZZ").unwrap_or(FEW);
    let only = number("DECENTRALML_FUZZ_ONLY");
    if !is_chosen(name) {
        return;
    }
    for (index, input) in valid.iter().enumerate() {
        assert!(check(input), "{name}: the valid input {index} is refused");
    }
    let numbers = only.map_or(0..count, |only| only..only + 1);
    let watchdog = Watchdog::start(name, seed);
    let (mut taken, mut refused) = (0_u64, 0_u64);
    for number in numbers {
        watchdog.at.store(number, Ordering::Relaxed);
        let mut random =
            ChaCha8Rng::from_seed(Sha256::digest(format!("{name} {seed} {number}")).into());
        let input = mutate::input(&mut random, valid, words);
        match catch_unwind(AssertUnwindSafe(|| check(&input))) {
            Ok(true) => taken += 1,
            Ok(false) => refused += 1,
            Err(panic) => {
                eprintln!("{}\n{}", again(name, seed, number), input.escape_ascii());
                resume_unwind(panic);
            }
        }
        if only.is_none() && count > FEW && (number + 1).is_multiple_of(count.div_ceil(10)) {
            eprintln!("{name}: {} of {count}, {taken} taken, {refused} refused", number + 1);
        }
    }
    eprintln!("{name}: {} inputs, {taken} taken, {refused} refused", taken + refused);
    if only.is_none() && count >= MANY {
        assert!(
            taken > 0 && refused > 0,
            "{name}: {taken} taken and {refused} refused test nothing"
        );
    }
}

/// How to make an input once more.
fn again(name: &str, seed: u64, number: u64) -> String {
    format!(
        "{name} fails on input {number}; again: scripts/fuzz.sh --seed {seed} --only {number} {name}"
    )
}

/// Ends the program, loudly, when an input hangs: a thread cannot be ended from outside.
struct Watchdog {
    at: Arc<AtomicU64>,
    /// The thread ends when this is dropped.
    _alive: Arc<()>,
}

impl Watchdog {
    fn start(name: &str, seed: u64) -> Self {
        let (at, alive) = (Arc::new(AtomicU64::new(u64::MAX)), Arc::new(()));
        let (watched, running, name) = (at.clone(), Arc::downgrade(&alive), name.to_owned());
        thread::spawn(move || {
            let (mut last, mut since) = (u64::MAX, Instant::now());
            while running.strong_count() > 0 {
                thread::sleep(Duration::from_millis(200));
                let now = watched.load(Ordering::Relaxed);
                if now != last {
                    (last, since) = (now, Instant::now());
                } else if since.elapsed() > HANGS && running.strong_count() > 0 {
                    eprintln!("it hangs: {}", again(&name, seed, now));
                    process::abort();
                }
            }
        });
        Self { at, _alive: alive }
    }
}
