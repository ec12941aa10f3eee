// How large a model and how many tokens: budgets, scaling laws, what inference may cost, quantities as typed.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadModelCard } from '../../src/node/cards.ts';
import { loadHardware } from '../../src/node/hardware.ts';
import { readBatch, readBudget, readBytes, readSeconds } from '../../src/planner/read-quantities.ts';
import { chooseRun, type RunQuestion } from '../../src/planner/run-size.ts';
import { scaledCard } from '../../src/planner/scaled-card.ts';
import { largestWithin, passedLimit, type ServingPlace, servingCost } from '../../src/planner/serving.ts';
import { countParameters } from '../../src/theory/parameters.ts';

const family = loadModelCard({ arch: 'llama3-8b' });
const h100 = loadHardware('h100');
const serving: ServingPlace = { hardware: h100, precision: 'mixed', sequence: 8192 };
const question = (change: Partial<RunQuestion>): RunQuestion => ({
  family,
  law: 'besiroglu',
  limits: {},
  serving,
  ...change,
});
const HOUR = 989.4e12 * 0.4 * 3600;

describe('a budget', () => {
  // llm-pretraining's table: N_opt and D_opt for three budgets; the laws agree with it within a third.
  it.each([
    [1.23e22, 10e9, 205.1e9],
    [5.76e23, 67e9, 1.5e12],
    [3.85e24, 175e9, 3.7e12],
  ])('of %d FLOPs buys about %d parameters and %d tokens', (flops, parameters, tokens) => {
    for (const law of ['besiroglu', '20-tokens', 'approach-1'] as const) {
      const size = chooseRun(question({ budget: { flops }, law }), HOUR);
      expect(Math.abs(Math.log(Number(size.parameters) / parameters))).toBeLessThan(0.3);
      expect(Math.abs(Math.log(size.tokens / tokens))).toBeLessThan(0.3);
      expect(size.flops / flops).toBeCloseTo(1, 6);
    }
  });

  it('in GPU-hours is turned into FLOPs', () => {
    const hours = chooseRun(question({ budget: { gpuHours: 1e5 } }), HOUR);
    const flops = chooseRun(question({ budget: { flops: 1e5 * HOUR } }), HOUR);
    expect(hours).toEqual(flops);
  });

  it('with a model or tokens fixes the other', () => {
    const card = loadModelCard({ arch: 'llama3-70b' });
    const N = Number(countParameters(card).total);
    expect(chooseRun(question({ card, budget: { flops: 1e24 } }), HOUR).tokens).toBe(Math.round(1e24 / (6 * N)));
    const size = chooseRun(question({ tokens: 1e12, budget: { flops: 1e23 } }), HOUR);
    expect(Number(size.parameters) / (1e23 / 6e12)).toBeCloseTo(1, 1);
    expect(chooseRun(question({ card }), HOUR).tokens).toBe(20 * N);
  });

  it.each([
    [{ budget: { flops: 10 } }, 'too small for any model'],
    [{ budget: { flops: 1e40 } }, 'beyond all reason'],
    [{ budget: { gpuHours: 0 } }, 'A budget of 0 GPU-hours buys nothing'],
    [{ budget: { flops: 1e12 } }, 'No model of the kind of'],
    [{}, 'Nothing says how large the model is'],
  ])('%j: %s', (change, words) => {
    expect(() => chooseRun(question(change), HOUR)).toThrow(words);
  });

  it('says when fewer than 200 billion tokens are trained on, which training-llms does not recommend', () => {
    const few = chooseRun(question({ card: family, tokens: 199e9 }), HOUR);
    const enough = chooseRun(question({ card: family, tokens: 201e9 }), HOUR);
    expect(few.notes.join()).toContain('200 B tokens');
    expect(enough.notes.join()).not.toContain('200 B tokens');
  });
});

