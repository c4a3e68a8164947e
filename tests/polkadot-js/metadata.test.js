// What the metadata promises: everything in our pallets has a name, a documentation and a type that means something.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { u8aEq } from '@polkadot/util';
import { findBytes } from './lib/bytes.js';
import { PALLETS, SETTINGS, connect } from './lib/chain.js';

/** The only places where our types are raw bytes, and what the bytes are. */
const BYTES = {
  'decentralml_types::cid::Cid.digest': 'SHA2-256 of a root block',
  'decentralml_runtime::federated_api::UpdateView.plain_hash': 'hash',
  'decentralml_types::spec::TaskSpec.name': 'UTF-8 text',
  'decentralml_types::spec::TaskSpec.license': 'UTF-8 text',
  'decentralml_types::spec::InitialModel::Seed.0': 'seed',
  'pallet_participants::types::HostList.urls': 'ASCII text',
  'pallet_participants::types::EncryptionKey.key': 'X25519 key',
  'pallet_participants::pallet::Event::HostsSet.urls': 'ASCII text',
  'pallet_participants::pallet::Event::EncryptionKeySet.old': 'X25519 key',
  'pallet_participants::pallet::Event::EncryptionKeySet.new': 'X25519 key',
  'pallet_participants::pallet::Call::set_hosts.urls': 'ASCII text',
  'pallet_participants::pallet::Call::set_encryption_key.key': 'X25519 key',
  'pallet_assignments::types::PendingSeed.seed': 'seed',
  'pallet_results::types::Commitment.hash': 'hash',
  'pallet_results::types::Update.plain_hash': 'hash',
  'pallet_results::pallet::Event::Committed.hash': 'hash',
  'pallet_results::pallet::Event::Revealed.plain_hash': 'hash',
  'pallet_results::pallet::Call::commit.hash': 'hash',
  'pallet_results::pallet::Call::reveal.plain_hash': 'hash',
  'pallet_results::pallet::Call::reveal.salt': 'salt',
  'pallet_validation::types::CommitteeState.missed': 'a count for each seat',
  'pallet_validation::types::Seat.commitment': 'hash',
  'sp_runtime::ModuleError.error': 'number of an error, and what it carries',
  'pallet_validation::pallet::Call::commit_scores.hash': 'hash',
  'pallet_validation::pallet::Call::open_scores.salt': 'salt',
  'pallet_models::types::ModelVersion.license': 'UTF-8 text',
  'pallet_models::types::Release::Recalled.reason': 'UTF-8 text',
  'pallet_models::pallet::Event::Recalled.reason': 'UTF-8 text',
  'pallet_models::pallet::Call::recall.reason': 'UTF-8 text',
  'pallet_data::types::Content.plain_hash': 'hash',
  'pallet_data::pallet::Event::Registered.plain_hash': 'hash',
  'pallet_data::pallet::Call::register.plain_hash': 'hash',
  'pallet_challenges::pallet::Call::answer.blocks': 'blocks of an update',
  'pallet_golds::types::Gold.seal': 'hash',
  'pallet_golds::pallet::Event::GoldAnnounced.seal': 'hash',
  'pallet_golds::pallet::Call::announce.seal': 'hash',
  'pallet_golds::pallet::Call::reveal.secret': 'salt',
};

let api;
let pallets;

before(async () => {
  api = await connect();
  const all = api.runtimeMetadata.asLatest.pallets;
  pallets = PALLETS.map((name) => {
    const pallet = all.find((candidate) => candidate.name.toString().toLowerCase() === name);
    assert.ok(pallet, `the chain has no pallet ${name}`);
    return pallet;
  });
});

after(() => api?.disconnect());

const storageOf = (pallet) => (pallet.storage.isSome ? [...pallet.storage.unwrap().items] : []);

const storageTypes = (item) => (item.type.isPlain ? [item.type.asPlain] : [item.type.asMap.key, item.type.asMap.value]);

const federatedApi = () =>
  api.runtimeMetadata.asLatest.apis.find((candidate) => candidate.name.toString() === 'FederatedApi');

