// A whole transformer in float64, straight from its card: what every variant of the models is compared with.
import type { ModelCard } from '../../src/cards/model-card.ts';
import type { Batch } from '../../src/data/batches.ts';
import type { Numbers } from './reference.ts';
import * as reference from './reference.ts';

export type Weights = ReadonlyMap<string, Numbers>;

const sum = (x: Numbers, y: Numbers): Numbers => x.map((value, i) => value + y[i]!);
const activations = { gelu: reference.gelu, 'gelu-tanh': reference.geluTanh, relu: reference.relu };

/** Logits [rows·length, vocabulary] of a batch without dropout. */
export function logits(card: ModelCard, weights: Weights, { inputs, rows, length }: Batch): Numbers {
  const { hidden, norm, positions, layout } = card;
  const count = rows * length;
  const linear = (name: string, x: Numbers) =>
    reference.linear(x, weights.get(`${name}.weight`)!, weights.get(`${name}.bias`), count);
  const normed = (name: string, x: Numbers) =>
    reference.norm(x, weights.get(`${name}.scale`)!, weights.get(`${name}.shift`), norm.epsilon, norm.kind === 'layer');
  const rope = positions.kind === 'rope' ? { rope: positions } : {};
  const { heads, kvHeads, headSize } = card;
  const attention = (block: string, x: Numbers) => {
    const settings = { batch: rows, sequence: length, heads, kvHeads, headSize, ...rope };
    return linear(`${block}.attention.projection`, reference.attention(linear(`${block}.attention.qkv`, x), settings));
  };
  const mlp = (block: string, x: Numbers) => {
    const up = linear(`${block}.mlp.up`, x);
    const { kind } = card.mlp;
    const active = kind === 'swiglu' ? reference.swiglu(linear(`${block}.mlp.gate`, x), up) : activations[kind](up);
    return linear(`${block}.mlp.down`, active);
  };

  const table = weights.get('embedding.token')!;
  let x = reference.rows(table, inputs, hidden);
  if (positions.kind === 'learned') {
    x = reference.addPositions(x, weights.get('embedding.position')!, length, hidden);
  }
  if (positions.kind === 'sinusoidal') {
    x = reference.addPositions(x, reference.sinusoids(length, hidden, positions.theta), length, hidden);
  }
  for (let n = 0; n < card.layers; n++) {
    const block = `blocks.${n}`;
    const second = norm.perBlock === 2 ? 'norm2' : 'norm1';
    if (layout === 'parallel') {
      const attended = attention(block, normed(`${block}.norm1`, x));
      x = sum(sum(x, attended), mlp(block, normed(`${block}.${second}`, x)));
    } else if (norm.placement === 'post') {
      x = normed(`${block}.norm1`, sum(x, attention(block, x)));
      x = normed(`${block}.norm2`, sum(x, mlp(block, x)));
    } else {
      x = sum(x, attention(block, normed(`${block}.norm1`, x)));
      x = sum(x, mlp(block, normed(`${block}.norm2`, x)));
    }
  }
  if (norm.placement === 'pre') x = normed('norm', x);
  return reference.linear(x, card.tied ? table : weights.get('head.weight')!, weights.get('head.bias'), count, true);
}

/** Mean cross-entropy of a batch. */
export const loss = (card: ModelCard, weights: Weights, batch: Batch): number =>
  reference.crossEntropy(logits(card, weights, batch), batch.labels);

/** The slope of the loss when the weight `name` moves along `direction`, by central differences. */
export function slope(
  card: ModelCard,
  weights: Weights,
  batch: Batch,
  name: string,
  direction: ArrayLike<number>,
): number {
  const step = 1e-5;
  const at = (delta: number) => {
    const moved = weights.get(name)!.map((value, i) => value + delta * direction[i]!);
    return loss(card, new Map(weights).set(name, moved), batch);
  };
  return (at(step) - at(-step)) / (2 * step);
}
