// Parallelism: published memory of workers, what must divide, and the properties of every layout.
import { describe, expect, it } from 'vitest';
import { resolveModelCard } from '../../src/cards/model-card.ts';
import { loadModelCard } from '../../src/node/cards.ts';
import { evaluateFormula } from '../../src/terms/formula.ts';
import { sum } from '../../src/terms/quantities.ts';
import { countFlops } from '../../src/theory/flops.ts';
import {
  checkLayout,
  type Layout,
  microBatchesOf,
  NO_PARALLELISM,
  type WorkerShape,
  workerLetters,
  type ZeroStage,
} from '../../src/theory/parallelism.ts';
import { blockActivationTerms } from '../../src/theory/parallelism-activations.ts';
import { workerFlops } from '../../src/theory/parallelism-flops.ts';
import { type WorkerChoice, workerMemory } from '../../src/theory/parallelism-memory.ts';
import { workerParameterCount, workerParameterTerms } from '../../src/theory/parallelism-parameters.ts';
import { countParameters } from '../../src/theory/parameters.ts';
import { bubbleOverIdeal, bubbleShare, piecesInFlight } from '../../src/theory/pipeline.ts';
import { workerStates } from '../../src/theory/zero.ts';

const llama = loadModelCard({ arch: 'llama3-8b' });
const gpt3 = loadModelCard({
  arch: 'gpt3-175b',
  set: ['dropout.embedding=0.1', 'dropout.attention=0.1', 'dropout.residual=0.1'],
});
const mixed: WorkerChoice = {
  precision: 'mixed',
  optimizer: 'adamw',
  convention: 'decoder-only',
  recompute: 'none',
  attention: 'materialized',
};
const one: WorkerShape = { batch: 1, sequence: 2048, microBatches: 1 };
const layout = (change: Partial<Layout>): Layout => ({ ...NO_PARALLELISM, ...change });

describe('ZeRO, Rajbhandari et al. 2020, figure 1 and table 1 (16 bytes a parameter, GB)', () => {
  it.each([
    [7.5e9, 64, [120, 31.4, 16.6, 1.9]],
    [7.5e9, 16, [120, 35.6, 21.6, 7.5]],
    [7.5e9, 1024, [120, 30.1, 15.1, 0.12]],
    [128e9, 64, [2048, 536, 284, 32]],
    [1e12, 1024, [16000, 4011, 2013, 15.6]],
  ])('%d parameters on %i GPUs: %j for stages 0 to 3', (parameters, gpus, published) => {
    const letters = { n: BigInt(parameters), Z: BigInt(gpus), p: 2n };
    const choice = { precision: 'mixed', optimizer: 'adamw', convention: 'training-llms' } as const;
    published.forEach((gigabytes, stage) => {
      const states = workerStates(letters, choice, stage as ZeroStage);
      const bytes = sum('bytes', Object.values(states).flat()).value;
      const digit = gigabytes < 1 ? 0.006 : gigabytes < 100 ? 0.06 : 1;
      expect(Math.abs(Number(bytes) / 1e9 - gigabytes)).toBeLessThan(digit);
    });
  });
});

describe('activations of a block, Korthikanti et al. 2022, table 2 (s sequence, b batch, h hidden, a heads)', () => {
  const perBlock = (change: Partial<Layout>, choice: Partial<WorkerChoice> = {}, shape = one) => {
    const letters = { ...workerLetters(gpt3, shape, layout(change)), p: 2n, i: 1n };
    return sum('bytes', blockActivationTerms(gpt3, { ...mixed, ...choice }, letters)).value;
  };
  // Their sbh and as/h in the documents' letters: S·B·D and A·S/D.
  const letters = workerLetters(gpt3, { ...one, batch: 4 }, NO_PARALLELISM);
  const value = (formula: string, t: number) => evaluateFormula(formula, { ...letters, T: BigInt(t) });

  it.each([1, 2, 8])('t = %i', (t) => {
    const shape = { ...one, batch: 4 };
    const both = { tensor: t, sequenceParallel: true };
    expect(perBlock({ tensor: t }, {}, shape)).toBe(value('S·B·D(10 + 24/T + 5A·S/(D·T))', t));
    expect(perBlock(both, {}, shape)).toBe(value('S·B·D(34 + 5A·S/D)/T', t));
    expect(perBlock({ tensor: t }, { recompute: 'selective' }, shape)).toBe(value('S·B·D(10 + 24/T)', t));
    expect(perBlock(both, { recompute: 'selective' }, shape)).toBe(value('34S·B·D/T', t));
    expect(perBlock({ tensor: t }, { recompute: 'full' }, shape)).toBe(value('2S·B·D', t));
  });

  it('selective recomputation saves 70 % of GPT-3 and 65 % of MT-NLG, as their section 5 says', () => {
    const saved = (heads: number, hidden: number) => (5 * heads * 2048) / hidden / (34 + (5 * heads * 2048) / hidden);
    expect(1 - Number(perBlock({}, { recompute: 'selective' })) / Number(perBlock({}))).toBeCloseTo(
      saved(96, 12288),
      9,
    );
    expect(saved(96, 12288)).toBeCloseTo(0.7, 2);
    expect(saved(128, 20480)).toBeCloseTo(0.65, 2);
  });

  it('are (2.14) of decoder-only in all layers', () => {
    const memory = workerMemory(gpt3, one, layout({ tensor: 8 }), mixed);
    const blocks = memory.savedActivations.slice(0, 11);
    const printed = '2B·D·L·S(p(2 + (E + 2)/T) + 1) + A·B·L·S²(2p + 1)/T';
    expect(sum('bytes', blocks).value).toBe(
      evaluateFormula(printed, { ...workerLetters(gpt3, one, layout({ tensor: 8 })), p: 2n }),
    );
  });
});

