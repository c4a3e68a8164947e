// A task as a user's application creates it: Bob pays, sees the events, reads it back, and gets everything back.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { UNIT, account, connect, only, send } from './lib/chain.js';
import { cid, smallestTask, totalCharges, totalPay } from './lib/spec.js';

const bob = account('Bob');
const spec = smallestTask('digits from an application');

let api;
let pay;
let charges;
let task;

before(async () => {
  api = await connect();
  pay = totalPay(spec);
  charges = totalCharges(api, spec);
});

after(() => api?.disconnect());

test('a sponsor creates a task and sees it created', async () => {
  const events = await send(api, api.tx.tasks.create(spec), bob);
  const created = only(api, events, 'tasks', 'TaskCreated');
  assert.equal(created.sponsor.toString(), bob.address);
  assert.equal(created.asset.type, 'Native');
  assert.equal(created.pay.toBigInt(), pay);
  assert.equal(created.charges.toBigInt(), charges);
  assert.ok(created.deposit.toBigInt() > 0n);
  task = created.task.toNumber();
});

test('the task can be read back from storage, field by field', async () => {
  const stored = (await api.query.tasks.tasks(task)).unwrap();
  assert.equal(stored.sponsor.toString(), bob.address);
  assert.equal(stored.status.type, 'Enrolling');
  assert.equal(stored.spec.name.toUtf8(), spec.name);
  assert.equal(stored.spec.license.toUtf8(), spec.license);
  assert.equal(stored.spec.model.codec.type, 'Raw');
  assert.equal(stored.spec.model.digest.toHex(), cid(1).digest);
  assert.equal(stored.spec.objective.asClassification.features.toNumber(), 64);
  assert.equal(stored.spec.training.optimizer.asSgd.momentum.toNumber(), 900_000);
  assert.equal(stored.spec.training.work.asEpochs.toNumber(), 1);
  assert.equal(stored.spec.aggregation.rule.asTrimmedMean.trim.toNumber(), 100_000);
  assert.equal(stored.spec.aggregation.server.asFedAdam.beta2.toNumber(), 990_000);
  assert.equal(stored.spec.encoding.keep.toNumber(), 1_000_000);
  assert.equal(stored.spec.deadlines.lifetime.toNumber(), 10_000);
  assert.equal(stored.spec.terms.rewardPerRound.toBigInt(), 6n * UNIT);
  assert.ok(stored.spec.target.isNone && stored.model.isNone && stored.current.isNone);
  assert.equal(stored.spec.terms.asset.type, 'Native');
  assert.equal(stored.money.free.toBigInt(), pay);
  assert.equal(stored.money.charges.toBigInt(), charges);
});

test('the runtime API shows the same task', async () => {
  const view = (await api.call.federatedApi.task(task)).unwrap();
  assert.equal(view.sponsor.toString(), bob.address);
  assert.equal(view.status.type, 'Enrolling');
  assert.equal(view.spec.name.toUtf8(), spec.name);
  assert.ok(view.round.isNone);
  assert.deepEqual(view.enrolled.toJSON(), [0, 0]);
  assert.ok((await api.call.federatedApi.task(4_000_000_000)).isNone);
  assert.ok((await api.call.federatedApi.assignment(task, bob.address)).isNone);
});

test('a specification that contradicts itself is refused by name', async () => {
  const wrong = { ...spec, committee: { seats: 3, quorum: 1 } };
  await assert.rejects(send(api, api.tx.tasks.create(wrong), bob), /tasks\.InvalidSpec: /);
});

test('only the sponsor can cancel, and gets the funds back', async () => {
  await assert.rejects(send(api, api.tx.tasks.cancel(task), account('Ferdie')), /tasks\.NotSponsor: /);
  const events = await send(api, api.tx.tasks.cancel(task), bob);
  const ended = only(api, events, 'tasks', 'TaskEnded');
  assert.equal(ended.status.type, 'Cancelled');
  assert.equal(ended.refunded.toBigInt(), pay);
  assert.equal(ended.charges.toBigInt(), charges);
  const reaped = only(api, await send(api, api.tx.tasks.reap(task, 10), bob), 'tasks', 'TaskReaped');
  assert.equal(reaped.task.toNumber(), task);
  assert.ok((await api.query.tasks.tasks(task)).isNone);
});
