// Claims T5, T6, T13: heads that share keys and values, their scale, and one matrix for all three projections.

import { type AnyClaim, claim } from '../claim.ts';
import { modelCode } from '../measurements/model-code.ts';
import { digits } from '../words.ts';
import {
  attendHeads,
  beside,
  causal,
  columns,
  difference,
  type Matrix,
  map,
  maskOf,
  product,
  randomAttention,
  randomMatrix,
} from './architecture-matrices.ts';

const EXACT = 1e-12;
const TOKENS = 5;
const HEADS = 4;
const SIZE = 4;
const HIDDEN = HEADS * SIZE;

const z = () => randomMatrix('heads.z', TOKENS, HIDDEN);

/** Multi-head attention's heads, with scores divided by √`divisor` instead of the √H that attendHeads divides by. */
function headsScaledBy(divisor: number): Matrix {
  const { query, key, value } = randomAttention('heads', HIDDEN);
  const correction = Math.sqrt(SIZE / divisor);
  const q = map(product(z(), query), (x) => x * correction);
  return attendHeads(q, product(z(), key), product(z(), value), HEADS, maskOf(TOKENS, causal));
}

/** The key heads, counted from 1, that heads 1 … n read by a rule. */
const mapping = (heads: number, rule: (h: number) => number) => Array.from({ length: heads }, (_, at) => rule(at + 1));

/** Whether the heads divide into g groups of neighbours of one size, group by group in order. */
const dividesEvenly = (keyHeads: readonly number[], groups: number) =>
  keyHeads.every((keyHead, at) => keyHead === Math.floor((at * groups) / keyHeads.length) + 1);

const READINGS = { '⌈h/g⌉': Math.ceil, '⌊h/g⌋': Math.floor, 'h/g rounded': Math.round } as const;

