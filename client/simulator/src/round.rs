//! One round: who was drawn trains, a client per thread, or a batch of clients.

mod client;
mod kept;
mod threads;
mod together;

use std::{
    ops::ControlFlow,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Instant,
};

use decentralml_learning::{Aggregation, Blend, ControlVariate, Rule, Weights};

use crate::{
    Event, Federation, Folder, SimulateError,
    attack::Sight,
    file::{Counting, Hostile},
    gather::{Gather, can_sum, nova},
    random::{Purpose, key},
    report::RoundRecord,
    state::States,
};
use client::{Client, Sent};
pub(crate) use threads::Threads;
pub use together::ON_A_CARD;
pub(crate) use together::Together;
use together::jobs;

/// What all rounds of a run share.
pub(crate) struct Rounds<'a> {
    pub(crate) federation: &'a Federation,
    pub(crate) folder: &'a Folder,
    pub(crate) states: &'a States,
    pub(crate) threads: &'a Threads,
    /// Clients that are trained as one.
    pub(crate) together: usize,
    pub(crate) stop: &'a AtomicBool,
    pub(crate) observe: &'a (dyn Fn(Event<'_>) + Sync),
}

/// What a client has done, besides its update.
#[derive(Default)]
struct Done {
    /// Mean loss in the last epoch, of those that trained.
    loss: Option<f64>,
    bytes: u64,
    saturated: u64,
    bounded: bool,
    sent: bool,
    /// Whether it has sent a change of its control variate.
    varied: bool,
}

/// What a round comes down to.
pub(crate) struct Turn {
    /// The change of each weight.
    pub(crate) change: Vec<f64>,
    /// The server's next control variate, of SCAFFOLD.
    pub(crate) variate: Option<ControlVariate>,
    pub(crate) record: RoundRecord,
}

