// A whole round through Polkadot-JS alone: whoever knows the metadata can take every part in it. Meanwhile every storage item of
// our pallets is read with real content, and encodes to the very bytes that lie on the chain.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { u8aToHex } from '@polkadot/util';
import { randomAsU8a } from '@polkadot/util-crypto';
import { PALLETS, UNIT, account, connect, only, send, until } from './lib/chain.js';
import { argument, scoresCommitment, updateCommitment } from './lib/commitment.js';
import { cid, smallestTask } from './lib/spec.js';

const [sponsor, trainer, evaluator, member] = ['Eve', 'Charlie', 'Dave', 'Alice'].map(account);
const spec = smallestTask('a whole round');
const ROUND = 1;
const UPDATE = cid(3);
const MODEL = cid(4);
const ACCURACY = 950_000;

/** Storage items that were seen with content, and events of our pallets that were seen. */
const seenItems = new Set();
const seenEvents = new Set();

let api;
let task;

before(async () => {
  api = await connect();
});

after(() => api?.disconnect());

const label = (entry) => `${entry.creator.section}.${entry.creator.method}`;

/** All storage items of our pallets. Polkadot-JS adds one that is not in the metadata. */
const allItems = (queries) =>
  PALLETS.flatMap((pallet) => Object.values(queries[pallet])).filter(
    (entry) => entry.creator && entry.creator.method !== 'palletVersion',
  );

/** Reads every item of our pallets at one block, and compares each value with its raw bytes. */
async function readEverything() {
  const block = await api.rpc.chain.getBlockHash();
  const { query } = await api.at(block);
  for (const entry of allItems(query)) {
    const { type, modifier } = entry.creator.meta;
    const rows = type.isMap ? await entry.entries() : [[entry.key(), await entry()]];
    for (const [key, value] of rows) {
      const raw = await api.rpc.state.getStorage.raw(key.toHex?.() ?? key, block);
      if (raw === null) continue;
      const content = modifier.isOptional ? value.unwrap() : value;
      assert.equal(u8aToHex(content.toU8a()), raw, `${label(entry)}: ${value} encodes to other bytes than the chain's`);
      seenItems.add(label(entry));
    }
  }
}

/** Sends a call, notes the events, and reads the storage that it left. */
async function act(call, signer) {
  const events = await send(api, call, signer);
  events
    .filter((event) => PALLETS.includes(event.section))
    .forEach((event) => seenEvents.add(`${event.section}.${event.method}`));
  await readEverything();
  return events;
}

let broken = false;

/** A test that needs those before it: the first that fails fails the rest at once. */
function step(name, body) {
  test(name, async () => {
    assert.ok(!broken, 'an earlier step failed');
    broken = true;
    await body();
    broken = false;
  });
}

const federated = () => api.call.federatedApi;

const phase = async () => (await federated().task(task)).unwrap().round.unwrap().phase.type;

const drawn = (draw, who) =>
  until(`the draw of ${JSON.stringify(draw)}`, async () => {
    const place = await federated().place(task, ROUND, draw, who.address);
    return place.isSome && place.unwrap();
  });

step('a trainer and an evaluator bond, enroll, and so start the round', async () => {
  const created = only(api, await act(api.tx.tasks.create(spec), sponsor), 'tasks', 'TaskCreated');
  task = created.task.toNumber();
  const join = (role, bond) =>
    api.tx.utility.batchAll([api.tx.participants.bond(role, bond), api.tx.assignments.enroll(task, role)]);
  await act(join('Trainer', spec.terms.trainerBond), trainer);
  const events = await act(join('Evaluator', spec.terms.evaluatorBond), evaluator);
  const started = only(api, events, 'tasks', 'RoundStarted');
  assert.equal(started.round.toNumber(), ROUND);
  assert.equal(started.places.toNumber(), 1);
  assert.ok(started.base.isNone);
  assert.equal(await phase(), 'Training');
});

step('the drawn trainer commits to an update and reveals it', async () => {
  assert.equal((await drawn('Trainers', trainer)).toNumber(), 0);
  const assignment = (await federated().assignment(task, trainer.address)).unwrap();
  assert.equal(assignment.role.type, 'Trainer');
  assert.equal(assignment.place.unwrap().toNumber(), 0);
  await readEverything();

  const salt = randomAsU8a(32);
  const call = api.tx.results.reveal(task, ROUND, UPDATE, 1_437, salt);
  const hash = updateCommitment(api, {
    task,
    round: ROUND,
    account: trainer,
    base: api.registry.createType('Option<u8>', null),
    cid: argument(call, 'cid'),
    samples: 1_437,
    salt,
  });
  only(api, await act(api.tx.results.commit(task, ROUND, hash), trainer), 'results', 'Committed');
  assert.equal(await phase(), 'Revealing');
  const revealed = only(api, await act(call, trainer), 'results', 'Revealed');
  assert.equal(revealed.cid.digest.toHex(), UPDATE.digest);
  assert.equal(await phase(), 'Scoring');
});

