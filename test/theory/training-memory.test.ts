// Training memory: the documents' equations (2.1)–(2.8) as printed against the terms that generalise them.
import { describe, expect, it } from 'vitest';
import { loadModelCard } from '../../src/node/cards.ts';
import { evaluateFormula } from '../../src/terms/formula.ts';
import { sum } from '../../src/terms/quantities.ts';
import { shapeLetters } from '../../src/theory/letters.ts';
import {
  activationAdjustments,
  documentActivations,
  memoryTotals,
  trainingMemory,
} from '../../src/theory/training-memory.ts';

const shape = { batch: 3, sequence: 100 };
const gpt = loadModelCard({ arch: 'gpt-small' });
const letters = { ...shapeLetters(gpt, shape), p: 4n };
const bytesOf = (card: typeof gpt, belongs: (id: string) => boolean) =>
  sum(
    'bytes',
    documentActivations(card, shape).filter(({ id }) => belongs(id)),
  ).value;

describe('activations of a multi-head GELU model', () => {
  const residualMask = evaluateFormula('B·L·S·D', letters);

  it('of attention are (2.5) as printed', () => {
    const attention = bytesOf(gpt, (id) => id.startsWith('attention.') || id === 'dropout.attention');
    expect(attention + residualMask).toBe(evaluateFormula('B·L·S((5p + 1)D + (2p + 1)A·S)', letters));
  });

  it('of the MLP are (2.6) as printed', () => {
    const mlp = bytesOf(gpt, (id) => id.startsWith('mlp.'));
    expect(mlp + residualMask).toBe(evaluateFormula('(2E·p + p + 1)B·D·L·S', letters));
  });

  it('together are (2.7) as printed, and (2.8) with 9 where it prints 15', () => {
    const all = bytesOf(gpt, () => true);
    expect(all).toBe(evaluateFormula('2B·D·L·S(p(E + 4) + 1) + A·B·L·S²(2p + 1)', letters));
    expect(all).toBe(evaluateFormula('B·L·S(66D + 9A·S)', letters));
  });
});

describe('adjustments', () => {
  const reasons = (card: typeof gpt) => activationAdjustments(card, shape, 'probabilities').map(({ reason }) => reason);

  it('take back exactly the masks when dropout is off, and only then', () => {
    const masks = bytesOf(gpt, (id) => id.startsWith('dropout.'));
    const taken = activationAdjustments(gpt, shape, 'probabilities').filter(({ id }) => id.startsWith('dropout.'));
    expect(sum('bytes', taken).value).toBe(-masks);
    const gpt2 = loadModelCard({ arch: 'gpt2' });
    expect(activationAdjustments(gpt2, shape, 'probabilities').some(({ id }) => id === 'dropout.residual')).toBe(false);
    expect(reasons(gpt2)).toContain('the mask after the embedding');
  });

  it('have no final norm where there is none', () => {
    const after = loadModelCard({ arch: 'gpt-small', set: ['norm.placement=post'] });
    expect(reasons(gpt)).toContain('the final norm keeps its input, normalised, and the deviations');
    expect(reasons(after)).not.toContain('the final norm keeps its input, normalised, and the deviations');
  });
});

describe('generalisations', () => {
  it('fewer key/value heads save only their keys and values', () => {
    const shared = loadModelCard({ arch: 'gpt-small', set: ['kvHeads=2'] });
    const saved = evaluateFormula('2p·B·L·S·H(A − g)', { ...shapeLetters(shared, shape), p: 4n });
    expect(bytesOf(gpt, () => true) - bytesOf(shared, () => true)).toBe(saved);
  });

  it('a gate saves one more activation of the width of the MLP', () => {
    const gated = loadModelCard({ arch: 'gpt-small', set: ['mlp.kind=swiglu'] });
    expect(bytesOf(gated, () => true) - bytesOf(gpt, () => true)).toBe(evaluateFormula('p·B·L·S·F', letters));
  });
});

describe('states', () => {
  it.each([
    ['adamw', 8n],
    ['sgd-momentum', 4n],
    ['sgd', 0n],
  ] as const)(
    '%s keeps %s bytes per parameter beside 4 for the parameter and 4 for its gradient',
    (optimizer, bytes) => {
      const totals = memoryTotals(
        trainingMemory(loadModelCard({ arch: 'llama3-small' }), { batch: 8, sequence: 256 }, optimizer),
      );
      expect(totals.parameters.value).toBe(15_279_104n);
      expect(totals.gradients.value).toBe(15_279_104n);
      expect(totals.optimizer.value).toBe(bytes * 3_819_776n);
      expect(totals.batch.value).toBe(2n * 4n * 2048n);
    },
  );
});
