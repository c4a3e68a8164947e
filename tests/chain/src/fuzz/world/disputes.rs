//! Cases against participants, and challenges of what they have revealed.

use super::{
    ACCOUNTS, COUNCIL, KEEPER, World,
    calls::spec,
    name,
    play::{self, Play},
};
use crate::fuzz::step::{Setting, Shape, Then, Which, Who};
use decentralml_runtime::*;
use decentralml_types::{CaseId, RoundNumber, TaskId};
use pallet_challenges::{Blocks, Bytes, Path, Records, Stage};
use pallet_disputes::Cases;

/// An open challenge: of which update, which block, and the last block to answer.
type Open = (TaskId, RoundNumber, AccountId, Vec<u16>, u32);

impl World {
    /// One of the open cases; where there is none, the number of a case that is not.
    pub(super) fn case(&mut self, case: u8) -> CaseId {
        let open = self.cases();
        match open.len() {
            0 => case.into(),
            some => open[usize::from(case) % some],
        }
    }

    /// All open cases, by number.
    pub fn cases(&mut self) -> Vec<CaseId> {
        let mut open: Vec<_> = self.chain.read(|| Cases::<Runtime>::iter_keys().collect());
        open.sort_unstable();
        open
    }

    pub(super) fn accused(&mut self, case: CaseId) -> Who {
        let row = self.chain.read(|| Cases::<Runtime>::get(case));
        let is_accused =
            |who: &Who| row.as_ref().is_some_and(|row| row.charge.accused == name(*who));
        (0..ACCOUNTS).find(is_accused).unwrap_or(0)
    }

    /// One of the open cases is judged, after the council has set other parameters if it is to.
    pub(super) fn judge(
        &mut self,
        case: u8,
        setting: Option<Setting>,
        votes: [Option<bool>; 3],
    ) -> Result<(), String> {
        if self.cases().is_empty() {
            // Whoever is to be accused in a round that is over is, by its claim.
            for which in 0..3 {
                let task = self.task(which);
                // The next round begins as one ends.
                if let Some((round, _)) = self.current(task) {
                    self.settle(KEEPER, task, round.saturating_sub(1))?;
                    self.settle(KEEPER, task, round)?;
                }
            }
        }
        let case = self.case(case);
        if let Some(setting) = setting {
            self.govern(setting)?;
        }
        self.judge_case(case, votes)
    }

    /// The accused appeals where it still can, these members of the council vote, and the case comes to its end.
    pub fn judge_case(&mut self, case: CaseId, votes: [Option<bool>; 3]) -> Result<(), String> {
        use pallet_disputes::Call;
        let accused = self.accused(case);
        self.call(accused, Call::appeal { case })?;
        for (who, vote) in COUNCIL.into_iter().zip(votes) {
            if let Some(guilty) = vote {
                self.call(who, Call::vote { case, guilty })?;
            }
        }
        if !self.call(KEEPER, Call::conclude { case })? {
            self.conclude_in_time(case)?;
        }
        Ok(())
    }

    /// Waits for a case's deadline, and ends it. Fails where that is not possible.
    pub fn conclude_in_time(&mut self, case: CaseId) -> Result<(), String> {
        let now = self.chain.number();
        let Some(row) = self.chain.read(|| Cases::<Runtime>::get(case)) else { return Ok(()) };
        self.blocks(row.deadline.saturating_sub(now))?;
        match self.call(KEEPER, pallet_disputes::Call::conclude { case })? {
            true => Ok(()),
            false => Err(format!("case: {case} cannot be concluded when its time is over")),
        }
    }

