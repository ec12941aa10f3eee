// Floating point operations of one worker for one micro-batch: its share of every matrix product, and what it does again.
import type { ModelCard } from '../cards/model-card.ts';
import type { Letters } from '../terms/formula.ts';
import { type Count, sum } from '../terms/quantities.ts';
import { type Term, term } from '../terms/term.ts';
import type { ActivationChoice } from './parallelism-activations.ts';

/** FLOPs of one worker for one micro-batch. */
export interface WorkerFlops {
  readonly forward: readonly Term<'FLOPs'>[];
  /** Twice the forward pass: each product has two gradients. */
  readonly backward: Count<'FLOPs'>;
  /** What the backward pass computes again. */
  readonly recompute: readonly Term<'FLOPs'>[];
  readonly total: Count<'FLOPs'>;
}

const SOURCE = 'decoder-only 3.1, divided by T, P and C';

/** The products of the blocks of a worker. Attention is counted in full, as in the `palm` convention. */
function blockProducts({ mlp }: ModelCard, letters: Letters): Term<'FLOPs'>[] {
  const flops = (id: string, formula: string) => term(id, 'FLOPs', formula, letters, SOURCE);
  return [
    flops('attention.qkv', '2B·l·s·D·H(a + 2k)'),
    flops('attention.scores', '2B·l·s·S·a·H'),
    flops('attention.values', '2B·l·s·S·a·H'),
    flops('attention.projection', '2B·l·s·a·H·D'),
    flops('mlp.up', '2B·l·s·D·f'),
    ...(mlp.kind === 'swiglu' ? [flops('mlp.gate', '2B·l·s·D·f')] : []),
    flops('mlp.down', '2B·l·s·f·D'),
  ];
}

/**
 * The work of one worker of a stage; the head stands on the last.
 * @param letters of `workerLetters`
 */
export function workerFlops(
  card: ModelCard,
  { recompute, attention }: ActivationChoice,
  letters: Letters,
  isLast: boolean,
): WorkerFlops {
  const blocks = blockProducts(card, letters);
  const head = isLast ? [term('head.logits', 'FLOPs', '2B·s·u·D', letters, SOURCE)] : [];
  const forward = [...blocks, ...head];
  const scoresAgain = attention === 'flash' || recompute === 'selective';
  const again = [
    ...(recompute === 'full' ? blocks : []),
    ...(scoresAgain ? blocks.filter(({ id }) => id === 'attention.scores') : []),
  ];
  const once = sum('FLOPs', forward).value;
  return {
    forward,
    backward: { unit: 'FLOPs', value: 2n * once },
    recompute: again,
    total: { unit: 'FLOPs', value: 3n * once + sum('FLOPs', again).value },
  };
}
