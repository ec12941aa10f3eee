// Claims T3, T9, T12, T14, T15, T19: objective, feed-forward layer, head, sequences, tokens.

import { uniform } from '../../engine/random.ts';
import { draw, probabilities } from '../../inference/sampling.ts';
import { countFlops } from '../../theory/flops.ts';
import { countParameters } from '../../theory/parameters.ts';
import { type AnyClaim, claim } from '../claim.ts';
import { modelCode } from '../measurements/model-code.ts';
import { residuals } from '../measurements/residuals.ts';
import { tokensPerWord } from '../measurements/tokens-per-word.ts';
import { digits, inUnit, isNear, percent, short } from '../words.ts';
import {
  add,
  attend,
  causal,
  type Matrix,
  map,
  maskOf,
  mean,
  product,
  randomMatrix,
  silu,
  softmax,
  times,
  transpose,
} from './architecture-matrices.ts';

const VOCABULARY = 3;
const LENGTH = 4;
const ENCODINGS = ['r50k', 'cl100k', 'o200k'] as const;

/** Logits of the next token after `prefix`, by one attention layer over embedded tokens. */
function nextLogits(prefix: readonly number[]): Float32Array {
  const embedding = randomMatrix('sequences.embedding', VOCABULARY + 1, 4);
  const positions = randomMatrix('sequences.positions', LENGTH + 1, 4);
  // The extra row starts every sequence.
  const tokens = [VOCABULARY, ...prefix];
  const z = add(
    tokens.map((token) => embedding[token]!),
    positions.slice(0, tokens.length),
  );
  const mixed = add(z, attend(z, z, z, maskOf(tokens.length, causal)));
  return Float32Array.from(product(mixed.slice(-1), transpose(embedding.slice(0, VOCABULARY)))[0]!);
}

/** Every sequence of LENGTH tokens with its probability, the product of the conditionals; and how often sampling gave it. */
function sequences(samples: number) {
  const conditionals = new Map<string, Float64Array>();
  const conditional = (prefix: readonly number[]) => {
    const key = prefix.join(' ');
    const known = conditionals.get(key) ?? probabilities(nextLogits(prefix), { temperature: 1 });
    conditionals.set(key, known);
    return known;
  };
  let all: { tokens: number[]; probability: number }[] = [{ tokens: [], probability: 1 }];
  for (let step = 0; step < LENGTH; step++) {
    all = all.flatMap(({ tokens, probability }) =>
      [...conditional(tokens)].map((p, token) => ({ tokens: [...tokens, token], probability: probability * p })),
    );
  }
  const seen = new Map<string, number>();
  for (let sample = 0; sample < samples; sample++) {
    const tokens: number[] = [];
    while (tokens.length < LENGTH) {
      tokens.push(draw(conditional(tokens), uniform(7, 'sequences', sample * LENGTH + tokens.length)));
    }
    const key = tokens.join(' ');
    seen.set(key, (seen.get(key) ?? 0) + 1);
  }
  return all.map(({ tokens, probability }) => ({ probability, seen: seen.get(tokens.join(' ')) ?? 0 }));
}

/** The shape of a product, or undefined where the sizes do not fit. */
function shapeOf(x: Matrix, y: Matrix): readonly [number, number] | undefined {
  if (x[0]!.length !== y.length) return undefined;
  return [x.length, y[0]!.length];
}

/** Shapes of the SwiGLU table: L tokens, D wide, 4D inside. */
function swigluShapes() {
  const [L, D] = [3, 4];
  const weight = (name: string, rows: number, columns: number) => randomMatrix(`swiglu.${name}`, rows, columns);
  const [out, w1, w2, w3] = [
    weight('out', L, D),
    weight('w1', D, 4 * D),
    weight('w2', D, 4 * D),
    weight('w3', 4 * D, D),
  ];
  const gated = times(product(out, w1), map(product(out, w2), silu));
  return { wanted: [L, D], printed: shapeOf(gated, w2), corrected: shapeOf(gated, w3) };
}

const isShape = (shape: readonly [number, number] | undefined, wanted: readonly number[]) =>
  shape?.every((size, at) => size === wanted[at]) ?? false;

