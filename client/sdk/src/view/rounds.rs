//! What happens in a round: updates, scores, verdicts, and what is left to settle.

use std::collections::BTreeMap;

use decentralml_types::{CommitteeNumber, NextModel, Phase, RoundNumber, Score, TaskId};

use super::View;
use crate::{
    AccountId,
    api::{self, results::storage as results, validation::storage as validation},
    due::SeatStep,
    error::ReadError,
    record::{
        Attestation, Claim, Claims, Commitment, Committee, Handover, Reveal, Revealed, Round, Row,
        Seat, Verdict,
    },
};

/// Rounds that one question about claims covers: as many as the chain answers for.
const CLAIM_ROUNDS: u32 = 256;

impl View {
    /// A trainer's row; `None` where it has not committed, or is settled.
    pub async fn commitment(
        &self,
        task: TaskId,
        round: RoundNumber,
        account: &AccountId,
    ) -> Result<Option<Commitment>, ReadError> {
        let commitments = api::storage().results().commitments();
        let row = self.get("a commitment", commitments, (task, round, *account)).await?;
        Ok(row.map(read_commitment))
    }

    /// All trainers' rows of a round that are not settled.
    pub async fn commitments(
        &self,
        task: TaskId,
        round: RoundNumber,
    ) -> Result<Vec<(AccountId, Commitment)>, ReadError> {
        let commitments = api::storage().results().commitments();
        let rows = self.entries("the commitments", commitments, (task, round)).await?;
        Ok(rows.into_iter().map(|((_, _, who), row)| (who, read_commitment(row))).collect())
    }

    /// The revealed updates that are not settled, in the order of the reveals.
    pub async fn reveals(
        &self,
        task: TaskId,
        round: RoundNumber,
    ) -> Result<Vec<Reveal>, ReadError> {
        let rows = self.commitments(task, round).await?;
        let mut reveals: Vec<Reveal> = rows
            .into_iter()
            .filter_map(|(account, row)| {
                let Revealed { index, cid, plain_hash, samples, handover } = row.revealed?;
                let committed = row.number;
                Some(Reveal { index, committed, account, cid, plain_hash, samples, handover })
            })
            .collect();
        reveals.sort_by_key(|reveal| reveal.index);
        Ok(reveals)
    }

    /// A committee of a round.
    pub async fn committee(
        &self,
        task: TaskId,
        round: RoundNumber,
        committee: CommitteeNumber,
    ) -> Result<Option<Committee>, ReadError> {
        let committees = api::storage().validation().committees();
        let row = self.get("a committee", committees, (task, round, committee)).await?;
        Ok(row.map(read_committee))
    }

    /// A seat that committed to scores and is not settled.
    pub async fn seat(
        &self,
        task: TaskId,
        round: RoundNumber,
        committee: CommitteeNumber,
        account: &AccountId,
    ) -> Result<Option<Seat>, ReadError> {
        let seats = api::storage().validation().seats();
        let row = self.get("a seat", seats, (task, round, committee, *account)).await?;
        Ok(row.map(read_seat))
    }

    /// All seats that committed to scores and are not settled.
    pub async fn seats(
        &self,
        task: TaskId,
        round: RoundNumber,
        committee: CommitteeNumber,
    ) -> Result<Vec<(AccountId, Seat)>, ReadError> {
        let seats = api::storage().validation().seats();
        let rows = self.entries("the seats", seats, (task, round, committee)).await?;
        Ok(rows.into_iter().map(|((_, _, _, who), row)| (who, read_seat(row))).collect())
    }

    /// What was found about a trainer's update.
    pub async fn verdict(
        &self,
        task: TaskId,
        round: RoundNumber,
        account: &AccountId,
    ) -> Result<Option<Verdict>, ReadError> {
        let verdicts = api::storage().validation().verdicts();
        let row = self.get("a verdict", verdicts, (task, round, *account)).await?;
        Ok(row.map(read_verdict))
    }

    /// What was found about all updates of a round that are not settled.
    pub async fn verdicts(
        &self,
        task: TaskId,
        round: RoundNumber,
    ) -> Result<Vec<(AccountId, Verdict)>, ReadError> {
        let verdicts = api::storage().validation().verdicts();
        let rows = self.entries("the verdicts", verdicts, (task, round)).await?;
        Ok(rows.into_iter().map(|((_, _, who), row)| (who, read_verdict(row))).collect())
    }

    /// A trainer's running score in a task, in micro-nats; 0 where it was never judged.
    pub async fn running_score(
        &self,
        task: TaskId,
        account: &AccountId,
    ) -> Result<Score, ReadError> {
        let running = api::storage().validation().running();
        let row = self.get("a running score", running, (task, *account)).await?;
        Ok(row.map_or(0, |standing| standing.score))
    }

    /// The running scores of all trainers of a task, in micro-nats.
    pub async fn running_scores(&self, task: TaskId) -> Result<Vec<(AccountId, Score)>, ReadError> {
        let running = api::storage().validation().running();
        let rows = self.entries("the running scores", running, (task,)).await?;
        Ok(rows.into_iter().map(|((_, who), standing)| (who, standing.score)).collect())
    }

