//! By what a round was decided: draws, opinions, standings and shares. Most of it is gone once the round is settled, and is read
//! from the state of earlier blocks.

use decentralml_protocol::{
    draw::{Classes, Lots},
    gold::UNMEASURED,
};
use decentralml_types::{
    BlockNumber, CommitteeNumber, Opinion, RoundNumber, Score, TaskId, limits::TALLY_BATCH,
};
use subxt::utils::Static;

use super::{View, draw};
use crate::{AccountId, api, error::ReadError, record::Draw};

/// An account in a draw, with the numbers that decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Drawing {
    /// The block whose VRF output is the seed.
    pub seed_block: BlockNumber,
    /// Slots of each class among which it is drawn.
    pub population: Classes,
    /// Slots that are drawn.
    pub places: u32,
    /// The account's class and slot; `None` where it was not enrolled in time.
    pub slot: Option<(u8, u32)>,
    /// The draw; `None` where the seed is not known.
    pub lots: Option<Lots>,
}

/// What a committee's tally has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    /// Updates that it judges.
    pub updates: u32,
    /// Seats that have opened their scores.
    pub opened: Vec<AccountId>,
    /// How far each of them is from the medians, summed over the updates.
    pub distances: Vec<u64>,
    /// Those of them that no gold result measures, as they had no score for an update for which the committee found one.
    pub unmeasured: Vec<AccountId>,
    /// Sum of the positive medians.
    pub total: u64,
}

/// The seats in whose place the chain counts no missed gold results.
fn unmeasured(opened: &[AccountId], missed: &[u8]) -> Vec<AccountId> {
    let rows = opened.iter().zip(missed).filter(|(_, missed)| **missed == UNMEASURED);
    rows.map(|(seat, _)| *seat).collect()
}

/// A trainer's running score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// After the round.
    pub score: Score,
    /// Before it.
    pub previous: Score,
}

impl View {
    /// An account in a draw; `None` where the draw is not open.
    pub(crate) async fn drawing(
        &self,
        task: TaskId,
        round: RoundNumber,
        drawn: Draw,
        account: &AccountId,
    ) -> Result<Option<Drawing>, ReadError> {
        let draws = api::storage().assignments().draws();
        let Some(open) = self.get("a draw", draws, (task, round, drawn.into())).await? else {
            return Ok(None);
        };
        let key = (task, Static(drawn.role()), *account);
        let row = self.get("an enrollment", api::storage().assignments().places(), key).await?;
        let slot = row.and_then(|row| Some((row.class, draw::slot_in(&row, open.number)?)));
        let (seed_block, population, places) = (open.seed_block, open.population, open.places);
        let seed = self.seed(seed_block).await?;
        let lots =
            seed.map(|seed| Lots::new(draw::key_of(&seed, task, round, drawn), population, places));
        Ok(Some(Drawing { seed_block, population, places, slot, lots }))
    }

    /// The place that the chain itself computes for an account; `None` where it is not drawn.
    pub(crate) async fn place_by_chain(
        &self,
        task: TaskId,
        round: RoundNumber,
        drawn: Draw,
        account: &AccountId,
    ) -> Result<Option<u32>, ReadError> {
        let question = api::runtime_apis().federated_api();
        self.ask("a place", question.place(task, round, drawn.into(), *account)).await
    }

    /// What a committee's tally has come to.
    pub(crate) async fn counted(
        &self,
        task: TaskId,
        round: RoundNumber,
        committee: CommitteeNumber,
    ) -> Result<Option<Counted>, ReadError> {
        let committees = api::storage().validation().committees();
        let row = self.get("a committee", committees, (task, round, committee)).await?;
        Ok(row.map(|row| Counted {
            updates: row.updates,
            unmeasured: unmeasured(&row.opened.0, &row.missed.0),
            opened: row.opened.0,
            distances: row.distances.0,
            total: row.tally.total,
        }))
    }

    /// What a seat has opened of one batch of updates.
    pub(crate) async fn sheet(
        &self,
        (task, round, committee): (TaskId, RoundNumber, CommitteeNumber),
        batch: u32,
        seat: &AccountId,
    ) -> Result<Vec<Opinion>, ReadError> {
        let sheets = api::storage().validation().sheets();
        let row = self.get("a seat's scores", sheets, (task, round, committee, batch, *seat));
        let row = row.await?.map(|row| row.0).unwrap_or_default();
        Ok(row.into_iter().map(|opinion| opinion.0).collect())
    }

    /// What each seat that opened says of one update, as far as it is still there.
    pub(crate) async fn opinions(
        &self,
        key: (TaskId, RoundNumber, CommitteeNumber),
        opened: &[AccountId],
        index: u32,
    ) -> Result<Vec<(AccountId, Opinion)>, ReadError> {
        let mut opinions = Vec::new();
        for seat in opened {
            let sheet = self.sheet(key, index / TALLY_BATCH, seat).await?;
            let opinion = sheet.get((index % TALLY_BATCH) as usize);
            opinions.extend(opinion.map(|opinion| (*seat, *opinion)));
        }
        Ok(opinions)
    }

    /// A trainer's running score before and after `round`, which was the last that judged it.
    pub(crate) async fn standing(
        &self,
        task: TaskId,
        round: RoundNumber,
        account: &AccountId,
    ) -> Result<Option<Standing>, ReadError> {
        let running = api::storage().validation().running();
        let row = self.get("a running score", running, (task, *account)).await?;
        let of_round = row.filter(|row| row.round == round);
        Ok(of_round.map(|row| Standing { score: row.score, previous: row.previous }))
    }

    /// The moving average of the rounds' totals: before `round`, which was the last that was tallied, and with it.
    pub(crate) async fn trend(
        &self,
        task: TaskId,
        round: RoundNumber,
    ) -> Result<Option<(Option<u64>, u64)>, ReadError> {
        let histories = api::storage().validation().histories();
        let row = self.get("a task's history", histories, (task,)).await?;
        let trend = row.and_then(|row| row.trend).filter(|trend| trend.round == round);
        Ok(trend.map(|trend| (trend.previous, trend.value)))
    }

    /// The sum of the weights of a round's accepted updates, while one of them is not settled.
    pub(crate) async fn weights(
        &self,
        task: TaskId,
        round: RoundNumber,
    ) -> Result<Option<u128>, ReadError> {
        let shares = api::storage().validation().shares();
        let row = self.get("a round's shares", shares, (task, round)).await?;
        Ok(row.map(|row| row.weight))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_that_could_not_have_an_update_are_told_from_those_that_missed_none_or_some() {
        let [none, some, unmeasured] = [1, 2, 3].map(|byte| AccountId::from([byte; 32]));
        assert_eq!(super::unmeasured(&[none, some, unmeasured], &[0, 4, UNMEASURED]), [unmeasured]);
    }
}
