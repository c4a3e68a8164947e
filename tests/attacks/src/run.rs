//! One cell, from the task's creation to its last round.

use std::{collections::BTreeMap, time::Instant};

use anyhow::{Context, Result, ensure};
use codec::Encode;
use decentralml_learning::{Evaluator, evaluate};
use decentralml_protocol::draw;
use decentralml_types::{
    CommitteeNumber, NextModel, Opinion, Opinions, Outcome, Phase, RoundNumber,
};
use decentralml_worker::{convert::ppm, evaluator};
use pallet_tasks::Round;
use tempfile::TempDir;

use crate::{
    Attack, Cell, Counts, Found, Rows, Scale, Seats,
    count::{Judged, Whose},
    seats::{closest, fetch, measure, next_model, says},
    trainers::{Sent, Trainers},
    world::{Revealed, World},
};

/// Calls that a tally takes, at most.
const TALLIES: u32 = 32;

/// Plays a cell to its end; nothing where `stopped` says so meanwhile. The error is what should never happen: a call of an honest
/// participant that fails, or an invariant of the runtime that does not hold.
pub fn run(
    cell: &Cell,
    scale: &Scale,
    rows: &Rows,
    stopped: &dyn Fn() -> bool,
) -> Result<Option<Found>> {
    let began = Instant::now();
    let world = World::new(scale, rows)?;
    let accuracy = Evaluator::new(&world.model, &rows.test)?;
    let mut run = Run {
        cell,
        scale,
        rows,
        trainers: Trainers::new(cell, scale, rows)?,
        world,
        folder: tempfile::tempdir()?,
        counts: Counts {
            honest: u32::from(scale.trainers) - u32::try_from(scale.hostile(cell.percent))?
                + u32::from(scale.seats)
                - u32::from(hostile_seats(cell, scale)),
            ..Counts::default()
        },
        rounds: Vec::new(),
        stopped,
    };
    let mut curve = Vec::new();
    let mut attempt: Option<Attempt> = None;
    while let Some((number, round)) = run.world.live() {
        if attempt.as_ref().is_none_or(|attempt| attempt.number != number) {
            attempt = Some(Attempt::new(number));
        }
        let Some(attempt) = &mut attempt else { break };
        if stopped() || !run.phase(attempt, &round)? {
            return Ok(None);
        }
        if !run.world.has_moved(number, &round) {
            run.world.end_phase(&round)?;
        }
        if run.world.live().is_none_or(|(now, _)| now != number) {
            run.settle(attempt)?;
            if run.world.is_settled(number) {
                curve.push(accuracy.evaluate(&run.world.latest()?)?.accuracy);
            }
        }
    }
    run.world.check()?;
    let last = run.world.latest()?;
    let marked = evaluate(&run.world.model, &last, &rows.marked)?.accuracy;
    run.counts.settled = run.world.settled_rounds();
    Ok(Some(Found {
        cell: *cell,
        counts: run.counts,
        rounds: run.rounds,
        accuracy: accuracy.evaluate(&last)?.accuracy,
        curve,
        marked,
        seconds: began.elapsed().as_secs_f64(),
    }))
}

/// How many seats are hostile.
fn hostile_seats(cell: &Cell, scale: &Scale) -> u8 {
    if cell.seats == Seats::Honest { 0 } else { scale.hostile_seats }
}

struct Run<'a> {
    cell: &'a Cell,
    scale: &'a Scale,
    rows: &'a Rows,
    world: World,
    trainers: Trainers,
    /// Where updates lie for the seats.
    folder: TempDir,
    counts: Counts,
    rounds: Vec<Vec<Judged>>,
    stopped: &'a dyn Fn() -> bool,
}

/// What participants remember of a round.
struct Attempt {
    number: RoundNumber,
    sent: Vec<Sent>,
    reveals: Vec<Revealed>,
    found: Vec<evaluator::Found>,
    /// What honest seats have measured: one draw of permutations after the other.
    sheets: BTreeMap<(CommitteeNumber, usize), Opinions>,
    /// The last committee.
    committee: CommitteeNumber,
}

