// The planner: published iteration times, layouts that divide and fit, the search against the theory, impossible requests.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolveModelCard } from '../../src/cards/model-card.ts';
import { loadModelCard } from '../../src/node/cards.ts';
import { loadHardware } from '../../src/node/hardware.ts';
import { Estimator } from '../../src/planner/estimator.ts';
import { allDegrees, candidatesOf } from '../../src/planner/layouts.ts';
import { describeLayout, plan } from '../../src/planner/plan.ts';
import {
  choiceOf,
  DEFAULT_EFFICIENCY,
  DEFAULT_RESERVE,
  defaultBatch,
  type PlanProblem,
  usableBytes,
} from '../../src/planner/problem.ts';
import { toJson } from '../../src/report/json.ts';
import { palette } from '../../src/report/palette.ts';
import { planLines } from '../../src/report/plan.ts';
import { planDocument } from '../../src/report/plan-document.ts';
import { NO_PARALLELISM, workersOf } from '../../src/theory/parallelism.ts';
import { fullestWorker } from '../../src/theory/parallelism-memory.ts';

function problem(arch: string, hardware: string, gpus: number, change: Partial<PlanProblem> = {}): PlanProblem {
  const card = loadModelCard({ arch });
  return {
    card,
    hardware: loadHardware(hardware),
    gpus,
    globalBatch: defaultBatch(card.context, gpus),
    sequence: card.context,
    states: { precision: 'mixed', optimizer: 'adamw', convention: 'decoder-only' },
    attention: 'flash',
    efficiency: DEFAULT_EFFICIENCY,
    reserve: DEFAULT_RESERVE,
    pins: {},
    ...change,
  };
}

describe('iteration times of Korthikanti et al. 2022, table 5, A100 (measured by their authors), within 15 %', () => {
  // 22 B, 175 B, 530 B, 1 T: heads, hidden, layers, pipeline, batch, micro-batch, pieces; seconds of present work.
  it.each([
    ['22 B', 64, 6144, 48, 1, 4, 4, 1, 1.1],
    ['175 B', 96, 12288, 96, 8, 64, 1, 3, 13.75],
    ['530 B', 128, 20480, 105, 35, 280, 1, 3, 37.83],
    ['1 T', 160, 25600, 128, 64, 512, 1, 1, 71.49],
  ] as const)('%s', (_name, heads, hidden, layers, pipeline, globalBatch, batch, interleave, seconds) => {
    const base = loadModelCard({ arch: 'gpt3-175b' });
    const { published: _published, ...rest } = base;
    const card = resolveModelCard({
      ...rest,
      heads,
      hidden,
      layers,
      vocabulary: 51200,
      kvHeads: heads,
      headSize: hidden / heads,
      mlp: { kind: 'gelu', width: 4 * hidden },
      dropout: { embedding: 0.1, attention: 0.1, residual: 0.1 },
    });
    const layout = { ...NO_PARALLELISM, tensor: 8, sequenceParallel: true, pipeline, interleave };
    const asked = {
      ...problem('gpt3-175b', 'a100', 8 * pipeline),
      card,
      globalBatch,
      sequence: 2048,
      attention: 'materialized' as const,
    };
    const shape = { batch, sequence: 2048, microBatches: globalBatch / batch };
    const { time, memory } = describeLayout(asked, 1e9, { layout, shape, recompute: 'selective' });
    expect(time.total / seconds).toBeGreaterThan(0.85);
    expect(time.total / seconds).toBeLessThan(1.15);
    expect(memory.total.value).toBeLessThan(BigInt(asked.hardware.memoryBytes));
  });
});

describe('a plan', () => {
  const asked = problem('llama3-70b', 'h100', 512);
  const answer = plan(asked, 1.4e12);

  it('has layouts that divide, fit, use every GPU and come fastest first', () => {
    expect(answer.layouts.length).toBeGreaterThan(3);
    let last = 0;
    for (const { candidate, memory, time, run, mfu } of answer.layouts) {
      const { layout, shape } = candidate;
      expect(workersOf(layout)).toBe(512);
      expect(shape.batch * shape.microBatches * layout.data).toBe(asked.globalBatch);
      expect(memory.total.value).toBeLessThanOrEqual(usableBytes(asked));
      expect(time.total).toBeGreaterThanOrEqual(last * (1 - 1e-9));
      last = time.total;
      const parts = [
        time.products,
        time.elementwise,
        time.recompute,
        time.bubble,
        time.optimizer,
        ...Object.values(time.communication),
      ];
      expect(parts.reduce((a, b) => a + b)).toBeCloseTo(time.total, 9);
      expect(mfu).toBeGreaterThan(0.2);
      expect(mfu).toBeLessThan(asked.efficiency);
      expect(run.days * 24 * 512).toBeCloseTo(run.gpuHours, 3);
      expect(run.steps).toBe(Math.ceil(1.4e12 / (asked.globalBatch * asked.sequence)));
    }
  });

  it('is no slower with more GPUs, and has the same layouts each time', () => {
    const twice = plan(problem('llama3-70b', 'h100', 1024), 1.4e12);
    expect(twice.layouts[0]!.run.days).toBeLessThan(answer.layouts[0]!.run.days);
    expect(plan(asked, 1.4e12).layouts.map(({ candidate }) => candidate)).toEqual(
      answer.layouts.map(({ candidate }) => candidate),
    );
  });

  it('is as fast as every candidate that fits', () => {
    const small = problem('gpt-small', 'v100', 4, { globalBatch: 64 });
    const { layouts } = plan(small, 1e9);
    const estimator = new Estimator(small);
    const all = allDegrees(small).flatMap((degrees) => [...candidatesOf(small, degrees)].flat());
    const fitting = all.filter((candidate) => estimator.memory(candidate) <= usableBytes(small));
    const fastest = Math.min(...fitting.map((candidate) => estimator.time(candidate).total));
    expect(layouts[0]!.time.total).toBeCloseTo(fastest, 12);
  });

  it('keeps what the person decided', () => {
    const pins = { tensor: 8, pipeline: 4, zero: 1 as const, microBatch: 1, interleave: 1 };
    const { layouts } = plan({ ...asked, pins }, 1e12);
    for (const { candidate } of layouts)
      expect(candidate.layout).toMatchObject({ tensor: 8, pipeline: 4, zero: 1, interleave: 1 });
  });

  it('says the same in JSON and in words of at most 100 columns', () => {
    const size = {
      card: asked.card,
      parameters: 70_553_706_496n,
      tokens: 1.4e12,
      flops: 5.9e23,
      reasons: [],
      notes: [],
    };
    const document = planDocument({ size, plan: answer });
    const read = JSON.parse(toJson(document));
    expect(read.layouts[0].memory.total).toBe(Number(answer.layouts[0]!.memory.total.value));
    expect(JSON.parse(toJson(read))).toEqual(read);
    const lines = planLines({ size, plan: answer }, palette(false));
    expect(lines.filter((line) => [...line].length > 100)).toEqual([]);
    expect(lines.join('\n')).toContain('⌈8n / Z⌉');
  });
});

