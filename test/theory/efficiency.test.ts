// MFU, HFU, cost and scaling: published tables reproduced, and what must hold for any run.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ModelCard, type ModelCardJson, resolveModelCard } from '../../src/cards/model-card.ts';
import { loadModelCard } from '../../src/node/cards.ts';
import { loadHardware } from '../../src/node/hardware.ts';
import { measure } from '../../src/terms/quantities.ts';
import {
  korthikantiFlops,
  largestSerialShare,
  modelFlopsUtilization,
  pflopDays,
  runCost,
  strongScaling,
  throughput,
  trainingFlopsPerToken,
  utilization,
  utilizationFromThroughput,
  weakScaling,
} from '../../src/theory/efficiency.ts';
import { countFlops } from '../../src/theory/flops.ts';
import { countParameters } from '../../src/theory/parameters.ts';

const seconds = (value: number) => measure('seconds', value);
const flops = (value: number) => measure('FLOPs', value);
const tokensPerSecond = (value: number) => measure('tokens/s', value);
const percent = (share: number) => 100 * share;

/** A model like GPT-3, as Megatron-LM trains it: vocabulary padded to 51,200. */
const megatron = (layers: number, hidden: number, heads: number): ModelCard => {
  const bias = { qkv: true, projection: true, mlp: true };
  const shape = { layers, hidden, heads, vocabulary: 51_200, context: 2048, tied: true, bias } as const;
  const card: ModelCardJson = {
    ...shape,
    mlp: { kind: 'gelu' },
    norm: { kind: 'layer' },
    positions: { kind: 'learned' },
  };
  return resolveModelCard(card, `megatron-${layers}-${hidden}`);
};

const palm540b = resolveModelCard(
  {
    ...{ layers: 118, hidden: 18_432, heads: 48, kvHeads: 1, headSize: 256, vocabulary: 256_000, context: 2048 },
    ...{ tied: true, layout: 'parallel', mlp: { kind: 'swiglu', width: 73_728 }, positions: { kind: 'rope' } },
    norm: { kind: 'layer', bias: false, perBlock: 1 },
  },
  'palm-540b',
);

describe('MFU from throughput', () => {
  it('PaLM 540B has 540.35 billion parameters by its shape', () => {
    expect(Math.abs(Number(countParameters(palm540b).total) / 1e9 - 540.35)).toBeLessThan(0.01);
  });

  // Chowdhery et al. 2022, appendix B: with attention, and without it (6N for each token).
  it.each([
    ['PaLM 540B', palm540b, 'tpu-v4', 6144, 238_300, 46.2, 45.7],
    ['MT-NLG 530B', megatron(105, 20_480, 128), 'a100', 2240, 65_430, 30.2, 29.7],
  ] as const)('%s', (_name, card, hardware, gpus, tokens, withAttention, withoutAttention) => {
    const fleet = { hardware: loadHardware(hardware), gpus };
    const share = (convention: 'palm' | '6nd') =>
      percent(utilizationFromThroughput(trainingFlopsPerToken(card, 2048, convention), tokensPerSecond(tokens), fleet));
    expect(Math.abs(share('palm') - withAttention)).toBeLessThanOrEqual(0.06);
    expect(Math.abs(share('6nd') - withoutAttention)).toBeLessThanOrEqual(0.06);
  });

  it('F12: with the FLOPs of a whole batch, as (3.5) is printed, it is BS times too large', () => {
    const card = loadModelCard({ arch: 'gpt2' });
    const [batch, sequence] = [8, 1024];
    const fleet = { hardware: loadHardware('a100'), gpus: 1 };
    const tau = tokensPerSecond(100_000);
    const batchFlops = flops(Number(countFlops(card, { batch, sequence }, 'palm').forwardBackward.value));
    const printed = utilizationFromThroughput(batchFlops, tau, fleet);
    const right = utilizationFromThroughput(trainingFlopsPerToken(card, sequence), tau, fleet);
    expect(right).toBeLessThan(1);
    expect(printed / right).toBeCloseTo(batch * sequence, 6);
  });

  it('S8: 7 B on 256 A100, 2048 × 4096 tokens in 12.7 s: 660,520 tokens/s, 2,580 each, 34.7 %, 150 B in 63.1 h', () => {
    const fleet = { hardware: loadHardware('a100'), gpus: 256 };
    const { total, perGpu } = throughput({ batch: 2048, sequence: 4096 }, seconds(12.7), 256);
    const mfu = utilizationFromThroughput(flops(6 * 7e9), total, fleet);
    expect(Math.round(total.value)).toBe(660_520);
    expect(Math.round(perGpu.value)).toBe(2580);
    expect(percent(mfu)).toBeCloseTo(34.7, 1);
    expect(runCost(flops(6 * 7e9 * 150e9), fleet, mfu).time.value / 3600).toBeCloseTo(63.1, 1);
  });

  it('H5: 115 TFLOP/s on an A100 are 37 %, and the 108 TFLOP/s of S8 lie below it', () => {
    const share = (teraflops: number) =>
      utilization({ unit: 'FLOPs', value: BigInt(teraflops * 1e12) }, seconds(1), {
        hardware: loadHardware('a100'),
        gpus: 1,
      });
    expect(percent(share(115))).toBeCloseTo(36.9, 1);
    expect(percent(share(108))).toBeCloseTo(34.6, 1);
  });
});