    /// What an account would be paid by claims in a task, over all its rounds, and what it is owed there.
    pub async fn claimable(&self, task: TaskId, account: &AccountId) -> Result<Claims, ReadError> {
        let mut all = Claims::default();
        let mut from = None;
        loop {
            let question = api::runtime_apis().federated_api();
            let question = question.claimable(task, *account, from, CLAIM_ROUNDS);
            let part = self.ask("claims", question).await?;
            (all.asset, all.owed) = (part.asset.0, part.owed);
            all.claims.extend(part.claims.into_iter().map(|claim| Claim {
                row: Row {
                    task,
                    round: claim.round,
                    account: *account,
                    committee: claim.committee,
                },
                amount: claim.amount,
            }));
            // Rounds only go up: an endpoint that leads back would keep us here for ever.
            match part.next {
                Some(next) if from.is_none_or(|from| next > from) => from = Some(next),
                Some(_) => {
                    return Err(ReadError::Unexpected("claims that lead in a circle".into()));
                }
                None => return Ok(all),
            }
        }
    }

    /// An account's seats in a round that are not settled, by committee.
    pub async fn own_seats(
        &self,
        task: TaskId,
        round: &Round,
        account: &AccountId,
    ) -> Result<Vec<(CommitteeNumber, Seat)>, ReadError> {
        let mut own = Vec::new();
        for committee in 0..=round.committee {
            if let Some(seat) = self.seat(task, round.number, committee, account).await? {
                own.push((committee, seat));
            }
        }
        Ok(own)
    }

    /// Everything in a task's finished rounds that a claim settles now, whoever's it is and whether it is paid, or accused.
    pub async fn open_rows(&self, task: TaskId) -> Result<Vec<Row>, ReadError> {
        let mut rows = Vec::new();
        let waits = self.awaiting_answers(task).await?;
        for round in self.rounds(task).await? {
            if !round.phase.is_final() || round.open_rows == 0 {
                continue;
            }
            let row = |account, committee| Row { task, round: round.number, account, committee };
            let awaits_golds = self.awaits_golds(&round).await?;
            let trainers = self.commitments(task, round.number).await?;
            // The row of an update that is challenged waits, but for one of a void round.
            let settles = |account: &AccountId| {
                round.phase == Phase::Void || !waits.contains(&(round.number, account.0))
            };
            let due = trainers.into_iter().filter(|(account, row)| {
                settles(account) && !(awaits_golds && row.revealed.is_some())
            });
            rows.extend(due.map(|(account, _)| row(account, None)));
            let mut seats: BTreeMap<AccountId, Vec<(CommitteeNumber, Seat)>> = BTreeMap::new();
            for committee in 0..=round.committee {
                for (account, seat) in self.seats(task, round.number, committee).await? {
                    seats.entry(account).or_default().push((committee, seat));
                }
            }
            for (account, own) in seats {
                let due = own.iter().filter(|(committee, seat)| {
                    let waits = awaits_golds && seat.opened && *committee == round.committee;
                    !waits && round.seat_step(*committee, &own, self.number()) == SeatStep::Claim
                });
                rows.extend(due.map(|(committee, _)| row(account, Some(*committee))));
            }
        }
        Ok(rows)
    }
}

fn read_commitment(row: results::commitments::Output) -> Commitment {
    let revealed = row.revealed.map(|(index, update)| Revealed {
        index,
        cid: update.cid.0,
        plain_hash: update.plain_hash,
        samples: update.samples,
        handover: update
            .handover
            .map(|handover| Handover { committee: handover.committee, keys: handover.keys.0 }),
    });
    Commitment { hash: row.hash, number: row.number, revealed }
}

fn read_committee(row: validation::committees::Output) -> Committee {
    let mut attestations: Vec<Attestation> = Vec::new();
    for attestation in row.attestations.0 {
        let (next, metric) = (read_next(attestation.next), attestation.metric);
        match attestations.iter_mut().find(|known| known.next == next) {
            Some(known) => known.metrics.push(metric),
            None => attestations.push(Attestation { next, metrics: vec![metric] }),
        }
    }
    Committee {
        seats: row.seats,
        updates: row.updates,
        committed: row.committed,
        opened: row.opened.0,
        attestations,
        accepted: row.tally.accepted,
    }
}

fn read_seat(row: validation::seats::Output) -> Seat {
    let attested = row.attested.map(read_next);
    Seat { commitment: row.commitment, opened: row.opened, attested }
}

fn read_next(next: api::runtime_types::decentralml_types::next::NextModel) -> NextModel {
    NextModel { cid: next.cid.0, state: next.state.map(|state| state.0) }
}

fn read_verdict(row: validation::verdicts::Output) -> Verdict {
    Verdict { score: row.score, outcome: row.outcome.map(|outcome| outcome.0), gold: row.gold }
}
