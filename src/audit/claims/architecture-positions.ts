// Claims T7, T8: rotary and sinusoidal positions.

import { type AnyClaim, claim } from '../claim.ts';
import { modelCode } from '../measurements/model-code.ts';
import { digits } from '../words.ts';
import { dot, randomMatrix } from './architecture-matrices.ts';

const EXACT = 1e-12;
const SIZE = 8;
const BASE = 10_000;

type Vector = readonly number[];

/** Angles of one position: base^(−2j/size) for j from 0. */
const angles = (position: number): Vector =>
  Array.from({ length: SIZE / 2 }, (_, j) => position * BASE ** ((-2 * j) / SIZE));

/** Element 2j turns with element 2j + 1: the pairs of the slide. */
function turnNeighbours(x: Vector, position: number): Vector {
  return x.map((value, at) => {
    const angle = angles(position)[Math.floor(at / 2)]!;
    const other = at % 2 === 0 ? -x[at + 1]! : x[at - 1]!;
    return value * Math.cos(angle) + other * Math.sin(angle);
  });
}

/** Element j turns with element j + size/2: the layout of Hugging Face, and of this project. */
function turnHalves(x: Vector, position: number): Vector {
  const half = SIZE / 2;
  return x.map((value, at) => {
    const angle = angles(position)[at % half]!;
    const other = at < half ? -x[at + half]! : x[at - half]!;
    return value * Math.cos(angle) + other * Math.sin(angle);
  });
}

/** Where the halves find what the neighbours have: 0, 2, 4 … then 1, 3, 5 …. */
const regroup = (x: Vector): Vector => [...x.filter((_, at) => at % 2 === 0), ...x.filter((_, at) => at % 2 === 1)];

const largest = (x: Vector, y: Vector) => Math.max(...x.map((value, at) => Math.abs(value - y[at]!)));

/** The left factor of the slide's element-wise form, by the index of X that each row holds: printed, and as it should be. */
const PRINTED_ROWS = [0, 1, 0, 0] as const;
const CORRECT_ROWS = [0, 1, 2, 3] as const;

/** The slide's formula on four elements, with the rows of its first vector as given. */
function elementwise(x: Vector, rows: readonly number[], position: number): Vector {
  const turned = [-x[1]!, x[0]!, -x[3]!, x[2]!];
  return rows.map((from, at) => {
    const angle = angles(position)[Math.floor(at / 2)]!;
    return x[from]! * Math.cos(angle) + turned[at]! * Math.sin(angle);
  });
}

function rotary() {
  const [q, k] = randomMatrix('positions', 2, SIZE) as [Vector, Vector];
  const score = (turn: typeof turnNeighbours, m: number, n: number) => dot(turn(q, m), turn(k, n));
  const shifts = [1, 7, 100].map((by) => Math.abs(score(turnNeighbours, 5 + by, 2 + by) - score(turnNeighbours, 5, 2)));
  return {
    shifted: Math.max(...shifts),
    moved: Math.abs(score(turnNeighbours, 6, 2) - score(turnNeighbours, 5, 2)),
    layouts: Math.max(largest(regroup(turnNeighbours(q, 5)), turnHalves(regroup(q), 5))),
    scores: Math.abs(score(turnNeighbours, 5, 2) - dot(turnHalves(regroup(q), 5), turnHalves(regroup(k), 2))),
    printedVector: largest(elementwise(q, PRINTED_ROWS, 5), turnNeighbours(q, 5).slice(0, 4)),
    correctVector: largest(elementwise(q, CORRECT_ROWS, 5), turnNeighbours(q, 5).slice(0, 4)),
  };
}

/** The exponents −2j/D for j = 1 … D/2, and −2(j − 1)/D. */
const exponents = (size: number, from: 0 | 1) => Array.from({ length: size / 2 }, (_, at) => (-2 * (at + from)) / size);

/** Entries of a row of PosEmb that are written for j from `first` to `last`. */
const written = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, at) => [2 * (first + at), 2 * (first + at) + 1]).flat();

/** Whether entries are those of a row of so many columns, counted from `start`. */
const areColumns = (entries: readonly number[], start: 0 | 1, size: number) =>
  entries.length === size && entries.every((entry, at) => entry === start + at);