describe('decoder-only (2.20): GPT-3 with T = 8', () => {
  const card = { ...gpt3, vocabulary: 50257 };
  const memory = workerMemory(card, one, layout({ tensor: 8 }), mixed);
  const states = [...memory.parameters, ...memory.gradients, ...memory.optimizer];
  const GIB = 2 ** 30;

  it('holds 365.8 GiB of states with the embedding sharded, where 187 TiB is printed', () => {
    expect(Number(sum('bytes', states).value) / GIB).toBeCloseTo(365.8, -0.5);
    const blocks = (18 * 12 * card.layers * card.hidden ** 2) / 8 / GIB;
    const embedding = (18 * card.vocabulary * card.hidden) / GIB;
    expect(blocks + embedding / 8).toBeCloseTo(365.8, 1);
    expect(blocks + embedding).toBeCloseTo(374.9, 0);
  });

  it('has the printed coefficients of activations, in GiB', () => {
    const blocks = (sequence: number, recompute: 'none' | 'selective') => {
      const letters = { ...workerLetters(card, { ...one, sequence }, layout({ tensor: 8 })), p: 2n, i: 96n };
      return Number(sum('bytes', blockActivationTerms(card, { ...mixed, recompute }, letters)).value) / GIB;
    };
    expect(blocks(2048, 'selective') / 2048).toBeCloseTo(1.43e-2, 4);
    expect((blocks(2048, 'none') - blocks(2048, 'selective')) / 2048 ** 2).toBeCloseTo(5.36e-6, 8);
  });

  it('divides gradients and optimizer states by T like the parameters', () => {
    const whole = workerMemory(card, one, NO_PARALLELISM, mixed);
    for (const state of ['parameters', 'gradients', 'optimizer'] as const) {
      const ratio = Number(sum('bytes', whole[state]).value) / Number(sum('bytes', memory[state]).value);
      expect(ratio).toBeGreaterThan(7.9);
      expect(ratio).toBeLessThanOrEqual(8);
    }
  });
});

describe('parameters of a worker', () => {
  const count = (card: typeof llama, change: Partial<Layout>, stage: number) => {
    const chosen = layout(change);
    const sequence = Math.min(card.context, 1024);
    const letters = workerLetters(card, { batch: 1, sequence, microBatches: 1 }, chosen);
    return workerParameterCount(workerParameterTerms(card, chosen, letters, stage));
  };

  it.each(['gpt2', 'llama3-8b', 'llama2-70b', 'starcoder', 'falcon-40b', 'llama3.2-1b', 'nanogpt-char'])(
    '%s: one worker holds the model',
    (arch) => {
      const card = loadModelCard({ arch });
      const letters = workerLetters(card, { batch: 1, sequence: 16, microBatches: 1 }, NO_PARALLELISM);
      const terms = workerParameterTerms(card, NO_PARALLELISM, letters, 0);
      expect(workerParameterCount(terms)).toBe(countParameters(card).total);
      for (const { id, value } of terms) expect(value).toBe(countParameters(card).groups[id]);
    },
  );

  it('add up over pipeline stages, a tied embedding twice', () => {
    const stages = [0, 1, 2, 3].map((stage) => count(llama, { pipeline: 4 }, stage));
    expect(stages.reduce((a, b) => a + b)).toBe(countParameters(llama).total);
    const tied = loadModelCard({ arch: 'llama3.2-1b' });
    const both = [0, 1].map((stage) => count(tied, { pipeline: 2 }, stage)).reduce((a, b) => a + b);
    expect(both - countParameters(tied).total).toBe(BigInt(tied.vocabulary * tied.hidden));
  });

  it('are (2.12) and what is copied: norms on every tensor-parallel worker', () => {
    const all = 8n * count(llama, { tensor: 8 }, 0);
    expect(all - countParameters(llama).total).toBe(7n * BigInt((2 * llama.layers + 1) * llama.hidden));
  });

  it('copy key/value heads where tensor-parallel workers outnumber them', () => {
    const copied = 16n * count(llama, { tensor: 16 }, 0) - countParameters(llama).total;
    const norms = 15n * BigInt((2 * llama.layers + 1) * llama.hidden);
    expect(copied - norms).toBe(BigInt(8 * 2 * llama.headSize * llama.hidden * llama.layers));
  });
});