describe('what inference may cost', () => {
  it('bounds N, and the budget saved goes into tokens', () => {
    const free = chooseRun(question({ budget: { flops: 1e24 } }), HOUR);
    const bound = chooseRun(question({ budget: { flops: 1e24 }, limits: { maxMemoryBytes: 20e9 } }), HOUR);
    expect(bound.parameters).toBeLessThan(free.parameters);
    expect(bound.tokens).toBeGreaterThan(free.tokens);
    expect(servingCost(bound.card, serving)!.memoryBytes).toBeLessThanOrEqual(20e9);
    expect(Number(bound.parameters)).toBeGreaterThan(7.5e9);
    expect(bound.reasons.join()).toContain('--max-memory 20 GB');
  });

  it.each([{ maxLatencySeconds: 0.005 }, { maxMemoryBytes: 40e9 }, { maxDollarsPerMillionTokens: 0.2 }])(
    'by %j finds the largest model that stays within',
    (limits) => {
      const make = (size: number) => scaledCard(family, size);
      const { parameters } = largestWithin(make, limits, serving);
      expect(passedLimit(make(parameters), limits, serving)).toBeUndefined();
      expect(passedLimit(make(parameters * 1.2), limits, serving)).toBeDefined();
    },
  );

  it('latency of one sequence is at least weights over bandwidth', () => {
    const cost = servingCost(family, serving)!;
    expect(cost.devices).toBe(1);
    expect(cost.latencySeconds).toBeGreaterThan((2 * 7.5e9) / h100.memoryBandwidth);
    expect(cost.latencySeconds).toBeLessThan((2 * 9e9) / h100.memoryBandwidth);
  });

  it('refuses a model that is given and too large, and says how large it may be', () => {
    const card = loadModelCard({ arch: 'llama3-70b' });
    const limits = { maxLatencySeconds: 0.005 };
    expect(() => chooseRun(question({ card, limits }), HOUR)).toThrow(
      /takes .* ms a token .* about [\d.]+ B parameters/,
    );
  });

  it('says what the smallest model of the family costs where even that is too much', () => {
    const smallest = countParameters(scaledCard(family, 3.5e7)).total;
    for (const limits of [{ maxLatencySeconds: 1e-9 }, { maxMemoryBytes: 1e6 }, { maxDollarsPerMillionTokens: 1e-7 }]) {
      const sentence = /even one of ([\d,]+) parameters (takes|costs) .* more than --/;
      let said = '';
      try {
        chooseRun(question({ limits }), HOUR);
      } catch (error) {
        said = sentence.exec(String(error))?.[1] ?? '';
      }
      expect(said).not.toBe('');
      expect(Number(said.replaceAll(',', ''))).toBeLessThan(2 * Number(smallest));
    }
    expect(() => scaledCard(family, 1e5)).toThrow(/the smallest, one head of 128 in one layer .*, has 33,071,488;/);
  });

  it('asks for a price where none is known', () => {
    const unpriced = { ...serving, hardware: { ...h100, pricePerHour: undefined } };
    expect(() => chooseRun(question({ limits: { maxDollarsPerMillionTokens: 1 }, serving: unpriced }), HOUR)).toThrow(
      '--price',
    );
  });
});

describe('a scaled card', () => {
  it('has about as many parameters as asked, never more than allowed, in the proportions of its family', () => {
    fc.assert(
      fc.property(fc.double({ min: 9.5, max: 12, noNaN: true }), (exponent) => {
        const wanted = 10 ** exponent;
        const card = scaledCard(family, wanted);
        expect(Math.abs(Number(countParameters(card).total) / wanted - 1)).toBeLessThan(0.08);
        expect(card.heads % card.kvHeads).toBe(0);
        const proportion = card.hidden / card.layers / (family.hidden / family.layers);
        expect(Math.abs(Math.log(proportion))).toBeLessThan(0.6);
        const most = wanted * 0.97;
        expect(Number(countParameters(scaledCard(family, wanted, most)).total)).toBeLessThanOrEqual(most);
      }),
      { numRuns: 40 },
    );
  });
});

describe('quantities as typed', () => {
  it.each([
    ['512', 512],
    ['512sequences', 512],
    ['4194304tokens', 512],
    ['4Mtokens', 512],
    ['1tokens', 1],
  ])('--batch %s of 8,192 tokens is %i sequences', (text, sequences) =>
    expect(readBatch(text, 8192, 64)).toBe(sequences),
  );

  it('budgets, bytes and times', () => {
    expect(readBudget('5.76e23')).toEqual({ flops: 5.76e23 });
    expect(readBudget('1e6 GPU-hours')).toEqual({ gpuHours: 1e6 });
    expect(readBytes('80GiB', '--max-memory')).toBe(80 * 2 ** 30);
    expect(readBytes('80', '--max-memory')).toBe(80e9);
    expect(readSeconds('30ms', '--max-latency')).toBeCloseTo(0.03, 12);
    expect(readSeconds('0.03s', '--max-latency')).toBeCloseTo(0.03, 12);
  });

  it.each([
    [
      () => readBatch('1.5', 8192, 64),
      "--batch must be a whole number of sequences such as 512, or of tokens such as 4e6tokens, not '1.5'",
    ],
    [() => readBatch('-3', 8192, 64), '--batch must be'],
    [() => readBudget('5 apples'), "not '5 apples'"],
    [() => readBudget('0'), "not '0'"],
    [() => readBytes('3 GHz', '--max-memory'), '80GB or 80GiB'],
    [() => readSeconds('fast', '--max-latency'), 'a time such as 30ms'],
  ])('refuses what is none', (read, words) => expect(read).toThrow(words));
});
