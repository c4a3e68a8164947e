//! What seats say, and the model that they attest.

use std::path::Path;

use anyhow::{Context, Result};
use codec::Encode;
use decentralml_learning::{Seed, UpdateFile, Weights};
use decentralml_protocol::draw;
use decentralml_types::{Opinion, Score, limits::MAX_SCORE};
use decentralml_worker::{
    evaluator::{self, Found, apart, judge, without_copies},
    step::Step,
    wire::Wire,
};

use crate::{
    Rows, Seats,
    world::{Revealed, World},
};

/// The revealed updates as a seat has them, each in a file of `folder`.
pub(crate) fn fetch(world: &World, reveals: &[Revealed], folder: &Path) -> Result<Vec<Found>> {
    let wire = Wire::of(&world.spec)?;
    let fetched = reveals.iter().enumerate().map(|(index, reveal)| {
        let bytes = world.store.get(&reveal.cid)?;
        match wire.read(bytes, &world.model) {
            Ok(update) => Ok(Ok(UpdateFile::write(&folder.join(index.to_string()), &update)?)),
            Err(_) => Ok(Err(Opinion::Malformed)),
        }
    });
    fetched.collect()
}

/// What an honest seat finds of the updates: copies first, then what the others are worth. Nothing where `stopped` says so meanwhile.
pub(crate) fn measure(
    world: &World,
    rows: &Rows,
    base: &Weights,
    found: &[evaluator::Found],
    committed: &[u32],
    seed: Seed,
    stopped: &dyn Fn() -> bool,
) -> Result<Option<Vec<Opinion>>> {
    let encoding = Wire::of(&world.spec)?.encoding();
    let mut found = found.to_vec();
    if let Some(distances) = apart(&world.model, encoding, &found)? {
        let cosine = world.spec.aggregation.copy_cosine;
        found = without_copies(found, &distances, committed, cosine);
    }
    Ok(judge(&world.model, base, &rows.scoring, &found, encoding, seed, stopped)?)
}

/// The largest cosine between two updates of those that are `meant`, in millionths; 0 where none is positive.
pub(crate) fn closest(world: &World, found: &[Found], meant: &[bool]) -> Result<i64> {
    let encoding = Wire::of(&world.spec)?.encoding();
    let Some(distances) = apart(&world.model, encoding, found)? else { return Ok(0) };
    let meant: Vec<usize> =
        meant.iter().enumerate().filter_map(|(index, meant)| meant.then_some(index)).collect();
    let pairs = meant.iter().flat_map(|i| meant.iter().map(move |j| (*i, *j)));
    let cosines = pairs.filter(|(i, j)| i < j).map(|(i, j)| {
        let (a, b) = (distances.norm_squared(i) as f64, distances.norm_squared(j) as f64);
        let product = (a + b - distances.squared(i, j) as f64) / 2.0;
        // Of an update of zeros no number, which is 0 as an integer.
        (product / (a * b).sqrt() * 1e6).round() as i64
    });
    Ok(cosines.max().unwrap_or(0).max(0))
}

/// What a hostile seat says, who knows the true opinions and which updates are of hostile trainers; nothing where it says nothing of its
/// own.
pub(crate) fn says(
    seats: Seats,
    measured: &[Opinion],
    hostile: &[bool],
    key: Seed,
) -> Option<Vec<Opinion>> {
    let largest = measured.iter().map(|opinion| score(*opinion).abs()).max().unwrap_or(0);
    let each = measured.iter().zip(hostile).enumerate();
    let said = each.map(|(index, (opinion, hostile))| match seats {
        Seats::Random => Opinion::Score(random(&key, index as u32, largest)),
        Seats::Inverted => Opinion::Score(-score(*opinion)),
        Seats::Collude if *hostile => Opinion::Score(MAX_SCORE),
        Seats::Collude => Opinion::Score(-MAX_SCORE),
        Seats::Honest | Seats::Copy | Seats::Absent => *opinion,
    });
    (!matches!(seats, Seats::Copy | Seats::Absent)).then(|| said.collect())
}

fn score(opinion: Opinion) -> Score {
    match opinion {
        Opinion::Score(score) => score,
        Opinion::Unavailable | Opinion::Malformed | Opinion::Copied => 0,
    }
}

/// A score between ± `largest`.
fn random(key: &Seed, index: u32, largest: Score) -> Score {
    let drawn = draw::key(key, &index.encode());
    let number = drawn.iter().take(8).fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    let width = largest.unsigned_abs() * 2 + 1;
    (number % width) as Score - largest
}

/// The model that comes of the accepted updates, by their numbers among the revealed ones.
pub(crate) fn next_model(
    world: &World,
    base: &Weights,
    reveals: &[Revealed],
    found: &[Found],
    accepted: &[usize],
    settled: u32,
) -> Result<Weights> {
    let mut samples = Vec::with_capacity(accepted.len());
    let mut files = Vec::with_capacity(accepted.len());
    for &index in accepted {
        let reveal = reveals.get(index).context("an update is accepted that nobody revealed")?;
        samples.push(reveal.samples);
        match found.get(index) {
            Some(Ok(file)) => files.push(file.clone()),
            _ => anyhow::bail!("update {index} is accepted, but cannot be read"),
        }
    }
    let step = Step::of(&world.spec, settled, &samples, Seed::default())?;
    anyhow::ensure!(!step.has_state(), "a server optimizer with a state is not played here");
    let (next, _) = step.take(base, files.as_slice(), step.start(&world.model)?)?;
    Ok(next)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const MEASURED: [Opinion; 3] = [Opinion::Score(500), Opinion::Score(-40), Opinion::Unavailable];
    const HOSTILE: [bool; 3] = [false, true, true];

    fn said(seats: Seats) -> Vec<Opinion> {
        says(seats, &MEASURED, &HOSTILE, [3; 32]).unwrap()
    }

    #[test]
    fn liars_say_the_opposite_or_anything_of_the_size_of_true_scores() {
        assert_eq!(said(Seats::Inverted), [-500, 40, 0].map(Opinion::Score));
        let random = said(Seats::Random);
        assert!(random.iter().all(|opinion| score(*opinion).abs() <= 500));
        assert_ne!(random, says(Seats::Random, &MEASURED, &HOSTILE, [4; 32]).unwrap());
        assert_eq!(random, said(Seats::Random));
    }

    #[test]
    fn colluding_seats_praise_their_own_and_nobody_else() {
        let most = [-MAX_SCORE, MAX_SCORE, MAX_SCORE].map(Opinion::Score);
        assert_eq!(said(Seats::Collude), most);
    }

    #[test]
    fn honest_seats_say_what_they_measured_and_the_absent_nothing() {
        assert_eq!(said(Seats::Honest), MEASURED);
        for seats in [Seats::Copy, Seats::Absent] {
            assert_eq!(says(seats, &MEASURED, &HOSTILE, [3; 32]), None);
        }
    }
}
