// A card in one line, as people say it: 4 layers · hidden 256 · 8 heads over 2 KV heads of 32 · SwiGLU 688 · RMSNorm · RoPE 500,000 …
import type { ModelCard } from './model-card.ts';

const MLP_NAMES = { gelu: 'GELU', 'gelu-tanh': 'GELU (tanh)', relu: 'ReLU', swiglu: 'SwiGLU' } as const;

const grouped = (value: number) => value.toLocaleString('en-US');

function headsPart({ heads, kvHeads, headSize }: ModelCard): string {
  if (kvHeads === heads) return `${heads} heads of ${headSize}`;
  return `${heads} heads over ${kvHeads} KV head${kvHeads === 1 ? '' : 's'} of ${headSize}`;
}

function normPart({ norm }: ModelCard): string {
  const name = norm.kind === 'rms' ? 'RMSNorm' : norm.bias ? 'LayerNorm' : 'LayerNorm without shift';
  return norm.placement === 'post' ? `${name} after each part` : name;
}

function positionsPart({ positions }: ModelCard): string {
  if (positions.kind !== 'rope') return `${positions.kind} positions`;
  const { theta, scaling } = positions;
  return `RoPE ${grouped(theta)}${scaling ? `, stretched ${scaling.factor}×` : ''}`;
}

function biasPart({ bias }: ModelCard): string {
  const names = Object.entries(bias).filter(([, on]) => on);
  if (names.length === 0) return '';
  return bias.qkv && bias.projection && bias.mlp && !bias.head
    ? 'biases'
    : `biases on ${names.map(([name]) => name).join(', ')}`;
}

/** What an architecture is made of, in the order in which papers list it. */
export function describeCard(card: ModelCard): string {
  return [
    `${card.layers} layer${card.layers === 1 ? '' : 's'}`,
    `hidden ${grouped(card.hidden)}`,
    headsPart(card),
    card.layout === 'parallel' ? 'attention beside MLP' : '',
    `${MLP_NAMES[card.mlp.kind]} ${grouped(card.mlp.width)}`,
    normPart(card),
    positionsPart(card),
    biasPart(card),
    `vocabulary ${grouped(card.vocabulary)}${card.tied ? ', tied' : ''}`,
    `context ${grouped(card.context)}`,
  ]
    .filter(Boolean)
    .join(' · ');
}
