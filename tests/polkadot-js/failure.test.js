// A task in which everything goes wrong: a trainer that does not reveal, seats that do not open, a committee that is silent. Its
// events are those that an application warns by.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { UNIT, account, connect, drawn, join, only, send, until } from './lib/chain.js';
import { scores, update } from './lib/commitment.js';
import { cid, smallestTask } from './lib/spec.js';
import { Witness, step } from './lib/witness.js';

// No account signs in two test files: they run at the same time.
const [sponsor, trainer, member] = ['Alice//stash', 'Bob//stash', 'Charlie//stash'].map(account);
const evaluators = ['Judge//1', 'Judge//2', 'Judge//3'].map(account);
/** With these gone too few are left for a committee. */
const leaving = evaluators.slice(1);
const base = smallestTask('a failing task');
/** One attempt and one more. Phases that run out are short. */
const spec = {
  ...base,
  maxRetries: 1,
  deadlines: { ...base.deadlines, revealing: 6, scoring: 8, verdict: 6 },
};
const { trainerBond, evaluatorBond } = spec.terms;

let api;
let witness;
let task;

before(async () => {
  api = await connect();
  witness = new Witness(api);
});

after(() => api?.disconnect());

const act = (call, signer) => witness.act(call, signer);

/** The call alone, where a phase leaves no time to read everything. */
const quick = (call, signer) => send(api, call, signer);

/** Waits for the end of a phase, of which `entered` tells, and pushes the task on. */
async function runOut(entered) {
  await until(`block ${entered.deadline}`, async () => (await api.query.system.number()).gte(entered.deadline));
  return act(api.tx.tasks.advance(task), member);
}

const updateOf = (round) => update(api, { task, round, account: trainer, cid: cid(5), samples: 100 });

step('a sponsor pauses its task before it starts, and resumes it', async () => {
  const { transferKeepAlive } = api.tx.balances;
  const gifts = evaluators.map(({ address }) => transferKeepAlive(address, 50n * UNIT));
  await act(api.tx.utility.batchAll(gifts), member);
  task = only(api, await act(api.tx.tasks.create(spec), sponsor), 'tasks', 'TaskCreated').task.toNumber();
  const paused = only(api, await act(api.tx.tasks.pause(task), sponsor), 'tasks', 'TaskPaused');
  assert.equal(paused.reason.type, 'Sponsor');
  only(api, await act(api.tx.tasks.resume(task), sponsor), 'tasks', 'TaskResumed');
  const funded = only(api, await act(api.tx.tasks.fund(task, UNIT, 2n * UNIT), member), 'tasks', 'TaskFunded');
  assert.equal(funded.asset.type, 'Native');
  assert.deepEqual([funded.pay.toBigInt(), funded.charges.toBigInt()], [UNIT, 2n * UNIT]);
});

step('a trainer that does not reveal voids the round, and the next waits for the evaluators that have left', async () => {
  await act(join(api, task, 'Trainer', trainerBond), trainer);
  for (const evaluator of evaluators) await act(join(api, task, 'Evaluator', evaluatorBond), evaluator);
  await drawn(api, task, 1, 'Trainers', trainer);
  const committed = await quick(updateOf(1).commit, trainer);
  const entered = only(api, committed, 'tasks', 'PhaseEntered');
  assert.equal(entered.phase.type, 'Revealing');

  for (const evaluator of leaving) await act(api.tx.assignments.leave(task, 'Evaluator'), evaluator);
  const events = await runOut(entered);
  const voided = only(api, events, 'tasks', 'RoundVoided');
  assert.equal(voided.round.toNumber(), 1);
  assert.equal(voided.failure.type, 'TooFewReveals');
  const reopened = only(api, events, 'tasks', 'EnrollmentReopened');
  const now = await api.query.system.number();
  assert.ok(reopened.deadline.gt(now), `${reopened.deadline} is over at ${now}`);
});

/** Checks that a claim has accused somebody, and that its bond waits in a case. Resolves to the case's number. */
function accused(events, who, role, fault, bond) {
  const accusation = only(api, events, 'validation', 'Accused');
  assert.equal(accusation.fault.type, fault);
  assert.equal(accusation.amount.toBigInt(), bond);
  const seized = only(api, events, 'participants', 'Seized');
  assert.equal(seized.who.toString(), who.address);
  assert.equal(seized.role.type, role);
  assert.equal(seized.amount.toBigInt(), bond);
  const opened = only(api, events, 'disputes', 'Opened');
  assert.equal(opened.accused.toString(), who.address);
  assert.equal(opened.amount.toBigInt(), bond);
  return opened.case.toNumber();
}

step('it is accused, its bond waits, and it appeals to the council', async () => {
  const events = await act(api.tx.validation.claim(task, 1, trainer.address), member);
  const number = accused(events, trainer, 'Trainer', 'NotRevealed', trainerBond);
  const appealed = only(api, await act(api.tx.disputes.appeal(number), trainer), 'disputes', 'Appealed');
  const { appealBond, appealPercent } = await api.query.parameters.current();
  const part = (trainerBond * appealPercent.toBigInt()) / 100n;
  const least = appealBond.toBigInt();
  assert.equal(appealed.bond.toBigInt(), part > least ? part : least);
  const { charge, sponsor: harmed, appeal } = (await api.query.disputes.cases(number)).unwrap();
  assert.equal(charge.scene.asRound.task.toNumber(), task);
  assert.equal(harmed.unwrap().toString(), sponsor.address);
  assert.equal(appeal.unwrap().toBigInt(), appealed.bond.toBigInt());
  // The council has time to judge it.
  await assert.rejects(send(api, api.tx.disputes.conclude(number), member), /disputes\.TooEarly: /);
});