step('the drawn seat commits to scores and opens them', async () => {
  await drawn({ Committee: 0 }, evaluator);
  const salt = randomAsU8a(32);
  const call = api.tx.validation.openScores(task, ROUND, [{ Score: 250_000 }], salt);
  const hash = scoresCommitment(api, {
    task,
    round: ROUND,
    committee: 0,
    account: evaluator,
    opinions: argument(call, 'opinions'),
    salt,
  });
  await act(api.tx.validation.commitScores(task, ROUND, hash), evaluator);
  assert.equal(await phase(), 'Verdict');
  await act(call, evaluator);
  assert.equal(await phase(), 'Tallying');
});

step('anybody pushes the tally on, and the seat attests the model', async () => {
  await until('the tally', async () => {
    await act(api.tx.tasks.advance(task), member);
    return (await phase()) === 'Aggregating';
  });
  const [update] = await federated().updates(task, ROUND);
  assert.equal(update.trainer.toString(), trainer.address);
  assert.equal(update.score.unwrap().toNumber(), 250_000);
  assert.equal(update.outcome.unwrap().asAccepted.weight.toNumber(), 250_000);

  const events = await act(api.tx.validation.attest(task, ROUND, MODEL, ACCURACY), evaluator);
  const settled = only(api, events, 'tasks', 'RoundSettled');
  assert.equal(settled.version.toNumber(), 1);
  assert.equal(settled.cid.digest.toHex(), MODEL.digest);
  assert.equal(settled.metric.toNumber(), ACCURACY);
  assert.equal(only(api, events, 'tasks', 'TaskEnded').status.type, 'Completed');
});

step('both are paid what the runtime API says', async () => {
  const [reward] = await federated().claimable(task, trainer.address);
  assert.ok(reward.committee.isNone);
  assert.equal(reward.amount.toBigInt(), 6n * UNIT);
  const [fee] = await federated().claimable(task, evaluator.address);
  assert.equal(fee.committee.unwrap().toNumber(), 0);
  assert.equal(fee.amount.toBigInt(), 2n * UNIT);

  const claim = api.tx.validation.claim(task, ROUND, trainer.address);
  const rewarded = only(api, await act(claim, member), 'validation', 'Rewarded');
  assert.equal(rewarded.who.toString(), trainer.address);
  assert.equal(rewarded.amount.toBigInt(), 6n * UNIT);
  const claimSeat = api.tx.validation.claimSeat(task, ROUND, 0, evaluator.address);
  assert.equal(only(api, await act(claimSeat, member), 'validation', 'Rewarded').amount.toBigInt(), 2n * UNIT);
  assert.equal((await federated().claimable(task, trainer.address)).length, 0);
});

step('the council releases the model', async () => {
  const release = api.tx.models.release(task, 1);
  const propose = api.tx.council.propose(2, release, release.method.encodedLength);
  const proposed = only(api, await act(propose, member), 'council', 'Proposed');
  const { proposalHash, proposalIndex } = proposed;
  await act(api.tx.council.vote(proposalHash, proposalIndex, true), member);
  await act(api.tx.council.vote(proposalHash, proposalIndex, true), trainer);
  const weight = { refTime: 10n ** 10n, proofSize: 1n << 20n };
  const close = api.tx.council.close(proposalHash, proposalIndex, weight, release.method.encodedLength);
  const released = only(api, await act(close, member), 'models', 'Released');
  assert.equal(released.version.toNumber(), 1);
  const version = (await api.query.models.versions(task, 1)).unwrap();
  assert.equal(version.status.type, 'Released');
  assert.equal(version.license.toUtf8(), spec.license);
});

step('everybody leaves, and the task is reaped', async () => {
  await act(api.tx.assignments.leave(task, 'Trainer'), trainer);
  await act(api.tx.assignments.leave(task, 'Evaluator'), evaluator);
  await act(api.tx.participants.unbond('Trainer', spec.terms.trainerBond), trainer);
  only(api, await act(api.tx.tasks.reap(task, 10), sponsor), 'tasks', 'TaskReaped');
  assert.ok((await federated().task(task)).isNone);
});

step('every storage item was read with content', () => {
  const unseen = allItems(api.query).map(label).filter((item) => !seenItems.has(item));
  assert.deepEqual(unseen, []);
});

step('the events of a round were seen by name', () => {
  const expected = [
    'participants.Bonded',
    'participants.Unbonded',
    'tasks.TaskCreated',
    'tasks.RoundStarted',
    'tasks.PhaseEntered',
    'tasks.RoundSettled',
    'tasks.TaskEnded',
    'tasks.Paid',
    'tasks.RoundClosed',
    'tasks.TaskReaped',
    'assignments.Enrolled',
    'assignments.DrawOpened',
    'assignments.Left',
    'results.Committed',
    'results.Revealed',
    'validation.ScoresCommitted',
    'validation.ScoresOpened',
    'validation.Judged',
    'validation.Tallied',
    'validation.Attested',
    'validation.Rewarded',
    'models.Recorded',
    'models.Released',
  ];
  assert.deepEqual(expected.filter((event) => !seenEvents.has(event)), []);
});
