// Activations that one worker keeps for the backward pass: (2.13), (2.14) of decoder-only for any card, layout and recomputation.
import type { ModelCard } from '../cards/model-card.ts';
import type { Letters } from '../terms/formula.ts';
import { sum } from '../terms/quantities.ts';
import { type Term, term } from '../terms/term.ts';
import type { AttentionKind, Recomputation } from './recompute.ts';

/** How the forward pass of a worker is kept. */
export interface ActivationChoice {
  readonly recompute: Recomputation;
  /** Whether attention's quadratic matrices exist, or are made tile by tile. */
  readonly attention: AttentionKind;
}

const DOCUMENT = 'decoder-only (2.13)';

/**
 * What the blocks of one worker keep, one term per operation that keeps its inputs. What is divided by t is whole under
 * tensor parallelism alone and divided with sequence parallelism (2.3 of decoder-only).
 * @param letters of `workerLetters`, with i: layers times micro-batches kept in flight, and p: bytes per element
 */
export function blockActivationTerms(
  card: ModelCard,
  { recompute, attention }: ActivationChoice,
  letters: Letters,
): Term<'bytes'>[] {
  const saved = (id: string, formula: string, source: string) => term(id, 'bytes', formula, letters, source);
  const norm = `norm.${card.norm.kind}`;
  if (recompute === 'full') return [saved(norm, 'p·B·i·s·D / t', 'inputs of blocks (Korthikanti et al. 2022: 2sbh)')];
  const { dropout, mlp } = card;
  const quadratic = recompute === 'none' && attention === 'materialized';
  const when = (condition: boolean, ...terms: [string, string, string]) => (condition ? [saved(...terms)] : []);
  const twoNorms = card.norm.perBlock === 2;
  return [
    saved(norm, twoNorms ? '2p·B·i·s·D / t' : 'p·B·i·s·D / t', `${DOCUMENT}, inputs of norms`),
    saved('attention.qkv', 'p·B·i·s·D / t', `${DOCUMENT}, input`),
    saved('attention.scores', 'p·B·i·s·H(a + k)', `${DOCUMENT}, queries and keys`),
    ...when(quadratic, 'attention.softmax', 'p·a·B·i·s·S', `${DOCUMENT}, scores`),
    ...when(attention === 'flash', 'attention.softmax', '4a·B·i·s', 'logarithms of the sums of rows, float32'),
    saved(
      'attention.values',
      quadratic ? 'p·a·B·i·s·S + p·B·i·s·H·k' : 'p·B·i·s·H·k',
      quadratic ? `${DOCUMENT}, normalised scores and values` : `${DOCUMENT}, values`,
    ),
    saved('attention.projection', 'p·B·i·s·a·H', `${DOCUMENT}, re-weighted values`),
    ...when(quadratic && dropout.attention > 0, 'dropout.attention', 'a·B·i·s·S', `${DOCUMENT}, masks`),
    ...when(twoNorms, 'mlp.up', 'p·B·i·s·D / t', `${DOCUMENT}, input`),
    ...when(
      mlp.kind !== 'relu',
      'mlp.activation',
      mlp.kind === 'swiglu' ? '2p·B·i·s·f' : 'p·B·i·s·f',
      `${DOCUMENT}, input of the non-linearity`,
    ),
    saved('mlp.down', 'p·B·i·s·f', `${DOCUMENT}, input`),
    ...when(dropout.residual > 0, 'dropout.residual', '2B·i·s·D / t', `${DOCUMENT}, masks`),
  ];
}

/**
 * What the ends of the model keep: masks after the embedding on the first stage; input of the final norm and of the head,
 * and the logits in float32, on the last (Korthikanti et al. 2022, 4.3).
 * @param letters as of {@link blockActivationTerms}, with q: micro-batches kept in flight
 */
export function endActivationTerms(
  card: ModelCard,
  letters: Letters,
  ends: { readonly isFirst: boolean; readonly isLast: boolean },
): Term<'bytes'>[] {
  const source = 'Korthikanti et al. 2022, 4.3';
  const saved = (id: string, formula: string) => term(id, 'bytes', formula, letters, source);
  return [
    ...(ends.isFirst && card.dropout.embedding > 0 ? [saved('dropout.embedding', 'q·B·s·D / t')] : []),
    ...(ends.isLast && card.norm.placement === 'pre' ? [saved(`norm.${card.norm.kind}`, 'p·B·s·D / t')] : []),
    ...(ends.isLast ? [saved('head.logits', 'p·B·s·D / t'), saved('loss.cross-entropy', '4B·s·u')] : []),
  ];
}

/** Bytes that the blocks of a worker make for one micro-batch, whether they are kept or not: what crosses the memory bus. */
export function activationBytes(card: ModelCard, attention: AttentionKind, letters: Letters): bigint {
  const terms = blockActivationTerms(card, { recompute: 'none', attention }, { ...letters, i: letters.l! });
  return sum('bytes', terms).value;
}
