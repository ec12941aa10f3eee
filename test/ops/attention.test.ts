// Attention on every backend: MHA, GQA and MQA, with and without rotary positions and dropout, against float64 loops; and its symmetries.
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { valueAndGradients } from '../../src/engine/backward.ts';
import { normalArray } from '../../src/engine/random.ts';
import { type DropoutSeed, dropoutMask, keepProbability } from '../../src/engine/random-kernels.ts';
import { withScope } from '../../src/engine/scope.ts';
import { type AttentionSettings, attention, causalMask } from '../../src/ops/attention.ts';
import { type RopeSettings, rotaryTables } from '../../src/ops/rotary.ts';
import { onEveryBackend } from '../support/backend.ts';
import { checkOp, close, normal, weightedSum } from '../support/check-op.ts';
import * as reference from '../support/reference.ts';

interface Sizes {
  batch: number;
  sequence: number;
  kvHeads: number;
  group: number;
  headSize: number;
  rope?: RopeSettings;
  drops?: { rate: number; seed: DropoutSeed };
  keep?: AttentionSettings['keep'];
}

const llama3: RopeSettings = {
  theta: 100,
  scaling: { factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 32 },
};
const columns = ({ kvHeads, group, headSize }: Sizes) => (group + 2) * kvHeads * headSize;

/** Calls `body` with the op of these sizes; its constants live as long. `offset` is the position of the first token. */
function withAttention<T>(sizes: Sizes, body: (attend: (qkv: tf.Tensor) => tf.Tensor) => T, offset = 0): T {
  const { batch, sequence, kvHeads, group, headSize, rope, drops, keep = 'probabilities' } = sizes;
  let result: T | undefined;
  tf.tidy(() => {
    const settings: AttentionSettings = {
      ...{ batch, sequence, heads: group * kvHeads, kvHeads, headSize, keep },
      mask: tf.tensor2d(causalMask(sequence), [sequence, sequence]),
      ...(rope && { rotary: rotaryTables(rope, headSize, sequence, offset) }),
      ...(drops && { dropout: drops }),
    };
    result = body((qkv) => attention(qkv, settings));
  });
  return result!;
}

/** What dropout multiplies each weight by in module `test`. */
function dropoutFactors(shape: number[], { rate, seed }: NonNullable<Sizes['drops']>): Float64Array {
  const mask = dropoutMask(shape, rate, seed, 'test/dropout.attention');
  const factors = Float64Array.from(mask.dataSync(), (kept) => kept / keepProbability(rate));
  mask.dispose();
  return factors;
}

function check(sizes: Sizes, seed: number): void {
  const { batch, sequence, kvHeads, group, headSize, drops, rope } = sizes;
  const heads = group * kvHeads;
  const settings = {
    ...{ batch, sequence, heads, kvHeads, headSize },
    ...(rope && { rope }),
    ...(drops && { factors: dropoutFactors([batch, heads, sequence, sequence], drops) }),
  };
  withAttention(sizes, (attend) =>
    checkOp({
      inputs: [normal([batch * sequence, columns(sizes)], seed)],
      op: (qkv) => attend(qkv!),
      reference: (qkv) => reference.attention(qkv!, settings),
      tolerance: 1e-5,
    }),
  );
}

/** Output, and the gradient of its sum weighted by fixed numbers. */
function outputAndGradient(qkv: Float32Array, sizes: Sizes) {
  return withAttention(sizes, (attend) => {
    const x = tf.tensor2d(qkv, [sizes.batch * sizes.sequence, columns(sizes)]);
    const y = attend(x);
    const weights = normalArray(5, 'weights', y.size, 1);
    const { gradients } = valueAndGradients(() => weightedSum(attend(x), weights), [x]);
    return { output: y.dataSync<'float32'>(), gradient: gradients[0]!.dataSync<'float32'>() };
  });
}

