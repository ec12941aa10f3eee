// Claims F: floating point operations. A multiply-add is 2 FLOPs.
import type { ModelCard } from '../../cards/model-card.ts';
import { evaluateFormula } from '../../terms/formula.ts';
import { measure } from '../../terms/quantities.ts';
import { trainingFlopsPerToken, utilizationFromThroughput } from '../../theory/efficiency.ts';
import { countFlops, type FormulaConvention } from '../../theory/flops.ts';
import { type Shape, shapeLetters } from '../../theory/letters.ts';
import { documentParameters } from '../../theory/parameters.ts';
import { type AnyClaim, claim } from '../claim.ts';
import type { AuditContext } from '../context.ts';
import { type FlopCase, matmulFlops, productsOf } from '../measurements/matmul-flops.ts';
import { stepTimes } from '../measurements/step-times.ts';
import { digits, isNear, percent, roundsTo, thousands, times } from '../words.ts';
import { countedProduct } from './counted-product.ts';
import { activatedGradient } from './linear-gradient.ts';

/** Models with the longest sequence that they are meant for, the documents' usual case. */
const LARGE = ['gpt2', 'gpt2-xl', 'gpt3-175b', 'llama2-7b', 'llama3-8b', 'llama3-70b', 'starcoder'];

const both = (card: ModelCard, shape: Shape, convention: FormulaConvention) =>
  Number(countFlops(card, shape, convention).forwardBackward.value);

const formula = (text: string, card: ModelCard, shape: Shape) =>
  Number(evaluateFormula(text, shapeLetters(card, shape)));

/** Each measured case with its card. */
const cases = ({ card, measured }: AuditContext) =>
  measured(matmulFlops).map((counted) => ({ counted, model: card(counted.card), shape: counted as Shape }));

type Case = ReturnType<typeof cases>[number];

/** The cards that section 3.1 is about: multi-head attention and two matrices in the MLP. */
const isAsDocumented = ({ model }: Case) => model.heads === model.kvHeads && model.mlp.kind !== 'swiglu';

const executed = (counted: FlopCase) => productsOf(counted, 'forward') + productsOf(counted, 'backward');
const headOf = (counted: FlopCase) =>
  ['head.logits', 'head.logits/dx', 'head.logits/dw'].map(
    (term) => productsOf(counted, 'forward', term) + productsOf(counted, 'backward', term),
  );
const caseName = ({ counted }: Case) => `${counted.card}, ${counted.batch} × ${counted.sequence}`;

const f1 = claim({
  id: 'F1',
  documents: ['training-llms', 'transformer-math-101', 'lecture-compute-memory', 'decoder-only', 'llm-pretraining'],
  where: '6PD',
  statement: 'C_forward ≈ 2PD, C_backward ≈ 4PD, C = τT ≈ 6PD for P parameters and D tokens',
  kinds: ['arithmetic', 'measured'],
  evidence: (context) => ({
    cases: cases(context),
    large: LARGE.map((name) => {
      const model = context.card(name);
      const shape = { batch: 1, sequence: model.context };
      const exact = both(model, shape, 'palm');
      return {
        model,
        all: both(model, shape, '6nd') / exact,
        withoutEmbedding: both(model, shape, '6nd-no-embedding') / exact,
      };
    }),
  }),
  parts: [
    {
      says: 'training costs 6PD, P being all parameters',
      recorded: 'approximates',
      asPrinted: ({ large }) => large.every(({ all }) => all === 1),
      approximation: {
        ratios: ({ large }) => Object.fromEntries(large.map(({ model, all }) => [model.name, all])),
        within: [0.75, 1.1],
        until: () => 'S passes about 2·D: attention, which 6PD leaves out, is then a quarter of all (F6)',
      },
    },
    {
      says: 'the backward pass costs twice the forward pass',
      recorded: 'holds',
      asPrinted: ({ cases }) =>
        cases.every(({ counted }) => productsOf(counted, 'backward') === 2 * productsOf(counted, 'forward')),
    },
    {
      says: 'what a step really multiplies is the exact count that 6PD is compared with',
      recorded: 'holds',
      asPrinted: ({ cases }) =>
        cases.every(({ counted, model, shape }) => executed(counted) === both(model, shape, 'palm')),
    },
  ],
  brief: ({ large }) => {
    const named = (name: string) => large.find(({ model }) => model.name === name)!;
    const show = (name: string) =>
      `${name} ${times(named(name).all)} (${times(named(name).withoutEmbedding)} without embeddings)`;
    return `6ND ÷ exact at full context: ${show('gpt2')}, ${show('gpt3-175b')}, ${show('llama3-8b')}`;
  },
  details: ({ large, cases }) => [
    ...large.map(({ model, all, withoutEmbedding }) => ({
      label: `${model.name}, S = ${model.context}`,
      value: times(all, 4),
      note: `6ND ÷ exact; without embeddings ${times(withoutEmbedding, 4)}`,
    })),
    ...cases.map((row) => ({
      label: `measured: ${caseName(row)}`,
      value: times(both(row.model, row.shape, '6nd') / executed(row.counted), 4),
      note: `${thousands(executed(row.counted))} FLOPs in matrix products`,
    })),
  ],
});

