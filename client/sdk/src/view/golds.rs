//! Gold results: what waits for them.

use decentralml_protocol::gold;
use decentralml_types::{BlockNumber, Failure, Hash, Phase};

use super::View;
use crate::{api, error::ReadError, record::Round};

/// What can be done about the gold results of a round, in the block after the one at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoldStep {
    /// Nothing yet: the round lives.
    Wait,
    /// Their sponsor reveals them.
    Reveal,
    /// Anybody concludes them: it is too late, or the round was never measured.
    Conclude,
}

impl Round {
    /// What can be done about this round's gold results in the block after `now`.
    pub fn gold_step(&self, now: BlockNumber) -> GoldStep {
        let counted = match (self.phase, self.failure) {
            (Phase::Settled, _) => true,
            (Phase::Void, Some(Failure::NothingAccepted | Failure::NoAgreement)) => true,
            (Phase::Void, _) => false,
            _ => return GoldStep::Wait,
        };
        match self.ended_at.filter(|_| counted) {
            Some(ended) if now < gold::deadline(ended) => GoldStep::Reveal,
            _ => GoldStep::Conclude,
        }
    }
}

impl View {
    /// The seals of a round's gold results that are neither revealed nor concluded.
    pub async fn golds(&self, round: &Round) -> Result<Vec<Hash>, ReadError> {
        let items = api::storage().golds().golds();
        let row = self.get("the gold results", items, (round.task, round.number)).await?;
        Ok(row
            .map_or_else(Vec::new, |row| row.hidden.0.into_iter().map(|gold| gold.seal).collect()))
    }

    /// Whether the rows of a round that is over wait for gold results.
    pub async fn awaits_golds(&self, round: &Round) -> Result<bool, ReadError> {
        Ok(round.gold_step(self.number()) == GoldStep::Reveal
            && !self.golds(round).await?.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(phase: Phase, failure: Option<Failure>) -> Round {
        Round {
            task: 0,
            number: 3,
            phase,
            deadline: 200,
            started_at: 0,
            base: None,
            state: None,
            sealed: false,
            committee: 0,
            places: 0,
            seats: 0,
            updates: 0,
            accepted: 0,
            pot: 0,
            open_rows: 0,
            ended_at: phase.is_final().then_some(100),
            failure,
            model: None,
        }
    }

    #[test]
    fn gold_results_are_revealed_while_the_next_block_may_take_them() {
        let settled = round(Phase::Settled, None);
        assert_eq!(settled.gold_step(100), GoldStep::Reveal);
        assert_eq!(settled.gold_step(109), GoldStep::Reveal);
        assert_eq!(settled.gold_step(110), GoldStep::Conclude, "the next block is one too late");
        for failure in [Failure::NothingAccepted, Failure::NoAgreement] {
            assert_eq!(round(Phase::Void, Some(failure)).gold_step(100), GoldStep::Reveal);
        }
        for failure in [Failure::TooFewScores, Failure::Cancelled, Failure::Expired] {
            assert_eq!(round(Phase::Void, Some(failure)).gold_step(100), GoldStep::Conclude);
        }
        assert_eq!(round(Phase::Aggregating, None).gold_step(100), GoldStep::Wait);
    }
}
