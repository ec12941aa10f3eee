// Parameters, gradients and optimizer state: bytes per parameter in every precision, by each document's convention (M1–M5).
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadModelCard } from '../../src/node/cards.ts';
import { countParameters } from '../../src/theory/parameters.ts';
import {
  OPTIMIZER_KINDS,
  STATE_CONVENTIONS,
  stateConventions,
  stateTerms,
  TRAINING_PRECISIONS,
} from '../../src/theory/precision.ts';
import { memoryLetters, memoryTotals, trainingMemory } from '../../src/theory/training-memory.ts';
import { anyCard } from '../support/cards.ts';

const shape = { batch: 1, sequence: 8 };
const card = loadModelCard({ arch: 'gpt-small' });
const N = countParameters(card).total;
const letters = (precision: 'fp32' | 'mixed') => memoryLetters(card, shape, precision);

describe('bytes per parameter', () => {
  it.each([
    // precision, optimizer, convention, parameters, gradients, optimizer, source
    ['fp32', 'adamw', 'decoder-only', 4, 4, 8, '(2.1), (2.4)'],
    ['fp32', 'adamw-8bit', 'lecture-compute-memory', 4, 4, 2, '1 + 1'],
    ['fp32', 'sgd-momentum', 'decoder-only', 4, 4, 4, 'momentum'],
    ['fp32', 'sgd', 'decoder-only', 4, 4, 0, 'nothing'],
    ['mixed', 'adamw', 'decoder-only', 2, 4, 12, '(2.3), (2.4): 18 in all'],
    ['mixed', 'adamw', 'training-llms', 2, 2, 12, '16 in all, as in the ZeRO paper'],
    ['mixed', 'adamw', 'lecture-compute-memory', 4, 4, 8, 'the model is the master copy'],
    ['mixed', 'adamw-8bit', 'training-llms', 2, 2, 6, '4 + 1 + 1'],
    ['mixed', 'adamw-8bit', 'lecture-compute-memory', 4, 4, 2, '1 + 1'],
    ['mixed', 'sgd-momentum', 'training-llms', 2, 2, 8, '4 + 4'],
    ['mixed', 'sgd', 'decoder-only', 2, 4, 4, 'the master copy'],
  ] as const)('%s, %s, %s: %s, %s, %s', (precision, optimizer, convention, ...bytes) => {
    const totals = memoryTotals(trainingMemory(card, shape, optimizer, 'none', { precision, states: convention }));
    const perParameter = [totals.parameters, totals.gradients, totals.optimizer].map(({ value }) => Number(value / N));
    expect(perParameter).toEqual(bytes.slice(0, 3));
  });

  it('do not depend on what is recomputed: the documents say that they shrink (M6)', () => {
    const of = (keeps: 'none' | 'selective' | 'full') => {
      const { parameters, gradients, optimizer } = trainingMemory(card, shape, 'adamw', keeps, { precision: 'mixed' });
      return [parameters, gradients, optimizer];
    };
    expect(of('full')).toEqual(of('none'));
    expect(of('selective')).toEqual(of('none'));
  });
});

describe('conventions side by side', () => {
  it('agree in float32 and differ by 2N in mixed precision', () => {
    const totals = (precision: 'fp32' | 'mixed') =>
      stateConventions(letters(precision), precision, 'adamw').map(({ total }) => total.value / N);
    expect(totals('fp32')).toEqual([16n, 16n, 16n]);
    expect(totals('mixed')).toEqual([18n, 16n, 16n]);
  });

  it('are the sums of their terms', () => {
    fc.assert(
      fc.property(
        anyCard,
        fc.constantFrom(...TRAINING_PRECISIONS),
        fc.constantFrom(...OPTIMIZER_KINDS),
        (any, precision, optimizer) => {
          const own = memoryLetters(any, shape, precision);
          stateConventions(own, precision, optimizer).forEach((count, at) => {
            const terms = Object.values(stateTerms(own, precision, optimizer, STATE_CONVENTIONS[at]!)).flat();
            expect(count.total.value).toBe(terms.reduce((total, { value }) => total + value, 0n));
            expect(count.total.value).toBe(count.parameters.value + count.gradients.value + count.optimizer.value);
          });
        },
      ),
    );
  });

  it('7.5 billion parameters take 120 GB, as the ZeRO paper has it, not 112 of 1,024³ bytes', () => {
    const published = { N: 7_500_000_000n, p: 2n };
    const zero = stateConventions(published, 'mixed', 'adamw').find(({ convention }) => convention === 'training-llms');
    expect(zero!.total.value).toBe(120_000_000_000n);
  });

  it('GPT-3 175B by (2.3) and (2.4), every weight counted, is 2,926 GiB, not 1,463 TiB (M8)', () => {
    const gpt3 = { N: 96n * 12n * 12288n ** 2n + 50257n * 12288n, p: 2n };
    const gib = ({ value }: { value: bigint }) => Number(value) / 2 ** 30;
    const [count] = stateConventions(gpt3, 'mixed', 'adamw');
    expect(gib(count!.parameters)).toBeCloseTo(325.2, 0);
    expect(gib(count!.gradients)).toBeCloseTo(650.3, 0);
    expect(gib(count!.optimizer)).toBeCloseTo(1950.9, 0);
    expect(gib(count!.total)).toBeCloseTo(2926.4, 0);
  });
});
