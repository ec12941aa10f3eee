// What a forward pass is told besides its input: shape, positions, constants, and the seed of its dropout.
import type { Tensor } from '@tensorflow/tfjs-core';
import type { ModelCard } from '../cards/model-card.ts';
import type { DropoutSeed } from '../engine/random-kernels.ts';
import { upload } from '../kernels/upload.ts';
import { type AttentionSettings, causalMask } from '../ops/attention.ts';
import { sinusoidalTable } from '../ops/embedding.ts';
import { type RotaryTables, rotaryTables } from '../ops/rotary.ts';

/** Tensors that depend on the card and the sequence length alone. */
export interface Constants {
  /** [sequence, sequence]; added to the scores */
  readonly mask: Tensor;
  readonly rotary?: RotaryTables;
  /** [sequence, hidden]; fixed positions added to the embedding */
  readonly sinusoidal?: Tensor;
}

export interface Pass {
  readonly batch: number;
  readonly sequence: number;
  readonly constants: Constants;
  /** Without a seed nothing is dropped: evaluation and generation. */
  readonly dropout?: DropoutSeed;
  /** What attention keeps for its gradient. */
  readonly keep: AttentionSettings['keep'];
}

/** The constants of a card at a sequence length. The caller owns them. */
export function makeConstants({ positions, headSize, hidden }: ModelCard, sequence: number): Constants {
  const mask = upload([sequence, sequence], () => causalMask(sequence));
  if (positions.kind === 'rope') return { mask, rotary: rotaryTables(positions, headSize, sequence) };
  if (positions.kind === 'learned') return { mask };
  const sinusoidal = upload([sequence, hidden], () => sinusoidalTable(sequence, hidden, positions.theta));
  return { mask, sinusoidal };
}

export function disposeConstants({ mask, rotary, sinusoidal }: Constants): void {
  for (const tensor of [mask, rotary?.cos, rotary?.sin, sinusoidal]) tensor?.dispose();
}
