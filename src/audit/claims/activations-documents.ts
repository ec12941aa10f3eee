// (2.7) of decoder-only for one sequence of full length.
import type { ModelCard } from '../../cards/model-card.ts';
import { evaluateFormula } from '../../terms/formula.ts';
import { memoryLetters } from '../../theory/training-memory.ts';

/** Bytes of (2.7) for one sequence, at p = 4 and p = 2. */
export function documentedTotals(model: ModelCard, sequence = model.context): { four: number; two: number } {
  const bytes = (precision: 'fp32' | 'mixed') =>
    Number(
      evaluateFormula(
        '2B·D·L·S(p(E + 4) + 1) + A·B·L·S²(2p + 1)',
        memoryLetters(model, { batch: 1, sequence }, precision),
      ),
    );
  return { four: bytes('fp32'), two: bytes('mixed') };
}