impl Attempt {
    fn new(number: RoundNumber) -> Self {
        Self {
            number,
            sent: Vec::new(),
            reveals: Vec::new(),
            found: Vec::new(),
            sheets: BTreeMap::new(),
            committee: 0,
        }
    }
}

impl Run<'_> {
    /// Everybody's part of a phase; false where it was stopped.
    fn phase(&mut self, attempt: &mut Attempt, round: &Round) -> Result<bool> {
        attempt.committee = round.committee;
        match round.phase {
            Phase::Training => return self.train(attempt, round),
            Phase::Revealing => {
                for (trainer, sent) in attempt.sent.iter().enumerate() {
                    self.world.reveal(trainer, attempt.number, sent)?;
                }
            }
            Phase::Scoring => return self.score(attempt, round),
            Phase::Verdict => {
                for ((committee, seat), opinions) in attempt.sheets.clone() {
                    if committee == round.committee {
                        self.world.open(seat, attempt.number, opinions)?;
                    }
                }
            }
            Phase::Tallying => {
                for _ in 0..TALLIES {
                    if !self.world.has_moved(attempt.number, round) {
                        self.world.advance()?;
                    }
                }
            }
            Phase::Aggregating => self.aggregate(attempt, round)?,
            Phase::Settled | Phase::Void => {}
        }
        Ok(true)
    }

    fn train(&mut self, attempt: &mut Attempt, round: &Round) -> Result<bool> {
        self.world.wait_for_draw();
        let base = self.world.weights(round.base)?;
        let sent = self.trainers.work(&mut self.world, &base, attempt.number, self.stopped)?;
        let Some(sent) = sent else { return Ok(false) };
        let hostile: Vec<bool> =
            (0..sent.len()).map(|trainer| self.trainers.is_hostile(trainer)).collect();
        for trainer in in_order(self.cell.attack, &hostile) {
            if let Some(sent) = sent.get(trainer) {
                self.world.commit(trainer, attempt.number, round, sent)?;
            }
        }
        attempt.sent = sent;
        Ok(true)
    }

    /// Honest seats commit first, so that hostile ones can look at what they commit to.
    fn score(&mut self, attempt: &mut Attempt, round: &Round) -> Result<bool> {
        let (number, committee) = (attempt.number, round.committee);
        self.world.wait_for_draw();
        let base = self.world.weights(round.base)?;
        attempt.reveals = self.world.reveals(number)?;
        attempt.found = fetch(&self.world, &attempt.reveals, self.folder.path())?;
        let seed = self.world.seed(number, committee)?;
        let committed: Vec<u32> = attempt.reveals.iter().map(|reveal| reveal.committed).collect();
        let (found, stopped) = (&attempt.found, self.stopped);
        let measured = measure(&self.world, self.rows, &base, found, &committed, seed, stopped)?;
        let Some(measured) = measured else { return Ok(false) };
        let seats = usize::from(self.scale.seats);
        let honest = seats - usize::from(hostile_seats(self.cell, self.scale));
        for seat in 0..honest {
            self.commit(attempt, committee, seat, measured.clone())?;
        }
        let reveals = attempt.reveals.iter();
        let hostile: Vec<bool> =
            reveals.map(|reveal| self.trainers.is_hostile(reveal.trainer)).collect();
        let meant: Vec<bool> = hostile.iter().map(|hostile| !hostile).collect();
        let closest = closest(&self.world, &attempt.found, &meant)?;
        self.counts.closest_honest = self.counts.closest_honest.max(closest);
        for seat in honest..seats {
            let key = draw::key(&seed, &(seat as u32).encode());
            match says(self.cell.seats, &measured, &hostile, key) {
                Some(opinions) => self.commit(attempt, committee, seat, opinions)?,
                None if self.cell.seats == Seats::Copy => {
                    let copied = self.world.committed(seat - honest, number, committee)?;
                    let copied = copied.context("an honest seat has not committed")?;
                    self.world.commit_hash(seat, number, committee, copied)?;
                }
                None => {}
            }
        }
        Ok(true)
    }

    /// What the committee has found of everybody who revealed.
    fn judged(&mut self, attempt: &Attempt) -> Result<Vec<Judged>> {
        let mut all = Vec::with_capacity(attempt.reveals.len());
        for reveal in &attempt.reveals {
            let Some(row) = self.world.verdict(reveal.trainer, attempt.number)? else { continue };
            let none = matches!(row.outcome, Some(Outcome::Faulty(_) | Outcome::Copied));
            all.push(Judged {
                trainer: reveal.trainer,
                hostile: self.trainers.is_hostile(reveal.trainer),
                attacks: attempt.sent.get(reveal.trainer).is_some_and(|sent| sent.attacks),
                score: (!none).then_some(row.score),
            });
        }
        Ok(all)
    }

    fn commit(
        &mut self,
        attempt: &mut Attempt,
        committee: CommitteeNumber,
        seat: usize,
        opinions: Vec<Opinion>,
    ) -> Result<()> {
        let opinions = Opinions::try_from(opinions)
            .map_err(|_| anyhow::anyhow!("more updates than a round can have"))?;
        self.world.commit_scores(seat, attempt.number, committee, &opinions)?;
        attempt.sheets.insert((committee, seat), opinions);
        Ok(())
    }

    /// Seats that opened attest one model, hostile ones too: it is what they are paid for.
    fn aggregate(&mut self, attempt: &Attempt, round: &Round) -> Result<()> {
        let base = self.world.weights(round.base)?;
        let mut accepted = Vec::new();
        for (index, reveal) in attempt.reveals.iter().enumerate() {
            let outcome = self.world.outcome(reveal.trainer, attempt.number)?;
            if matches!(outcome, Some(Outcome::Accepted { .. })) {
                accepted.push(index);
            }
        }
        let settled = self.world.settled_rounds();
        let next =
            next_model(&self.world, &base, &attempt.reveals, &attempt.found, &accepted, settled)?;
        let metrics = evaluate(&self.world.model, &next, &self.rows.scoring)?;
        let cid = self.world.store.add(next.to_bytes());
        for (committee, seat) in attempt.sheets.keys() {
            if *committee == round.committee {
                let (next, metric) = (NextModel::stateless(cid), ppm(metrics.attested()));
                self.world.attest(*seat, attempt.number, next, metric)?;
            }
        }
        Ok(())
    }

    /// Claims everybody's row, and counts what came of it.
    fn settle(&mut self, attempt: &Attempt) -> Result<()> {
        self.counts.attempts += 1;
        if self.world.is_settled(attempt.number) {
            let judged = self.judged(attempt)?;
            self.rounds.push(judged);
        }
        let attacked = self.cell.attack == Attack::None || attempt.sent.iter().any(|s| s.attacks);
        for (trainer, sent) in attempt.sent.iter().enumerate() {
            let settled = self.world.claim(trainer, attempt.number)?;
            let settled = settled.with_context(|| format!("trainer {trainer} has no row"))?;
            let hostile = self.trainers.is_hostile(trainer);
            self.counts.trainer(Whose { hostile, attacks: sent.attacks, attacked }, &settled);
        }
        let seats = usize::from(self.scale.seats);
        let honest = seats - usize::from(hostile_seats(self.cell, self.scale));
        for committee in 0..=attempt.committee {
            for seat in 0..seats {
                match self.world.claim_seat(seat, attempt.number, committee)? {
                    Some(settled) => self.counts.seat(seat >= honest, &settled),
                    None => ensure!(seat >= honest, "honest seat {seat} has no row"),
                }
            }
        }
        self.world.check()
    }
}

/// The trainers in the order in which they commit. Who copies has to wait for what it copies, unless it is faster than its author.
fn in_order(attack: Attack, hostile: &[bool]) -> Vec<usize> {
    let thieves = attack == Attack::Theft;
    let (mut first, last): (Vec<usize>, Vec<usize>) =
        (0..hostile.len()).partition(|trainer| hostile.get(*trainer) == Some(&thieves));
    first.extend(last);
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_committed_to_after_their_originals_and_thefts_before() {
        let hostile = [true, false, true, false];
        assert_eq!(in_order(Attack::Copy, &hostile), [1, 3, 0, 2]);
        assert_eq!(in_order(Attack::Theft, &hostile), [0, 2, 1, 3]);
    }
}
