// The meta backend's streams of kernels against those of the backends it mimics: same kernels, same order, same births and deaths.
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { Transformer } from '../../src/architectures/transformer.ts';
import type { ModelCard } from '../../src/cards/model-card.ts';
import { startBackend } from '../../src/engine/backends.ts';
import { type KernelEvent, observeKernels } from '../../src/engine/kernel-events.ts';
import { metaLowerings } from '../../src/engine/meta/backend.ts';
import { useMeta } from '../../src/engine/meta/meta.ts';
import { allDeclarations, registryNames } from '../../src/kernels/declaration.ts';
import { slice } from '../../src/kernels/shape.ts';
import { Optimizer, type OptimizerKind } from '../../src/training/optimizer.ts';
import { batchLoss, forwardBackward } from '../../src/training/step.ts';
import { onBackend, type TestedBackend } from '../support/backend.ts';
import { adamwSettings, randomBatch, shippedCard, variants, withDropout } from '../support/models.ts';

interface Case {
  readonly card: ModelCard;
  readonly rows?: number;
  readonly sequence?: number;
  readonly microBatches?: number;
  readonly keep?: 'probabilities' | 'nothing-quadratic';
  readonly optimizer?: OptimizerKind;
}

const debug = (name: string) => shippedCard(name, 'layers=2');
const cases: Readonly<Record<string, Case>> = {
  ...Object.fromEntries(Object.entries(variants).map(([name, card]) => [name, { card }])),
  'gpt-debug': { card: debug('gpt-debug'), sequence: 8 },
  'llama3-debug': { card: debug('llama3-debug'), sequence: 8 },
  'mqa-debug': { card: debug('mqa-debug'), sequence: 8 },
  'gpt, dropout, probabilities kept': { card: withDropout(variants.gpt!), keep: 'probabilities' },
  'llama3, dropout, accumulation': { card: withDropout(variants.llama3!), microBatches: 2 },
  'mqa, one row, the whole context, sgd': { card: variants.mqa!, rows: 1, sequence: 12, optimizer: 'sgd' },
  'rows that are not aligned': { card: shippedCard('gpt-debug', 'hidden=12', 'heads=2', 'headSize=6'), sequence: 7 },
};

/** `ids`: the data ids alive after the kernel. */
type Step = KernelEvent & { readonly ids: number };

/** What runs from the making of a model to its end: two steps of training, an evaluation, and what reading a growing text runs. */
function life({ card, rows = 2, sequence = 5, microBatches = 1, keep, optimizer: kind = 'adamw' }: Case): void {
  const model = new Transformer(card, 1);
  const optimizer = new Optimizer(model.namedWeights(), { ...adamwSettings, kind });
  for (const step of [1, 2]) {
    const micro = Array.from({ length: microBatches }, (_, i) => randomBatch(card, rows, sequence, i));
    const options = { dropoutSeed: 1, step, ...(keep && { keep }) };
    const { losses, gradients } = forwardBackward(model, micro, options);
    optimizer.apply(gradients, 0.01, 0.5);
    tf.dispose(losses);
  }
  batchLoss(model, randomBatch(card, rows, sequence)).dispose();
  for (const length of [1, 2, 3]) {
    const { inputs } = randomBatch(card, 1, length);
    tf.tidy(() => {
      const logits = model.logits({ ids: tf.tensor1d(inputs, 'int32'), batch: 1, sequence: length });
      slice(logits, [length - 1, 0], [1, card.vocabulary]);
    });
  }
  model.dispose();
  optimizer.dispose();
}

const alive = () => ({ ids: tf.backend().numDataIds(), tensors: tf.memory().numTensors });

/** Every kernel of a life with what is alive after it, counted from what was alive before. */
function observe(of: Case): Step[] {
  // Scalars that live as long as their backend are made the first time.
  life(of);
  const start = alive();
  const steps: Step[] = [];
  const stop = observeKernels(tf.getBackend(), (event) => {
    steps.push({ ...event, ids: tf.backend().numDataIds() - start.ids });
  });
  try {
    life(of);
  } finally {
    stop();
  }
  expect(alive()).toEqual(start);
  return steps;
}

/** Runs on meta, and goes back to the backend under test. */
async function onMeta<T>(lowering: TestedBackend, body: () => T): Promise<T> {
  const real = tf.getBackend();
  await useMeta({ lowering });
  try {
    return body();
  } finally {
    await tf.setBackend(real);
  }
}

for (const lowering of metaLowerings) {
  onBackend(lowering, () => {
    it.each(Object.entries(cases))('%s: the same stream', async (_, of) => {
      const real = observe(of);
      const meta = await onMeta(lowering, () => observe(of));
      expect(meta.map(({ name }) => name)).toEqual(real.map(({ name }) => name));
      expect(meta).toEqual(real);
      expect(new Set(real.map(({ scope }) => scope.phase))).toContain('optimizer');
    });

    it('has every declared kernel that the backend has, and no other', async () => {
      const on = (backend: string) =>
        allDeclarations()
          .map(({ name }) => name)
          .filter((name) => tf.getKernel(name, backend) !== undefined);
      await useMeta({ lowering });
      expect(on('meta')).toEqual(on(registryNames[lowering]));
      expect(tf.getKernelsForBackend('meta').map(({ kernelName }) => kernelName)).toEqual(on('meta'));
      await startBackend(lowering, lowering === 'wasm' ? { threads: 1 } : {});
    });
  });
}

describe('lowerings', () => {
  it('differ where a backend has a kernel that another composes', async () => {
    const names = async (lowering: TestedBackend) => {
      await useMeta({ lowering });
      return observe({ card: variants.gpt! }).map(({ name }) => name);
    };
    expect(await names('wasm')).toContain('AdamW');
    expect(await names('native')).not.toContain('AdamW');
    expect((await names('native')).length).toBeGreaterThan((await names('cpu')).length);
  });
});
