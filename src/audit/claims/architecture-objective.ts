// Claims T3, T9, T12, T19: objective, feed-forward layer, head.
import { countFlops } from '../../theory/flops.ts';
import { countParameters } from '../../theory/parameters.ts';
import { type AnyClaim, claim } from '../claim.ts';
import { modelCode } from '../measurements/model-code.ts';
import { residuals } from '../measurements/residuals.ts';
import { digits, inUnit, isNear, percent, short } from '../words.ts';
import { type Matrix, map, mean, product, randomMatrix, silu, softmax, times } from './architecture-matrices.ts';

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