describe('Korthikanti et al. 2022, table 5: MFU and HFU from iteration times', () => {
  const rows = [
    ['22B', megatron(48, 6144, 64), 4, 8, 1.1, 41.5, 43.7],
    ['175B', megatron(96, 12_288, 96), 64, 64, 13.75, 51.4, 52.8],
    ['530B', megatron(105, 20_480, 128), 280, 280, 37.83, 56.0, 57.0],
    ['1T', megatron(128, 25_600, 160), 512, 512, 71.49, 56.3, 57.0],
  ] as const;

  it.each(rows)('%s', (_name, card, batch, gpus, time, mfu, hfu) => {
    const shape = { batch, sequence: 2048 };
    const fleet = { hardware: loadHardware('a100'), gpus };
    const counted = korthikantiFlops(card, shape);
    // A time of two decimals such as 1.10 s is known to half a percent: 0.2 points.
    const near = (share: number, published: number) =>
      expect(Math.abs(percent(share) - published)).toBeLessThanOrEqual(0.25);
    near(modelFlopsUtilization(card, shape, seconds(time), fleet), mfu);
    near(utilization(counted.selective, seconds(time), fleet), hfu);
  });

  it.each(rows)('%s: the formula of the paper is the exact count of products', (_name, card, batch) => {
    const shape = { batch, sequence: 2048 };
    const exact = countFlops(card, shape, 'palm');
    const { model, full } = korthikantiFlops(card, shape);
    const head = 2n * BigInt(batch) * 2048n * 51_200n * BigInt(card.hidden);
    expect(model.value).toBe(exact.forwardBackward.value);
    expect(full.value).toBe(exact.forwardBackward.value + exact.forward.value - head);
  });

  it('530B on 2,240 GPUs: 54.2 % from 39.15 s (section 6.3)', () => {
    const card = megatron(105, 20_480, 128);
    const fleet = { hardware: loadHardware('a100'), gpus: 2240 };
    const mfu = modelFlopsUtilization(card, { batch: 2240, sequence: 2048 }, seconds(39.15), fleet);
    expect(Math.abs(percent(mfu) - 54.2)).toBeLessThanOrEqual(0.15);
  });
});

