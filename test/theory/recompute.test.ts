// Activations with and without recomputation: Korthikanti et al. 2022, the documents' (2.8) at both precisions, executed FLOPs.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ModelCard, resolveModelCard } from '../../src/cards/model-card.ts';
import { loadModelCard } from '../../src/node/cards.ts';
import { evaluateFormula } from '../../src/terms/formula.ts';
import { sum } from '../../src/terms/quantities.ts';
import { korthikantiFlops } from '../../src/theory/efficiency.ts';
import { countFlops } from '../../src/theory/flops.ts';
import { shapeLetters } from '../../src/theory/letters.ts';
import { ACTIVATION_BYTES, stateConventions } from '../../src/theory/precision.ts';
import { ATTENTION_KINDS, hardwareFlops, type Keeps, RECOMPUTATIONS } from '../../src/theory/recompute.ts';
import { documentActivations, type MemoryOptions, trainingMemory } from '../../src/theory/training-memory.ts';
import { anyCard, minimalCard } from '../support/cards.ts';

const on = { embedding: 0.1, attention: 0.1, residual: 0.1 };
const off = { embedding: 0, attention: 0, residual: 0 };

/** A model of Korthikanti et al. 2022, table 3: GPT-like, 2,048 tokens, vocabulary 51,200. */
const published = (heads: number, hidden: number, layers: number, dropout = on) =>
  resolveModelCard({ ...minimalCard, heads, hidden, layers, vocabulary: 51_200, context: 2048, dropout });

const MODELS = {
  '22B': published(64, 6144, 48),
  '175B': published(96, 12288, 96),
  '530B': published(128, 20480, 105),
  '1T': published(160, 25600, 128),
};

/** Bytes that the blocks save beyond what the paper counts: one over the deviation of each row. */
const deviations = ({ layers }: ModelCard, { batch, sequence }: { batch: number; sequence: number }) =>
  BigInt(8 * batch * layers * sequence);

/** Saved bytes of the blocks alone: those of the whole model less those of its ends. */
function blocks(card: ModelCard, batch: number, keeps: Keeps, options: MemoryOptions = { precision: 'mixed' }): bigint {
  const shape = { batch, sequence: card.context };
  const saved = ({ layers }: { layers: number }) =>
    sum('bytes', trainingMemory({ ...card, layers }, shape, 'adamw', keeps, options).savedActivations).value;
  const total = (saved({ layers: 2 }) - saved({ layers: 1 })) * BigInt(card.layers);
  return keeps === 'full' ? total : total - deviations(card, shape);
}

describe('Korthikanti et al. 2022, bytes of all layers', () => {
  it.each(Object.entries(MODELS))('%s: sbh(34 + 5as/h), selective 34sbh, full 2sbh', (_name, card) => {
    const letters = shapeLetters(card, { batch: 4, sequence: 2048 });
    expect(blocks(card, 4, 'none')).toBe(evaluateFormula('L·S·B·D(34 + 5A·S/D)', letters));
    expect(blocks(card, 4, 'selective')).toBe(evaluateFormula('34L·S·B·D', letters));
    expect(blocks(card, 4, 'full')).toBe(evaluateFormula('2L·S·B·D', letters));
  });

  it.each([
    ['175B', 0.7, 80],
    ['530B', 0.65, 64],
  ] as const)('%s: selective recomputation saves %s, 5as/h is %s (section 5)', (name, share, quadratic) => {
    const card = MODELS[name];
    const [none, selective] = [blocks(card, 1, 'none'), blocks(card, 1, 'selective')].map(Number) as [number, number];
    expect(1 - selective / none).toBeCloseTo(share, 2);
    expect((5 * card.heads * card.context) / card.hidden).toBe(quadratic);
  });
});

