// The meta backend alone: values cannot be read, memory is unique memory, undeclared kernels fail, and the largest card is traced in seconds.
import { readdirSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { Transformer } from '../../src/architectures/transformer.ts';
import type { ModelCard } from '../../src/cards/model-card.ts';
import { backendNames, useBackend } from '../../src/engine/backends.ts';
import { observeKernels, strictly } from '../../src/engine/kernel-events.ts';
import { type MetaBackend, type MetaLowering, metaLowerings } from '../../src/engine/meta/backend.ts';
import { useMeta } from '../../src/engine/meta/meta.ts';
import { missing } from '../../src/engine/native/installed.ts';
import { declareKernel, findDeclaration } from '../../src/kernels/declaration.ts';
import { fill } from '../../src/kernels/fill.ts';
import { matMul } from '../../src/kernels/matmul.ts';
import { run } from '../../src/kernels/run.ts';
import { cast, identity, reshape, slice } from '../../src/kernels/shape.ts';
import { UserError } from '../../src/terms/user-error.ts';
import { countFlops } from '../../src/theory/flops.ts';
import { countParameters } from '../../src/theory/parameters.ts';
import { Optimizer } from '../../src/training/optimizer.ts';
import { accumulate, batchLoss, evaluateBatch, forwardBackward } from '../../src/training/step.ts';
import { adamwSettings, randomBatch, shippedCard, variants } from '../support/models.ts';

const SENTENCE =
  'The meta backend knows shapes and no numbers, so no value can be read from it: run this on a backend that computes ' +
  '(native, webgpu, wasm or cpu), or ask the formulas with yarn predict.';

let meta: MetaBackend;
beforeEach(async () => {
  meta = await useMeta({ lowering: 'native' });
});

/** One training step; returns the FLOPs of its matrix products. */
function step(card: ModelCard, sequence: number, whileAlive?: (model: Transformer) => void): bigint {
  const model = new Transformer(card, 1);
  const optimizer = new Optimizer(model.namedWeights(), adamwSettings);
  const batch = { inputs: new Int32Array(sequence), labels: new Int32Array(sequence), rows: 1, length: sequence };
  let products = 0n;
  const stop = observeKernels('meta', (event) => {
    if (event.name === 'BatchMatMul') products += findDeclaration(event.name)!.flops(event);
  });
  try {
    const { losses, gradients } = forwardBackward(model, [batch], { keep: 'probabilities' });
    optimizer.apply(gradients, 1e-3);
    tf.dispose(losses);
    whileAlive?.(model);
  } finally {
    stop();
    model.dispose();
    optimizer.dispose();
  }
  return products;
}

describe('values', () => {
  it('cannot be read, and the sentence says what to do', async () => {
    const x = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    expect(() => x.dataSync()).toThrow(new UserError(SENTENCE));
    await expect(x.data()).rejects.toThrow(new UserError(SENTENCE));
    expect(() => x.arraySync()).toThrow(SENTENCE);
    x.dispose();
  });

  it('cannot be read by a training step or an evaluation that asks for its loss', () => {
    const model = new Transformer(variants.gpt!, 1);
    const batch = randomBatch(variants.gpt!, 1, 4);
    expect(() => evaluateBatch(model, batch)).toThrow(SENTENCE);
    expect(() => accumulate(model, [batch])).toThrow(SENTENCE);
    const loss = batchLoss(model, batch);
    expect(loss.shape).toEqual([]);
    loss.dispose();
    model.dispose();
  });

  it('do not come along to another backend, but a tensor of another backend comes here as a shape', async () => {
    const x = fill([3], 1);
    await useBackend('cpu');
    expect(() => tf.neg(x)).toThrow(SENTENCE);
    const y = tf.tensor1d([1, 2, 3]);
    await useMeta({ lowering: 'native' });
    const before = meta.uniqueMemory();
    const z = identity(y);
    expect(meta.uniqueMemory()).toMatchObject({ buffers: before.buffers + 1, bytes: before.bytes + 12n });
    tf.dispose([x, y, z]);
    expect(meta.uniqueMemory().buffers).toBe(before.buffers - 1);
  });
});

describe('kernels', () => {
  it('that are not declared fail by name', () => {
    const x = fill([3], 1);
    expect(() => tf.cumsum(x)).toThrow("Kernel 'Cumsum' not registered for backend 'meta'");
    x.dispose();
  });

  it('that are declared later are there at once, for the lowerings that have them', async () => {
    declareKernel({
      name: 'TestOfLateDeclaration',
      inputs: ['x'],
      outputs: ({ inputs: [x] }) => [x!, { shape: [2], dtype: 'int32' }],
      flops: () => 0n,
      own: { cpu: () => [] },
    });
    const has = () => tf.getKernel('TestOfLateDeclaration', 'meta') !== undefined;
    expect(has()).toBe(false);
    await useMeta({ lowering: 'cpu' });
    expect(has()).toBe(true);
    const x = fill([3], 1);
    const outputs = run(findDeclaration('TestOfLateDeclaration')!, { x }) as unknown as tf.Tensor[];
    expect(outputs.map(({ shape, dtype }) => [shape, dtype])).toEqual([
      [[3], 'float32'],
      [[2], 'int32'],
    ]);
    expect(() => run(findDeclaration('TestOfLateDeclaration')!, {})).toThrow("without its input 'x'");
    tf.dispose([x, ...outputs]);
  });

  it('refuse shapes that a real backend refuses', () => {
    tf.tidy(() => {
      const x = fill([2, 3], 1);
      expect(() => matMul(x, x)).toThrow(/inner sizes 3 and 2/);
      expect(() => reshape(x, [4])).toThrow(/Size\(6\)/);
      expect(reshape(x, [3, -1]).shape).toEqual([3, 2]);
    });
  });

  it('are all declared, scoped, and as declared, in a whole step', () => {
    const model = new Transformer(variants.llama3!, 1);
    const batch = randomBatch(variants.llama3!, 2, 5);
    const { losses, gradients } = strictly('meta', () => forwardBackward(model, [batch]));
    tf.dispose([...losses, ...gradients]);
    model.dispose();
  });
});

describe('memory', () => {
  /** Buffers that `view` adds to those of `x`, and whether the memory of `x` outlives `x` as long as the view does. */
  function viewOf(x: tf.Tensor, view: (x: tf.Tensor) => tf.Tensor) {
    const before = meta.uniqueMemory();
    const ids = meta.numDataIds();
    const y = view(x);
    const added = { buffers: meta.uniqueMemory().buffers - before.buffers, ids: meta.numDataIds() - ids };
    x.dispose();
    const kept = meta.uniqueMemory().buffers - before.buffers;
    y.dispose();
    expect(meta.uniqueMemory()).toMatchObject({ buffers: before.buffers - 1 });
    return { ...added, kept };
  }
  const shared = { buffers: 0, ids: 0, kept: 0 };
  const sharedByAnotherId = { buffers: 0, ids: 1, kept: 0 };
  const copied = { buffers: 1, ids: 1, kept: 0 };

  it.each([
    ['native', sharedByAnotherId],
    ['wasm', shared],
    ['cpu', shared],
  ] as const)('is shared by views as on %s', async (lowering, handle) => {
    await useMeta({ lowering });
    expect(viewOf(fill([4, 4], 1), identity)).toEqual(shared);
    expect(viewOf(fill([4, 4], 1), (x) => reshape(x, [16]))).toEqual(handle);
    expect(viewOf(fill([4, 4], 1), (x) => cast(x, 'float32'))).toEqual(handle);
    expect(viewOf(fill([4, 4], 1), (x) => cast(x, 'int32'))).toEqual(copied);
    expect(viewOf(fill([4], 1, 'bool'), (x) => cast(x, 'float32'))).toEqual(lowering === 'cpu' ? shared : copied);
  });

  // On native: measured, by the growth of the process while such slices of large tensors were kept.
  it.each([
    [[64, 15], [0, 0], [63, 15], false],
    [[64, 15], [16, 0], [48, 15], false],
    [[64, 15], [0, 0], [64, 15], true],
    [[64, 16], [3, 0], [59, 16], true],
    [[64, 16], [3, 0], [59, 15], false],
    [[64, 8], [2, 0], [60, 8], false],
    [[64], [16], [32], true],
    [[64], [16], [35], false],
    [[64], [0], [35], false],
    [[64], [8], [32], false],
  ])('is shared by the slice of [%s] at [%s] of size [%s] on native: %s', async (shape, begin, size, isView) => {
    const cut = (x: tf.Tensor) => slice(x, begin, size);
    expect(viewOf(fill(shape, 1), cut)).toEqual(isView ? sharedByAnotherId : copied);
    await useMeta({ lowering: 'wasm' });
    expect(viewOf(fill(shape, 1), cut)).toEqual(copied);
    await useMeta({ lowering: 'cpu' });
    expect(viewOf(fill(shape, 1), cut)).toEqual(
      size.at(-1) === shape.at(-1) || shape.length === 1 ? sharedByAnotherId : copied,
    );
  });

  it('is what the cpu backend shares: the same array under the outputs that are declared to alias', async () => {
    await useBackend('cpu');
    const backend = tf.backend() as unknown as { data: { get(id: object): { values: tf.TypedArray } } };
    const memory = ({ dataId }: tf.Tensor) => backend.data.get(dataId).values.buffer;
    const shares = (x: tf.Tensor, y: tf.Tensor) => memory(x) === memory(y);
    tf.tidy(() => {
      const x = fill([4, 3, 5], 1);
      const mask = fill([8], 1, 'bool');
      expect(shares(x, identity(x))).toBe(true);
      expect(shares(x, reshape(x, [60]))).toBe(true);
      expect([shares(mask, cast(mask, 'float32')), shares(x, cast(x, 'int32'))]).toEqual([true, false]);
      for (const [begin, size] of [
        [
          [1, 0, 0],
          [2, 3, 5],
        ],
        [
          [0, 0, 0],
          [4, 3, 5],
        ],
        [
          [1, 1, 0],
          [1, 2, 5],
        ],
        [
          [1, 1, 0],
          [2, 2, 5],
        ],
        [
          [0, 0, 1],
          [4, 3, 4],
        ],
      ] as [number[], number[]][]) {
        const call = { inputs: [{ shape: x.shape, dtype: x.dtype }], attributes: { begin, size } };
        expect(shares(x, slice(x, begin, size))).toBe(findDeclaration('Slice')!.alias!(call, 'cpu') === 0);
      }
    });
  });

  it('has a peak: alloc, alloc, free, alloc is two', () => {
    const start = meta.uniqueMemory().bytes;
    meta.restartPeak();
    const [a, b] = [fill([256], 1), fill([256], 1)];
    a.dispose();
    const c = fill([256], 1);
    expect(meta.uniqueMemory()).toMatchObject({ bytes: start + 2048n, peakBytes: start + 2048n });
    tf.dispose([b, c]);
    expect(meta.uniqueMemory().bytes).toBe(start);
  });

  it.each(metaLowerings)('is given back after a step, on %s', async (lowering: MetaLowering) => {
    await useMeta({ lowering });
    step(variants.gpt!, 6); // Scalars that live as long as the backend.
    const before = { ...meta.uniqueMemory(), ids: meta.numDataIds(), tensors: tf.memory().numTensors };
    meta.restartPeak();
    step(variants.gpt!, 6);
    const after = { ...meta.uniqueMemory(), ids: meta.numDataIds(), tensors: tf.memory().numTensors };
    expect({ ...after, peakBytes: 0n }).toEqual({ ...before, peakBytes: 0n });
    expect(after.peakBytes).toBeGreaterThan(before.bytes);
  });
});

describe('useBackend', () => {
  it('starts meta where it is asked for, with the lowering of the fastest backend that has one', async () => {
    const mimicked = missing() === undefined ? 'native' : 'wasm';
    const report = await useBackend('meta');
    expect(report).toMatchObject({ name: 'meta', tfjs: 'meta', choice: 'meta', gpu: false });
    expect(report.remark).toContain(`what ${mimicked} would run`);
    expect((await useBackend('meta', { lowering: 'cpu' })).remark).toContain('what cpu would run');
    expect(tf.getBackend()).toBe('meta');
    expect(backendNames).not.toContain('meta');
  });

  it('names the lowerings', async () => {
    await expect(useBackend('meta', { lowering: 'wsam' })).rejects.toThrow(
      new UserError("Unknown lowering 'wsam': did you mean wasm?"),
    );
  });
});

const shipped = readdirSync(new URL('../../models/', import.meta.url)).map((file) => file.replace('.json', ''));

it.each(shipped)('the products and the state of a step of %s are what the formulas say', (name) => {
  const card = shippedCard(name);
  const sequence = Math.min(card.context, 1000);
  const before = meta.uniqueMemory().bytes;
  let weights = 0n;
  const products = step(card, sequence, (model) => {
    for (const { variable } of model.namedWeights()) weights += BigInt(variable.size);
    expect(meta.uniqueMemory().bytes - before).toBeGreaterThanOrEqual(12n * weights);
  });
  expect(weights).toBe(countParameters(card).total);
  expect(products).toBe(countFlops(card, { batch: 1, sequence }, 'palm').forwardBackward.value);
});

it('traces a step of llama3-405b at 8,192 tokens within 30 s and 4 GiB: its products are what the formulas say', () => {
  const card = shippedCard('llama3-405b');
  const sequence = 8192;
  const begin = performance.now();
  const before = meta.uniqueMemory().bytes;
  const parameters = countParameters(card).total;
  const products = step(card, sequence, () => {
    // Weights and both moments; scalars, the mask and the rotary tables are small beside a billionth of them.
    const bytes = meta.uniqueMemory().bytes - before;
    expect(bytes - 12n * parameters).toBeLessThan(300n * 1024n * 1024n);
    expect(bytes - 12n * parameters).toBeGreaterThan(BigInt(4 * sequence ** 2));
  });
  expect(products).toBe(countFlops(card, { batch: 1, sequence }, 'palm').forwardBackward.value);
  expect(performance.now() - begin).toBeLessThan(30_000);
  expect(process.resourceUsage().maxRSS / 2 ** 20).toBeLessThan(4);
});
