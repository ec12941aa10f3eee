// Every weight of an architecture by name and shape: the one list that models are built from and parameters are counted by.
import type { ModelCard } from './model-card.ts';

/** The groups in which reports count parameters. */
export const PARAMETER_GROUPS = ['embedding', 'positions', 'attention', 'mlp', 'norms', 'head'] as const;
export type ParameterGroup = (typeof PARAMETER_GROUPS)[number];

/** One weight. Linear layers are `[in, out]`; `decay` is true for matrices and embeddings, false for vectors. */
export interface WeightShape {
  readonly name: string;
  readonly shape: readonly number[];
  readonly group: ParameterGroup;
  readonly decay: boolean;
}

const weight = (name: string, group: ParameterGroup, ...shape: number[]): WeightShape => ({
  name,
  shape,
  group,
  decay: shape.length > 1,
});

/** A linear layer: `NAME.weight` [in, out], and `NAME.bias` [out] if it has one. */
function linear(name: string, group: ParameterGroup, input: number, output: number, bias: boolean): WeightShape[] {
  const matrix = weight(`${name}.weight`, group, input, output);
  return bias ? [matrix, weight(`${name}.bias`, group, output)] : [matrix];
}

/** A norm: `NAME.scale` [hidden], and `NAME.shift` [hidden] if it shifts. */
function normWeights(card: ModelCard, name: string): WeightShape[] {
  const scale = weight(`${name}.scale`, 'norms', card.hidden);
  return card.norm.bias ? [scale, weight(`${name}.shift`, 'norms', card.hidden)] : [scale];
}

/** The weights of one block, in the order in which a token meets them. */
export function blockWeightShapes(card: ModelCard, block: number): WeightShape[] {
  const { hidden, heads, kvHeads, headSize, mlp, bias } = card;
  const path = `blocks.${block}`;
  const gate = mlp.kind === 'swiglu' ? linear(`${path}.mlp.gate`, 'mlp', hidden, mlp.width, bias.mlp) : [];
  return [
    ...normWeights(card, `${path}.norm1`),
    ...linear(`${path}.attention.qkv`, 'attention', hidden, (heads + 2 * kvHeads) * headSize, bias.qkv),
    ...linear(`${path}.attention.projection`, 'attention', heads * headSize, hidden, bias.projection),
    ...(card.norm.perBlock === 2 ? normWeights(card, `${path}.norm2`) : []),
    ...linear(`${path}.mlp.up`, 'mlp', hidden, mlp.width, bias.mlp),
    ...gate,
    ...linear(`${path}.mlp.down`, 'mlp', mlp.width, hidden, bias.mlp),
  ];
}

/**
 * Every weight of a model, from the embedding to the head. A tied head has no matrix of its own; a model with norms
 * after its blocks (`norm.placement` 'post') has no final norm.
 */
export function weightShapes(card: ModelCard): WeightShape[] {
  const { hidden, vocabulary, context } = card;
  const blocks = Array.from({ length: card.layers }, (_, block) => blockWeightShapes(card, block));
  return [
    weight('embedding.token', 'embedding', vocabulary, hidden),
    ...(card.positions.kind === 'learned' ? [weight('embedding.position', 'positions', context, hidden)] : []),
    ...blocks.flat(),
    ...(card.norm.placement === 'pre' ? normWeights(card, 'norm') : []),
    ...(card.tied ? [] : [weight('head.weight', 'head', vocabulary, hidden)]),
    ...(card.bias.head ? [weight('head.bias', 'head', vocabulary)] : []),
  ];
}

/** How many numbers a weight holds. */
export const weightSize = ({ shape }: WeightShape): bigint => shape.reduce((size, extent) => size * BigInt(extent), 1n);
