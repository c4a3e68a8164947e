// What a round's participants commit to before they open it. The two commitments are those of primitives/types/src/commitment.rs:
// BLAKE2b-256 over a domain and the SCALE fields.

import { bnToU8a, stringToU8a, u8aConcat } from '@polkadot/util';
import { blake2AsHex, randomAsU8a } from '@polkadot/util-crypto';

const u32 = (value) => bnToU8a(value, { bitLength: 32, isLe: true });

/** The SCALE bytes of argument `name` of a call. */
function encoded(call, name) {
  const index = call.meta.args.findIndex((arg) => arg.name.toString() === name);
  if (index < 0) throw new Error(`the call has no argument ${name}`);
  return call.args[index].toU8a();
}

/**
 * A trainer's call that opens an update, made on no model, and the call that commits to it. In a sealed task `cid` is that of the
 * encrypted bytes, and `plainHash` the SHA2-256 of the plain ones.
 */
export function update(api, { task, round, account, cid, plainHash = null, samples }) {
  const salt = randomAsU8a(32);
  const reveal = api.tx.results.reveal(task, round, cid, plainHash, samples, salt);
  const hash = blake2AsHex(
    u8aConcat(
      stringToU8a('decentralml/update/1'),
      api.genesisHash.toU8a(),
      u32(task),
      u32(round),
      account.publicKey,
      api.registry.createType('Option<u8>', null).toU8a(),
      encoded(reveal, 'cid'),
      encoded(reveal, 'plainHash'),
      u32(samples),
      salt,
    ),
  );
  return { commit: api.tx.results.commit(task, round, hash), reveal };
}

const FIRST_COMMITTEE = 0;

/** The call of a seat of a round's first committee that opens its scores, and the call that commits to them. */
export function scores(api, { task, round, account, opinions }) {
  const salt = randomAsU8a(32);
  const open = api.tx.validation.openScores(task, round, opinions, salt);
  const hash = blake2AsHex(
    u8aConcat(
      stringToU8a('decentralml/scores/1'),
      api.genesisHash.toU8a(),
      u32(task),
      u32(round),
      Uint8Array.of(FIRST_COMMITTEE),
      account.publicKey,
      encoded(open, 'opinions'),
      salt,
    ),
  );
  return { commit: api.tx.validation.commitScores(task, round, FIRST_COMMITTEE, hash), open };
}
