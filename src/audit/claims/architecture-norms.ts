// Claims T1, T4, T10, T18, T20: norms, and where they stand.

import { type AnyClaim, claim } from '../claim.ts';
import { modelCode } from '../measurements/model-code.ts';
import { norms } from '../measurements/norms.ts';
import { digits, isNear, percent } from '../words.ts';
import {
  add,
  causal,
  difference,
  layerNorm,
  type Matrix,
  map,
  maskOf,
  mean,
  multiHead,
  product,
  randomAttention,
  randomMatrix,
  silu,
  transpose,
  variance,
} from './architecture-matrices.ts';

const EXACT = 1e-12;
/** float32 operations against float64 arithmetic. */
const ROUNDING = 1e-5;
const TOKENS = 5;
const HIDDEN = 8;

const rootMeanSquare = (row: readonly number[]) => Math.sqrt(mean(row.map((value) => value ** 2)));

/** Whether the first tokens keep their values when the last one changes. */
function knowsTheFuture(norm: (x: Matrix) => Matrix): number {
  const x = randomMatrix('norms.x', TOKENS, HIDDEN);
  const other = x.map((row, s) => (s === TOKENS - 1 ? row.map((value) => value + 1) : row));
  return difference(norm(x).slice(0, -1), norm(other).slice(0, -1));
}

const overSequence = (x: Matrix) => transpose(layerNorm(transpose(x)));
const block = () => {
  const weights = randomAttention('norms.attention', HIDDEN);
  const up = randomMatrix('norms.up', HIDDEN, 4 * HIDDEN, HIDDEN ** -0.5);
  const down = randomMatrix('norms.down', 4 * HIDDEN, HIDDEN, (4 * HIDDEN) ** -0.5);
  return {
    attention: (z: Matrix) => multiHead(z, weights, 2, maskOf(TOKENS, causal)),
    mlp: (z: Matrix) => product(map(product(z, up), silu), down),
  };
};

/** The forward function printed above (1.9), line by line. */
function printedCode(inputs: Matrix): Matrix {
  const { attention, mlp } = block();
  let attended = layerNorm(inputs);
  attended = add(attention(attended), inputs);
  let result = layerNorm(attended);
  result = add(mlp(result), attended);
  return result;
}