step('seats that commit to scores and do not open them lose the round to another committee', async () => {
  await act(api.tx.participants.bond('Trainer', trainerBond), trainer);
  let started;
  for (const evaluator of leaving) started = await act(api.tx.assignments.enroll(task, 'Evaluator', 1), evaluator);
  assert.equal(only(api, started, 'tasks', 'RoundStarted').round.toNumber(), 2);
  await drawn(api, task, 2, 'Trainers', trainer);
  const { commit, reveal } = updateOf(2);
  await quick(commit, trainer);
  await quick(reveal, trainer);
  const challenge = api.tx.challenges.challenge(task, 2, trainer.address, []);
  const { path } = only(api, await quick(challenge, member), 'challenges', 'Challenged');
  assert.equal(path.length, 0);

  const committed = await Promise.all(
    evaluators.map(async (evaluator) => {
      await drawn(api, task, 2, { Committee: 0 }, evaluator);
      const opinion = scores(api, { task, round: 2, account: evaluator, opinions: [{ Score: 1 }] });
      return quick(opinion.commit, evaluator);
    }),
  );
  const entered = only(api, committed.flat(), 'tasks', 'PhaseEntered');
  assert.equal(entered.phase.type, 'Verdict');

  const events = await runOut(entered);
  const redrawn = only(api, events, 'tasks', 'CommitteeRedrawn');
  assert.equal(redrawn.committee.toNumber(), 1);
  assert.equal(redrawn.failure.type, 'TooFewOpenings');
  const scoring = only(api, events, 'tasks', 'PhaseEntered');
  assert.equal(scoring.phase.type, 'Scoring');
  assert.equal(scoring.round.toNumber(), 2);

  const last = await runOut(scoring);
  assert.equal(only(api, last, 'tasks', 'RoundVoided').failure.type, 'TooFewScores');
  const { reason } = only(api, last, 'tasks', 'TaskPaused');
  assert.match(reason.type, /^(Retries|Attempts)Exhausted$/);
});

/** Settles a seat of round 2 that did not open its scores. */
async function accuse(evaluator) {
  const events = await act(api.tx.validation.claimSeat(task, 2, 0, evaluator.address), member);
  return accused(events, evaluator, 'Evaluator', 'NotOpened', evaluatorBond);
}

step('those seats are accused, and the trainer that did its part is not', async () => {
  for (const evaluator of leaving) await accuse(evaluator);
  const events = await act(api.tx.validation.claim(task, 2, trainer.address), member);
  // The round is void, so its update need not be shown any more.
  const lapsed = only(api, events, 'challenges', 'Lapsed');
  assert.equal(lapsed.challenger.toString(), member.address);
  const closed = only(api, events, 'validation', 'Closed');
  assert.equal(closed.who.toString(), trainer.address);
  assert.ok(!events.some((event) => api.events.participants.Seized.is(event)));
});

step('the sponsor cancels, and gets back what was not earned and what the task was given', async () => {
  const { free, charges } = (await api.query.tasks.tasks(task)).unwrap().money;
  const ended = only(api, await act(api.tx.tasks.cancel(task), sponsor), 'tasks', 'TaskEnded');
  assert.equal(ended.status.type, 'Cancelled');
  assert.equal(ended.refunded.toBigInt(), free.toBigInt());
  assert.equal(ended.charges.toBigInt(), charges.toBigInt());
  assert.ok(ended.refunded.toBigInt() >= UNIT + spec.terms.rewardPerRound);
  assert.ok(ended.charges.toBigInt() >= 2n * UNIT);
});

step('a task that is over accuses as well', async () => {
  await accuse(evaluators[0]);
});

step('where the council is silent, what the chain itself has seen stands', async () => {
  const { deadline } = (await api.query.disputes.cases(0)).unwrap();
  await until(`block ${deadline}`, async () => (await api.query.system.number()).gte(deadline));
  const executed = only(api, await act(api.tx.disputes.conclude(0), member), 'disputes', 'Executed');
  assert.equal(executed.accused.toString(), trainer.address);
  assert.equal(executed.ruling.unwrap().type, 'Undecided');
  assert.equal(executed.amount.toBigInt(), trainerBond);
  // The task is over, so its part goes on to the sponsor.
  assert.equal(executed.toHarmed.toBigInt(), trainerBond / 2n);
});

step('the events of failures were seen by name', () => {
  const expected = [
    'tasks.TaskPaused',
    'tasks.TaskResumed',
    'tasks.TaskFunded',
    'tasks.EnrollmentReopened',
    'tasks.CommitteeRedrawn',
    'tasks.RoundVoided',
    'tasks.TaskEnded',
    'tasks.RoundClosed',
    'validation.Accused',
    'participants.Seized',
    'disputes.Opened',
    'disputes.Appealed',
    'disputes.Executed',
    'participants.Slashed',
    'tasks.Recovered',
    'tasks.Refunded',
    'challenges.Lapsed',
    'validation.Closed',
  ];
  assert.deepEqual(witness.unseenEvents(expected), []);
});
