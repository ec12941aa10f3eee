import { claim } from '../claim.ts';
import { productsOf } from '../measurements/matmul-flops.ts';
import { digits, percent, thousands } from '../words.ts';
import { both, caseName, cases, executed, formula, headOf, isAsDocumented } from './flops-evidence.ts';

const FORWARD_FORMULAS = {
  'attention.qkv': '6B·L·S·D²',
  'attention.scores': '2B·L·D·S²',
  'attention.values': '2B·L·D·S²',
  'attention.projection': '2B·L·S·D²',
  'mlp.up': '2E·B·L·S·D²',
  'mlp.down': '2E·B·L·S·D²',
} as const;

export const f3 = claim({
  id: 'F3',
  documents: ['decoder-only'],
  where: '3.1',
  statement: 'forward per layer: QKV 6BSD², scores 2BDS², reweighting 2BDS², projection 2BSD², MLP 4EBSD²',
  kinds: ['measured'],
  evidence: (context) => cases(context).filter(isAsDocumented),
  parts: [
    {
      says: 'each is what its matrix products cost, multi-head attention, the causal mask not made use of',
      recorded: 'holds',
      asPrinted: (rows) =>
        rows.length > 0 &&
        rows.every(({ counted, model, shape }) =>
          Object.entries(FORWARD_FORMULAS).every(
            ([term, text]) => productsOf(counted, 'forward', term) === formula(text, model, shape),
          ),
        ),
    },
  ],
  brief: (rows) => `measured on ${rows.map(caseName).join('; ')}: equal, FLOP for FLOP`,
  details: (rows) =>
    rows.flatMap((row) =>
      Object.entries(FORWARD_FORMULAS).map(([term, text]) => ({
        label: `${caseName(row)}: ${term}`,
        value: thousands(productsOf(row.counted, 'forward', term)),
        note: `${text} = ${thousands(formula(text, row.model, row.shape))}`,
      })),
    ),
});

export const f4 = claim({
  id: 'F4',
  documents: ['decoder-only'],
  where: '(3.1)',
  statement: 'the backward pass of a linear layer costs 5·D·I·J, because a broadcast product of DIJ is made',
  kinds: ['measured'],
  evidence: (context) =>
    cases(context).map((row) => {
      const { model, shape, counted } = row;
      const dij = model.layers * shape.batch * shape.sequence * model.hidden * model.mlp.width;
      const backward = productsOf(counted, 'backward', 'mlp.up/dx') + productsOf(counted, 'backward', 'mlp.up/dw');
      return { ...row, ratio: backward / dij, forward: productsOf(counted, 'forward', 'mlp.up') / dij };
    }),
  parts: [
    {
      says: '5DIJ',
      recorded: 'erratum',
      asPrinted: (rows) => rows.every(({ ratio }) => ratio === 5),
      corrected: (rows) => rows.every(({ ratio, forward }) => ratio === 4 && forward === 2),
      shouldBe: '4DIJ, two matrix products',
    },
  ],
  brief: (rows) => `measured on the MLP’s first matrix of ${rows.length} runs: ${digits(rows[0]!.ratio)}·DIJ`,
  details: (rows) =>
    rows.map((row) => ({
      label: caseName(row),
      value: `${row.ratio}·DIJ`,
      note: `forward ${row.forward}·DIJ; D = tokens, I = hidden, J = MLP width`,
    })),
  explanation:
    'The upstream gradient is first multiplied by φ′, element by element, which costs DJ, and then goes into two matrix products of 2DIJ ' +
    'each. Nobody builds the tensor of D·I·J products that (3.1) would need if it were computed in the order in which it is written.',
});

export const f5 = claim({
  id: 'F5',
  documents: ['decoder-only'],
  where: '(3.2)',
  statement: 'F = 12·B·D·L·S·(S + (2 + E)·D), forward and backward',
  kinds: ['arithmetic', 'measured'],
  evidence: (context) => ({
    rows: cases(context).filter(isAsDocumented),
    shares: ['gpt-small', 'gpt2', 'gpt2-xl', 'gpt3-175b'].map((name) => {
      const model = context.card(name);
      const shape = { batch: 1, sequence: model.context };
      return { name, share: formula('6B·S·V·D', model, shape) / both(model, shape, 'palm') };
    }),
  }),
  parts: [
    {
      says: 'for the blocks (its footnote leaves the head out)',
      recorded: 'holds',
      asPrinted: ({ rows }) =>
        rows.length > 0 &&
        rows.every(({ counted, model, shape }) => {
          const head = headOf(counted).reduce((sum, value) => sum + value, 0);
          return executed(counted) - head === formula('12B·D·L·S(S + (2 + E)D)', model, shape);
        }),
    },
  ],
  brief: ({ shares }) =>
    `equal, FLOP for FLOP; the head’s 6BSDV is left out: ${shares.map(({ name, share }) => `${percent(share)} of ${name}`).join(', ')}`,
  details: ({ rows, shares }) => [
    ...rows.map((row) => ({
      label: `measured blocks: ${caseName(row)}`,
      value: thousands(executed(row.counted) - headOf(row.counted).reduce((sum, value) => sum + value, 0)),
    })),
    ...shares.map(({ name, share }) => ({ label: `share of the head: ${name}`, value: percent(share) })),
  ],
});

export const f11 = claim({
  id: 'F11',
  documents: ['decoder-only'],
  where: '(3.2), footnote 25',
  statement: 'the contribution of the head that (3.2) omits is 2BSDV',
  kinds: ['measured'],
  evidence: (context) =>
    cases(context).map((row) => {
      const bsdv = formula('B·S·D·V', row.model, row.shape);
      return { ...row, parts: headOf(row.counted).map((flops) => flops / bsdv) };
    }),
  parts: [
    {
      says: '2BSDV',
      recorded: 'erratum',
      asPrinted: (rows) => rows.every(({ parts }) => sumOf(parts) === 2),
      corrected: (rows) => rows.every(({ parts }) => sumOf(parts) === 6),
      shouldBe: '6BSDV, as (3.2) is forward and backward',
    },
  ],
  brief: ([first]) => `measured: ${first!.parts.map((part) => `${part}`).join(' + ')} = ${sumOf(first!.parts)}·BSDV`,
  details: (rows) =>
    rows.map((row) => ({
      label: caseName(row),
      value: `${sumOf(row.parts)}·BSDV`,
      note: 'forward + gradients of x and W',
    })),
  explanation:
    '2BSDV is what the head costs on the way forward; (3.2) sums up forward and backward passes, and the backward pass adds two more ' +
    'products of the same size. The term that is missing beside 12BDLS(…) is therefore three times as large as the footnote says.',
});

const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
