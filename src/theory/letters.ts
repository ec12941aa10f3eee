// The documents' letters: what A, B, D … stand for, given a card and a shape.
import type { ModelCard } from '../cards/model-card.ts';
import type { Letters } from '../terms/formula.ts';
import { UserError } from '../terms/user-error.ts';

/** The size of one batch: `batch` sequences of `sequence` tokens. */
export interface Shape {
  readonly batch: number;
  readonly sequence: number;
}

/** What each letter means, for the heads and feet of reports. */
export const LETTER_MEANINGS = {
  A: 'heads',
  B: 'batch',
  D: 'hidden',
  E: 'expansion, F / D',
  F: 'MLP width',
  g: 'key/value heads',
  H: 'head size',
  K: 'context',
  L: 'layers',
  M: 'weights in matrix products',
  N: 'parameters',
  p: 'bytes per element',
  S: 'sequence',
  V: 'vocabulary',
} as const;

/** The letters that a card alone gives. */
export function cardLetters(card: ModelCard): Letters {
  const width = BigInt(card.mlp.width);
  const hidden = BigInt(card.hidden);
  return {
    A: BigInt(card.heads),
    D: hidden,
    E: { numerator: width, denominator: hidden },
    F: width,
    g: BigInt(card.kvHeads),
    H: BigInt(card.headSize),
    K: BigInt(card.context),
    L: BigInt(card.layers),
    V: BigInt(card.vocabulary),
  };
}

/**
 * The letters of a card and a shape together.
 * @throws UserError for a batch or sequence that is not a positive integer, or a sequence beyond the learned positions
 */
export function shapeLetters(card: ModelCard, { batch, sequence }: Shape): Letters {
  for (const [name, value] of Object.entries({ batch, sequence })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new UserError(`The ${name} is ${value} and must be a whole number of at least 1.`);
    }
  }
  if (card.positions.kind === 'learned' && sequence > card.context) {
    throw new UserError(
      `A sequence of ${sequence} does not fit '${card.name}': its learned positions end at its context of ${card.context}; ` +
        `give a sequence of at most ${card.context}, or --set context=${sequence}.`,
    );
  }
  return { ...cardLetters(card), B: BigInt(batch), S: BigInt(sequence) };
}
