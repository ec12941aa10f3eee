// Properties of every layout: sums of terms, monotone, ZeRO and sequence parallelism save, one worker is the unsharded model.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadModelCard } from '../../src/node/cards.ts';
import { sum } from '../../src/terms/quantities.ts';
import { type Layout, NO_PARALLELISM, type WorkerShape, type ZeroStage } from '../../src/theory/parallelism.ts';
import { fullestWorker, type WorkerChoice, workerMemory } from '../../src/theory/parallelism-memory.ts';
import { countParameters } from '../../src/theory/parameters.ts';
import { documentActivations } from '../../src/theory/training-memory.ts';
import { workerStates } from '../../src/theory/zero.ts';

const mixed: WorkerChoice = {
  precision: 'mixed',
  optimizer: 'adamw',
  convention: 'decoder-only',
  recompute: 'none',
  attention: 'materialized',
};
const layout = (change: Partial<Layout>): Layout => ({ ...NO_PARALLELISM, ...change });

describe('every layout', () => {
  const cards = ['gpt-small', 'llama3-small', 'mqa-small', 'gpt2'].map((arch) => loadModelCard({ arch }));
  const power = (most: number) => fc.integer({ min: 0, max: most }).map((exponent) => 2 ** exponent);
  const arbitrary = fc.record({
    card: fc.constantFrom(...cards),
    tensor: power(2),
    sequenceParallel: fc.boolean(),
    pipeline: power(2),
    context: power(2),
    data: power(4),
    batch: power(3),
    microBatches: power(3).map((m) => 4 * m),
    recompute: fc.constantFrom('none' as const, 'selective' as const, 'full' as const),
    attention: fc.constantFrom('flash' as const, 'materialized' as const),
  });
  const total = (
    input: typeof arbitrary extends fc.Arbitrary<infer T> ? T : never,
    change: Partial<Layout> = {},
    grow: Partial<WorkerShape> = {},
  ) => {
    const { card, batch, microBatches, recompute, attention, ...degrees } = input;
    const shape = { batch, microBatches, sequence: 128, ...grow };
    return fullestWorker(card, shape, layout({ ...degrees, ...change }), { ...mixed, recompute, attention }).total
      .value;
  };

  it('needs no more memory with more ZeRO', () => {
    fc.assert(
      fc.property(arbitrary, (input) => {
        const totals = ([0, 1, 2, 3] as const).map((zero) => total(input, { zero }));
        for (let stage = 1; stage < 4; stage++) expect(totals[stage]).toBeLessThanOrEqual(totals[stage - 1]!);
        const states = (zero: ZeroStage) => workerStates({ n: 12345n, Z: BigInt(input.data), p: 2n }, mixed, zero);
        const bytes = ([0, 1, 2, 3] as const).map((zero) => sum('bytes', Object.values(states(zero)).flat()).value);
        for (let stage = 1; stage < 4; stage++) expect(bytes[stage]).toBeLessThanOrEqual(bytes[stage - 1]!);
      }),
      { numRuns: 60 },
    );
  });

  it('needs more memory for more sequences or longer ones, and less with sequence parallelism', () => {
    fc.assert(
      fc.property(arbitrary, (input) => {
        const bytes = total(input);
        expect(total(input, {}, { batch: 2 * input.batch })).toBeGreaterThan(bytes);
        expect(total(input, {}, { sequence: 256 })).toBeGreaterThan(bytes);
        expect(total(input, { sequenceParallel: true })).toBeLessThanOrEqual(total(input, { sequenceParallel: false }));
      }),
      { numRuns: 60 },
    );
  });

  it('is a sum of its terms', () => {
    fc.assert(
      fc.property(arbitrary, ({ card, batch, microBatches, recompute, attention, ...degrees }) => {
        const shape = { batch, microBatches, sequence: 128 };
        const memory = fullestWorker(card, shape, layout(degrees), { ...mixed, recompute, attention });
        const { parameters, gradients, optimizer, savedActivations, batch: ids, temporaries } = memory;
        const lives = [parameters, gradients, optimizer, savedActivations, ids, temporaries[memory.largest]].flat();
        expect(sum('bytes', lives).value).toBe(memory.total.value);
      }),
      { numRuns: 30 },
    );
  });

  it('of one worker is the unsharded model', () => {
    const choice = { ...mixed, precision: 'fp32' as const };
    const withMasks = loadModelCard({ arch: 'gpt-small', set: ['dropout.attention=0.1', 'dropout.residual=0.1'] });
    const memory = workerMemory(withMasks, { batch: 3, sequence: 128, microBatches: 5 }, NO_PARALLELISM, choice);
    const documents = documentActivations(withMasks, { batch: 3, sequence: 128 });
    expect(sum('bytes', memory.savedActivations.slice(0, documents.length)).value).toBe(sum('bytes', documents).value);
    expect(sum('bytes', memory.parameters).value).toBe(4n * countParameters(withMasks).total);
  });
});
