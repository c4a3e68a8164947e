//! Enrollment and draws.

use codec::Encode;
use decentralml_protocol::draw::{self as rule, Lots};
use decentralml_types::{Role, RoundNumber, Seed, TaskId};
use subxt::utils::Static;

use super::View;
use crate::{
    AccountId,
    api::{
        self, assignments::storage::places::Output as Enrolled,
        runtime_types::decentralml_traits as traits,
    },
    error::ReadError,
    record::{Draw, Enrollment, Listing, Place},
};

/// Places of a draw that are looked up: no draw of ours has more.
const MAX_PLACES: u32 = 256;
/// Enrolled accounts that are looked through for one whose slot has changed hands since the draw.
const MAX_SEEN: usize = 100_000;

impl View {
    /// An account's part in a task.
    pub async fn enrollment(
        &self,
        task: TaskId,
        role: Role,
        account: &AccountId,
    ) -> Result<Option<Enrollment>, ReadError> {
        let key = (task, Static(role), *account);
        let row = self.get("an enrollment", api::storage().assignments().places(), key).await?;
        Ok(row.map(|row| Enrollment {
            weight: rule::weight_of(row.class),
            slot: row.slot,
            engaged: row.engaged,
            open_rows: row.open_rows,
        }))
    }

    /// How many accounts are enrolled in a task and role.
    pub async fn enrolled(&self, task: TaskId, role: Role) -> Result<u32, ReadError> {
        let key = (task, Static(role));
        let row = self.get("enrollments", api::storage().assignments().populations(), key).await?;
        Ok(row.map_or(0, |population| population.classes.into_iter().fold(0, u32::saturating_add)))
    }

    /// The accounts that are enrolled in a task and role, in no particular order; `most` of them at most, as there may be any number.
    /// Where there are more, which ones are read is the same for everybody who reads the same state.
    pub async fn enrolled_accounts(
        &self,
        task: TaskId,
        role: Role,
        most: usize,
    ) -> Result<Listing<AccountId>, ReadError> {
        let slots = api::storage().assignments().slots();
        let account = |_, account| Some(account);
        self.search("enrollments", slots, (task, Static(role)), most, account).await
    }

    /// An account's place in a draw, computed as the chain computes it.
    pub async fn place(
        &self,
        task: TaskId,
        round: RoundNumber,
        draw: Draw,
        account: &AccountId,
    ) -> Result<Place, ReadError> {
        let draws = api::storage().assignments().draws();
        let Some(open) = self.get("a draw", draws, (task, round, draw.into())).await? else {
            return Ok(Place::NotOpen);
        };
        let key = (task, Static(draw.role()), *account);
        let row = self.get("an enrollment", api::storage().assignments().places(), key).await?;
        let slot = row.and_then(|row| Some((row.class, slot_in(&row, open.number)?)));
        let Some((class, slot)) = slot else { return Ok(Place::NotDrawn) };
        let Some(seed) = self.seed(open.seed_block).await? else { return Ok(Place::SeedUnknown) };
        let lots = Lots::new(key_of(&seed, task, round, draw), open.population, open.places);
        Ok(lots.place(class, slot).map_or(Place::NotDrawn, Place::Drawn))
    }

    /// The accounts that are drawn, in the order of their places; those that have left since are not among them. `None` where there
    /// is no such draw, or its seed is not known.
    pub async fn drawn(
        &self,
        task: TaskId,
        round: RoundNumber,
        draw: Draw,
    ) -> Result<Option<Vec<AccountId>>, ReadError> {
        let draws = api::storage().assignments().draws();
        let Some(open) = self.get("a draw", draws, (task, round, draw.into())).await? else {
            return Ok(None);
        };
        let Some(seed) = self.seed(open.seed_block).await? else { return Ok(None) };
        let lots = Lots::new(key_of(&seed, task, round, draw), open.population, open.places);
        let role = || Static(draw.role());
        let places = open.places.min(MAX_PLACES);
        let mut drawn = Vec::new();
        let mut moved = false;
        for place in 0..places {
            let Some((class, slot)) = lots.owner(place) else { break };
            let slots = api::storage().assignments().slots();
            let owner = self.get("a slot", slots, (task, role(), class, slot)).await?;
            let Some(owner) = owner else {
                moved = true;
                continue;
            };
            let rows = api::storage().assignments().places();
            let row = self.get("an enrollment", rows, (task, role(), owner)).await?;
            match row.is_some_and(|row| slot_in(&row, open.number) == Some(slot)) {
                true => drawn.push((place, owner)),
                false => moved = true,
            }
        }
        if moved {
            // Whoever had such a slot has left, or has taken the slot of one that has: only its own row tells.
            let rows = api::storage().assignments().places();
            let place = |(_, _, account): (u32, Static<Role>, AccountId), row: Enrolled| {
                let place = lots.place(row.class, slot_in(&row, open.number)?)?;
                (place < places).then_some((place, account))
            };
            drawn = self.search("enrollments", rows, (task, role()), MAX_SEEN, place).await?.rows;
            drawn.sort_by_key(|(place, _)| *place);
        }
        Ok(Some(drawn.into_iter().map(|(_, account)| account).collect()))
    }

    /// The key of a draw's permutation: randomness that belongs to this draw alone. `None` while it is not known, and once the
    /// draw is over.
    pub async fn draw_seed(
        &self,
        task: TaskId,
        round: RoundNumber,
        draw: Draw,
    ) -> Result<Option<Seed>, ReadError> {
        let draws = api::storage().assignments().draws();
        let Some(open) = self.get("a draw", draws, (task, round, draw.into())).await? else {
            return Ok(None);
        };
        let seed = self.seed(open.seed_block).await?;
        Ok(seed.map(|seed| key_of(&seed, task, round, draw)))
    }

    pub(super) async fn seed(&self, block: u32) -> Result<Option<Seed>, ReadError> {
        let row = self.get("a seed", api::storage().assignments().seeds(), (block,)).await?;
        Ok(row.and_then(|row| row.seed))
    }
}

/// The slot that an account has in a draw: one that was moved keeps its earlier slot for the draw that was open then.
pub(super) fn slot_in(row: &Enrolled, draw: u64) -> Option<u32> {
    let earlier = row.earlier.as_ref().map(|earlier| (earlier.since, earlier.slot));
    [Some((row.since, row.slot)), earlier]
        .into_iter()
        .flatten()
        .find(|(since, _)| *since <= draw)
        .map(|(_, slot)| slot)
}

pub(super) fn key_of(seed: &Seed, task: TaskId, round: RoundNumber, draw: Draw) -> Seed {
    rule::key(seed, &(task, round, draw).encode())
}

impl From<Draw> for traits::Draw {
    fn from(draw: Draw) -> Self {
        match draw {
            Draw::Trainers => Self::Trainers,
            Draw::Committee(number) => Self::Committee(number),
        }
    }
}
