// The learning rate by step, against nanoGPT's rule computed here in another way.
import { describe, expect, it } from 'vitest';
import { learningRateAt } from '../../src/training/schedule.ts';

const schedule = { learningRate: 1e-3, minLearningRate: 1e-4, warmup: 100, steps: 2000 };

describe('the learning rate', () => {
  it('rises linearly to its largest value and falls as half a cosine', () => {
    expect(learningRateAt(schedule, 0)).toBeCloseTo(1e-3 / 101, 12);
    expect(learningRateAt(schedule, 99)).toBeCloseTo(1e-3 * (100 / 101), 12);
    expect(learningRateAt(schedule, 100)).toBe(1e-3);
    expect(learningRateAt(schedule, 1050)).toBeCloseTo((1e-3 + 1e-4) / 2, 12);
    // A third of a half-turn: cos 60° = 1/2.
    expect(learningRateAt({ ...schedule, steps: 400 }, 200)).toBeCloseTo(1e-4 + 0.75 * 9e-4, 12);
  });

  it('stays at the minimum after the last step, and never leaves its bounds', () => {
    expect(learningRateAt(schedule, 2000)).toBe(1e-4);
    expect(learningRateAt(schedule, 9999)).toBe(1e-4);
    for (let step = 101; step < 2000; step++) {
      const rate = learningRateAt(schedule, step);
      expect(rate).toBeLessThan(learningRateAt(schedule, step - 1));
      expect(rate).toBeGreaterThan(1e-4);
    }
  });

  it('needs no warm-up, and may be nothing but warm-up', () => {
    expect(learningRateAt({ ...schedule, warmup: 0 }, 0)).toBe(1e-3);
    expect(learningRateAt({ ...schedule, warmup: 5, steps: 5 }, 4)).toBeCloseTo(1e-3 * (5 / 6), 12);
  });
});
