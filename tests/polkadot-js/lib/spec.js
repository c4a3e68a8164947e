// A task specification as an application writes it: fields in Polkadot-JS's spelling, amounts in planck.

import { UNIT } from './chain.js';

/** A CID on chain is a codec and the SHA2-256 of the root block. `byte` stands for some content. */
export function cid(byte) {
  return { codec: 'Raw', digest: `0x${byte.toString(16).padStart(2, '0').repeat(32)}` };
}

/** One trainer, three seats, one round: the smallest task that goes through every phase. */
export function smallestTask(name) {
  return {
    name,
    license: 'Apache-2.0',
    model: cid(1),
    initial: { Seed: `0x${'07'.repeat(32)}` },
    objective: { Classification: { features: 64, classes: 10 } },
    training: {
      work: { Epochs: 1 },
      batchSize: 16,
      learningRate: 100_000,
      schedule: { Constant: { warmup: 0 } },
      optimizer: { Sgd: { momentum: 900_000 } },
      weightDecay: 0,
      clipNorm: null,
      proximal: 0,
      workerMomentum: 0,
    },
    aggregation: {
      normBound: null,
      before: 'Nothing',
      rule: { TrimmedMean: { trim: 100_000 } },
      counts: 'Equal',
      copyCosine: 999_900,
      server: { FedAdam: { rate: 10_000, beta1: 900_000, beta2: 990_000, tau: 1_000 } },
    },
    encoding: { bits: 16, fractionBits: 12, clip: 8_191, rounding: 'Nearest', keep: 1_000_000, errorFeedback: false },
    maxUpdateBytes: 1n << 20n,
    custody: { hosts: 0, sealed: false },
    validationSet: cid(2),
    maxValidationBytes: 1n << 20n,
    rounds: 1,
    target: null,
    maxRetries: 0,
    trainers: { min: 1, max: 1 },
    committee: { seats: 3, quorum: 2 },
    deadlines: {
      enrolling: 300,
      training: 300,
      revealing: 300,
      scoring: 300,
      verdict: 300,
      aggregating: 300,
      claiming: 300,
      lifetime: 10_000,
    },
    terms: {
      asset: 'Native',
      rewardPerRound: 6n * UNIT,
      feePerSeat: 2n * UNIT,
      trainerBond: 10n * UNIT,
      evaluatorBond: 20n * UNIT,
      minReputation: 0,
      draw: 'Equal',
      golds: 0,
    },
  };
}

/** What the chain keeps for the free calls of one attempt at a round. */
export function attemptCost(api, { trainers, committee, custody, terms }) {
  const counts = Math.ceil(trainers.max / 32);
  const collects = terms.asset === 'Native' ? 0 : trainers.max + committee.seats;
  const calls = trainers.max * (custody.sealed ? 5 : 3) + committee.seats * 8 + counts * 4 + 12 + collects;
  return api.consts.tasks.callPrice.toBigInt() * BigInt(calls);
}

/** What the sponsor of a task pays in advance for its rounds, in what the task pays in. */
export function totalPay({ rounds, committee, terms }) {
  return (terms.rewardPerRound + BigInt(committee.seats) * terms.feePerSeat) * BigInt(rounds);
}

/** What the sponsor of a task pays in advance for the free calls of every attempt. */
export function totalCharges(api, spec) {
  return attemptCost(api, spec) * BigInt(spec.rounds * (1 + spec.maxRetries));
}