describe('cost of a run', () => {
  it('F9: 1 PFLOP-day is 8.64e19 FLOPs', () => {
    expect(pflopDays(flops(8.64e19))).toBeCloseTo(1, 12);
  });

  it.each([
    ['GPT-3 175B, 300 B tokens: 3.64e3 PFLOP-days (Brown et al. 2020, table D.1)', 6 * 174.6e9 * 300e9, 3640],
    ['GPT-3 Small: 2.6 PFLOP-days (the same table)', 6 * 125e6 * 300e9, 2.6],
  ])('%s', (_name, total, published) => {
    expect(pflopDays(flops(total)) / published).toBeCloseTo(1, 2);
  });

  // Narayanan et al. 2021, section 5.1: 8TP FLOPs, recomputation included, at the measured TFLOP/s per GPU.
  it.each([
    ['175B, 300 B tokens, 1,024 A100 at 140 TFLOP/s', 8 * 300e9 * 174.6e9, 1024, 140, 34],
    ['1T, 450 B tokens, 3,072 A100 at 163 TFLOP/s', 8 * 450e9 * 1.008e12, 3072, 163, 84],
  ])('%s: days', (_name, total, gpus, teraflops, days) => {
    const fleet = { hardware: loadHardware('a100'), gpus };
    expect(Math.abs(runCost(flops(total), fleet, teraflops / 312).days - days)).toBeLessThanOrEqual(0.5);
  });

  it('Llama 3 405B: 15.6 T tokens are 3.8e25 FLOPs, and 54 days on 16,384 H100 at the published 41 %', () => {
    const card = loadModelCard({ arch: 'llama3-405b' });
    const total = trainingFlopsPerToken(card, 8192, '6nd').value * 15.6e12;
    const fleet = { hardware: loadHardware('h100'), gpus: 16_384 };
    const { days, gpuHours, dollars } = runCost(flops(total), fleet, 0.41);
    expect(total / 3.8e25).toBeCloseTo(1, 2);
    // The model card counts 30.84 million GPU hours, interruptions and the long-context stage included.
    expect(gpuHours / 1e6).toBeGreaterThan(25);
    expect(gpuHours / 1e6).toBeLessThan(30.84);
    expect(days).toBeCloseTo(gpuHours / 24 / 16_384, 9);
    expect(dollars).toBeCloseTo(gpuHours * fleet.hardware.pricePerHour!.dollars, 3);
  });

  it('has no price where none was published', () => {
    const cost = runCost(flops(1e20), { hardware: loadHardware('v100'), gpus: 8 }, 0.3);
    expect(cost).not.toHaveProperty('dollars');
  });

  it('halves its days, and keeps its GPU hours, on twice the accelerators', () => {
    const hardware = loadHardware('h100');
    fc.assert(
      fc.property(
        fc.double({ min: 1e15, max: 1e27, noNaN: true }),
        fc.integer({ min: 1, max: 50_000 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (total, gpus, mfu) => {
          const one = runCost(flops(total), { hardware, gpus }, mfu);
          const two = runCost(flops(total), { hardware, gpus: 2 * gpus }, mfu);
          expect(two.days / one.days).toBeCloseTo(0.5, 9);
          expect(two.gpuHours / one.gpuHours).toBeCloseTo(1, 9);
        },
      ),
    );
  });
});

describe('scaling', () => {
  it('D10: 500 times faster on 1000 processors needs a serial share of at most 0.1001 %', () => {
    expect(percent(largestSerialShare(500, 1000))).toBeCloseTo(0.1001, 4);
    expect(strongScaling(0.001, 1000)).toBeCloseTo(500.25, 2);
    expect(weakScaling(0.1, 1000)).toBeCloseTo(900.1, 9);
  });

  it('one processor is no speedup, no serial part is a full one, and more work never scales worse than the same work', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(share, fc.integer({ min: 2, max: 100_000 }), (serial, processors) => {
        const [strong, weak] = [strongScaling(serial, processors), weakScaling(serial, processors)];
        expect(strongScaling(serial, 1)).toBeCloseTo(1, 12);
        expect(strongScaling(0, processors)).toBeCloseTo(processors, 6);
        expect(strong).toBeLessThanOrEqual(Math.min(processors, 1 / serial) * (1 + 1e-12));
        expect(weak).toBeGreaterThanOrEqual(strong * (1 - 1e-12));
        expect(largestSerialShare(Math.min(Math.max(1, strong), processors), processors)).toBeCloseTo(serial, 6);
      }),
    );
  });
});

describe('bad input', () => {
  const fleet = { hardware: loadHardware('a100'), gpus: 8 };
  const done = { unit: 'FLOPs', value: 1n } as const;
  it.each([
    [
      'no time',
      () => utilization(done, seconds(0), fleet),
      'The time in seconds is 0 and must be a finite number greater than 0.',
    ],
    ['negative time', () => throughput({ batch: 1, sequence: 1 }, seconds(-1)), /time in seconds is -1/],
    [
      'no accelerators',
      () => utilization(done, seconds(1), { ...fleet, gpus: 0 }),
      /number of accelerators is 0 and must be a whole number from 1/,
    ],
    [
      'half an accelerator',
      () => utilization(done, seconds(1), { ...fleet, gpus: 1.5 }),
      /number of accelerators is 1\.5/,
    ],
    [
      'an MFU beyond 1',
      () => runCost(flops(1e20), fleet, 1.2),
      'The MFU is 1.2 and must be greater than 0 and at most 1.',
    ],
    ['no MFU', () => runCost(flops(1e20), fleet, Number.NaN), /The MFU is NaN/],
    ['absurd FLOPs', () => runCost(flops(1e99), fleet, 0.4), /number of FLOPs is 1e\+99/],
    ['a negative share', () => strongScaling(-0.1, 8), 'The serial share is -0.1 and must be from 0 to 1.'],
    ['a share beyond 1', () => weakScaling(7, 8), /serial share is 7/],
    [
      'a speedup beyond the processors',
      () => largestSerialShare(9, 8),
      'The speedup is 9 and must be from 1 to 8, the number of processors.',
    ],
    [
      'a precision without a peak',
      () => utilization(done, seconds(1), { hardware: loadHardware('tpu-v4'), gpus: 1, precision: 'fp32' }),
      /tpu-v4' has no published peak in fp32/,
    ],
  ])('%s', (_name, act, sentence) => {
    expect(act).toThrow(sentence);
  });
});
