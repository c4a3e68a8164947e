// A whole round through Polkadot-JS alone: whoever knows the metadata can take every part in it. Meanwhile every storage item of
// our pallets is read with real content, and encodes to the very bytes that lie on the chain.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { UNIT, account, claimable, connect, drawn, join, motion, only, until } from './lib/chain.js';
import { scores, update } from './lib/commitment.js';
import { attemptCost, cid, smallestTask } from './lib/spec.js';
import { Witness, step } from './lib/witness.js';

// No account signs in two test files: they run at the same time.
const [sponsor, trainer, member] = ['Eve', 'Charlie', 'Alice'].map(account);
const evaluators = ['Dave', 'Dave//stash', 'Eve//stash'].map(account);
/** Sealed, as that takes every call that there is in a round; paid in a token of the sponsor's own. */
const spec = { ...smallestTask('a whole round'), custody: { hosts: 0, sealed: true } };
/** What each seat says of the only update, in micro-nats. */
const SCORES = [250_000n, 250_001n, 250_002n];
/** A fee, less the share of it by which the seat is off the median, which has a slack of 100 micro-nats. */
const FEES = SCORES.map((score) => {
  const [median, most] = [SCORES[1], SCORES[1] + 100n];
  const off = score > median ? score - median : median - score;
  return (2n * UNIT * (most - off)) / most;
});
/** More than a seat's fee: whoever has none of the token is owed the fee until it has some. */
const MINIMUM = 3n * UNIT;
const ROUND = 1;
const UPDATE = cid(3);
const MODEL = cid(4);
/** What the server's optimizer remembers after it. */
const STATE = cid(9);
const KEYS = cid(6);
const DATA = cid(7);
const ENVELOPE = cid(8);
const PLAIN_HASH = `0x${'08'.repeat(32)}`;
/** u-coordinates of points of Curve25519: all that the chain looks at. */
const key = (byte) => `0x${byte.toString(16).padStart(2, '0').repeat(32)}`;
const HOST = 'https://host.example/ipfs';
const ACCURACY = 950_000;

let api;
let witness;
let task;
let token;

before(async () => {
  api = await connect();
  witness = new Witness(api);
});

after(() => api?.disconnect());

const act = (call, signer) => witness.act(call, signer);

const federated = () => api.call.federatedApi;

const phase = async () => (await federated().task(task)).unwrap().round.unwrap().phase.type;

step('the evaluators announce a host and keys that can be encrypted to', async () => {
  const hosts = only(api, await act(api.tx.participants.setHosts([HOST]), evaluators[0]), 'participants', 'HostsSet');
  assert.deepEqual([...hosts.urls].map((url) => url.toUtf8()), [HOST]);
  for (const [index, evaluator] of evaluators.entries()) {
    const call = api.tx.participants.setEncryptionKey(key(9 + index));
    const set = only(api, await act(call, evaluator), 'participants', 'EncryptionKeySet');
    assert.ok(set.old.isNone);
    assert.equal(set.new_.unwrap().toHex(), key(9 + index));
  }
});

step('an owner registers encrypted data and grants it to who has a key', async () => {
  const register = api.tx.data.register(DATA, PLAIN_HASH, 1n << 30n);
  const registered = only(api, await act(register, sponsor), 'data', 'Registered');
  assert.equal(registered.plainHash.toHex(), PLAIN_HASH);
  assert.equal(registered.size_.toBigInt(), 1n << 30n);
  const grant = api.tx.data.grant(DATA, evaluators[0].address, ENVELOPE);
  only(api, await act(grant, sponsor), 'data', 'Granted');
  await assert.rejects(act(api.tx.data.grant(DATA, member.address, ENVELOPE), sponsor), /data\.NoEncryptionKey: /);
  only(api, await act(api.tx.data.revoke(DATA, evaluators[0].address), sponsor), 'data', 'Revoked');
  only(api, await act(api.tx.data.retire(DATA), sponsor), 'data', 'Retired');
});

step('the sponsor makes a token for its task to pay in', async () => {
  token = (await api.query.assets.nextAssetId()).unwrapOr(0);
  const { create, mint } = api.tx.assets;
  const made = [create(token, sponsor.address, MINIMUM), mint(token, sponsor.address, 100n * UNIT)];
  await act(api.tx.utility.batchAll(made), sponsor);
  spec.terms.asset = { Id: token };
});

step('a trainer and the evaluators bond, enroll, and so start the round', async () => {
  const created = only(api, await act(api.tx.tasks.create(spec), sponsor), 'tasks', 'TaskCreated');
  task = created.task.toNumber();
  await act(join(api, task, 'Trainer', spec.terms.trainerBond), trainer);
  let events;
  for (const evaluator of evaluators) {
    events = await act(join(api, task, 'Evaluator', spec.terms.evaluatorBond), evaluator);
  }
  const charged = only(api, events, 'tasks', 'RoundCharged');
  assert.equal(charged.amount.toBigInt(), attemptCost(api, spec));
  const started = only(api, events, 'tasks', 'RoundStarted');
  assert.equal(started.round.toNumber(), ROUND);
  assert.equal(started.places.toNumber(), 1);
  assert.ok(started.base.isNone);
  assert.equal(await phase(), 'Training');
});