    pub(super) fn challenge_in(
        &mut self,
        by: Who,
        first: Which,
        phase: u8,
        (who, path): (Who, &[u16]),
        then: Then,
    ) -> Result<(), String> {
        let mut which = None;
        for other in first..first + 6 {
            let task = self.task(other);
            if self.current(task).is_some_and(|(_, round)| !round.phase.is_final()) {
                which = Some(other);
                break;
            }
        }
        // Where no round lives, one begins.
        let which = match which {
            Some(which) => which,
            None => {
                let spec = Box::new(spec(&Shape::ordinary()));
                self.call(by, pallet_tasks::Call::create { spec })?;
                self.join(by, 6, 4, 0)?;
                0
            }
        };
        self.round(which, Play::honest(Some(phase)))?;
        let task = self.task(which);
        self.challenge(by, task, who, path)?;
        let Some((number, _)) = self.current(task) else { return Ok(()) };
        let open = self.challenges().iter().position(|open| open.0 == task);
        let Some(open) = open.and_then(|open| u8::try_from(open).ok()) else { return Ok(()) };
        match then {
            Then::Answer => self.answer(by, open, true),
            Then::Amend(setting) => {
                self.govern(setting)?;
                self.answer(by, open, true)
            }
            Then::Silence => {
                self.round(which, Play::honest(None))?;
                self.end_challenge(by, open, true)
            }
            Then::Cancel => {
                self.cancel(None, which)?;
                self.settle(by, task, number)
            }
        }
    }

    /// A demand for a block of the update of `who` or of whoever comes next and has revealed one in the current round.
    pub(super) fn challenge(
        &mut self,
        by: Who,
        task: TaskId,
        who: Who,
        path: &[u16],
    ) -> Result<(), String> {
        let round = self.current(task).map_or(1, |(number, _)| number);
        let has_revealed = |who: &Who| {
            pallet_results::Commitments::<Runtime>::get((task, round, name(*who)))
                .is_some_and(|row| row.revealed.is_some())
        };
        let order = (0..ACCOUNTS).map(|more| (who + more) % ACCOUNTS);
        // Only what has leaves has blocks below its root.
        let fits = |who: &Who| has_revealed(who) && (path.is_empty() || play::has_leaves(*who));
        let found = self
            .chain
            .read(|| order.clone().find(fits).or_else(|| order.clone().find(has_revealed)));
        let (trainer, path) = (name(found.unwrap_or(who)), Path::truncate_from(path.to_vec()));
        self.call(by, pallet_challenges::Call::challenge { task, round, trainer, path })?;
        Ok(())
    }

    /// All open challenges, in an order of their own.
    pub fn challenges(&mut self) -> Vec<Open> {
        let mut open: Vec<Open> = self.chain.read(|| {
            Records::<Runtime>::iter()
                .filter_map(|((task, round, trainer), record)| match record.stage {
                    Stage::Open(challenge) => {
                        let path = challenge.path.to_vec();
                        Some((task, round, trainer, path, challenge.deadline))
                    }
                    Stage::Answered | Stage::Unanswered => None,
                })
                .collect()
        });
        open.sort_unstable();
        open
    }

    fn open(&mut self, challenge: u8) -> Open {
        let open = self.challenges();
        match open.len() {
            0 => (0, 1, name(challenge % ACCOUNTS), Vec::new(), 0),
            some => open[usize::from(challenge) % some].clone(),
        }
    }

    pub(super) fn answer(&mut self, by: Who, challenge: u8, right: bool) -> Result<(), String> {
        let (task, round, trainer, path, _) = self.open(challenge);
        let who = (0..ACCOUNTS).find(|who| name(*who) == trainer).unwrap_or(0);
        let blocks = match right {
            true => play::along(round, who, &path),
            false => vec![vec![challenge; 40]; usize::from(challenge % 4)],
        };
        let blocks = blocks.into_iter().map(Bytes::truncate_from).collect();
        let blocks = Blocks::truncate_from(blocks);
        self.call(by, pallet_challenges::Call::answer { task, round, trainer, blocks })?;
        Ok(())
    }

    pub(super) fn end_challenge(
        &mut self,
        by: Who,
        challenge: u8,
        due: bool,
    ) -> Result<(), String> {
        let (task, round, trainer, _, deadline) = self.open(challenge);
        if due {
            let now = self.chain.number();
            self.blocks((deadline + 1).saturating_sub(now))?;
        }
        self.call(by, pallet_challenges::Call::conclude { task, round, trainer })?;
        Ok(())
    }
}