const f2 = claim({
  id: 'F2',
  documents: ['decoder-only'],
  where: '3',
  statement: 'a vector of m times an m × n matrix costs (2m − 1)n ≈ 2mn FLOPs',
  kinds: ['arithmetic'],
  evidence: () => [countedProduct(5, 3), countedProduct(64, 7), countedProduct(1024, 2)],
  parts: [
    {
      says: 'm multiplications and m − 1 additions for each of n numbers; 2mn is one addition per number more',
      recorded: 'holds',
      asPrinted: (products) =>
        products.every(
          ({ m, n, multiplications, additions }) =>
            multiplications + additions === (2 * m - 1) * n && 2 * m * n - (multiplications + additions) === n,
        ),
    },
  ],
  brief: (products) =>
    `counted: ${products.map(({ m, n, multiplications, additions }) => `${m}·${n}: ${thousands(multiplications + additions)}`).join(', ')}; ` +
    'the convention everywhere here is multiply-add = 2',
});

const FORWARD_FORMULAS = {
  'attention.qkv': '6B·L·S·D²',
  'attention.scores': '2B·L·D·S²',
  'attention.values': '2B·L·D·S²',
  'attention.projection': '2B·L·S·D²',
  'mlp.up': '2E·B·L·S·D²',
  'mlp.down': '2E·B·L·S·D²',
} as const;