step('the drawn trainer commits to an update and reveals it', async () => {
  assert.equal((await drawn(api, task, ROUND, 'Trainers', trainer)).toNumber(), 0);
  const assignment = (await federated().assignment(task, trainer.address)).unwrap();
  assert.equal(assignment.role.type, 'Trainer');
  assert.equal(assignment.place.unwrap().toNumber(), 0);
  await witness.readEverything();

  const { commit, reveal } = update(api, {
    task,
    round: ROUND,
    account: trainer,
    cid: UPDATE,
    plainHash: PLAIN_HASH,
    samples: 1_437,
  });
  only(api, await act(commit, trainer), 'results', 'Committed');
  assert.equal(await phase(), 'Revealing');
  const revealed = only(api, await act(reveal, trainer), 'results', 'Revealed');
  assert.equal(revealed.cid.digest.toHex(), UPDATE.digest);
  assert.equal(revealed.plainHash.unwrap().toHex(), PLAIN_HASH);
  assert.equal(await phase(), 'Scoring');
});

step('the trainer hands its key over to the drawn committee', async () => {
  await drawn(api, task, ROUND, { Committee: 0 }, evaluators[0]);
  const events = await act(api.tx.results.handOver(task, ROUND, 0, KEYS), trainer);
  const handed = only(api, events, 'results', 'HandedOver');
  assert.equal(handed.who.toString(), trainer.address);
  assert.equal(handed.keys_.digest.toHex(), KEYS.digest);
  const [{ handover, plainHash }] = await federated().updates(task, ROUND);
  assert.equal(handover.unwrap().committee.toNumber(), 0);
  assert.equal(plainHash.unwrap().toHex(), PLAIN_HASH);
});

step('the drawn seats commit to scores and open them', async () => {
  const openings = [];
  for (const [seat, evaluator] of evaluators.entries()) {
    await drawn(api, task, ROUND, { Committee: 0 }, evaluator);
    const opinions = [{ Score: SCORES[seat] }];
    const { commit, open } = scores(api, { task, round: ROUND, account: evaluator, opinions });
    await act(commit, evaluator);
    openings.push(open);
  }
  assert.equal(await phase(), 'Verdict');
  for (const [seat, evaluator] of evaluators.entries()) await act(openings[seat], evaluator);
  assert.equal(await phase(), 'Tallying');
});

step('anybody pushes the tally on, and the seats attest the model', async () => {
  await until('the tally', async () => {
    await act(api.tx.tasks.advance(task), member);
    return (await phase()) === 'Aggregating';
  });
  const [update] = await federated().updates(task, ROUND);
  const median = Number(SCORES[1]);
  assert.equal(update.trainer.toString(), trainer.address);
  assert.equal(update.score.unwrap().toNumber(), median);
  assert.equal(update.outcome.unwrap().asAccepted.weight.toNumber(), median);

  const attest = api.tx.validation.attest(task, ROUND, MODEL, ACCURACY, STATE);
  await act(attest, evaluators[0]);
  const events = await act(attest, evaluators[1]);
  const settled = only(api, events, 'tasks', 'RoundSettled');
  assert.equal(settled.version.toNumber(), 1);
  assert.equal(settled.cid.digest.toHex(), MODEL.digest);
  assert.equal(settled.metric.toNumber(), ACCURACY);
  assert.equal(settled.state.unwrap().digest.toHex(), STATE.digest);
  const stored = (await api.query.tasks.tasks(task)).unwrap();
  assert.equal(stored.state.unwrap().digest.toHex(), STATE.digest);
  assert.equal(only(api, events, 'tasks', 'TaskEnded').status.type, 'Completed');
  const late = only(api, await act(attest, evaluators[2]), 'validation', 'Attested');
  assert.equal(late.who.toString(), evaluators[2].address);
  assert.equal(late.state.unwrap().digest.toHex(), STATE.digest);
});

step('all are paid what the runtime API says', async () => {
  const [reward] = await claimable(api, task, trainer);
  assert.ok(reward.committee.isNone);
  assert.equal(reward.amount.toBigInt(), 6n * UNIT);
  const claim = api.tx.validation.claim(task, ROUND, trainer.address);
  const rewarded = only(api, await act(claim, member), 'validation', 'Rewarded');
  assert.equal(rewarded.who.toString(), trainer.address);
  assert.equal(rewarded.amount.toBigInt(), 6n * UNIT);
  assert.equal((await claimable(api, task, trainer)).length, 0);

  for (const [seat, evaluator] of evaluators.entries()) {
    const [fee] = await claimable(api, task, evaluator);
    assert.equal(fee.committee.unwrap().toNumber(), 0);
    assert.equal(fee.amount.toBigInt(), FEES[seat]);
    const claimSeat = api.tx.validation.claimSeat(task, ROUND, 0, evaluator.address);
    const paid = only(api, await act(claimSeat, member), 'validation', 'Rewarded');
    assert.equal(paid.amount.toBigInt(), FEES[seat]);
  }
});

