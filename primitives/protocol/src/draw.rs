//! Draws by a keyed permutation.
//!
//! A draw maps every slot of a population to a place, one to one; the slots with the lowest places are drawn. Anybody can
//! check one slot without knowing the others, so no list of the drawn is ever stored.
//!
//! The permutation is the swap-or-not shuffle of Hoang, Morris and Rogaway ("An Enciphering Scheme Based on a Card
//! Shuffle", CRYPTO 2012): exact on populations of any size, and the same small number of hashes whatever the size.
//!
//! Where accounts weigh differently, those of one weight are a class with a permutation of its own, and [`allot`] says how many places
//! each class gets: a share that in the mean is exactly its share of the weight. Nobody can be drawn twice, and no more work is done.

use decentralml_types::{Seed, limits::MAX_WEIGHT};
use sp_crypto_hashing::blake2_256;

/// Rounds of the shuffle, as many as Ethereum's consensus uses for committees of the same kind.
const ROUNDS: u8 = 90;

/// Weights that accounts can have: 1, 2, 4, 8 and 16. Those of weight 2^c are of class c.
pub const CLASSES: usize = 5;

/// A number for each class.
pub type Classes = [u32; CLASSES];

const _: () =
    assert!(1 << (CLASSES - 1) == MAX_WEIGHT, "the heaviest class has the largest weight");

/// The class of accounts of this weight; `None` where there is no such weight.
pub const fn class_of(weight: u8) -> Option<u8> {
    let known = weight.is_power_of_two() && weight <= MAX_WEIGHT;
    // At most 4.
    if known { Some(weight.trailing_zeros() as u8) } else { None }
}

/// What accounts of this class weigh; those above the last one do not exist, and weigh nothing.
pub const fn weight_of(class: u8) -> u8 {
    if (class as usize) < CLASSES { 1 << class } else { 0 }
}

/// The key of one draw: a seed serves several draws, each with its own `purpose`.
pub fn key(seed: &Seed, purpose: &[u8]) -> Seed {
    let mut input = alloc::vec::Vec::with_capacity(32 + purpose.len());
    input.extend_from_slice(seed);
    input.extend_from_slice(purpose);
    blake2_256(&input)
}

/// A draw whose seed is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lots {
    key: Seed,
    population: Classes,
    given: Classes,
}

impl Lots {
    /// The draw with this key of so many places among this population. Where all accounts are of one class, that is the permutation of
    /// the key, or of the class's own, and nothing else.
    pub fn new(key: Seed, population: Classes, places: u32) -> Self {
        let chance = self::key(&key, b"allot");
        let given = allot(population, places, u128::from_le_bytes(first_16(&chance)));
        Self { key, population, given }
    }

    /// How many places each class gets.
    pub const fn given(&self) -> Classes {
        self.given
    }

    /// The rank of a slot in its class, from 0: it is drawn where that is below what the class gets. `None` where there is no such slot.
    pub fn rank(&self, class: u8, slot: u32) -> Option<u32> {
        let population = *self.population.get(usize::from(class))?;
        (slot < population).then(|| place_of(&self.key_of(class), slot, population))
    }

    /// The place of a slot in the draw, from 0; `None` where it is not drawn. Places of lighter classes come first.
    pub fn place(&self, class: u8, slot: u32) -> Option<u32> {
        let rank = self.rank(class, slot)?;
        let (lighter, rest) = self.given.split_at_checked(class.into())?;
        let drawn = rest.first().is_some_and(|given| rank < *given);
        drawn.then(|| lighter.iter().fold(rank, |place, given| place.saturating_add(*given)))
    }

    /// The class and the slot that have a place; `None` where no more are drawn.
    pub fn owner(&self, place: u32) -> Option<(u8, u32)> {
        let mut rank = place;
        for (class, (given, population)) in (0u8..).zip(self.given.into_iter().zip(self.population))
        {
            if rank < given {
                return Some((class, slot_at(&self.key_of(class), rank, population)));
            }
            rank -= given;
        }
        None
    }

    /// The key of a class's permutation: of the lightest one that of the draw, as where there is no other.
    fn key_of(&self, class: u8) -> Seed {
        match class {
            0 => self.key,
            class => key(&self.key, &[class]),
        }
    }
}

/// How many places each class gets: `places` in all, or as many as there are accounts. No class gets more than it has accounts.
///
/// Accounts heavy enough to expect a place or more are drawn for certain, and the others share what is left. Their shares are rounded
/// by systematic sampling: laid end to end, with one offset by chance, each class gets the whole numbers that fall into its share. So the
/// parts make up the sum, and each is right in the mean over `chance`.
pub fn allot(population: Classes, places: u32, chance: u128) -> Classes {
    let mut given = [0; CLASSES];
    // At most 2^36 each: nothing below overflows.
    let sum_of = |class: usize| u128::from(population[class]) << class;
    let mut weight: u128 = (0..CLASSES).map(sum_of).sum();
    let mut left = u128::from(places);
    let mut open = CLASSES;
    // As the heaviest open class is part of `weight`, it has no more accounts than places are left.
    while open > 0 && left << (open - 1) >= weight {
        open -= 1;
        given[open] = population[open];
        left = left.saturating_sub(population[open].into());
        weight -= sum_of(open);
    }
    let offset = chance.checked_rem(weight).unwrap_or(0);
    let (mut sum, mut before) = (0, 0);
    for (class, given) in given.iter_mut().enumerate().take(open) {
        sum += sum_of(class);
        // A share of less than one place for each account, so no more than there are.
        let until = (left * sum + offset).checked_div(weight).unwrap_or(0);
        *given = (until - before) as u32;
        before = until;
    }
    given
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

fn first_16(bytes: &[u8; 32]) -> [u8; 16] {
    let mut head = [0; 16];
    head.copy_from_slice(&bytes[..16]);
    head
}

#[cfg(test)]
mod tests;