export const headClaims: readonly AnyClaim[] = [
  claim({
    id: 'T5',
    documents: ['llm-pretraining'],
    where: 'Multi-Query Attention, Group-Query Attention',
    statement:
      'The scores of MQA and GQA are divided by √D; with g = n_H groups GQA is the multi-head attention of the table before',
    kinds: ['arithmetic'],
    evidence: () => ({
      printed: difference(headsScaledBy(HIDDEN), headsScaledBy(SIZE)),
      corrected: difference(attendAgain(), headsScaledBy(SIZE)),
    }),
    parts: [
      {
        says: 'GQA with g = n_H, divided by √D, equals the table of multi-head attention, which divides by √H.',
        recorded: 'erratum',
        asPrinted: ({ printed }) => printed < EXACT,
        corrected: ({ corrected }) => corrected < EXACT,
        shouldBe: '√H, the size of a head: that is the length of the vectors whose products are taken',
      },
    ],
    brief: ({ printed, corrected }) =>
      `D = ${HIDDEN}, H = ${SIZE}: outputs differ by ${digits(printed, 2)} with √D, by ${digits(corrected, 2)} with √H`,
    explanation:
      'Queries and keys of a head have H components, so the scores have variance H and √H brings it back to 1; √D would make the softmax ' +
      "flatter the more heads there are. The same slides' table of multi-head attention has √H, and GQA with as many groups as heads must " +
      'be the same thing.',
  }),
  claim({
    id: 'T6',
    documents: ['llm-pretraining'],
    where: 'Group-Query Attention',
    statement: 'With g groups query head h = 1 … n_H uses key head [h/g]',
    kinds: ['arithmetic', 'measured'],
    evidence: ({ measured }) => {
      const code = measured(modelCode).keyHeads;
      const cases = [
        { heads: 32, groups: 8 },
        { heads: 8, groups: 2 },
        { heads: 4, groups: 4 },
      ];
      return cases.map(({ heads, groups }) => ({
        heads,
        groups,
        code,
        printed: Object.entries(READINGS).map(([name, round]) => ({
          name,
          keyHeads: mapping(heads, (h) => round(h / groups)),
        })),
        fromOne: mapping(heads, (h) => Math.ceil((h * groups) / heads)),
        fromZero: mapping(heads, (h) => Math.floor(((h - 1) * groups) / heads) + 1),
      }));
    },
    parts: [
      {
        says: 'Under some reading of the brackets the heads divide evenly among key heads 1 … g.',
        recorded: 'erratum',
        asPrinted: (cases) =>
          Object.keys(READINGS).some((_, reading) =>
            cases.every(({ groups, printed }) => dividesEvenly(printed[reading]!.keyHeads, groups)),
          ),
        corrected: (cases) =>
          cases.every(
            ({ groups, fromOne, fromZero, code }) =>
              dividesEvenly(fromOne, groups) && dividesEvenly(fromZero, groups) && dividesEvenly(code, 2),
          ),
        shouldBe:
          '⌈h·g/n_H⌉ counting from 1, ⌊h·g/n_H⌋ counting from 0: g is the number of groups, n_H/g heads share one',
      },
    ],
    brief: ([first]) =>
      `n_H = 32, g = 8: ⌈h/g⌉ uses ${new Set(first!.printed[0]!.keyHeads).size} key heads of 8, ⌈h·g/n_H⌉ ${new Set(first!.fromOne).size}`,
    details: (cases) =>
      cases.flatMap(({ heads, groups, printed, fromOne }) => [
        ...printed.map(({ name, keyHeads }) => ({
          label: `n_H = ${heads}, g = ${groups}, ${name}`,
          value: keyHeads.join(' '),
        })),
        { label: `n_H = ${heads}, g = ${groups}, ⌈h·g/n_H⌉`, value: fromOne.join(' ') },
      ]),
    explanation:
      'g counts groups, so a group has n_H/g query heads, and the head number must be divided by that, not by g. The printed rule is right ' +
      'only if g were the number of heads in a group.',
  }),
  claim({
    id: 'T13',
    documents: ['decoder-only'],
    where: 'footnote 10',
    statement: 'One large matrix whose product is cut into queries, keys and values equals separate matrices',
    kinds: ['arithmetic', 'measured'],
    evidence: ({ measured }) => {
      const { query, key, value } = randomAttention('heads', HIDDEN);
      const fused = product(z(), beside([query, key, value]));
      const parts = [query, key, value].map((weight, at) =>
        difference(columns(fused, at * HIDDEN, HIDDEN), product(z(), weight)),
      );
      const perHead = Array.from({ length: HEADS }, (_, head) =>
        difference(columns(fused, head * SIZE, SIZE), product(z(), columns(query, head * SIZE, SIZE))),
      );
      return { parts, perHead, code: measured(modelCode).fused };
    },
    parts: [
      {
        says: 'Queries, keys and values, and each head of them, are the same numbers.',
        recorded: 'holds',
        asPrinted: ({ parts, perHead, code }) => [...parts, ...perHead].every((error) => error === 0) && code < 1e-6,
      },
    ],
    brief: ({ parts, perHead }) => `largest difference ${digits(Math.max(...parts, ...perHead))} over ${HEADS} heads`,
  }),
];

/** The heads of grouped attention with as many groups as heads: each query head with the key head that T6's rule gives it. */
function attendAgain(): Matrix {
  const { query, key, value } = randomAttention('heads', HIDDEN);
  const keyHeads = mapping(HEADS, (h) => Math.ceil((h * HEADS) / HEADS));
  const [q, k, v] = [query, key, value].map((weight) => product(z(), weight)) as [Matrix, Matrix, Matrix];
  const of = (x: Matrix, head: number) => columns(x, head * SIZE, SIZE);
  return beside(
    keyHeads.map((keyHead, head) =>
      attendHeads(of(q, head), of(k, keyHead - 1), of(v, keyHead - 1), 1, maskOf(TOKENS, causal)),
    ),
  );
}
