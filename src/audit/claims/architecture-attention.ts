// Claims T2, T11, T16, T17: masks, and the scale of the scores.

import { type AnyClaim, claim } from '../claim.ts';
import { modelCode } from '../measurements/model-code.ts';
import { digits, isNear, thousands } from '../words.ts';
import {
  attend,
  causal,
  difference,
  dot,
  type Matrix,
  maskOf,
  randomMatrix,
  variance,
} from './architecture-matrices.ts';

const TOKENS = 6;
type Attends = (s: number, key: number) => boolean;

/** The outputs of one head, with the token at `changed` replaced by another. */
function outputs(attends: Attends, changed?: number): Matrix {
  const part = (name: string) =>
    randomMatrix(`mask.${name}`, TOKENS, 4).map((row, s) => (s === changed ? row.map((value) => value + 1) : row));
  return attend(part('query'), part('key'), part('value'), maskOf(TOKENS, attends));
}

/** [s][s']: whether the output at position s depends on the token at s'. */
function dependence(attends: Attends): boolean[][] {
  const before = outputs(attends);
  const after = Array.from({ length: TOKENS }, (_, changed) => outputs(attends, changed));
  return before.map((row, s) => after.map((changed) => difference([row], [changed[s]!]) > 1e-9));
}

/** No output knows a later token, and every output knows every earlier one. */
const isCausal = (depends: readonly (readonly boolean[])[]) =>
  depends.every((row, s) => row.every((known, key) => known === causal(s, key)));
const leaks = (depends: readonly (readonly boolean[])[]) =>
  depends.flatMap((row, s) => row.filter((known, key) => known && key > s)).length;

/** Patterns of figure 1 for `n` blocks: the first `g` are global, `w` in a window, `r` at random places. */
function attendedPairs(n: number, { r, w, g }: { r: number; w: number; g: number }): number {
  const places = randomMatrix('mask.random', n, n);
  let pairs = 0;
  for (let s = 0; s < n; s++) {
    const rest: number[] = [];
    for (let key = 0; key < n; key++) {
      const isGlobal = s < g || key < g;
      const isNearby = Math.abs(s - key) <= (w - 1) / 2;
      if (isGlobal || isNearby) pairs++;
      else rest.push(places[s]![key]!);
    }
    pairs += Math.min(r, rest.length);
  }
  return pairs;
}

const BIGBIRD = { r: 2, w: 3, g: 2 } as const;