export const positionClaims: readonly AnyClaim[] = [
  claim({
    id: 'T7',
    documents: ['llm-pretraining'],
    where: 'Llama-3 RoPE',
    statement:
      'RoPE turns pairs of components by i·θ_j, θ_j = 10000^(−2j/D), j = 1 … D/2, so that scores know relative positions only',
    kinds: ['arithmetic', 'published', 'measured'],
    evidence: ({ card, measured }) => {
      const llama = card('llama3-8b');
      return {
        ...rotary(),
        code: measured(modelCode).rotary,
        firstPrinted: exponents(SIZE, 1)[0]!,
        firstCorrected: exponents(SIZE, 0)[0]!,
        base: llama.positions.theta,
        hidden: llama.hidden,
        headSize: llama.headSize,
        pairs: llama.headSize / 2,
      };
    },
    parts: [
      {
        says: 'The score of two tokens depends on the distance between them, not on where they stand.',
        recorded: 'holds',
        asPrinted: ({ shifted, moved, code }) => shifted < EXACT && moved > EXACT && code.shifted < 1e-5,
      },
      {
        says: 'Neighbours as pairs (the slide) and halves as pairs (Hugging Face) are the same after a permutation of the rows of W^Q and W^K.',
        recorded: 'holds',
        asPrinted: ({ layouts, scores, code }) => layouts < EXACT && scores < EXACT && code.layouts < 1e-5,
      },
      {
        says: 'The exponents are −2j/D, j = 1 … D/2: the first pair turns by 1 radian per position, as in the paper quoted.',
        recorded: 'erratum',
        asPrinted: ({ firstPrinted }) => BASE ** firstPrinted === 1,
        corrected: ({ firstCorrected }) => BASE ** firstCorrected === 1,
        shouldBe: '−2(j − 1)/D counting from 1',
      },
      {
        says: 'D/2 angles, with D the model dimension of the same slides.',
        recorded: 'erratum',
        asPrinted: ({ hidden, pairs }) => hidden / 2 === pairs,
        corrected: ({ headSize, pairs }) => headSize / 2 === pairs,
        shouldBe: 'H/2 angles: queries and keys are turned head by head',
      },
      {
        says: 'The base of Llama-3 is 10000.',
        recorded: 'erratum',
        asPrinted: ({ base }) => base === 10_000,
        corrected: ({ base }) => base === 500_000,
        shouldBe: '500000; 10000 is the base of the paper and of Llama 1 and 2',
      },
      {
        says: 'The element-wise form, with X1, X1 in the third and fourth row, turns the pairs.',
        recorded: 'erratum',
        asPrinted: ({ printedVector }) => printedVector < EXACT,
        corrected: ({ correctVector }) => correctVector < EXACT,
        shouldBe: 'X3 and X4 in the third and fourth row',
      },
    ],
    brief: ({ shifted, layouts, base, printedVector }) =>
      `shifting both tokens changes scores by ${digits(shifted, 2)}; layouts differ by ${digits(layouts, 2)}; printed vector off by ` +
      `${digits(printedVector, 2)}; Llama-3's base ${digits(base, 6)}`,
    explanation:
      'The idea and its property hold. The indices slipped (j counts from 1 where the formula counts from 0, D stands for the size of a ' +
      'head, two entries of the vector are copies of the first), and the base shown is that of the original paper.',
  }),
  claim({
    id: 'T8',
    documents: ['llm-pretraining'],
    where: 'Other Components, positional embeddings',
    statement: 'PosEmb(i, 2j) = sin(i/10000^(2j/D)), PosEmb(i, 2j + 1) = cos(i/10000^(2j/D)), j = 1 … D/2',
    kinds: ['arithmetic'],
    evidence: ({ card }) => ({
      printed: written(1, SIZE / 2),
      corrected: written(0, SIZE / 2 - 1),
      kind: card('gpt-debug', ['positions.kind=sinusoidal']).positions.kind,
    }),
    parts: [
      {
        says: 'With j = 1 … D/2 the D columns of a row are written, counted from 0 or from 1.',
        recorded: 'erratum',
        asPrinted: ({ printed }) => areColumns(printed, 0, SIZE) || areColumns(printed, 1, SIZE),
        corrected: ({ corrected }) => areColumns(corrected, 0, SIZE),
        shouldBe: 'j = 0 … D/2 − 1',
      },
      {
        says: 'Sinusoidal positions are a choice of the model card.',
        recorded: 'holds',
        asPrinted: ({ kind }) => kind === 'sinusoidal',
      },
    ],
    brief: ({ printed }) => `D = ${SIZE}: the printed range writes columns ${printed[0]} to ${printed.at(-1)}`,
    explanation:
      'With j from 1 the first columns stay empty and the last cosine would stand in column D + 1, which does not exist. Counted from 0, as ' +
      'in the original paper, sine and cosine fill all D columns.',
  }),
];