export const objectiveClaims: readonly AnyClaim[] = [
  claim({
    id: 'T3',
    documents: ['decoder-only'],
    where: '(1.11)',
    statement: 'The loss is + mean of ln p(next token) = mean of Softmax(z) at the next token',
    kinds: ['arithmetic', 'measured'],
    evidence: ({ measured }) => {
      const logits = randomMatrix('loss.logits', 6, 5);
      const labels = [0, 3, 1, 4, 2, 2];
      // A model that learned: the right logits raised.
      const better = logits.map((row, s) => row.map((value, token) => value + (token === labels[s] ? 1 : 0)));
      const likelihoods = (z: Matrix) => softmax(z).map((row, s) => row[labels[s]!]!);
      const all = (z: Matrix) => ({
        firstLine: mean(likelihoods(z).map(Math.log)),
        secondLine: mean(likelihoods(z)),
        negative: -mean(likelihoods(z).map(Math.log)),
      });
      return { before: all(logits), after: all(better), code: measured(modelCode).loss };
    },
    parts: [
      {
        says: 'The two lines are one loss, and it is lower for the better model.',
        recorded: 'erratum',
        asPrinted: ({ before, after }) =>
          after.firstLine < before.firstLine &&
          after.secondLine < before.secondLine &&
          isNear(before.firstLine, before.secondLine, 1e-9),
        corrected: ({ before, after, code }) =>
          after.negative < before.negative && after.negative > 0 && code.after < code.before && code.after > 0,
        shouldBe: '− mean of ln p(next token) = − mean of ln Softmax(z), as F.cross_entropy in the code below',
      },
    ],
    brief: ({ before, after }) =>
      `a better model takes the printed lines from ${digits(before.firstLine, 3)} to ${digits(after.firstLine, 3)} and from ` +
      `${digits(before.secondLine, 3)} to ${digits(after.secondLine, 3)}: both up`,
    explanation:
      'Training makes the loss small, and the logarithm of the probability should become large, so the loss needs a minus sign. The second ' +
      'line has lost the logarithm as well.',
  }),
  claim({
    id: 'T9',
    documents: ['llm-pretraining', 'decoder-only'],
    where: 'Feedforward Layer, Other Components; (1.9)',
    statement:
      "The feed-forward layer takes attention's output through relu, with one residual connection around the whole block",
    kinds: ['measured', 'arithmetic'],
    evidence: ({ card, measured }) => {
      const relu = card('gpt-debug', ['mlp.kind=relu']);
      const gelu = card('gpt-debug');
      const shape = { batch: 1, sequence: 16 };
      return {
        kind: relu.mlp.kind,
        parameters: [countParameters(relu).total, countParameters(gelu).total] as const,
        trained: measured(residuals),
        flops: [countFlops(relu, shape, 'palm').forward.value, countFlops(gelu, shape, 'palm').forward.value] as const,
      };
    },
    parts: [
      {
        says: 'relu is a choice of the model card, with the parameters and the products of GELU.',
        recorded: 'holds',
        asPrinted: ({ kind, parameters, flops }) =>
          kind === 'relu' && parameters[0] === parameters[1] && flops[0] === flops[1],
      },
      {
        says: 'A stack of relu blocks with one residual connection each trains, and so does one with two, as in (1.9).',
        recorded: 'holds',
        asPrinted: ({ trained: { one, two } }) => one.last < one.first / 2 && two.last < two.first / 2,
      },
    ],
    brief: ({ trained: { one, two, steps } }) =>
      `loss after ${steps} steps: ${digits(one.last, 3)} with one connection, ${digits(two.last, 3)} with two`,
    details: ({ trained: { one, two }, parameters }) => [
      ...one.gradients.map((gradient, block) => ({
        label: `block ${block + 1}, gradient norm at initialisation`,
        value: `one ${digits(gradient, 3)}, two ${digits(two.gradients[block]!, 3)}`,
      })),
      { label: 'parameters with relu and with GELU', value: parameters.join(' and ') },
    ],
  }),
  claim({
    id: 'T12',
    documents: ['decoder-only'],
    where: '1.5',
    statement: "The head's weights are usually those of the embedding",
    kinds: ['arithmetic', 'published'],
    evidence: ({ card }) =>
      (['gpt2', 'gpt2-xl', 'llama3.2-1b'] as const).map((name) => {
        const tied = card(name);
        const untied = card(name, ['tied=false']);
        const shape = { batch: 1, sequence: 16 };
        return {
          name,
          isTied: tied.tied,
          with: countParameters(tied).total,
          without: countParameters(untied).total,
          table: BigInt(tied.vocabulary) * BigInt(tied.hidden),
          products: [tied, untied].map((model) => countFlops(model, shape, 'palm').forward.value),
        };
      }),
    parts: [
      {
        says: 'Tying saves VD parameters and no products; the published counts of GPT-2 and Llama-3.2 1B are those with it.',
        recorded: 'holds',
        asPrinted: (models) =>
          models.every(
            ({ isTied, without, table, products, ...model }) =>
              isTied && without - model.with === table && products[0] === products[1],
          ) &&
          models[0]!.with === 124_439_808n &&
          models[2]!.with === 1_235_814_400n,
      },
    ],
    brief: (models) =>
      models.map(({ name, table, without }) => `${name}: ${percent(Number(table) / Number(without))} saved`).join(', '),
    details: (models) =>
      models.map(({ name, without, table, ...model }) => ({
        label: name,
        value: `${short(model.with)} parameters tied, ${short(without)} untied`,
        note: `in training with AdamW in float32 ${inUnit(16n * table, 'GiB', 3)} less`,
      })),
  }),
  claim({
    id: 'T14',
    documents: ['llm-pretraining'],
    where: 'Autoregressive Language Models, Language Model Generation',
    statement:
      'p(x₁ … x_L) = Π p(x_i | x₁ … x_(i−1)), and sampling token by token draws sequences with these probabilities',
    kinds: ['arithmetic'],
    evidence: () => {
      const samples = 5000;
      const all = sequences(samples);
      const chiSquare = all.reduce((sum, { probability, seen }) => {
        const expected = probability * samples;
        return sum + (seen - expected) ** 2 / expected;
      }, 0);
      const freedom = all.length - 1;
      return {
        samples,
        count: all.length,
        total: all.reduce((sum, { probability }) => sum + probability, 0),
        chiSquare,
        freedom,
      };
    },
    parts: [
      {
        says: 'The products of the conditionals add up to 1 over all sequences.',
        recorded: 'holds',
        asPrinted: ({ total, count }) => isNear(total, 1, 1e-9) && count === VOCABULARY ** LENGTH,
      },
      {
        says: 'Sampling token by token reproduces them: chi-square within three deviations of its degrees of freedom.',
        recorded: 'holds',
        asPrinted: ({ chiSquare, freedom }) => Math.abs(chiSquare - freedom) < 3 * Math.sqrt(2 * freedom),
      },
      {
        says: 'The same of a trained model.',
        recorded: 'pending: generation',
        missing: 'probabilities of whole sequences under a trained model, and its samples',
      },
    ],
    brief: ({ count, total, chiSquare, freedom, samples }) =>
      `${count} sequences, sum ${digits(total, 6)}; ${samples} samples: χ² = ${digits(chiSquare, 3)} at ${freedom} degrees of freedom`,
  }),
  claim({
    id: 'T15',
    documents: ['llm-pretraining', 'decoder-only'],
    where: 'Tokenization; 1, footnote 1',
    statement: 'Text becomes ids by words, BPE or bytes; about 1.3 tokens per word on average',
    kinds: ['measured'],
    evidence: ({ measured }) => measured(tokensPerWord),
    parts: [
      {
        says: 'About 1.3 tokens per word, for the byte pair encodings.',
        recorded: 'approximates',
        asPrinted: ({ words, tokens }) => ENCODINGS.every((name) => isNear(tokens[name] / words, 1.3, 0.01)),
        approximation: {
          ratios: ({ words, tokens }) =>
            Object.fromEntries(ENCODINGS.map((name) => [name, 1.3 / (tokens[name] / words)])),
          within: [0.75, 1.33],
          until: ({ words, tokens }) =>
            `characters and bytes are ${digits(tokens.byte / words, 3)} tokens per word; rare words and other languages need more than English prose`,
        },
      },
      {
        says: 'Fewer and larger tokens from bytes to words: bytes most, then BPE, words fewest.',
        recorded: 'holds',
        asPrinted: ({ words, tokens }) => ENCODINGS.every((name) => tokens.byte > tokens[name] && tokens[name] > words),
      },
    ],
    brief: ({ words, tokens }) =>
      ENCODINGS.map((name) => `${name} ${digits(tokens[name] / words, 3)}`)
        .join(', ')
        .concat(' tokens per word'),
    details: ({ words, bytes, tokens }) => [
      { label: 'the text', value: `${words} words, ${bytes} bytes` },
      ...Object.entries(tokens).map(([name, count]) => ({
        label: name,
        value: `${count} tokens, ${digits(bytes / count, 3)} bytes per token`,
      })),
    ],
  }),
  claim({
    id: 'T19',
    documents: ['llm-pretraining'],
    where: 'Llama-3 SiLU MLP',
    statement: 'The gated MLP ends with X′ = B″·W², where W² ∈ D×4D is also its second matrix up',
    kinds: ['arithmetic'],
    evidence: swigluShapes,
    parts: [
      {
        says: 'B″·W² is (L, D).',
        recorded: 'erratum',
        asPrinted: ({ printed, wanted }) => isShape(printed, wanted),
        corrected: ({ corrected, wanted }) => isShape(corrected, wanted),
        shouldBe: 'X′ = B″·W³ with W³ ∈ 4D×D, as the column of shapes beside it has it',
      },
    ],
    brief: ({ corrected }) =>
      `(L, 4D)·(D, 4D) cannot be multiplied; with W³ the product is (${corrected?.join(', ')}) for L = 3, D = 4`,
    explanation:
      'W² already leads from D to 4D, so it cannot lead back from 4D to D. The column of shapes in the same row names the third matrix W³, ' +
      'which the formula should have used.',
  }),
];