step('what cannot be paid is owed, and collected once it can be', async () => {
  const { address } = evaluators[0];
  const owed = async () => (await federated().claimable(task, address, null, 256)).owed.toBigInt();
  assert.equal((await api.query.tasks.owed(task, address)).unwrap().amount.toBigInt(), FEES[0]);
  assert.equal(await owed(), FEES[0]);
  await assert.rejects(act(api.tx.tasks.collect(task, address), member), /BelowMinimum/);
  await act(api.tx.assets.transfer(token, address, MINIMUM), sponsor);
  const collected = only(api, await act(api.tx.tasks.collect(task, address), member), 'tasks', 'Collected');
  assert.equal(collected.asset.asId.toNumber(), Number(token));
  assert.equal(collected.amount.toBigInt(), FEES[0]);
  assert.equal(await owed(), 0n);
  for (const evaluator of evaluators.slice(1)) {
    await act(api.tx.assets.transfer(token, evaluator.address, MINIMUM), sponsor);
    await act(api.tx.tasks.collect(task, evaluator.address), member);
  }
});

step('the council releases the model, and recalls it', async () => {
  const release = await motion(api, act, api.tx.models.release(task, 1), [member, trainer]);
  const released = only(api, release, 'models', 'Released');
  assert.equal(released.version.toNumber(), 1);
  assert.equal(released.cid.digest.toHex(), MODEL.digest);
  const version = (await api.query.models.versions(task, 1)).unwrap();
  assert.equal(version.status.type, 'Released');
  assert.equal(version.license.toUtf8(), spec.license);

  const reason = 'trained on the wrong rows';
  const recall = await motion(api, act, api.tx.models.recall(task, 1, reason), [member, trainer]);
  const recalled = only(api, recall, 'models', 'Recalled');
  assert.equal(recalled.version.toNumber(), 1);
  assert.equal(recalled.reason.toUtf8(), reason);
  const { status } = (await api.query.models.versions(task, 1)).unwrap();
  assert.equal(status.asRecalled.reason.toUtf8(), reason);
});

step('everybody leaves, and the task is reaped', async () => {
  await act(api.tx.assignments.leave(task, 'Trainer'), trainer);
  for (const evaluator of evaluators) await act(api.tx.assignments.leave(task, 'Evaluator'), evaluator);
  await act(api.tx.participants.unbond('Trainer', spec.terms.trainerBond), trainer);
  for (const evaluator of evaluators) await act(api.tx.participants.setEncryptionKey(null), evaluator);
  await act(api.tx.participants.setHosts([]), evaluators[0]);
  await assert.rejects(act(api.tx.tasks.reap(task, 10), sponsor), /tasks\.StandingsLeft: /);
  await act(api.tx.validation.forget(task, trainer.address), member);
  only(api, await act(api.tx.tasks.reap(task, 10), sponsor), 'tasks', 'TaskReaped');
  assert.ok((await federated().task(task)).isNone);
});

step('every storage item was read with content', () => {
  // Nobody is accused in this round, and nothing challenged: `failure.test.js` has what is stored then. Gold results take two trainers.
  const ofFailures = /^(disputes|challenges|golds)\./;
  assert.deepEqual(
    witness.unseenItems().filter((item) => !ofFailures.test(item)),
    [],
  );
});

step('the events of a round were seen by name', () => {
  const expected = [
    'participants.Bonded',
    'participants.Unbonded',
    'participants.HostsSet',
    'participants.EncryptionKeySet',
    'tasks.TaskCreated',
    'tasks.RoundCharged',
    'tasks.RoundStarted',
    'tasks.PhaseEntered',
    'tasks.RoundSettled',
    'tasks.TaskEnded',
    'tasks.Paid',
    'tasks.PaymentOwed',
    'tasks.Collected',
    'tasks.RoundClosed',
    'tasks.TaskReaped',
    'assignments.Enrolled',
    'assignments.DrawOpened',
    'assignments.Left',
    'results.Committed',
    'results.Revealed',
    'results.HandedOver',
    'validation.ScoresCommitted',
    'validation.ScoresOpened',
    'validation.Judged',
    'validation.Tallied',
    'validation.Attested',
    'validation.Rewarded',
    'models.Recorded',
    'models.Released',
    'models.Recalled',
    'data.Registered',
    'data.Granted',
    'data.Revoked',
    'data.Retired',
  ];
  assert.deepEqual(witness.unseenEvents(expected), []);
});
