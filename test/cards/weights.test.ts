// The list of weights: names, shapes and order, written out for one card of each kind.
import { describe, expect, it } from 'vitest';
import { resolveModelCard } from '../../src/cards/model-card.ts';
import { applyOverrides } from '../../src/cards/overrides.ts';
import { weightShapes } from '../../src/cards/weights.ts';
import { minimalCard } from '../support/cards.ts';

const listed = (...set: string[]) => {
  const card = resolveModelCard(applyOverrides({ ...minimalCard, layers: 1 }, set));
  return weightShapes(card).map(({ name, shape, decay }) => `${name} ${shape.join('×')}${decay ? ' decay' : ''}`);
};

describe('weightShapes', () => {
  it('lists a GPT-2 with biases', () => {
    expect(listed('bias.qkv=true', 'bias.projection=true', 'bias.mlp=true')).toEqual([
      'embedding.token 11×8 decay',
      'embedding.position 16×8 decay',
      'blocks.0.norm1.scale 8',
      'blocks.0.norm1.shift 8',
      'blocks.0.attention.qkv.weight 8×24 decay',
      'blocks.0.attention.qkv.bias 24',
      'blocks.0.attention.projection.weight 8×8 decay',
      'blocks.0.attention.projection.bias 8',
      'blocks.0.norm2.scale 8',
      'blocks.0.norm2.shift 8',
      'blocks.0.mlp.up.weight 8×32 decay',
      'blocks.0.mlp.up.bias 32',
      'blocks.0.mlp.down.weight 32×8 decay',
      'blocks.0.mlp.down.bias 8',
      'norm.scale 8',
      'norm.shift 8',
    ]);
  });

  it('lists an untied LLaMA with shared keys and values and heads of their own size', () => {
    const swaps = [
      'norm.kind=rms',
      'positions.kind=rope',
      'mlp.kind=swiglu',
      'mlp.width=20',
      'kvHeads=1',
      'headSize=6',
    ];
    expect(listed(...swaps, 'tied=false', 'bias.head=true')).toEqual([
      'embedding.token 11×8 decay',
      'blocks.0.norm1.scale 8',
      'blocks.0.attention.qkv.weight 8×24 decay',
      'blocks.0.attention.projection.weight 12×8 decay',
      'blocks.0.norm2.scale 8',
      'blocks.0.mlp.up.weight 8×20 decay',
      'blocks.0.mlp.gate.weight 8×20 decay',
      'blocks.0.mlp.down.weight 20×8 decay',
      'norm.scale 8',
      'head.weight 11×8 decay',
      'head.bias 11',
    ]);
  });

  it('has one norm in a parallel block that shares it, and no final norm after post-norm blocks', () => {
    const shared = listed('layout=parallel', 'norm.perBlock=1').filter((line) => line.includes('norm'));
    expect(shared).toEqual(['blocks.0.norm1.scale 8', 'blocks.0.norm1.shift 8', 'norm.scale 8', 'norm.shift 8']);
    const after = listed('norm.placement=post', 'norm.bias=false').filter((line) => line.includes('norm'));
    expect(after).toEqual(['blocks.0.norm1.scale 8', 'blocks.0.norm2.scale 8']);
  });
});