/** The variants of a pallet's `events`, `errors` or `calls`. */
function variantsOf(pallet, kind) {
  const variants = pallet[kind].isSome ? api.registry.lookup.getSiType(pallet[kind].unwrap().type).def.asVariant.variants : [];
  assert.ok(variants.length > 0 || pallet.name.toString().toLowerCase() === SETTINGS, `${pallet.name} has no ${kind}`);
  return variants;
}

const documented = (docs) => docs.map(String).join('').trim().length > 0;

/** Encodes a default value of a type, decodes it, and compares. */
function roundTrip(id, what) {
  const type = api.registry.createLookupType(id);
  const bytes = api.registry.createType(type).toU8a();
  const again = api.registry.createType(type, bytes);
  assert.ok(u8aEq(again.toU8a(), bytes), `${what}: decoding and encoding again gives other bytes`);
  assert.equal(again.encodedLength, bytes.length, `${what}: bytes are left over`);
}

test('raw bytes stand only where they are hashes, salts, seeds, digests or text', () => {
  const found = new Set();
  const done = new Set();
  const walk = (id, place) => findBytes(api.registry.lookup, id, place, found, done);
  for (const pallet of pallets) {
    const name = pallet.name.toString();
    storageOf(pallet).forEach((item) => storageTypes(item).forEach((id) => walk(id, `${name}.${item.name}`)));
    pallet.constants.forEach((constant) => walk(constant.type, `${name}.${constant.name}`));
    for (const kind of ['events', 'calls']) {
      if (pallet[kind].isSome) walk(pallet[kind].unwrap().type, name);
    }
  }
  for (const method of federatedApi().methods) {
    walk(method.output, `FederatedApi.${method.name}`);
    method.inputs.forEach((input) => walk(input.type, `FederatedApi.${method.name}.${input.name}`));
  }
  assert.deepEqual([...found].sort(), Object.keys(BYTES).sort());
});

test('storage items, constants, events, errors and calls are documented and named', () => {
  for (const pallet of pallets) {
    const name = pallet.name.toString();
    const items = storageOf(pallet);
    assert.ok(items.length > 0, `${name} stores nothing`);
    items.forEach((item) => assert.ok(documented(item.docs), `${name}.${item.name}`));
    pallet.constants.forEach((constant) => assert.ok(documented(constant.docs), `${name}.${constant.name}`));
    for (const kind of ['events', 'errors', 'calls']) {
      for (const variant of variantsOf(pallet, kind)) {
        assert.ok(documented(variant.docs), `${name}.${variant.name} says nothing`);
        variant.fields.forEach((field) => assert.ok(field.name.isSome, `${name}.${variant.name} has a field without a name`));
      }
    }
  }
});

test('every type of storage, constants and events decodes what it encodes', () => {
  for (const pallet of pallets) {
    const name = pallet.name.toString();
    storageOf(pallet).forEach((item) => storageTypes(item).forEach((id) => roundTrip(id, `${name}.${item.name}`)));
    pallet.constants.forEach((constant) => roundTrip(constant.type, `${name}.${constant.name}`));
    variantsOf(pallet, 'events').forEach((variant) => variant.fields.forEach((field) => roundTrip(field.type, `${name}.${variant.name}.${field.name}`)));
  }
});

test('every constant decodes to the value in the metadata', () => {
  for (const pallet of pallets) {
    const constants = Object.entries(api.consts[pallet.name.toString().toLowerCase()] ?? {});
    assert.equal(constants.length, pallet.constants.length);
    pallet.constants.forEach((constant) => {
      const decoded = constants.find(([, value]) => value.meta.name.eq(constant.name))?.[1];
      assert.ok(decoded, `${pallet.name}.${constant.name} is not decoded`);
      assert.ok(u8aEq(decoded.toU8a(), constant.value.toU8a(true)), `${pallet.name}.${constant.name}`);
    });
  }
});

test('the runtime API is offered with documented methods', () => {
  const offered = federatedApi();
  assert.ok(offered, 'the metadata has no FederatedApi');
  const methods = offered.methods.map((method) => method.name.toString()).sort();
  assert.deepEqual(methods, ['assignment', 'claimable', 'place', 'round', 'task', 'updates']);
  offered.methods.forEach((method) => assert.ok(documented(method.docs), `FederatedApi.${method.name}`));
  assert.equal(typeof api.call.federatedApi.task, 'function');
});