export const attentionClaims: readonly AnyClaim[] = [
  claim({
    id: 'T2',
    documents: ['decoder-only'],
    where: '1.3',
    statement: "The causal mask is m = 0 for s ≤ s' and −∞ for s > s', so that position s sees no later one",
    kinds: ['arithmetic', 'measured'],
    evidence: ({ measured }) => ({
      code: measured(modelCode).causal,
      printed: dependence((s, key) => s <= key),
      corrected: dependence((s, key) => s >= key),
    }),
    parts: [
      {
        says: "Added to the scores of query s and key s', the printed mask makes the model causal.",
        recorded: 'erratum',
        asPrinted: ({ printed }) => isCausal(printed),
        corrected: ({ corrected, code }) => isCausal(corrected) && code.later === 0 && code.own > 0,
        shouldBe: "0 for s ≥ s', −∞ for s < s'",
      },
    ],
    brief: ({ printed, corrected }) =>
      `${TOKENS} tokens: with the printed mask ${leaks(printed)} outputs change with a later token, with the corrected ${leaks(corrected)}`,
    details: ({ printed, code }) => [
      ...printed.map((row, s) => ({
        label: `printed mask, output ${s}`,
        value: `knows tokens ${row.flatMap((known, key) => (known ? [key] : [])).join(', ')}`,
      })),
      {
        label: 'the model code',
        value: `a later token changes logits by ${digits(code.later, 2)}, the own by ${digits(code.own, 2)} or more`,
      },
    ],
    explanation:
      'The mask is printed the wrong way round: with it every position sees itself and the future, and could copy the token that it is ' +
      "asked to predict. The text before it (w = 0 if s' > s) and the code after it (tril) have it right.",
  }),
  claim({
    id: 'T11',
    documents: ['decoder-only'],
    where: '1.3',
    statement:
      'Dividing by √(D/A) makes the variance of the scores 1 when queries and keys are independent standard normals',
    kinds: ['arithmetic'],
    evidence: () =>
      [16, 64, 128].map((size) => {
        const [q, k] = [randomMatrix(`scores.q${size}`, 60, size), randomMatrix(`scores.k${size}`, 60, size)];
        const scores = q.flatMap((query) => k.map((key) => dot(query, key)));
        return { size, unscaled: variance(scores), scaled: variance(scores.map((score) => score / Math.sqrt(size))) };
      }),
    parts: [
      {
        says: 'The variance is 1 (10 %), and D/A without the division.',
        recorded: 'holds',
        asPrinted: (cases) =>
          cases.every(({ size, unscaled, scaled }) => isNear(scaled, 1, 0.1) && isNear(unscaled, size, 0.1)),
      },
    ],
    brief: (cases) => cases.map(({ size, scaled }) => `H = ${size}: ${digits(scaled, 3)}`).join(', '),
    details: (cases) =>
      cases.map(({ size, unscaled, scaled }) => ({
        label: `head size ${size}, 3,600 scores`,
        value: `variance ${digits(unscaled)}, divided by √H ${digits(scaled)}`,
      })),
  }),
  claim({
    id: 'T16',
    documents: ['llm-pretraining'],
    where: 'Types of language models',
    statement:
      'Encoders attend to both sides, decoders to the left only, encoder-decoders to the whole input and the output so far',
    kinds: ['arithmetic'],
    evidence: () => {
      const inputs = 3;
      return {
        encoder: dependence(() => true),
        decoder: dependence(causal),
        // One sequence of inputs and then outputs: inputs see inputs, outputs see inputs and earlier outputs.
        both: dependence((s, key) => key < inputs || (s >= inputs && s >= key)),
        inputs,
      };
    },
    parts: [
      {
        says: 'The three families are three masks: what each output depends on.',
        recorded: 'holds',
        asPrinted: ({ encoder, decoder, both, inputs }) =>
          encoder.flat().every((known) => known) &&
          isCausal(decoder) &&
          both.every((row, s) => row.every((known, key) => known === (key < inputs || (s >= inputs && key <= s)))),
      },
    ],
    brief: ({ encoder, decoder, both }) =>
      `pairs of ${TOKENS} tokens: encoder ${encoder.flat().filter(Boolean).length}, decoder ` +
      `${decoder.flat().filter(Boolean).length}, encoder-decoder (3 + 3) ${both.flat().filter(Boolean).length}`,
  }),
  claim({
    id: 'T17',
    documents: ['training-llms'],
    where: 'Introducing patterns, figure 1',
    statement:
      'Random (r = 2), window (w = 3) and global (printed q = 2) patterns attend to O(n) pairs instead of O(n²)',
    kinds: ['arithmetic', 'published'],
    evidence: () => {
      const lengths = [64, 128, 256] as const;
      const count = (pattern: { r: number; w: number; g: number }) => lengths.map((n) => attendedPairs(n, pattern));
      return {
        lengths,
        random: count({ r: 2, w: 0, g: 0 }),
        window: count({ r: 0, w: 3, g: 0 }),
        global: count({ r: 0, w: 0, g: 2 }),
        combined: count(BIGBIRD),
        // Caption of figure 1 of Zaheer et al. 2020, and the same as the slide prints it.
        letters: { published: 'g', printed: 'q' },
      };
    },
    parts: [
      {
        says: 'Each pattern attends to a number of pairs in proportion to n.',
        recorded: 'holds',
        asPrinted: ({ random, window, global, combined }) =>
          [random, window, global, combined].every(
            ([one, two, four]) => isNear(two! / one!, 2, 0.03) && isNear(four! / two!, 2, 0.03),
          ),
      },
      {
        says: 'The global pattern has the parameter q.',
        recorded: 'erratum',
        asPrinted: ({ letters }) => letters.printed === letters.published,
        corrected: ({ letters }) => letters.published === 'g',
        shouldBe: 'g = 2, as in the caption that is quoted',
      },
    ],
    brief: ({ lengths, combined }) => {
      const [n, pairs] = [lengths.at(-1)!, combined.at(-1)!];
      return `n = ${n}: BigBird attends to ${thousands(pairs)} of ${thousands(n * n)} pairs, ${digits(pairs / n, 3)}·n`;
    },
    details: ({ lengths, random, window, global, combined }) =>
      lengths.map((n, at) => ({
        label: `n = ${n}: all ${thousands(n * n)} pairs`,
        value: `random ${random[at]}, window ${window[at]}, global ${global[at]}, combined ${combined[at]}`,
        note: `scores and values of the combined pattern: ${thousands(4 * combined[at]!)}·H FLOPs a head`,
      })),
    explanation:
      'The three patterns of BigBird have the parameters r (random), w (window) and g (global). The slide copies the caption and reads the ' +
      'last letter as q.',
  }),
];
