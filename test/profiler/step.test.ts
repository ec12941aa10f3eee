// The profiler on whole training steps: FLOPs against PyTorch's counter and the formulas, memory by category against the formulas.
import { readFileSync } from 'node:fs';
import { getBackend, type Tensor, tensor2d, tidy } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { transformerOfHuggingFace } from '../../src/architectures/load.ts';
import { Transformer } from '../../src/architectures/transformer.ts';
import type { ModelCard } from '../../src/cards/model-card.ts';
import type { Batch } from '../../src/data/batches.ts';
import { valueAndGradients } from '../../src/engine/backward.ts';
import { withScope } from '../../src/engine/scope.ts';
import { mean } from '../../src/kernels/reduce.ts';
import { nodeStorage } from '../../src/node/storage.ts';
import { type AttentionSettings, attention } from '../../src/ops/attention.ts';
import { endOfForward, liveAfter, memoryPeak, survivors } from '../../src/profiler/memory.ts';
import { profileSync } from '../../src/profiler/profile.ts';
import { kernelRuns, matmulFlops, workBy } from '../../src/profiler/work.ts';
import { sum } from '../../src/terms/quantities.ts';
import { countFlops } from '../../src/theory/flops.ts';
import { countParameters } from '../../src/theory/parameters.ts';
import { trainingMemory } from '../../src/theory/training-memory.ts';
import { gradientNormsSync, Optimizer } from '../../src/training/optimizer.ts';
import { accumulate, forwardBackward } from '../../src/training/step.ts';
import { onBackend, onEveryBackend } from '../support/backend.ts';
import { adamwSettings, randomBatch, shippedCard, variants, withDropout } from '../support/models.ts';

const fixtures = ['gpt2-tiny', 'llama3-tiny', 'mqa-tiny'];
const folderOf = (name: string) => new URL(`../fixtures/${name}`, import.meta.url).pathname;

/** Loss and gradients of one batch, disposed at once. */
function pass(model: Transformer, batch: Batch, keep: AttentionSettings['keep'] = 'probabilities'): void {
  const { losses, gradients } = forwardBackward(model, [batch], { keep, dropoutSeed: 1 });
  for (const tensor of [...losses, ...gradients]) tensor.dispose();
}

function profilePass(card: ModelCard, rows: number, length: number, keep: AttentionSettings['keep'] = 'probabilities') {
  const model = new Transformer(card, 1);
  try {
    return profileSync(() => pass(model, randomBatch(card, rows, length), keep));
  } finally {
    model.dispose();
  }
}

/** Attention over made-up numbers, forward or with its gradient. */
function attentionFlops(sizes: Omit<AttentionSettings, 'mask' | 'keep'>): { forward: bigint; forwardBackward: bigint } {
  const { batch, sequence, heads, kvHeads, headSize } = sizes;
  let flops = { forward: 0n, forwardBackward: 0n };
  tidy(() => {
    const rows = batch * sequence;
    const columns = (heads + 2 * kvHeads) * headSize;
    const qkv = tensor2d(new Float32Array(rows * columns), [rows, columns]);
    const mask = tensor2d(new Float32Array(sequence * sequence), [sequence, sequence]);
    const value = () => {
      const out = attention(qkv, { ...sizes, mask, keep: 'probabilities' });
      return withScope({ term: 'loss.cross-entropy' }, () => mean(out, [0, 1]));
    };
    flops = matmulFlops(
      profileSync(() => withScope({ phase: 'forward', module: 'blocks.0' }, () => valueAndGradients(value, [qkv]))),
    );
  });
  return flops;
}

