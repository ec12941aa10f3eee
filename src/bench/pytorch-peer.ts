// The PyTorch program beside ours: its flags for a card, what it cannot express, and how its answer is read.
import { z } from 'zod';
import type { ModelCard } from '../cards/model-card.ts';
import type { Speed } from './measurement.ts';

/** The steps that the peer runs first and does not time. */
export const peerWarmupSteps = 3;

export interface PeerShape {
  readonly batch: number;
  readonly sequence: number;
}

/** Flags that make the peer run the card's model, with what is then still different; or the reason why it cannot. */
export type PeerFlags =
  | { readonly flags: readonly string[]; readonly differences: readonly string[] }
  | { readonly reason: string };

/** The peer's flags for the model of a card; steps and threads come on top. */
export function peerFlags(card: ModelCard, { batch, sequence }: PeerShape): PeerFlags {
  const llama = card.norm.kind === 'rms';
  const reason = obstacles(card, llama).find(([isSo]) => isSo)?.[1];
  if (reason !== undefined) return { reason: `the peer has no ${reason}` };
  const sizes = {
    layers: card.layers,
    hidden: card.hidden,
    heads: card.heads,
    'kv-heads': card.kvHeads,
    ffn: card.mlp.width,
    vocab: card.vocabulary,
    batch,
    seq: sequence,
  };
  const flags = ['--family', llama ? 'llama' : 'gpt'];
  for (const [name, value] of Object.entries(sizes)) flags.push(`--${name}`, String(value));
  if (!card.tied) flags.push('--untied');
  const differences = [
    ...(card.mlp.kind === 'gelu-tanh' ? ['its GELU is the exact one (erf), the card asks for the tanh form'] : []),
    ...(!llama && sequence !== card.context
      ? [`its table of positions has ${sequence} rows, the card's ${card.context}`]
      : []),
  ];
  return { flags, differences };
}

/** What the peer's two families fix, each with whether the card wants something else. */
function obstacles(card: ModelCard, llama: boolean): (readonly [boolean, string])[] {
  const { bias, dropout, mlp, norm, positions } = card;
  const kinds = llama ? ['swiglu'] : ['gelu', 'gelu-tanh'];
  return [
    [card.layout !== 'sequential', 'parallel layout'],
    [norm.placement !== 'pre' || norm.perBlock !== 2, 'norms elsewhere than before attention and MLP'],
    [!kinds.includes(mlp.kind), `${mlp.kind} MLP beside ${llama ? 'RMSNorm' : 'LayerNorm'}`],
    [norm.bias === llama, 'LayerNorm without a shift'],
    [
      positions.kind !== (llama ? 'rope' : 'learned'),
      `${positions.kind} positions beside ${llama ? 'RMSNorm' : 'LayerNorm'}`,
    ],
    [positions.scaling !== null, 'scaling of rotary positions'],
    [card.headSize * card.heads !== card.hidden, 'head size apart from hidden / heads'],
    [card.heads % card.kvHeads !== 0, 'KV heads that do not divide the heads'],
    [[bias.qkv, bias.projection, bias.mlp].some((on) => on === llama), `biases of the card's kind`],
    [bias.head, 'bias of the head'],
    [Object.values(dropout).some((rate) => rate > 0), 'dropout'],
  ];
}

const answer = z.object({
  peer: z.string(),
  parameters: z.number(),
  step_s: z.number().positive(),
  step_min_s: z.number().positive(),
  tokens_per_s: z.number().positive(),
  loss: z.number(),
  saved_for_backward_bytes: z.number(),
});

/** One run of the peer. */
export interface PeerMeasurement extends Speed {
  /** Such as `torch 2.15.0`. */
  readonly name: string;
  readonly parameters: number;
  readonly minimumSeconds: number;
  readonly loss: number;
}

/** Reads what the peer printed: its last line is a JSON object. @throws Error where it is not */
export function readPeerAnswer(stdout: string): PeerMeasurement {
  const line = stdout.trim().split('\n').at(-1) ?? '';
  const found = answer.parse(JSON.parse(line));
  return {
    name: found.peer,
    parameters: found.parameters,
    medianSeconds: found.step_s,
    minimumSeconds: found.step_min_s,
    tokensPerSecond: found.tokens_per_s,
    savedForBackwardBytes: found.saved_for_backward_bytes,
    loss: found.loss,
  };
}
