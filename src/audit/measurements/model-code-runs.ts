// The operations that the measurement of model code runs, each beside plain arithmetic.
import { type Tensor, tensor1d, tensor2d, tensor4d, tidy } from '@tensorflow/tfjs-core';
import { Block } from '../../architectures/block.ts';
import { Transformer } from '../../architectures/transformer.ts';
import { disposeConstants, makeConstants } from '../../layers/pass.ts';
import { attention, causalMask } from '../../ops/attention.ts';
import { crossEntropy } from '../../ops/cross-entropy.ts';
import { layerNorm as layerNormOp } from '../../ops/layer-norm.ts';
import { linear } from '../../ops/linear.ts';
import { rmsNorm as rmsNormOp } from '../../ops/rms-norm.ts';
import { rotaryTables, rotate } from '../../ops/rotary.ts';
import {
  add,
  beside,
  causal,
  columns,
  difference,
  dot,
  layerNorm,
  type Matrix,
  map,
  maskOf,
  mean,
  multiHead,
  product,
  randomMatrix,
  transpose,
} from '../claims/architecture-matrices.ts';
import type { CardSource } from '../context.ts';

const EPSILON = 1e-5;
const TOKENS = 6;

const tensorOf = (x: Matrix): Tensor =>
  tensor2d(
    x.map((row) => [...row]),
    [x.length, x[0]!.length],
  );

/** What a computation on the backend gives, in so many rows; as many as its first axis has, or one for a scalar. */
function rows(compute: () => Tensor, wanted?: number): Matrix {
  const result = tidy(compute);
  const count = wanted ?? result.shape[0] ?? 1;
  const width = result.size / count;
  const values = result.dataSync();
  result.dispose();
  return Array.from({ length: count }, (_, row) => [...values.slice(row * width, (row + 1) * width)]);
}

/** Everything, on whatever backend runs. */
export function runModelCode(card: CardSource) {
  return {
    ...runNorms(),
    block: runBlock(card),
    causal: runCausal(card),
    keyHeads: runKeyHeads(),
    rotary: runRotary(),
    fused: runFused(),
    loss: runLoss(),
  };
}

function runNorms() {
  const x = map(randomMatrix('code.x', TOKENS, 8), (value) => value + 0.2);
  const scale = [Array.from({ length: 8 }, () => 1)];
  const ones = () => tensor1d([...scale[0]!]);
  const layer = rows(() => layerNormOp(tensorOf(x), ones(), undefined, EPSILON));
  const rms = rows(() => rmsNormOp(tensorOf(x), ones(), EPSILON));
  const divided = (by: (row: readonly number[]) => number) =>
    x.map((row) => row.map((value) => value / Math.sqrt(by(row) + EPSILON)));
  return {
    layerNorm: {
      printed: difference(layer, transpose(layerNorm(transpose(x), EPSILON))),
      corrected: difference(layer, layerNorm(x, EPSILON)),
    },
    rmsNorm: {
      printed: difference(
        rms,
        divided((row) => mean(row) ** 2),
      ),
      corrected: difference(
        rms,
        divided((row) => mean(row.map((value) => value ** 2))),
      ),
    },
  };
}

/** The first block of a small GPT, against its formula in plain arithmetic with the same weights. */
function runBlock(cards: CardSource) {
  const card = cards('gpt-debug', ['mlp.kind=relu', 'bias.qkv=false', 'bias.projection=false', 'bias.mlp=false']);
  const block = new Block({ card, path: 'blocks.0', seed: 1 });
  const constants = makeConstants(card, TOKENS);
  const z = randomMatrix('code.z', TOKENS, card.hidden);
  const pass = { batch: 1, sequence: TOKENS, constants, keep: 'nothing-quadratic' } as const;
  const real = rows(() => block.forward(tensorOf(z), pass));
  const weight = (name: string): Matrix =>
    rows(() =>
      block
        .namedWeights()
        .find((named) => named.name === `blocks.0.${name}`)!
        .variable.clone(),
    );
  const qkv = weight('attention.qkv.weight');
  const part = (at: number) => columns(qkv, at * card.hidden, card.hidden);
  const weights = { query: part(0), key: part(1), value: part(2), output: weight('attention.projection.weight') };
  const [up, down] = [weight('mlp.up.weight'), weight('mlp.down.weight')];
  const mlp = (x: Matrix) =>
    product(
      map(product(x, up), (value) => Math.max(value, 0)),
      down,
    );
  const y = add(z, multiHead(layerNorm(z), weights, card.heads, maskOf(TOKENS, causal)));
  block.dispose();
  disposeConstants(constants);
  return {
    printed: difference(real, add(z, mlp(layerNorm(y)))),
    corrected: difference(real, add(y, mlp(layerNorm(y)))),
  };
}

