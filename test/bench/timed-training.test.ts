// What is timed is the training that users run: the same losses as the trainer's, the predicted bytes, nothing left behind.
import { add, getBackend, getKernelsForBackend, ones, reshape, square, sum as sumOf } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { timeKernels } from '../../src/bench/kernel-times.ts';
import { savedBytes, savedForBackwardBytes } from '../../src/bench/saved-bytes.ts';
import { benchOptimizer, measureTraining, randomTokens, TimedTraining } from '../../src/bench/training.ts';
import type { RunningBackend } from '../../src/engine/backends.ts';
import { loadModelCard } from '../../src/node/cards.ts';
import { sum } from '../../src/terms/quantities.ts';
import { trainingMemory } from '../../src/theory/training-memory.ts';
import { Trainer } from '../../src/training/trainer.ts';
import { leavesNothing, onEveryBackend, onFastBackend } from '../support/backend.ts';

const now = () => performance.now();
const job = (arch: string, ...set: string[]) => ({
  card: loadModelCard({ arch, set }),
  batch: 2,
  sequence: 16,
  seed: 3,
});

onFastBackend(() => {
  it.each(['gpt-debug', 'llama3-debug'])('steps of %s are those of the trainer', async (arch) => {
    const of = job(arch, 'dropout.residual=0.1');
    const training = new TimedTraining(of, now);
    const timed: number[] = [];
    for (let step = 0; step < 4; step++) timed.push((await training.step()).loss);
    training.dispose();

    const trained = new TimedTraining(of, now);
    const trainer = new Trainer(trained.model, randomTokens(of.card, of.batch * of.sequence, of.seed), {
      ...of,
      steps: 100,
      accumulation: 1,
      learningRate: 1e-3,
      minLearningRate: 1e-3,
      warmup: 0,
      optimizer: benchOptimizer,
      clip: 1,
      evaluateEvery: 0,
      saveEvery: 0,
    });
    const trainedLosses: number[] = [];
    for (let step = 0; step < 4; step++) trainedLosses.push((await trainer.advance()).loss);
    expect(timed).toEqual(trainedLosses);
    trainer.dispose();
    trained.dispose();
  });

  it('a measurement adds up and leaves nothing', async () => {
    const running: RunningBackend = { name: 'cpu', tfjs: getBackend(), version: '0', device: 'here', gpu: false };
    const services = { now, breathe: async () => {}, peakRssBytes: () => 7 };
    await leavesNothing(async () => {
      const measured = await measureTraining({ ...job('gpt-debug'), steps: 2, kernels: true }, running, services);
      expect(measured.seconds).toHaveLength(2);
      expect(measured.minimumSeconds).toBe(Math.min(...measured.seconds));
      expect(measured.tokensPerSecond * measured.medianSeconds).toBeCloseTo(32, 9);
      const { forwardBackward, norm, optimizer } = measured.shares;
      expect(forwardBackward + norm + optimizer).toBeCloseTo(1, 9);
      expect(measured.peakRssBytes).toBe(7);
      const { kernels, outside } = measured.kernelTimes!;
      expect(kernels.reduce((share, kernel) => share + kernel.share, outside.share)).toBeCloseTo(1, 9);
    });
  });

  it('timing kernels counts each call once and takes its hands off again', async () => {
    const kernels = getKernelsForBackend(getBackend());
    const training = new TimedTraining(job('gpt-debug'), now);
    const { kernels: times } = await timeKernels(() => training.step(), 2, now);
    training.dispose();
    // Two products of attention and four layers of two blocks, and the head: once forward, twice backward; the scores once more.
    const products = times.find(({ name }) => name === 'BatchMatMul')!;
    expect(products.calls).toBe(3 * (2 * 6 + 1) + 2);
    expect(new Set(getKernelsForBackend(getBackend()))).toEqual(new Set(kernels));
  });
});

onEveryBackend(() => {
  describe('bytes saved for the backward pass', () => {
    it.each(['gpt-debug', 'llama3-debug', 'mqa-debug'])('of %s are those predicted', (arch) => {
      const of = job(arch);
      const training = new TimedTraining(of, now);
      const measured = savedForBackwardBytes(training.model, training.batches.rows(0, 0, of.batch), of.seed);
      training.dispose();
      const predicted = sum('bytes', trainingMemory(of.card, of, 'adamw', 'nothing-quadratic').savedActivations).value;
      expect(BigInt(measured)).toBe(predicted);
    });

    it('count memory once that is saved under two handles', () => {
      const x = ones([4, 6]);
      const f = () => {
        const y = add(x, x);
        return add(sumOf(square(y)), sumOf(square(reshape(y, [24]))));
      };
      // y and the two squares of it, 24 numbers each, and the two sums.
      expect(savedBytes(f, [x])).toBe((3 * 24 + 2) * 4);
      x.dispose();
    });
  });
});
