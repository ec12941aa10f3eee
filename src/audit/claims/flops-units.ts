import { measure } from '../../terms/quantities.ts';
import { trainingFlopsPerToken, utilizationFromThroughput } from '../../theory/efficiency.ts';
import { claim } from '../claim.ts';
import { productsOf } from '../measurements/matmul-flops.ts';
import { digits, isNear, percent, roundsTo, thousands } from '../words.ts';
import { countedProduct } from './counted-product.ts';
import { both, cases, formula } from './flops-evidence.ts';
import { activatedGradient } from './linear-gradient.ts';

export const f2 = claim({
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

const SECONDS_PER_DAY = 24 * 3600;

/** A unit as powers of FLOP and of seconds. */
const FLOP_PER_SECOND = { flop: 1, second: -1 };

const timesSeconds = ({ flop, second }: typeof FLOP_PER_SECOND) => ({ flop, second: second + 1 });

export const f9 = claim({
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

export const f10 = claim({
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

export const f12 = claim({
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

export const f13 = claim({
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