export const normClaims: readonly AnyClaim[] = [
  claim({
    id: 'T1',
    documents: ['decoder-only'],
    where: '(1.1)',
    statement: 'LayerNorm acts over the sequence index: mean and variance over s for each b and d',
    kinds: ['arithmetic', 'measured'],
    evidence: ({ measured }) => {
      const x = randomMatrix('norms.x', TOKENS, HIDDEN);
      const spread = (y: Matrix) => y.map((row) => ({ mean: mean(row), variance: variance(row) }));
      return {
        overSequence: { positions: spread(overSequence(x)), future: knowsTheFuture(overSequence) },
        overHidden: { positions: spread(layerNorm(x)), future: knowsTheFuture(layerNorm) },
        code: measured(modelCode).layerNorm,
      };
    },
    parts: [
      {
        says: 'Over the sequence it gives every position mean 0 and variance 1, as nn.LayerNorm(D) does, and keeps the model causal.',
        recorded: 'erratum',
        asPrinted: ({ overSequence: { positions, future }, code }) =>
          isLayerNorm(positions) && future < EXACT && code.printed < ROUNDING,
        corrected: ({ overHidden: { positions, future }, code }) =>
          isLayerNorm(positions) && future < EXACT && code.corrected < ROUNDING,
        shouldBe: 'over the hidden index d, for each position by itself',
      },
    ],
    brief: ({ overSequence, overHidden }) =>
      `changing the last token changes earlier ones by ${digits(overSequence.future, 2)} over the sequence, ${digits(overHidden.future, 2)} over the hidden index`,
    explanation:
      'nn.LayerNorm(D), in the code of the same section, takes mean and variance over the D numbers of one position. Over the sequence every ' +
      'position would depend on later ones, and the causal mask would be in vain.',
  }),
  claim({
    id: 'T4',
    documents: ['llm-pretraining'],
    where: 'Llama-3 RMSNorm',
    statement: 'RMSNorm divides by √(μ² + ε), μ the mean',
    kinds: ['arithmetic', 'measured'],
    evidence: ({ measured }) => {
      const x = randomMatrix('norms.rms', 4, 64).map((row) => row.map((value) => value + 0.1));
      const by = (size: (row: readonly number[]) => number) =>
        x.map((row) => rootMeanSquare(row.map((value) => value / Math.sqrt(size(row) + 1e-6))));
      return {
        printed: by((row) => mean(row) ** 2),
        corrected: by((row) => mean(row.map((value) => value ** 2))),
        code: measured(modelCode).rmsNorm,
      };
    },
    parts: [
      {
        says: 'What comes out has a root mean square of 1.',
        recorded: 'erratum',
        asPrinted: ({ printed, code }) => printed.every((value) => isNear(value, 1, 1e-3)) && code.printed < ROUNDING,
        corrected: ({ corrected, code }) =>
          corrected.every((value) => isNear(value, 1, 1e-3)) && code.corrected < ROUNDING,
        shouldBe: 'the mean of the squares, (1/n)·Σx², as in the text of torch below it',
      },
    ],
    brief: ({ printed, corrected }) =>
      `root mean square of what comes out: ${printed.map((value) => digits(value, 2)).join(', ')} as printed, ` +
      `${corrected.map((value) => digits(value, 3)).join(', ')} with the mean of squares`,
    explanation:
      'RMS is the root of the mean of the squares; the slide squares the mean. The mean of activations is near 0, so the printed formula ' +
      'would divide by almost nothing.',
  }),
  claim({
    id: 'T10',
    documents: ['llm-pretraining'],
    where: 'Llama-3 RMSNorm',
    statement: 'RMSNorm is about 40 % faster than LayerNorm',
    kinds: ['measured'],
    evidence: ({ measured }) => {
      const { times } = measured(norms);
      return { times, faster: times.layer / times.rms - 1 };
    },
    parts: [
      {
        says: 'A forward and backward pass of RMSNorm is 40 % faster (1.4×).',
        recorded: 'approximates',
        asPrinted: ({ faster }) => isNear(faster, 0.4, 0.002),
        approximation: {
          ratios: ({ faster }) => ({ '1.4 / speedup': 1.4 / (1 + faster) }),
          within: [0.6, 1.4],
          until: ({ faster }) =>
            `here ${percent(faster)} faster; a fused kernel waits for memory in both cases and gains less`,
        },
      },
    ],
    brief: ({ times, faster }) =>
      `layer norm ${digits(times.layer, 3)} ms, RMS norm ${digits(times.rms, 3)} ms forward and backward: ${percent(faster)} faster`,
  }),
  claim({
    id: 'T18',
    documents: ['decoder-only'],
    where: '(1.9)',
    statement: 'A block is z ← z + MLP(LN(z + Attention(LN(z))))',
    kinds: ['arithmetic', 'measured'],
    evidence: ({ measured }) => {
      const { attention, mlp } = block();
      const z = randomMatrix('norms.z', TOKENS, HIDDEN);
      const y = add(z, attention(layerNorm(z)));
      return {
        printed: difference(add(z, mlp(layerNorm(y))), printedCode(z)),
        corrected: difference(add(y, mlp(layerNorm(y))), printedCode(z)),
        code: measured(modelCode).block,
      };
    },
    parts: [
      {
        says: 'The formula is what the code above it computes.',
        recorded: 'erratum',
        asPrinted: ({ printed, code }) => printed < EXACT && code.printed < ROUNDING,
        corrected: ({ corrected, code }) => corrected < EXACT && code.corrected < ROUNDING,
        shouldBe: 'y + MLP(LN(y)) with y = z + Attention(LN(z))',
      },
    ],
    brief: ({ printed, corrected }) =>
      `formula and code differ by ${digits(printed, 2)}; corrected by ${digits(corrected, 2)}`,
    explanation:
      'The second residual connection adds what came out of attention, not the input of the block. As printed the attention would reach the ' +
      'output through the MLP only, and its own residual connection would be lost.',
  }),
  claim({
    id: 'T20',
    documents: ['decoder-only'],
    where: '1.2',
    statement:
      'Norms used to stand after attention and MLP (post-LN), now they stand before (pre-LN), which stabilises',
    kinds: ['measured'],
    evidence: ({ measured }) => {
      const { placements } = measured(norms);
      const unevenness = ({ gradients }: (typeof placements)['pre']) => Math.max(...gradients) / Math.min(...gradients);
      return { ...placements, uneven: { pre: unevenness(placements.pre), post: unevenness(placements.post) } };
    },
    parts: [
      {
        says: 'Both can be built and trained (norm.placement); each lowers the loss in a short run.',
        recorded: 'holds',
        asPrinted: ({ pre, post }) => pre.last < pre.first && post.last < post.first,
      },
      {
        says: 'Before attention and MLP they give gradients that differ less from layer to layer at initialisation.',
        recorded: 'holds',
        asPrinted: ({ uneven }) => uneven.pre < uneven.post / 2,
      },
    ],
    brief: ({ pre, post, uneven }) =>
      `gradient norms of ${pre.gradients.length} layers differ ${digits(uneven.pre, 3)}× (pre) and ${digits(uneven.post, 3)}× (post); ` +
      `loss after a short run ${digits(pre.last, 3)} and ${digits(post.last, 3)}`,
    details: ({ pre, post }) =>
      pre.gradients.map((gradient, layer) => ({
        label: `layer ${layer + 1}, gradient norm at initialisation`,
        value: `pre ${digits(gradient, 3)}, post ${digits(post.gradients[layer]!, 3)}`,
      })),
  }),
];

function isLayerNorm(positions: readonly { mean: number; variance: number }[]): boolean {
  return positions.every((position) => Math.abs(position.mean) < 1e-9 && isNear(position.variance, 1, 1e-3));
}