onEveryBackend((backend) => {
  it.each(fixtures)('matrix products of %s as PyTorch counts them', async (name) => {
    const folder = folderOf(name);
    const { matmul_flops } = JSON.parse(readFileSync(`${folder}/expected.json`, 'utf8')) as {
      matmul_flops: { forward: number; forward_backward: number };
    };
    const model = await transformerOfHuggingFace(nodeStorage, folder);
    const flops = matmulFlops(profileSync(() => pass(model, randomBatch(model.card, 3, 24))));
    model.dispose();
    expect(flops).toEqual({
      forward: BigInt(matmul_flops.forward),
      forwardBackward: BigInt(matmul_flops.forward_backward),
    });
  });

  it.each(['gpt-debug', 'llama3-debug', 'mqa-debug'])(
    'matrix products of %s by term as the formulas count them',
    (name) => {
      const card = shippedCard(name);
      const keeps = ['probabilities', 'nothing-quadratic'] as const;
      for (const keep of keeps) expectTerms(card, 2, 9, keep);
    },
  );

  it.each(Object.entries(variants))('memory at the end of forward as the formulas have it: %s', (_, card) => {
    for (const each of [card, withDropout(card)]) {
      for (const keep of ['probabilities', 'nothing-quadratic'] as const) {
        const result = profilePass(each, 2, 7, keep);
        const { live } = liveAfter(result, endOfForward(result));
        const theory = trainingMemory(each, { batch: 2, sequence: 7 }, 'adamw', keep);
        expect(BigInt(live.parameters)).toBe(sum('bytes', theory.parameters).value);
        expect(BigInt(live.savedActivations)).toBe(sum('bytes', theory.savedActivations).value);
        expect(BigInt(live.batch)).toBe(sum('bytes', theory.batch).value);
        expect([live.gradients, live.optimizer, live.kvCache]).toEqual([0, 0, 0]);
      }
    }
  });

  it.each(['gpt-debug', 'llama3-debug', 'mqa-debug'])('a whole step of %s: nothing unknown, nothing left', (name) => {
    const card = withDropout(shippedCard(name));
    const model = new Transformer(card, 1);
    const optimizer = new Optimizer(model.namedWeights(), adamwSettings);
    const names = model.namedWeights().map((weight) => weight.name);
    const micro = [1, 2].map((seed) => randomBatch(card, 2, 8, seed));
    const step = () => {
      const { gradients } = accumulate(model, micro, { dropoutSeed: 1 });
      const { total } = gradientNormsSync(gradients, names);
      optimizer.apply(gradients, 0.01, 0.5 / total);
    };
    step();
    const residents = optimizer
      .stateTensors()
      .map(({ name, tensor }) => ({ tensor, category: 'optimizer' as const, owner: name }));
    const result = profileSync(step, { residents });
    expect(result.unknown).toEqual([]);
    expect(kernelRuns(result).every(({ scope }) => scope.phase && scope.module && scope.term)).toBe(true);
    const before = liveAfter(result, -1).live;
    const after = liveAfter(result, result.events.length - 1).live;
    expect(after).toEqual(before);
    const parameters = 4 * Number(countParameters(card).total);
    expect(before).toMatchObject({
      parameters,
      optimizer: 2 * parameters,
      gradients: 0,
      savedActivations: 0,
      batch: 0,
    });
    // What is new at the end took the place of an old one: weights and their state.
    expect(new Set(survivors(result).map(({ category }) => category))).toEqual(new Set(['parameters', 'optimizer']));
    const tensors = kernelRuns(result).find(({ scope }) => scope.term === 'optimizer.adamw')!;
    const atUpdate = liveAfter(result, result.events.indexOf(tensors)).live;
    expect(atUpdate.gradients).toBe(parameters);
    const peak = memoryPeak(result);
    expect(peak.holdings.reduce((bytes, holding) => bytes + holding.bytes, 0)).toBe(peak.total);
    expect(peak.kernel).toBeDefined();
    model.dispose();
    optimizer.dispose();
  });

  if (backend !== 'cpu') {
    it('attention: b4 h8 s128 d64, and once more as much twice for the gradient', () => {
      const flops = attentionFlops({ batch: 4, heads: 8, kvHeads: 8, sequence: 128, headSize: 64 });
      expect(flops).toEqual({ forward: 134_217_728n, forwardBackward: 3n * 134_217_728n });
    });
  }

  it('attention: 1 × 12 × 64 × 64; with shared key/value heads the query heads count', () => {
    const sizes = { batch: 1, heads: 12, sequence: 64, headSize: 64 };
    for (const kvHeads of [12, 4, 1]) {
      expect(attentionFlops({ ...sizes, kvHeads })).toEqual({ forward: 12_582_912n, forwardBackward: 37_748_736n });
    }
  });
});

/** Every term of matrix products against the `palm` convention, forward and backward. */
function expectTerms(card: ModelCard, batch: number, sequence: number, keep: AttentionSettings['keep']): void {
  const result = profilePass(card, batch, sequence, keep);
  const { forwardTerms, backwardTerms, forward, forwardBackward } = countFlops(card, { batch, sequence }, 'palm');
  const isCounted = (phase: string) => phase === 'forward' || phase === 'backward';
  const runs = kernelRuns(result).filter(({ scope }) => isCounted(scope.phase));
  const counted = workBy({ ...result, events: runs }, 'term');
  const products = [...counted]
    .filter(([, work]) => work.matmulFlops > 0n)
    .map(([term, work]) => [term, work.matmulFlops]);
  const theory = [...forwardTerms, ...backwardTerms].map(({ id, value }) => [id, value]);
  expect(Object.fromEntries(products)).toEqual(Object.fromEntries(theory));
  expect(matmulFlops(result)).toEqual({ forward: forward.value, forwardBackward: forwardBackward.value });
  const again = workBy(result, 'phase').get('recompute')?.matmulFlops ?? 0n;
  const scores = forwardTerms.find(({ id }) => id === 'attention.scores')!.value;
  expect(again).toBe(keep === 'probabilities' ? 0n : scores);
}

onBackend('cpu', () => {
  it('matrix products by term, on random cards and shapes', () => {
    const sizes = fc.record({
      layers: fc.integer({ min: 1, max: 3 }),
      kvHeads: fc.constantFrom(1, 2, 4),
      group: fc.integer({ min: 1, max: 3 }),
      headSize: fc.constantFrom(2, 4, 6),
      width: fc.integer({ min: 1, max: 20 }),
      hidden: fc.integer({ min: 1, max: 12 }),
      kind: fc.constantFrom('gelu', 'swiglu', 'relu'),
      tied: fc.boolean(),
      arch: fc.constantFrom('gpt-debug', 'llama3-debug', 'mqa-debug'),
    });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 6 }), (size, batch, sequence) => {
        const { layers, kvHeads, group, headSize, width, hidden, kind, tied, arch } = size;
        const set = { layers, kvHeads, heads: kvHeads * group, headSize, hidden, tied, vocabulary: 11 };
        const assignments = Object.entries(set).map(([key, value]) => `${key}=${value}`);
        const card = shippedCard(arch, ...assignments, `mlp.width=${width}`, `mlp.kind=${kind}`);
        expectTerms(card, batch, sequence, 'probabilities');
      }),
      { numRuns: 25 },
    );
  });

  it('a tensor that is kept too long is seen', () => {
    const kept: Tensor[] = [];
    const model = new Transformer(variants.gpt!, 1);
    const result = profileSync(() => {
      pass(model, randomBatch(variants.gpt!, 1, 4));
      kept.push(tensor2d([[1, 2]]));
    });
    const left = survivors(result).filter(({ category }) => category !== 'constants');
    expect(left.map(({ birth }) => birth.bytes)).toEqual([8]);
    expect(getBackend()).toBe('cpu');
    for (const tensor of kept) tensor.dispose();
    model.dispose();
  });
});
