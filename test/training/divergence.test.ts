// A run that has gone wrong stops with the step, the largest gradient's name and what to try, and nothing has changed.
import { fill, type Tensor } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { hasDiverged } from '../../src/training/divergence.ts';
import { assign } from '../../src/training/optimizer.ts';
import { alive, onBackend } from '../support/backend.ts';
import { stateOf, tinyPlan, tinySession } from '../support/training.ts';

describe('what counts as gone wrong', () => {
  const fine = Float32Array.of(1, 2);
  it.each([
    [Number.NaN, fine],
    [Number.POSITIVE_INFINITY, fine],
    [3.01 * Math.log(23), fine],
    [1, Float32Array.of(1, Number.NaN)],
    [1, Float32Array.of(Number.POSITIVE_INFINITY, 1)],
  ])('loss %f, gradients %o', (loss, norms) => {
    expect(hasDiverged(loss, norms, 23)).toBe(true);
  });

  it('not a loss that is merely worse than guessing', () => {
    expect(hasDiverged(2.9 * Math.log(23), fine, 23)).toBe(false);
  });
});

onBackend('cpu', () => {
  it('a learning rate of 100 explodes, and the step before it stays', async () => {
    const session = tinySession(tinyPlan({ learningRate: 100, warmup: 0, clip: false }));
    const { trainer } = session;
    await trainer.advance();
    const [before, count] = [stateOf(session), alive()];
    const sentence =
      /^Step 2: the loss has exploded to \d+\.\d \(guessing costs 3\.14\); the largest gradient is that of \S+ \(norm \S+\)\. Nothing of this step was applied or saved: try a lower --lr \(it is 100, \S+ at this step\), or a longer --warmup \(it is 0\), or --clip 1\.$/;
    await expect(trainer.advance()).rejects.toThrow(sentence);
    expect(stateOf(session)).toEqual(before);
    expect(trainer.step).toBe(1);
    expect(alive()).toEqual(count);
    session.dispose();
  });

  it('a weight that is not a number is named', async () => {
    const session = tinySession(tinyPlan());
    const { name, variable } = session.model.namedWeights()[3]!;
    assign(variable, fill(variable.shape, Number.NaN) as Tensor);
    await expect(session.trainer.advance()).rejects.toThrow(
      `weight ${name} itself is not finite, so start from other weights.`,
    );
    const count = alive();
    await expect(session.trainer.advance()).rejects.toThrow(
      /^Step 1: the loss is NaN; the largest gradient is that of \S+ \(norm NaN\)/,
    );
    expect(alive()).toEqual(count);
    session.dispose();
  });
});
