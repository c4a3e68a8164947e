//! Draws and their seeds.

use crate::{
    Config, Draws, Error, Event, NextDraw, OpenDraw, Pallet, Places, Populations, Seeds, WeightInfo,
};
use codec::Encode;
use decentralml_protocol::draw::{self, Lots};
use decentralml_traits::Draw;
use decentralml_types::{RoundNumber, Seed, TaskId};
use frame_support::{
    traits::{Get, Randomness},
    weights::Weight,
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::traits::{One, Saturating};

/// Separates our use of the chain's randomness from every other.
const SUBJECT: &[u8] = b"decentralml/draw/1";

impl<T: Config> Pallet<T> {
    /// The place of an account in a draw, from 0.
    ///
    /// Errors: `NoSuchDraw`, `NotEnrolled`, `SeedUnknown`, `NotDrawn`.
    pub fn place_in(
        task: TaskId,
        round: RoundNumber,
        draw: Draw,
        who: &T::AccountId,
    ) -> Result<u32, Error<T>> {
        let open = Draws::<T>::get((task, round, draw)).ok_or(Error::NoSuchDraw)?;
        let enrollment = Places::<T>::get((task, draw.role(), who)).ok_or(Error::NotEnrolled)?;
        let slot = enrollment.slot_in(open.number).ok_or(Error::NotDrawn)?;
        let seed = Self::seed_of(&open)?;
        let lots = Lots::new(key(&seed, task, round, draw), open.population, open.places);
        lots.place(enrollment.class, slot).ok_or(Error::NotDrawn)
    }

    pub(crate) fn seed_of(open: &OpenDraw<BlockNumberFor<T>>) -> Result<Seed, Error<T>> {
        Seeds::<T>::get(open.seed_block).and_then(|row| row.seed).ok_or(Error::SeedUnknown)
    }

    pub(crate) fn do_open_draw(task: TaskId, round: RoundNumber, draw: Draw, places: u32) -> u32 {
        Self::do_close_draw(task, round, draw);
        let number = NextDraw::<T>::get();
        NextDraw::<T>::put(number.saturating_add(1));
        let population = Populations::<T>::mutate_exists(task, draw.role(), |row| {
            row.as_mut().map(|population| {
                population.latest = Some(number);
                *population
            })
        });
        let population = population.unwrap_or_default();
        let places = places.min(population.enrolled());
        let seed_block = frame_system::Pallet::<T>::block_number().saturating_add(One::one());
        Seeds::<T>::mutate(seed_block, |row| {
            let row = row.get_or_insert_default();
            row.users = row.users.saturating_add(1);
        });
        Draws::<T>::insert(
            (task, round, draw),
            OpenDraw { number, seed_block, population: population.classes, places },
        );
        Self::deposit_event(Event::DrawOpened {
            task,
            round,
            draw,
            population: population.enrolled(),
            places,
            seed_block,
        });
        places
    }

    pub(crate) fn do_close_draw(task: TaskId, round: RoundNumber, draw: Draw) {
        let Some(open) = Draws::<T>::take((task, round, draw)) else { return };
        Seeds::<T>::mutate_exists(open.seed_block, |row| {
            if let Some(seed) = row {
                seed.users = seed.users.saturating_sub(1);
                if seed.users == 0 {
                    *row = None;
                }
            }
        });
    }

    /// Takes the parent block's VRF output as the seed of the draws that wait for it.
    pub(crate) fn capture_seed(now: BlockNumberFor<T>) -> Weight {
        let parent = now.saturating_sub(One::one());
        let Some(mut row) = Seeds::<T>::get(parent).filter(|row| row.seed.is_none()) else {
            return T::DbWeight::get().reads(1);
        };
        if let (Some(output), _) = T::Randomness::random(SUBJECT) {
            row.seed = Some(draw::key(&[0; 32], output.as_ref()));
            Seeds::<T>::insert(parent, row);
        }
        T::WeightInfo::capture_seed()
    }
}

/// The key of the permutation: one seed serves all draws of a block, each with its own key.
fn key(seed: &Seed, task: TaskId, round: RoundNumber, draw: Draw) -> Seed {
    draw::key(seed, &(task, round, draw).encode())
}
