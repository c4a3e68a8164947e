// Connecting to a development node, sending transactions, and waiting for what follows.

import { ApiPromise, Keyring, WsProvider } from '@polkadot/api';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { setTimeout as sleep } from 'node:timers/promises';

/** One token in planck. */
export const UNIT = 10n ** 12n;

/** The pallet of the numbers that are fixed at genesis: it has storage, and neither calls nor events nor errors. */
export const SETTINGS = 'settings';

/** The pallets that this project adds, as Polkadot-JS writes their names. */
export const PALLETS = ['participants', 'tasks', 'assignments', 'results', 'validation', 'models', 'data', 'disputes', 'challenges', 'golds', SETTINGS];

/** Connects to the node that DECENTRALML_WS names. */
export async function connect() {
  const url = process.env.DECENTRALML_WS;
  if (!url) {
    throw new Error('DECENTRALML_WS is not set. Name the WebSocket of a development node, such as ws://127.0.0.1:9944.');
  }
  await cryptoWaitReady();
  const provider = new WsProvider(url, 1_000);
  const api = await ApiPromise.create({ provider, noInitWarn: true, throwOnConnect: true });
  return api;
}

/** A well-known account of development chains, by name: `Alice`, `Bob`, … */
export function account(name) {
  return new Keyring({ type: 'sr25519', ss58Format: 42 }).addFromUri(`//${name}`);
}

/** What went wrong, as `pallet.Error: documentation`. */
function describe(api, error) {
  if (!error.isModule) return error.toString();
  const { section, name, docs } = api.registry.findMetaError(error.asModule);
  return `${section}.${name}: ${docs.join(' ')}`;
}

/** What the runtime's `free_calls::WOULD_FAIL` becomes on the way. */
const WOULD_FAIL = /Custom error: 1$/;

/** The error with which the pool has refused a call. Of a free call that would fail it says no more than that; a rehearsal says why. */
async function refusal(api, call, signer, error) {
  if (!WOULD_FAIL.test(error.message)) return error;
  const rehearsed = await api.call.freeCallsApi.rehearse(signer.address, call.method.toHex());
  return rehearsed.isSome && rehearsed.unwrap().isErr ? new Error(describe(api, rehearsed.unwrap().asErr)) : error;
}

/** Signs and sends a call, and resolves to its events once it is in a block. Rejects where the call, or one of its batch, failed. */
export function send(api, call, signer) {
  return new Promise((resolve, reject) => {
    let unsubscribe;
    const finish = (act, value) => {
      unsubscribe?.();
      act(value);
    };
    call
      .signAndSend(signer, (result) => {
        if (result.isError) return finish(reject, new Error(`transaction is ${result.status.type}`));
        if (!result.isInBlock) return undefined;
        const events = result.events.map(({ event }) => event);
        const interrupted = events.find((event) => api.events.utility.BatchInterrupted.is(event));
        const error = result.dispatchError ?? interrupted?.data.error;
        return error ? finish(reject, new Error(describe(api, error))) : finish(resolve, events);
      })
      .then((stop) => {
        unsubscribe = stop;
      })
      .catch((error) => refusal(api, call, signer, error).then(reject, reject));
  });
}

/** The data of the only event of that kind among `events`. */
export function only(api, events, pallet, name) {
  const found = events.filter((event) => api.events[pallet][name].is(event));
  if (found.length !== 1) {
    const seen = events.map((event) => `${event.section}.${event.method}`).join(', ');
    throw new Error(`expected one ${pallet}.${name}, found ${found.length} in: ${seen}`);
  }
  return found[0].data;
}

/** Asks `read` until it answers with something, and returns that. Gives up after `seconds`. */
export async function until(what, read, seconds = 60) {
  const end = Date.now() + seconds * 1_000;
  for (;;) {
    const answer = await read();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await sleep(200);
  }
}

/** The call that bonds for a role and enrolls in a task. */
export function join(api, task, role, amount) {
  return api.tx.utility.batchAll([api.tx.participants.bond(role, amount), api.tx.assignments.enroll(task, role, 1)]);
}

/** An account's place in a draw of a round, once the draw's seed is known. */
export function drawn(api, task, round, draw, who) {
  return until(`the draw of ${JSON.stringify(draw)}`, async () => {
    const place = await api.call.federatedApi.place(task, round, draw, who.address);
    return place.isSome && place.unwrap();
  });
}

/**
 * Has two of the three members of a development chain's council propose, vote for and close a motion, each call sent by
 * `act(call, signer)`. Resolves to the events of its execution.
 */
export async function motion(api, act, call, [first, second]) {
  const length = call.method.encodedLength;
  const proposed = only(api, await act(api.tx.council.propose(2, call, length), first), 'council', 'Proposed');
  const { proposalHash, proposalIndex } = proposed;
  const vote = api.tx.council.vote(proposalHash, proposalIndex, true);
  await act(vote, first);
  await act(vote, second);
  const weight = { refTime: 10n ** 10n, proofSize: 1n << 20n };
  return act(api.tx.council.close(proposalHash, proposalIndex, weight, length), first);
}

/** What an account can claim in a task, over all its rounds. The chain looks at a number of rounds a call. */
export async function claimable(api, task, who) {
  const claims = [];
  let from = null;
  do {
    const part = await api.call.federatedApi.claimable(task, who.address, from, 256);
    claims.push(...part.claims);
    from = part.next.unwrapOr(null);
  } while (from !== null);
  return claims;
}