impl Rounds<'_> {
    /// One round, counted from 1.
    pub(crate) fn round(
        &self,
        base: &Weights,
        variate: Option<&ControlVariate>,
        round: u32,
    ) -> Result<Turn, SimulateError> {
        let start = Instant::now();
        let federation = self.federation;
        let cohort = federation.cohort(round);
        let how = self.aggregation(round);
        let gather = self.gather(cohort.len(), base, &how)?;
        let varied = Gather::summing(base.values().len(), federation.variates);
        let hostile: Vec<bool> =
            cohort.iter().map(|&client| federation.is_hostile(client)).collect();
        let kind = federation.file.attack.map(|attack| attack.kind);
        let waits = |position: usize| {
            kind.filter(|kind| kind.is_informed() && hostile.get(position) == Some(&true))
        };

        let done = AtomicUsize::new(0);
        let put = |position: usize, sent: Option<Sent>| {
            let client = cohort.get(position).copied().unwrap_or_default();
            let told = match sent {
                None => Done::default(),
                Some(Sent { update, variate, loss, bytes, saturated, bounded }) => {
                    gather.put(position, update, self.count_of(client), round)?;
                    let is_varied = variate.is_some();
                    if let Some(variate) = variate {
                        varied.put(position, variate, 1, round)?;
                    }
                    Done { loss, bytes, saturated, bounded, sent: true, varied: is_varied }
                }
            };
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            (self.observe)(Event::Client { round, done, of: cohort.len() });
            Ok(told)
        };
        let client = |position: usize| Client {
            rounds: self,
            base,
            variate,
            round,
            number: cohort.get(position).copied().unwrap_or_default(),
            hostile: kind.filter(|_| hostile.get(position) == Some(&true)),
        };
        let (train, others): (Vec<usize>, Vec<usize>) = (0..cohort.len())
            .filter(|&position| waits(position).is_none())
            .partition(|&position| client(position).trains());
        let rows = |position: usize| {
            cohort.get(position).map_or(0, |&client| federation.clients.rows_of(client))
        };
        let jobs = jobs(&train, &others, self.together, rows);
        let done = self.threads.each(jobs.len(), |index| {
            let positions = jobs.get(index).map(Vec::as_slice).unwrap_or_default();
            let clients: Vec<Client<'_>> = positions.iter().map(|&at| client(at)).collect();
            let sent = match clients.as_slice() {
                [alone] => vec![alone.work()?],
                several => Client::work_together(several)?,
            };
            let sent = positions.iter().zip(sent);
            sent.map(|(&at, sent)| put(at, sent).map(|done| (at, done)))
                .collect::<Result<Vec<_>, _>>()
        })?;
        let mut told: Vec<Option<Done>> = cohort.iter().map(|_| None).collect();
        for (position, done) in done.into_iter().flatten() {
            if let Some(place) = told.get_mut(position) {
                *place = Some(done);
            }
        }
        if let Some(kind) = (0..cohort.len()).find_map(waits) {
            let sight = self.sight(&gather, base, kind)?;
            let crafted = self.threads.each(cohort.len(), |position| {
                let Some(kind) = waits(position) else { return Ok(None) };
                let share = [cohort.len(), hostile.iter().filter(|hostile| **hostile).count()];
                put(position, client(position).craft(sight.as_ref(), kind, share)?).map(Some)
            })?;
            for (told, crafted) in told.iter_mut().zip(crafted) {
                *told = told.take().or(crafted);
            }
        }
        let told: Vec<Done> = told.into_iter().flatten().collect();
        if !told.iter().any(|done| done.sent) {
            return Err(SimulateError::AllDiverged { round, clients: cohort.len() });
        }

        let present = |position: &usize| told.get(*position).is_some_and(|done| done.sent);
        let how = match federation.file.aggregation.count {
            // Counts are of those whose update is there.
            Counting::Nova { cap } => {
                let positions: Vec<usize> = (0..cohort.len()).filter(present).collect();
                self.nova(&positions, &cohort, cap, round)?
            }
            _ => how,
        };
        let change = self.threads.together(|| gather.change(base.parameters(), &how, round))?;
        let others = told.iter().filter(|done| done.varied).count();
        let variate = match variate {
            Some(held) if others > 0 => {
                let change = varied.change(base.parameters(), &Rule::Mean.into(), round)?;
                Some(held.moved(&change, others, federation.clients.count() as usize)?)
            }
            held => held.cloned(),
        };
        let losses: Vec<f64> = told.iter().filter_map(|done| done.loss).collect();
        let copies = if variate.is_some() { 2 } else { 1 };
        let fetched = copies * Weights::byte_length(&federation.spec) as u64;
        let record = RoundRecord {
            round,
            clients: cohort.len() as u32,
            hostile: hostile.iter().filter(|hostile| **hostile).count() as u32,
            diverged: told.iter().filter(|done| !done.sent).count() as u32,
            loss: (!losses.is_empty()).then(|| losses.iter().sum::<f64>() / losses.len() as f64),
            metrics: None,
            bytes_up: told.iter().map(|done| done.bytes).sum(),
            bytes_down: fetched * cohort.len() as u64,
            saturated: told.iter().map(|done| done.saturated).sum(),
            bounded: told.iter().filter(|done| done.bounded).count() as u32,
            seconds: start.elapsed().as_secs_f64(),
        };
        Ok(Turn { change, variate, record })
    }

    fn aggregation(&self, round: u32) -> Aggregation {
        let file = &self.federation.file.aggregation;
        let seed = key(self.federation.file.seed, Purpose::Buckets, round, 0);
        Aggregation { before: file.before.before(seed), rule: file.rule, counts: None }
    }

    fn gather(
        &self,
        count: usize,
        base: &Weights,
        how: &Aggregation,
    ) -> Result<Gather, SimulateError> {
        let file = &self.federation.file;
        let informed = file.attack.is_some_and(|attack| attack.kind.is_informed());
        let nova = matches!(file.aggregation.count, Counting::Nova { .. });
        let (length, encoding) = (base.values().len(), self.federation.encoding);
        match can_sum(how) && !informed && !nova {
            true => Ok(Gather::summing(length, encoding)),
            false => Gather::keeping(count, length, encoding, &self.folder.updates()),
        }
    }

    /// How often a mean counts a client.
    fn count_of(&self, client: u32) -> u32 {
        match self.federation.file.aggregation.count {
            Counting::Samples { cap } => self.federation.clients.rows_of(client).min(cap),
            _ => 1,
        }
    }

    fn nova(
        &self,
        positions: &[usize],
        cohort: &[u32],
        cap: u32,
        round: u32,
    ) -> Result<Aggregation, SimulateError> {
        let clients: Vec<u32> =
            positions.iter().filter_map(|&position| cohort.get(position).copied()).collect();
        let rows = |client: &u32| self.federation.clients.rows_of(*client);
        let samples: Vec<u32> = clients.iter().map(|client| rows(client).min(cap)).collect();
        let local = self.federation.file.training.in_round(round - 1);
        let steps = |client: &u32| local.nova_steps(local.steps_of(rows(client) as usize));
        let steps: Vec<u32> = clients.iter().map(steps).collect();
        let counts: Blend = nova(&samples, &steps, round)?;
        Ok(Aggregation { counts: Some(counts), ..self.aggregation(round) })
    }

    /// What attackers see of the honest updates.
    fn sight(
        &self,
        gather: &Gather,
        base: &Weights,
        kind: Hostile,
    ) -> Result<Option<Sight>, SimulateError> {
        let crowd = kind == Hostile::MinMax;
        let look = || gather.look(|all| Sight::new(all, base.values().len(), crowd));
        let seen = self.threads.together(look);
        seen.map_err(|error| SimulateError::file(self.folder.updates(), error))
    }

    /// Whether training goes on, asked after every batch.
    fn proceed(&self) -> ControlFlow<()> {
        match self.stop.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}