describe('(2.8)', () => {
  const card = published(16, 1024, 24);
  const letters = shapeLetters(card, { batch: 3, sequence: 2048 });
  const shape = { batch: 3, sequence: 2048 };

  it.each([
    ['fp32', 'B·L·S(66D + 9A·S)'],
    ['mixed', 'B·L·S(34D + 5A·S)'],
  ] as const)('%s with dropout: %s', (precision, formula) => {
    const total = sum('bytes', documentActivations(card, shape, precision)).value;
    expect(total).toBe(evaluateFormula(formula, letters));
    expect(blocks(card, 3, 'none', { precision })).toBe(total);
  });

  it.each([
    ['fp32', 'B·L·S(64D + 8A·S)'],
    ['mixed', 'B·L·S(32D + 4A·S)'],
  ] as const)('%s without dropout, no masks: %s', (precision, formula) => {
    expect(blocks({ ...card, dropout: off }, 3, 'none', { precision })).toBe(evaluateFormula(formula, letters));
  });

  it('B_min of (2.9) is where mixed precision begins to save memory', () => {
    const { D, A, S, L } = letters as Record<string, bigint>;
    const smallest = Number(6n * D! ** 2n) / Number(8n * D! * S! + A! * S! ** 2n);
    const states = (precision: 'fp32' | 'mixed') =>
      stateConventions({ N: 12n * L! * D! ** 2n, p: ACTIVATION_BYTES[precision] }, precision, 'adamw')[0]!.total.value;
    const saved = (precision: 'fp32' | 'mixed') =>
      sum('bytes', documentActivations(card, { batch: 1, sequence: 2048 }, precision)).value;
    const crossover = Number(states('mixed') - states('fp32')) / Number(saved('fp32') - saved('mixed'));
    expect(crossover).toBeCloseTo(smallest, 10);
  });
});

describe('flash attention', () => {
  const card = published(16, 1024, 24);

  it('keeps bytes that grow linearly with the sequence', () => {
    const saved = (context: number) => Number(blocks({ ...card, context }, 1, 'none', { attention: 'flash' }));
    expect(saved(4096) / saved(2048)).toBeCloseTo(2, 10);
    const stored = (context: number) => Number(blocks({ ...card, context }, 1, 'none', {}));
    expect(stored(4096) / stored(2048)).toBeGreaterThan(2.5);
  });

  it('executes 3.5 times the forward FLOPs of attention, published for a recomputing backward pass', () => {
    const shape = { batch: 4, sequence: 128 };
    const sdpa = resolveModelCard({ ...minimalCard, layers: 1, heads: 8, headSize: 64, context: 128 });
    const forward = 134_217_728n;
    const both = countFlops(sdpa, shape, 'palm').forwardBackward.value;
    const { total, recomputeTerms } = hardwareFlops(sdpa, shape, 'none', 'flash');
    expect(recomputeTerms.map(({ id }) => id)).toEqual(['attention.scores']);
    expect(total.value - both + 3n * forward).toBe((7n * forward) / 2n);
  });
});

describe('executed FLOPs', () => {
  it('of full recomputation are Korthikanti’s 96BLsh²(1 + s/6h) with the head', () => {
    const card = MODELS['175B'];
    const shape = { batch: 64, sequence: 2048 };
    expect(hardwareFlops(card, shape, 'full').total.value).toBe(korthikantiFlops(card, shape).full.value);
  });

  const size = fc.record({ batch: fc.integer({ min: 1, max: 5 }), sequence: fc.integer({ min: 1, max: 8 }) });
  const attention = fc.constantFrom(...ATTENTION_KINDS);

  it('are model FLOPs and what is done again; more recomputation, more FLOPs and fewer bytes', () => {
    fc.assert(
      fc.property(anyCard, size, attention, fc.boolean(), (any, shape, kind, dropout) => {
        const card = { ...any, dropout: dropout ? on : off };
        const model = countFlops(card, shape, 'palm').forwardBackward.value;
        const flops = RECOMPUTATIONS.map((keeps) => {
          const { total, recomputeTerms } = hardwareFlops(card, shape, keeps, kind);
          expect(total.value).toBe(model + sum('FLOPs', recomputeTerms).value);
          return total.value;
        });
        expect(flops[0]! <= flops[1]! && flops[1]! <= flops[2]!).toBe(true);
        const saved = RECOMPUTATIONS.map(
          (keeps) =>
            sum('bytes', trainingMemory(card, shape, 'adamw', keeps, { attention: kind }).savedActivations).value,
        );
        expect(saved[0]! >= saved[1]! && saved[1]! > saved[2]!).toBe(true);
      }),
    );
  });

  it('do not repeat the head', () => {
    const { recomputeTerms } = hardwareFlops(loadModelCard({ arch: 'gpt2' }), { batch: 1, sequence: 8 }, 'full');
    expect(recomputeTerms.map(({ id }) => id)).not.toContain('head.logits');
  });
});