const f3 = claim({
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

const f4 = claim({
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

const f5 = claim({
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

/** (3.2) ÷ 6BSN with N = (4 + 2E)LD², at a sequence of `ratio`·D. */
function growth(model: ModelCard, ratio: number) {
  const sequence = Math.round(ratio * model.hidden);
  const long = { ...model, context: Math.max(model.context, sequence) };
  const shape = { batch: 1, sequence };
  return both(long, shape, 'documents') / (6 * sequence * Number(documentParameters(model).value));
}

const MHA = ['gpt-small', 'gpt2', 'gpt2-xl', 'gpt3-175b'];

const f6 = claim({
  id: 'F6',
  documents: ['decoder-only'],
  where: '(3.3)',
  statement: 'F = 6·B·S·N·(1 + O(S/D))',
  kinds: ['arithmetic'],
  evidence: ({ card }) =>
    MHA.map((name) => card(name)).map((model) => ({
      model,
      ratios: [0.125, 0.5, 1, 2, 6].map((of) => ({ of, growth: growth(model, of) })),
    })),
  parts: [
    {
      says: '6BSN, for S up to D',
      recorded: 'approximates',
      asPrinted: (rows) => rows.every(({ ratios }) => ratios.every((at) => at.growth === 1)),
      approximation: {
        ratios: (rows) =>
          Object.fromEntries(
            rows.flatMap(({ model, ratios }) =>
              ratios.filter(({ of }) => of <= 1).map((at) => [`${model.name}, S = ${at.of}·D`, 1 / at.growth]),
            ),
          ),
        within: [0.85, 1],
        until: () => 'S = (2 + E)D = 6·D: attention’s products then cost as much as all others, and 6BSN is half',
      },
    },
    {
      says: 'the correction is of the order S/D: exactly S/((2 + E)D)',
      recorded: 'holds',
      asPrinted: (rows) =>
        rows.every(({ model, ratios }) =>
          ratios.every((at) => isNear(at.growth - 1, at.of / (2 + model.mlp.width / model.hidden), 0.01)),
        ),
    },
  ],
  brief: ([first]) =>
    `(3.2) ÷ 6BSN: ${first!.ratios.map(({ of, growth }) => `${digits(growth, 3)} at S = ${of}·D`).join(', ')}`,
  details: (rows) =>
    rows.flatMap(({ model, ratios }) =>
      ratios.map((at) => ({ label: `${model.name}, S = ${at.of}·D`, value: times(at.growth, 4) })),
    ),
});

const f7 = claim({
  id: 'F7',
  documents: ['decoder-only'],
  where: '3, footnote a',
  statement: '2BSN is right as long as S ≲ D: the FLOPs of self-attention are negligible then',
  kinds: ['arithmetic'],
  evidence: ({ card }) =>
    [...MHA, 'llama3-8b', 'starcoder'].map((name) => {
      const model = { ...card(name), context: 2 ** 20 };
      const share = (sequence: number) => {
        const { forwardTerms, forward } = countFlops(model, { batch: 1, sequence }, 'palm');
        const attention = forwardTerms.filter(({ id }) => id === 'attention.scores' || id === 'attention.values');
        return attention.reduce((sum, { value }) => sum + Number(value), 0) / Number(forward.value);
      };
      return { name, atD: share(model.hidden), at8: share(Math.round(model.hidden / 8)) };
    }),
  parts: [
    {
      says: 'negligible at S = D',
      recorded: 'approximates',
      asPrinted: (rows) => rows.every(({ atD }) => atD < 0.01),
      approximation: {
        ratios: (rows) => Object.fromEntries(rows.map(({ name, atD }) => [name, 1 - atD])),
        within: [0.8, 1],
        until: (rows) =>
          `it is up to ${percent(Math.max(...rows.map(({ atD }) => atD)))} at S = D already; below ` +
          `${percent(Math.max(...rows.map(({ at8 }) => at8)))} for S ≤ D/8`,
      },
    },
  ],
  brief: (rows) => `attention’s share at S = D: ${rows.map(({ name, atD }) => `${name} ${percent(atD)}`).join(', ')}`,
});

const f8 = claim({
  id: 'F8',
  documents: ['decoder-only'],
  where: '3, footnote 24',
  statement: 'element-wise operations such as GeLU are negligible in FLOPs',
  kinds: ['measured'],
  evidence: (context) => {
    const time = context.measured(stepTimes);
    const products = time.kernels.BatchMatMul ?? 0;
    return {
      rows: cases(context).map((row) => {
        const others = row.counted.rows.reduce((sum, { others }) => sum + others, 0);
        const all = row.counted.rows.reduce((sum, { products, others }) => sum + products + others, 0);
        return { ...row, share: others / all };
      }),
      timeShare: 1 - products / time.watched,
      time,
    };
  },
  parts: [
    {
      says: 'in models with a hidden size of some hundreds and more',
      recorded: 'approximates',
      asPrinted: ({ rows }) => rows.every(({ share }) => share < 0.01),
      approximation: {
        ratios: ({ rows }) =>
          Object.fromEntries(
            rows.filter(({ model }) => model.hidden >= 256).map((row) => [caseName(row), 1 - row.share]),
          ),
        within: [0.95, 1],
        until: ({ rows }) => {
          const tiny = rows.filter(({ model }) => model.hidden < 256).map(({ share }) => share);
          return `hidden is some tens: ${percent(Math.min(...tiny))} to ${percent(Math.max(...tiny))} at hidden 32`;
        },
      },
    },
    {
      says: 'in time they are not negligible: they take a larger share of it than of the FLOPs',
      recorded: 'holds',
      asPrinted: ({ rows, timeShare }) => timeShare > Math.max(...rows.filter(isLarge).map(({ share }) => share)),
    },
  ],
  brief: ({ rows, timeShare }) => {
    const small = rows.find(({ model }) => model.name === 'gpt-small')!;
    return `gpt-small: ${percent(small.share)} of the FLOPs, ${percent(timeShare)} of the time`;
  },
  details: ({ rows, time, timeShare }) => [
    ...rows.map((row) => ({ label: `FLOPs: ${caseName(row)}`, value: percent(row.share) })),
    {
      label: `time: ${time.card}, ${time.batch} × ${time.sequence}`,
      value: percent(timeShare),
      note: `all but the ${digits(time.kernels.BatchMatMul ?? 0)} ms in matrix products of ${digits(time.watched)} ms`,
    },
  ],
});

const isLarge = ({ model }: Case) => model.hidden >= 256;

const SECONDS_PER_DAY = 24 * 3600;

/** A unit as powers of FLOP and of seconds. */
const FLOP_PER_SECOND = { flop: 1, second: -1 };
const timesSeconds = ({ flop, second }: typeof FLOP_PER_SECOND) => ({ flop, second: second + 1 });

const f9 = claim({
  id: 'F9',
  documents: ['training-llms', 'lecture-compute-memory'],
  where: 'Compute units',
  statement: '1 PFLOP-day = 10¹⁵·24·3600 FLOP-seconds; a FLOP-second is "FLOP per second"',
  kinds: ['arithmetic'],
  evidence: () => ({ flops: 1e15 * SECONDS_PER_DAY, unit: timesSeconds(FLOP_PER_SECOND) }),
  parts: [
    {
      says: 'the unit of C = τ·T is FLOP per second (lecture-compute-memory)',
      recorded: 'erratum',
      asPrinted: ({ unit }) => unit.flop === 1 && unit.second === -1,
      corrected: ({ unit }) => unit.flop === 1 && unit.second === 0,
      shouldBe: 'FLOP/s × s = FLOP, a number of operations',
    },
    {
      says: '1 PFLOP-day = 10¹⁵·24·3600 = 8.64·10¹⁹ operations',
      recorded: 'holds',
      asPrinted: ({ flops }) => flops === 8.64e19,
    },
  ],
  brief: ({ flops }) => `${digits(flops, 3)} FLOP, of the unit FLOP¹·s⁰`,
  explanation:
    'A rate (FLOP per second) times a time (seconds) is a number of operations, and that is what C counts: the seconds cancel. ' +
    'training-llms multiplies rightly but keeps the clumsy name "FLOP-seconds"; the other slide writes down the rate alone.',
});

const f10 = claim({
  id: 'F10',
  documents: ['lecture-compute-memory'],
  where: 'Compute requirements',
  statement: 'the 2 of 2PD comes from the multiply-accumulate of matrix products',
  kinds: ['arithmetic', 'measured'],
  evidence: (context) => ({ product: countedProduct(64, 7), rows: cases(context) }),
  parts: [
    {
      says: 'a weight takes part in one multiplication and one addition per token',
      recorded: 'holds',
      asPrinted: ({ product, rows }) =>
        product.multiplications === product.m * product.n &&
        product.additions + product.n === product.multiplications &&
        rows.every(
          ({ counted, model, shape }) =>
            productsOf(counted, 'forward', 'mlp.down') === formula('2B·L·S·F·D', model, shape),
        ),
    },
  ],
  brief: ({ product }) =>
    `64 × 7: ${product.multiplications} multiplications, ${product.additions} additions (the first of a sum is free)`,
});

const f11 = claim({
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

const f12 = claim({
  id: 'F12',
  documents: ['decoder-only', 'training-llms', 'llm-pretraining'],
  where: '(3.5); MFU',
  statement:
    'MFU = F·τ/(GPUs·peak), τ in tokens per second (decoder-only) or FLOP per second (training-llms); llm-pretraining takes 6N for F',
  kinds: ['arithmetic'],
  // llm-pretraining's own example: 7 B parameters on 256 A100, a batch of 2048 × 4096 tokens every 12.7 s.
  evidence: ({ card, hardware }) => {
    const model = card('llama2-7b');
    const shape = { batch: 2048, sequence: 4096 };
    const tokensPerSecond = measure('tokens/s', (shape.batch * shape.sequence) / 12.7);
    const fleet = { hardware: hardware('a100'), gpus: 256 };
    const mfu = (flops: number) => utilizationFromThroughput(measure('FLOPs', flops), tokensPerSecond, fleet);
    return {
      tokens: shape.batch * shape.sequence,
      perBatch: mfu(both(model, shape, 'documents')),
      perToken: mfu(both(model, shape, 'documents') / (shape.batch * shape.sequence)),
      sixN: mfu(6 * 7e9),
      palm: mfu(trainingFlopsPerToken(model, shape.sequence).value),
    };
  },
  parts: [
    {
      says: '(3.5) with F of (3.2), the FLOPs of a batch, and τ in tokens per second, is a utilization',
      recorded: 'erratum',
      asPrinted: ({ perBatch }) => perBatch <= 1,
      corrected: ({ perBatch, perToken, tokens }) => perToken <= 1 && isNear(perBatch / perToken, tokens, 1e-9),
      shouldBe: 'F per token, F/(BS)',
    },
    {
      says: 'MFU of llm-pretraining’s example, by 6N or with attention',
      recorded: 'convention',
      asPrinted: ({ sixN, palm }) => roundsTo(sixN, palm, 2),
      sides: [
        {
          who: 'llm-pretraining',
          says: '35 %, by 6N',
          when: 'FLOPs of attention are left out',
          holds: ({ sixN }) => roundsTo(sixN, 0.35, 2),
          holdsElsewhere: ({ palm }) => roundsTo(palm, 0.35, 2),
        },
        {
          who: 'PaLM (Chowdhery et al. 2022)',
          says: '38 %, by every product that the model asks for',
          when: 'full attention and the head are counted',
          holds: ({ palm }) => roundsTo(palm, 0.38, 2),
          holdsElsewhere: ({ sixN }) => roundsTo(sixN, 0.38, 2),
        },
      ],
    },
  ],
  brief: ({ perBatch, sixN, palm, tokens }) =>
    `256 A100, 7 B: ${percent(sixN)} by 6N, ${percent(palm)} with attention and head; as printed ${digits(perBatch, 3)}, ${thousands(tokens)} times too large`,
  details: ({ perBatch, perToken, sixN, palm }) => [
    { label: '(3.5) as printed', value: digits(perBatch, 3), note: 'a utilization cannot pass 1' },
    { label: 'F of (3.2) per token', value: percent(perToken) },
    { label: '6N', value: percent(sixN), note: 'llm-pretraining prints 35 %' },
    { label: 'full attention and head', value: percent(palm), note: 'llama2-7b at S = 4096' },
  ],
  explanation:
    'Tokens per second already say how many tokens pass, so they must be multiplied by the FLOPs of one token; (3.2) is for a batch of BS ' +
    'tokens. As printed, the utilization of a healthy cluster would be in the millions instead of below 1.',
});

const f13 = claim({
  id: 'F13',
  documents: ['decoder-only'],
  where: '(3.1)',
  statement: 'in the gradients of z′ = φ(W·z) the factor φ′ carries the index i of the input',
  kinds: ['arithmetic'],
  evidence: activatedGradient,
  parts: [
    {
      says: 'φ′((W·z)_i)',
      recorded: 'erratum',
      asPrinted: ({ printed }) => printed < 1e-6,
      corrected: ({ corrected }) => corrected < 1e-6,
      shouldBe: 'φ′((W·z)_j), the index of the output',
    },
  ],
  brief: ({ printed, corrected }) =>
    `against finite differences: off by ${digits(printed, 2)} as printed, by ${corrected.toExponential(0)} with j`,
  explanation:
    'φ acts on the outputs of the product, which are numbered by j, and its derivative is taken where it acted. With i the sum over j in ' +
    'the second line would take φ′ of one and the same number for all outputs, and for I ≠ J that number may not even exist.',
});

export const flopClaims: readonly AnyClaim[] = [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13];
