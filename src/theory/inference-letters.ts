// How a model is served, and the letters that inference adds to the documents'.
import type { ComputePrecision } from '../cards/hardware.ts';
import type { ModelCard } from '../cards/model-card.ts';
import type { Letters } from '../terms/formula.ts';
import { UserError } from '../terms/user-error.ts';
import { checkWhole } from './input.ts';
import { cardLetters } from './letters.ts';
import { countParameters, matmulParameters } from './parameters.ts';

/** How a model is served. */
export interface Serving {
  /** Of the weights: 4, 2 (`mixed`, the default) or 1 byte each. */
  readonly precision?: ComputePrecision;
  /** Of the cached keys and values; as the weights unless said otherwise, 16-bit beside int8 weights. */
  readonly cachePrecision?: ComputePrecision;
  /** Devices that share every layer (T). */
  readonly tensorParallel?: number;
}

/** A batch of prompts, and how many tokens are generated behind each. */
export interface Request {
  readonly batch: number;
  readonly prompt: number;
  readonly generated: number;
}

/** What the letters of inference mean beside {@link LETTER_MEANINGS}. */
export const INFERENCE_LETTER_MEANINGS = {
  a: 'bytes per element of activations',
  c: 'bytes per cached element',
  G: 'key/value heads, with copies where there are more devices than heads',
  M: 'weights of the blocks in matrix products',
  n: 'tokens generated',
  p: 'bytes per weight',
  S: 'tokens of the prompt, or of the cache',
  T: 'devices that share every layer',
} as const;

const BYTES: Readonly<Record<ComputePrecision, bigint>> = { fp32: 4n, mixed: 2n, int8: 1n };

/** Bytes of a weight, of a cached element and of an activation, which stays 16-bit beside int8 weights. */
export function servingBytes({ precision = 'mixed', cachePrecision }: Serving): Record<'p' | 'c' | 'a', bigint> {
  const activations = precision === 'int8' ? 'mixed' : precision;
  return { p: BYTES[precision], c: BYTES[cachePrecision ?? activations], a: BYTES[activations] };
}

/** Over how many devices the layers of a card can be shared: T divides heads and MLP width, and KV heads divide or are copied. */
export function deviceCounts({ heads, kvHeads, mlp }: ModelCard): number[] {
  return Array.from({ length: heads }, (_, index) => index + 1).filter(
    (devices) =>
      heads % devices === 0 && mlp.width % devices === 0 && (kvHeads % devices === 0 || devices % kvHeads === 0),
  );
}

/**
 * Letters of a card that is served. G is g, or T where there are more devices than key/value heads and each keeps a copy.
 * @throws UserError for a number of devices that cannot share the card
 */
export function servingLetters(card: ModelCard, serving: Serving): Letters {
  const { tensorParallel = 1 } = serving;
  const { heads, kvHeads, mlp } = card;
  checkWhole('tensor parallelism', tensorParallel, 1, 100_000);
  const possible = deviceCounts(card);
  if (!possible.includes(tensorParallel)) {
    throw new UserError(
      `'${card.name}' cannot be shared by ${tensorParallel} devices: its heads ${heads}, KV heads ${kvHeads} and ` +
        `MLP width ${mlp.width} allow ${possible.join(', ')}.`,
    );
  }
  return {
    ...cardLetters(card),
    ...servingBytes(serving),
    G: BigInt(Math.max(kvHeads, tensorParallel)),
    M: matmulParameters(card) - BigInt(card.vocabulary) * BigInt(card.hidden),
    N: countParameters(card).total,
    T: BigInt(tensorParallel),
  };
}

/**
 * Letters of a request on top of those of {@link servingLetters}.
 * @throws UserError for counts that are none, or more tokens than learned positions
 */
export function requestLetters(card: ModelCard, request: Request, serving: Serving): Letters {
  const { batch, prompt, generated } = request;
  checkWhole('batch', batch, 1, 1e9);
  checkWhole('prompt in tokens', prompt, 1, 1e9);
  checkWhole('number of tokens to generate', generated, 0, 1e9);
  if (card.positions.kind === 'learned' && prompt + generated > card.context) {
    throw new UserError(
      `A prompt of ${prompt} and ${generated} generated tokens do not fit '${card.name}': its learned positions end ` +
        `at its context of ${card.context}; give at most ${card.context} tokens in all, or --set context=${prompt + generated}.`,
    );
  }
  return { ...servingLetters(card, serving), B: BigInt(batch), S: BigInt(prompt), n: BigInt(generated) };
}
