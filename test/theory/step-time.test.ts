// Time of a step: the roofline floor, the estimate at an assumed MFU, and what recomputation does to MFU and HFU.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadModelCard } from '../../src/node/cards.ts';
import { loadHardware } from '../../src/node/hardware.ts';
import { countFlops } from '../../src/theory/flops.ts';
import { RECOMPUTATIONS } from '../../src/theory/recompute.ts';
import { DEFAULT_SETTINGS, type StepSettings } from '../../src/theory/step-memory.ts';
import { ASSUMED_MFU, stepTime } from '../../src/theory/step-time.ts';
import { anyCard } from '../support/cards.ts';

const card = loadModelCard({ arch: 'llama3-8b' });
const shape = { batch: 1, sequence: 8192 };
const h100 = loadHardware('h100');
const settings: StepSettings = { ...DEFAULT_SETTINGS, precision: 'mixed', keeps: 'none' };

describe('at an assumed MFU', () => {
  it('a step without recomputation takes its model FLOPs at that share of the peak', () => {
    const { seconds, mfu, hfu, bound } = stepTime(card, shape, settings, h100, 0.38);
    const flops = Number(countFlops(card, shape, 'palm').forwardBackward.value);
    expect(seconds.value).toBeCloseTo(flops / (0.38 * 989.4e12), 10);
    expect(mfu).toBeCloseTo(0.38, 10);
    expect(hfu).toBeCloseTo(0.38, 10);
    expect(bound).toBe('assumed MFU');
  });

  it('recomputation costs time: HFU stays, MFU falls to three quarters under full recomputation without the head', () => {
    const full = stepTime(card, shape, { ...settings, keeps: 'full' }, h100, 0.4);
    expect(full.hfu).toBeCloseTo(0.4, 10);
    expect(full.mfu / full.hfu).toBeGreaterThan(0.75);
    expect(full.mfu / full.hfu).toBeLessThan(0.77);
  });

  it('takes a usual one with its source when none is given', () => {
    const { assumed } = stepTime(card, shape, settings, h100);
    expect(assumed.mfu).toBe(ASSUMED_MFU.value);
    expect(assumed.source).toContain('Grattafiori et al. 2024');
  });

  it('never promises less than the floor', () => {
    const small = { batch: 1, sequence: 1 };
    const { seconds, floor, bound } = stepTime(card, small, settings, h100, 1);
    expect(seconds.value).toBe(floor.value);
    expect(bound).toBe('memory');
  });

  it.each([0, -1, 1.01, Number.NaN])('refuses an MFU of %s', (mfu) => {
    expect(() => stepTime(card, shape, settings, h100, mfu)).toThrow('must be greater than 0 and at most 1');
  });

  it('refuses a precision that the hardware lacks, with those that it has', () => {
    expect(() => stepTime(card, shape, DEFAULT_SETTINGS, loadHardware('tpu-v4'))).toThrow(
      "The hardware 'tpu-v4' has no published peak in fp32; choose the precision mixed or int8.",
    );
  });
});

describe('the floor', () => {
  it('is the sum of its terms, each the larger of computing and moving', () => {
    const { terms, floor } = stepTime(card, shape, settings, h100);
    for (const { flops, bytes, seconds } of terms) {
      expect(seconds.value).toBe(Math.max(Number(flops.value) / 989.4e12, Number(bytes.value) / 3.35e12));
    }
    expect(floor.value).toBeCloseTo(
      terms.reduce((total, { seconds }) => total + seconds.value, 0),
      12,
    );
  });

  it('has an update that reads gradients, and reads and writes states and parameters: 32 bytes a parameter', () => {
    const update = stepTime(card, shape, settings, h100).terms.find(({ id }) => id === 'optimizer.adamw')!;
    expect(update.bytes.value).toBe((4n + 2n * 12n + 2n * 2n) * 8_030_261_248n);
    expect(update.bound).toBe('memory');
  });

  it('falls with flash attention at long sequences, whose scores never pass memory', () => {
    const long = { batch: 1, sequence: 32_768 };
    const stored = stepTime(card, long, settings, h100).floor.value;
    expect(stepTime(card, long, { ...settings, attention: 'flash' }, h100).floor.value).toBeLessThan(stored);
  });

  it('is in no term faster than the machine, for any card', () => {
    fc.assert(
      fc.property(anyCard, fc.constantFrom(...RECOMPUTATIONS), (any, keeps) => {
        const { floorMfu, mfu, hfu } = stepTime(any, { batch: 2, sequence: 8 }, { ...settings, keeps }, h100);
        expect(floorMfu).toBeLessThanOrEqual(1);
        expect(mfu).toBeLessThanOrEqual(hfu);
        expect(hfu).toBeLessThanOrEqual(ASSUMED_MFU.value * (1 + 1e-12));
      }),
    );
  });
});

describe('int8', () => {
  it('reads the prompts: forward FLOPs at the integer peak', () => {
    const { seconds, peak } = stepTime(card, shape, { ...settings, precision: 'int8' }, h100, 0.4);
    expect(peak.value).toBe(1978.9e12);
    const forward = Number(countFlops(card, shape, 'palm').forward.value);
    expect(seconds.value).toBeCloseTo(forward / (0.4 * 1978.9e12), 10);
  });
});
