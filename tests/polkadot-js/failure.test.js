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

step('it is slashed, and half of that goes to the task', async () => {
  const events = await act(api.tx.validation.claim(task, 1, trainer.address), member);
  const slashed = only(api, events, 'participants', 'Slashed');
  assert.equal(slashed.who.toString(), trainer.address);
  assert.equal(slashed.role.type, 'Trainer');
  assert.equal(slashed.amount.toBigInt(), trainerBond);
  assert.equal(slashed.toHarmed.toBigInt(), trainerBond / 2n);
  assert.equal(only(api, events, 'tasks', 'Recovered').amount.toBigInt(), trainerBond / 2n);
  const punished = only(api, events, 'validation', 'Punished');
  assert.equal(punished.fault.type, 'NotRevealed');
  assert.equal(punished.amount.toBigInt(), trainerBond);
});

step('seats that commit to scores and do not open them lose the round to another committee', async () => {
  await act(api.tx.participants.bond('Trainer', trainerBond), trainer);
  let started;
  for (const evaluator of leaving) started = await act(api.tx.assignments.enroll(task, 'Evaluator'), evaluator);
  assert.equal(only(api, started, 'tasks', 'RoundStarted').round.toNumber(), 2);
  await drawn(api, task, 2, 'Trainers', trainer);
  const { commit, reveal } = updateOf(2);
  await quick(commit, trainer);
  await quick(reveal, trainer);

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

/** Settles a seat of round 2 that did not open its scores, which slashes it. */
async function punish(evaluator) {
  const events = await act(api.tx.validation.claimSeat(task, 2, 0, evaluator.address), member);
  assert.equal(only(api, events, 'validation', 'Punished').fault.type, 'NotOpened');
  const slashed = only(api, events, 'participants', 'Slashed');
  assert.equal(slashed.who.toString(), evaluator.address);
  assert.equal(slashed.amount.toBigInt(), evaluatorBond);
  assert.equal(slashed.toHarmed.toBigInt(), evaluatorBond / 2n);
  return events;
}

step('those seats are slashed, and the trainer that did its part is not', async () => {
  for (const evaluator of leaving) await punish(evaluator);
  const events = await act(api.tx.validation.claim(task, 2, trainer.address), member);
  const closed = only(api, events, 'validation', 'Closed');
  assert.equal(closed.who.toString(), trainer.address);
  assert.ok(!events.some((event) => api.events.participants.Slashed.is(event)));
});

step('the sponsor cancels, and gets back what was not earned and what the task was given', async () => {
  const { free, charges } = (await api.query.tasks.tasks(task)).unwrap().money;
  const ended = only(api, await act(api.tx.tasks.cancel(task), sponsor), 'tasks', 'TaskEnded');
  assert.equal(ended.status.type, 'Cancelled');
  assert.equal(ended.refunded.toBigInt(), free.toBigInt());
  assert.equal(ended.charges.toBigInt(), charges.toBigInt());
  assert.ok(ended.refunded.toBigInt() >= UNIT + spec.terms.rewardPerRound);
  const halves = trainerBond / 2n + (BigInt(leaving.length) * evaluatorBond) / 2n;
  assert.ok(ended.charges.toBigInt() >= halves + 2n * UNIT);
});

step('what comes to a task that is over goes to its sponsor at once', async () => {
  const events = await punish(evaluators[0]);
  const refunded = only(api, events, 'tasks', 'Refunded');
  assert.equal(refunded.asset.type, 'Native');
  assert.equal(refunded.amount.toBigInt(), evaluatorBond / 2n);
});

step('the events of failures were seen by name', () => {
  const expected = [
    'participants.Slashed',
    'tasks.TaskPaused',
    'tasks.TaskResumed',
    'tasks.TaskFunded',
    'tasks.EnrollmentReopened',
    'tasks.Recovered',
    'tasks.Refunded',
    'tasks.CommitteeRedrawn',
    'tasks.RoundVoided',
    'tasks.TaskEnded',
    'tasks.RoundClosed',
    'validation.Punished',
    'validation.Closed',
  ];
  assert.deepEqual(witness.unseenEvents(expected), []);
});
