// Watches what a test does: which events of our pallets it has seen, and which storage items with content.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { u8aToHex } from '@polkadot/util';
import { PALLETS, send } from './chain.js';

const label = (entry) => `${entry.creator.section}.${entry.creator.method}`;

/** All storage items of our pallets. Polkadot-JS adds one that is not in the metadata. */
const allItems = (queries) =>
  PALLETS.flatMap((pallet) => Object.values(queries[pallet])).filter(
    (entry) => entry.creator && entry.creator.method !== 'palletVersion',
  );

/** One per test file, once it is connected. */
export class Witness {
  #api;
  #items = new Set();
  #events = new Set();

  constructor(api) {
    this.#api = api;
  }

  /** Sends a call, notes the events, and reads the storage that it left. */
  async act(call, signer) {
    const events = await send(this.#api, call, signer);
    events
      .filter((event) => PALLETS.includes(event.section))
      .forEach((event) => this.#events.add(`${event.section}.${event.method}`));
    await this.readEverything();
    return events;
  }

  /** Reads every item of our pallets at one block, and compares each value with its raw bytes. */
  async readEverything() {
    const block = await this.#api.rpc.chain.getBlockHash();
    const { query } = await this.#api.at(block);
    for (const entry of allItems(query)) {
      const { type, modifier } = entry.creator.meta;
      const rows = type.isMap ? await entry.entries() : [[entry.key(), await entry()]];
      for (const [key, value] of rows) {
        const raw = await this.#api.rpc.state.getStorage.raw(key.toHex?.() ?? key, block);
        if (raw === null) continue;
        const content = modifier.isOptional ? value.unwrap() : value;
        assert.equal(u8aToHex(content.toU8a()), raw, `${label(entry)}: ${value} encodes to other bytes than the chain's`);
        this.#items.add(label(entry));
      }
    }
  }

  /** Those of the storage items that were never met with content. */
  unseenItems() {
    return allItems(this.#api.query)
      .map(label)
      .filter((item) => !this.#items.has(item));
  }

  /** Those of the events, as `pallet.Event`, that were never met. */
  unseenEvents(expected) {
    return expected.filter((event) => !this.#events.has(event));
  }
}

let broken = false;

/** A test that needs those before it in its file: the first that fails fails the rest at once. */
export function step(name, body) {
  test(name, async () => {
    assert.ok(!broken, 'an earlier step failed');
    broken = true;
    await body();
    broken = false;
  });
}