describe('pipelines', () => {
  it.each([
    [1, 1, 8, 0],
    [4, 1, 8, 3 / 11],
    [8, 1, 64, 7 / 71],
    [8, 3, 64, 7 / (3 * 64 + 7)],
  ])('P = %i, v = %i, m = %i idle for %d of a step', (pipeline, interleave, microBatches, share) => {
    expect(bubbleShare({ pipeline, interleave }, { microBatches })).toBeCloseTo(share, 12);
    expect(bubbleOverIdeal({ pipeline, interleave }, { microBatches })).toBeCloseTo(
      (pipeline - 1) / interleave / microBatches,
      12,
    );
  });

  it('keep as many micro-batches as stages follow, and L(1 + (p − 1)/(p·v)) layers when interleaved', () => {
    expect(piecesInFlight({ pipeline: 8, interleave: 1 }, { microBatches: 64 }, 0)).toBe(8);
    expect(piecesInFlight({ pipeline: 8, interleave: 1 }, { microBatches: 64 }, 7)).toBe(1);
    expect(piecesInFlight({ pipeline: 8, interleave: 1 }, { microBatches: 3 }, 0)).toBe(3);
    const layers = 96;
    const kept = (piecesInFlight({ pipeline: 8, interleave: 3 }, { microBatches: 64 }, 0) * layers) / 8 / 3;
    expect(kept).toBeCloseTo(layers * (1 + 7 / 24), 9);
  });
});

describe('FLOPs of a worker', () => {
  it('of all workers together are those of the model', () => {
    const chosen = layout({ tensor: 4, pipeline: 2, context: 2 });
    const shape = { batch: 2, sequence: 4096, microBatches: 2 };
    const letters = workerLetters(llama, shape, chosen);
    const stages = [false, true].map((isLast) =>
      workerFlops(llama, { ...mixed, attention: 'materialized' }, letters, isLast),
    );
    const all = stages.reduce((total, { total: { value } }) => total + value, 0n) * 8n;
    expect(all).toBe(countFlops(llama, shape, 'palm').forwardBackward.value);
  });
});

describe('what must divide', () => {
  const shape = { batch: 1, sequence: 8192, microBatches: 6 };
  it.each([
    [{ tensor: 3 }, '32 heads do not divide among 3 tensor-parallel workers: choose 1, 2, 4, 8, 16, 32'],
    [{ pipeline: 5 }, '32 layers do not divide among 5 pipeline stages: choose 1, 2, 4, 8, 16, 32'],
    [{ pipeline: 4, interleave: 3 }, '8 layers of a pipeline stage do not divide into 3 interleaved pieces'],
    [{ pipeline: 4, interleave: 2 }, '6 micro-batches do not divide by 4 stages'],
    [{ interleave: 2 }, 'A single pipeline stage has nothing to interleave'],
    [{ context: 3 }, 'does not divide into 6 equal pieces'],
    [{ tensor: 0 }, "The layout's tensor is 0"],
    [{ data: 1.5 }, "The layout's data is 1.5"],
    [{ zero: 4 as ZeroStage }, 'There is no ZeRO stage 4: choose 0, 1, 2, 3'],
  ])('%j is refused with what would be allowed', (change, sentence) => {
    expect(() => checkLayout(llama, shape, layout(change))).toThrow(sentence);
  });

  it('key/value heads that are neither shared nor copied evenly', () => {
    const card = resolveModelCard({ ...loadModelCard({ arch: 'gpt2' }), hidden: 768, kvHeads: 6 });
    expect(() => checkLayout(card, shape, layout({ tensor: 4 }))).toThrow('6 key/value heads neither divide among 4');
  });

  it('the global batch by replicas times micro-batch', () => {
    expect(microBatchesOf(512, 16, 4)).toBe(8);
    expect(() => microBatchesOf(500, 16, 4)).toThrow('choose a multiple of 64, such as 512');
  });
});