describe('the search', () => {
  it.each([
    ['llama3-8b', 'h100', 32],
    ['gpt2', 'v100', 8],
    ['llama3.2-1b', 'l4', 16],
    ['starcoder', 'a100', 48],
  ])('estimates %s on %s as the theory counts it', (arch, hardware, gpus) => {
    const asked = problem(arch, hardware, gpus, { attention: 'materialized' });
    const estimator = new Estimator(asked);
    const all = allDegrees(asked).flatMap((degrees) => [...candidatesOf(asked, degrees)].flat());
    fc.assert(
      fc.property(fc.constantFrom(...all), (candidate) => {
        const { layout, shape } = candidate;
        const memory = fullestWorker(asked.card, shape, layout, choiceOf(asked, candidate));
        expect(estimator.memory(candidate)).toBe(memory.total.value);
        const described = describeLayout(asked, 1e9, candidate, estimator);
        expect(estimator.time(candidate).total / described.time.total).toBeCloseTo(1, 6);
      }),
      { numRuns: 25 },
    );
  });
});

describe('an impossible request', () => {
  const sentence = (asked: PlanProblem) => {
    try {
      plan(asked, 1e12);
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error('it was possible');
  };

  it('names the least number of GPUs that fits, and that number does', () => {
    const asked = problem('llama3-70b', 'h100', 8, { batchIsOpen: true });
    const message = sentence(asked);
    const gpus = Number(/fits is ([\d,]+) GPUs/.exec(message)?.[1]?.replaceAll(',', ''));
    expect(gpus).toBeGreaterThan(8);
    const enough = problem('llama3-70b', 'h100', gpus);
    expect(plan(enough, 1e12).layouts.length).toBeGreaterThan(0);
    expect(() => plan(problem('llama3-70b', 'h100', gpus - 8), 1e12)).toThrow('does not fit');
  });

  it.each([
    [{ zero: 0 as const }, '--zero 3'],
    [
      { zero: 3 as const, tensor: 1, pipeline: 1, context: 1, microBatch: 8, recompute: 'full' as const },
      '--micro-batch 1',
    ],
    [
      { zero: 3 as const, tensor: 1, pipeline: 1, context: 1, microBatch: 1, recompute: 'none' as const },
      '--recompute full',
    ],
  ])('with %j names the choice that stands in the way', (pins, words) => {
    const asked = problem('llama3-70b', 'h100', 64, { pins: { tensor: 1, pipeline: 1, ...pins } });
    const cheap =
      'zero' in pins && pins.zero === 0
        ? problem('llama3-8b', 'h100', 8, { pins: { tensor: 1, pipeline: 1, ...pins } })
        : asked;
    expect(sentence(cheap)).toContain(words);
  });

  it('names the batch that divides', () => {
    expect(sentence(problem('llama3-8b', 'h100', 7, { globalBatch: 512 }))).toContain('nearest batch that does is 511');
  });

  it.each([
    [{ gpus: 0 }, 'The number of GPUs is 0'],
    [{ gpus: 2.5 }, 'The number of GPUs is 2.5'],
    [{ globalBatch: -1 }, 'The global batch is -1'],
    [{ sequence: 0 }, 'The sequence is 0'],
    [{ efficiency: 2 }, 'The efficiency is 2'],
    [{ reserve: 1 }, 'The share of memory to keep free is 1'],
    [{ pins: { tensor: 3 } }, '64 heads do not divide among 3 tensor-parallel workers'],
    [{ pins: { pipeline: 7 } }, '80 layers do not divide among 7 pipeline stages'],
    [{ gpus: 24, pins: { tensor: 16 } }, 'choose 32 GPUs'],
  ])('%j: %s', (change, words) => {
    expect(sentence({ ...problem('llama3-70b', 'h100', 64), ...change })).toContain(words);
  });

  it('refuses tokens that are none', () => {
    expect(() => plan(problem('llama3-8b', 'h100', 8), 0)).toThrow('The number of tokens is 0');
  });
});