onEveryBackend(() => {
  it.each([
    ['multi-head', 2, 1],
    ['grouped-query', 2, 2],
    ['multi-query', 1, 3],
  ])('%s, with and without rotary positions, keeping either', (_, kvHeads, group) => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 2 }),
        fc.constantFrom(undefined, { theta: 10_000, scaling: null }, llama3),
        fc.constantFrom('probabilities' as const, 'nothing-quadratic' as const),
        fc.integer({ min: 1, max: 1e6 }),
        (batch, sequence, pairs, rope, keep, seed) => {
          tf.tidy(() =>
            check({ batch, sequence, kvHeads, group, headSize: 2 * pairs, keep, ...(rope && { rope }) }, seed),
          );
        },
      ),
      { numRuns: 6, seed: 3, endOnFailure: true },
    );
  });

  it.each(['probabilities', 'nothing-quadratic'] as const)('drops weights by its mask, keeping %s', (keep) => {
    const drops = { rate: 0.4, seed: { seed: 9, step: 2 } };
    check({ batch: 2, sequence: 4, kvHeads: 2, group: 2, headSize: 2, drops, keep, rope: llama3 }, 21);
  });

  it('has bit-equal outputs and gradients whatever it keeps', () => {
    const drops = { rate: 0.2, seed: { seed: 4, step: 1 } };
    const sizes = { batch: 2, sequence: 9, kvHeads: 2, group: 3, headSize: 8, rope: llama3, drops };
    const qkv = normalArray(1, 'qkv', 18 * columns(sizes), 1);
    const kept = outputAndGradient(qkv, { ...sizes, keep: 'probabilities' });
    expect(outputAndGradient(qkv, { ...sizes, keep: 'nothing-quadratic' })).toEqual(kept);
  });

  it('of grouped queries equals multi-head attention with keys and values repeated', () => {
    const grouped = { batch: 2, sequence: 6, kvHeads: 2, group: 3, headSize: 4, rope: llama3 };
    const full = { ...grouped, kvHeads: 6, group: 1 };
    const qkv = normalArray(2, 'qkv', 12 * columns(grouped), 1);
    // Slot s of the full layout copies slot `source(s)` of the grouped one: heads 6 q, then k, then v.
    const source = (slot: number) =>
      slot < 6 ? slot : slot < 12 ? 6 + Math.floor((slot - 6) / 3) : 8 + Math.floor((slot - 12) / 3);
    const place = (i: number) => {
      const [row, column] = [Math.floor(i / columns(full)), i % columns(full)];
      return row * columns(grouped) + source(Math.floor(column / 4)) * 4 + (column % 4);
    };
    const repeated = Float32Array.from({ length: 12 * columns(full) }, (_, i) => qkv[place(i)]!);
    const [one, other] = [outputAndGradient(qkv, grouped), outputAndGradient(repeated, full)];
    close(one.output, other.output, 1e-6, 'output');
    const summed = new Float32Array(qkv.length);
    other.gradient.forEach((value, i) => {
      summed[place(i)]! += value;
    });
    close(one.gradient, summed, 2e-6, 'gradient');
  });

  it('with rotary positions depends on distances only', () => {
    const [sequence, shift] = [5, 37];
    const sizes = { batch: 1, sequence, kvHeads: 1, group: 2, headSize: 8 };
    const qkv = normalArray(3, 'qkv', sequence * columns(sizes), 1);
    const rotary = { ...sizes, rope: { theta: 500, scaling: null } };
    const at = (offset: number) =>
      withAttention(rotary, (attend) => attend(tf.tensor2d(qkv, [sequence, columns(sizes)])).dataSync(), offset);
    close(at(shift), at(0), 3e-6, 'output');
    // The positions matter: without them the output is another one.
    const bare = outputAndGradient(qkv, sizes).output;
    expect(Math.max(...at(0).map((value, i) => Math.abs(value - bare[i]!)))).toBeGreaterThan(0.01);
  });

  it('never looks ahead', () => {
    const sizes = { batch: 1, sequence: 6, kvHeads: 1, group: 2, headSize: 4 };
    const qkv = normalArray(4, 'qkv', 6 * columns(sizes), 1);
    const changed = qkv.map((value, i) => (i < 4 * columns(sizes) ? value : 100 - value));
    const [before, after] = [outputAndGradient(qkv, sizes).output, outputAndGradient(changed, sizes).output];
    expect(after.slice(0, 4 * 8)).toEqual(before.slice(0, 4 * 8));
    expect(after.slice(4 * 8)).not.toEqual(before.slice(4 * 8));
  });

  it('takes scores far from zero', () => {
    const sizes = { batch: 1, sequence: 3, kvHeads: 1, group: 1, headSize: 2 };
    const { output, gradient } = outputAndGradient(normalArray(5, 'qkv', 18, 60), sizes);
    expect([...output, ...gradient].every(Number.isFinite)).toBe(true);
  });

  it('tells apart the dropout of different modules', () => {
    const sizes = {
      batch: 1,
      sequence: 8,
      kvHeads: 1,
      group: 1,
      headSize: 2,
      drops: { rate: 0.5, seed: { seed: 1, step: 1 } },
    };
    const qkv = normalArray(6, 'qkv', 8 * columns(sizes), 1);
    const of = (module: string) => withScope({ module }, () => outputAndGradient(qkv, sizes).output);
    expect(of('blocks.0.attention')).toEqual(of('blocks.0.attention'));
    expect(of('blocks.0.attention')).not.toEqual(of('blocks.1.attention'));
  });
});
