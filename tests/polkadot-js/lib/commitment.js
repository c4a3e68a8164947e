// The two commitments, as primitives/types/src/commitment.rs defines them: BLAKE2b-256 over a domain and the SCALE fields.

import { bnToU8a, stringToU8a, u8aConcat } from '@polkadot/util';
import { blake2AsHex } from '@polkadot/util-crypto';

const u32 = (value) => bnToU8a(value, { bitLength: 32, isLe: true });

/** What a trainer commits to. `base` and `cid` are codec values: an Option<Cid> and a Cid. */
export function updateCommitment(api, { task, round, account, base, cid, samples, salt }) {
  return blake2AsHex(
    u8aConcat(
      stringToU8a('decentralml/update/1'),
      api.genesisHash.toU8a(),
      u32(task),
      u32(round),
      account.publicKey,
      base.toU8a(),
      cid.toU8a(),
      u32(samples),
      salt,
    ),
  );
}

/** What a seat commits to. `opinions` is a codec value: the bounded list of opinions. */
export function scoresCommitment(api, { task, round, committee, account, opinions, salt }) {
  return blake2AsHex(
    u8aConcat(
      stringToU8a('decentralml/scores/1'),
      api.genesisHash.toU8a(),
      u32(task),
      u32(round),
      Uint8Array.of(committee),
      account.publicKey,
      opinions.toU8a(),
      salt,
    ),
  );
}

/** The codec value of argument `name` of a call. */
export function argument(call, name) {
  const index = call.meta.args.findIndex((arg) => arg.name.toString() === name);
  if (index < 0) throw new Error(`the call has no argument ${name}`);
  return call.args[index];
}