/** Which logits of a small model change when one token does. */
function runCausal(cards: CardSource) {
  const model = new Transformer(cards('gpt-debug'), 1);
  const logits = (changed?: number) =>
    rows(() => {
      const ids = tensor1d(Int32Array.from({ length: TOKENS }, (_, s) => (s === changed ? 99 : s)));
      return model.logits({ ids, batch: 1, sequence: TOKENS });
    });
  const before = logits();
  const changes = Array.from({ length: TOKENS }, (_, changed) => {
    const after = logits(changed);
    return before.map((row, s) => difference([row], [after[s]!]));
  });
  model.dispose();
  return {
    later: Math.max(...changes.flatMap((change, token) => change.slice(0, token))),
    own: Math.min(...changes.map((change, token) => change[token]!)),
  };
}

/** Grouped attention with 8 query heads and 2 key heads: which key head changes which query head. */
function runKeyHeads(): number[] {
  const [heads, kvHeads, headSize] = [8, 2, 4];
  const qkv = randomMatrix('code.qkv', TOKENS, (heads + 2 * kvHeads) * headSize);
  const out = (hurt?: number) =>
    rows(() => {
      const start = (heads + (hurt ?? 0)) * headSize;
      const given = map(qkv, (value, row, column) =>
        hurt !== undefined && column >= start && column < start + headSize ? value + row : value,
      );
      const mask = tensor2d(causalMask(TOKENS), [TOKENS, TOKENS]);
      return attention(tensorOf(given), {
        ...{ batch: 1, sequence: TOKENS, heads, kvHeads, headSize, mask },
        keep: 'nothing-quadratic',
      });
    });
  const before = out();
  const after = [out(0), out(1)];
  return Array.from({ length: heads }, (_, head) => {
    const own = (x: Matrix) => columns(x, head * headSize, headSize);
    return after.findIndex((changed) => difference(own(before), own(changed)) > 1e-6) + 1;
  });
}

function runRotary() {
  const [size, sequence] = [8, 40];
  const [q, k] = randomMatrix('code.rotary', 2, size) as [readonly number[], readonly number[]];
  const settings = { theta: 10_000, scaling: null };
  const turned = (x: readonly number[]) =>
    rows(() => {
      const all = tensor4d(Array.from({ length: sequence }, () => [...x]).flat(), [1, 1, sequence, size]);
      return rotate(all, rotaryTables(settings, size, sequence));
    }, sequence);
  const [queries, keys] = [turned(q), turned(k)];
  const score = (m: number, n: number) => dot(queries[m]!, keys[n]!);
  const half = size / 2;
  const order = Array.from({ length: size }, (_, at) => (at % 2) * half + Math.floor(at / 2));
  const neighbours = queries.map((row) => order.map((from) => row[from]!));
  const byPairs = Array.from({ length: sequence }, (_, position) => {
    const x = order.map((from) => q[from]!);
    return x.map((value, at) => {
      const angle = position * 10_000 ** (-(at - (at % 2)) / size);
      return value * Math.cos(angle) + (at % 2 === 0 ? -x[at + 1]! : x[at - 1]!) * Math.sin(angle);
    });
  });
  return {
    shifted: Math.max(...[1, 10, 30].map((by) => Math.abs(score(5 + by, 2 + by) - score(5, 2)))),
    layouts: difference(neighbours, byPairs),
  };
}

function runFused(): number {
  const x = randomMatrix('code.x', TOKENS, 8);
  const weights = ['q', 'k', 'v'].map((name) => randomMatrix(`code.${name}`, 8, 8));
  const through = (weight: Matrix) => rows(() => linear('attention.qkv', tensorOf(x), tensorOf(weight)));
  return difference(through(beside(weights)), beside(weights.map(through)));
}

function runLoss() {
  const logits = randomMatrix('code.logits', TOKENS, 5);
  const labels = Int32Array.from([0, 3, 1, 4, 2, 2]);
  const loss = (z: Matrix) => rows(() => crossEntropy(tensorOf(z), tensor1d(labels)))[0]![0]!;
  return {
    before: loss(logits),
    after: loss(map(logits, (value, row, column) => (column === labels[row] ? value + 1 : value))),
  };
}
