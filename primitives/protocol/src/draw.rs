//! Draws by a keyed permutation.
//!
//! A draw maps every slot of a population to a place, one to one; the slots with the lowest places are drawn. Anybody can
//! check one slot without knowing the others, so no list of the drawn is ever stored.
//!
//! The permutation is the swap-or-not shuffle of Hoang, Morris and Rogaway ("An Enciphering Scheme Based on a Card
//! Shuffle", CRYPTO 2012): exact on populations of any size, and the same small number of hashes whatever the size.

use decentralml_types::Seed;
use sp_crypto_hashing::blake2_256;

/// Rounds of the shuffle, as many as Ethereum's consensus uses for committees of the same kind.
const ROUNDS: u8 = 90;

/// The key of one draw: a seed serves several draws, each with its own `purpose`.
pub fn key(seed: &Seed, purpose: &[u8]) -> Seed {
    let mut input = alloc::vec::Vec::with_capacity(32 + purpose.len());
    input.extend_from_slice(seed);
    input.extend_from_slice(purpose);
    blake2_256(&input)
}

/// The place of a slot among `population` slots. `slot` must be below `population`.
pub fn place_of(key: &Seed, slot: u32, population: u32) -> u32 {
    (0..ROUNDS).fold(slot, |at, round| swap_or_not(key, round, at, population))
}

/// The slot that holds a place: the inverse of [`place_of`].
pub fn slot_at(key: &Seed, place: u32, population: u32) -> u32 {
    (0..ROUNDS).rev().fold(place, |at, round| swap_or_not(key, round, at, population))
}

/// One round of the shuffle, which is its own inverse: an element and its partner either change places or stay.
fn swap_or_not(key: &Seed, round: u8, at: u32, population: u32) -> u32 {
    if population < 2 || at >= population {
        return at;
    }
    let size = u64::from(population);
    let pivot = u64::from_le_bytes(first_8(&hash(key, round, None))) % size;
    // Below `population`, as the sum is reduced by it.
    let partner = ((pivot + size - u64::from(at)) % size) as u32;
    let bit = hash(key, round, Some(at.max(partner)))[0] & 1;
    if bit == 1 { partner } else { at }
}

fn hash(key: &Seed, round: u8, position: Option<u32>) -> [u8; 32] {
    let mut input = [0; 38];
    input[..32].copy_from_slice(key);
    input[32] = round;
    if let Some(position) = position {
        input[33] = 1;
        input[34..].copy_from_slice(&position.to_le_bytes());
    }
    blake2_256(&input)
}

fn first_8(bytes: &[u8; 32]) -> [u8; 8] {
    let mut head = [0; 8];
    head.copy_from_slice(&bytes[..8]);
    head
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn a_draw_is_a_permutation(seed: [u8; 32], population in 1u32..400) {
            let places: BTreeSet<u32> = (0..population).map(|slot| place_of(&seed, slot, population)).collect();
            prop_assert_eq!(places.len() as u32, population);
            prop_assert!(places.last() < Some(&population));
        }

        #[test]
        fn slots_and_places_are_inverse(seed: [u8; 32], population in 1u32.., slot: u32) {
            let slot = slot % population;
            prop_assert_eq!(slot_at(&seed, place_of(&seed, slot, population), population), slot);
        }
    }

    #[test]
    fn every_slot_is_drawn_about_equally_often() {
        // 3 of 10 places, 4,000 draws: each slot is expected 1,200 times, with a standard deviation of 29.
        let mut drawn = [0u32; 10];
        for draw in 0u32..4_000 {
            let key = key(&[7; 32], &draw.to_le_bytes());
            for (slot, count) in drawn.iter_mut().enumerate() {
                *count += u32::from(place_of(&key, slot as u32, 10) < 3);
            }
        }
        assert!(drawn.iter().all(|&count| (1_055..1_345).contains(&count)), "{drawn:?}");
    }

    #[test]
    fn different_purposes_give_different_draws() {
        let places = |purpose: &[u8]| -> Vec<u32> {
            let key = key(&[1; 32], purpose);
            (0..50).map(|slot| place_of(&key, slot, 50)).collect()
        };
        assert_ne!(places(b"trainers"), places(b"committee"));
    }
}
