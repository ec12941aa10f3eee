// A model card in the words that a person compares architectures by.
import type { ModelCard } from '../cards/model-card.ts';
import { rate, thousands } from './format.ts';

const activations = { gelu: 'GELU', 'gelu-tanh': 'GELU (tanh)', relu: 'ReLU', swiglu: 'SwiGLU' };
const norms = { layer: 'LayerNorm', rms: 'RMSNorm' };

/** ['4 layers', 'hidden 256', '8 heads over 2 KV heads of 32', 'SwiGLU 688', 'RMSNorm', 'RoPE 500,000', …] */
export function cardWords(card: ModelCard): string[] {
  const words = [
    `${thousands(card.layers)} ${card.layers === 1 ? 'layer' : 'layers'}`,
    `hidden ${thousands(card.hidden)}`,
    heads(card),
    `${activations[card.mlp.kind]} ${thousands(card.mlp.width)}`,
    `${norms[card.norm.kind]}${card.norm.placement === 'post' ? ' after each sublayer' : ''}`,
    positions(card),
    `vocabulary ${thousands(card.vocabulary)}`,
    `context ${thousands(card.context)}`,
  ];
  if (card.layout === 'parallel') words.splice(3, 0, 'attention beside the MLP');
  const { embedding, attention, residual } = card.dropout;
  if (embedding > 0 || attention > 0 || residual > 0) {
    const same = embedding === attention && attention === residual;
    words.push(`dropout ${same ? rate(residual) : [embedding, attention, residual].map(rate).join('/')}`);
  }
  return words;
}

function heads({ heads, kvHeads, headSize }: ModelCard): string {
  const queries = `${thousands(heads)} ${heads === 1 ? 'head' : 'heads'}`;
  const over = kvHeads === heads ? '' : ` over ${kvHeads === 1 ? '1 KV head' : `${thousands(kvHeads)} KV heads`}`;
  return `${queries}${over} of ${thousands(headSize)}`;
}

function positions({ positions: { kind, theta, scaling } }: ModelCard): string {
  if (kind !== 'rope') return `${kind} positions`;
  return `RoPE ${thousands(theta)}${scaling ? ` stretched ×${thousands(scaling.factor)}` : ''}`;
}
