// The parameters that one worker holds: its share of every matrix, its stage's layers, and copies of what is not divided.
import type { ModelCard } from '../cards/model-card.ts';
import type { ParameterGroup } from '../cards/weights.ts';
import type { Letters } from '../terms/formula.ts';
import { sum } from '../terms/quantities.ts';
import { type Term, term } from '../terms/term.ts';
import type { Layout } from './parallelism.ts';

const SOURCE = 'decoder-only 2.2; norms, positions and output biases are copied';
const plus = (...parts: (string | false)[]) => parts.filter(Boolean).join(' + ');

/** One block's parameters on a worker, by group: matrices divided by T, what acts on the whole hidden vector copied. */
function blockFormulas({ bias, mlp, norm }: ModelCard): Record<'attention' | 'mlp' | 'norms', string> {
  const gated = mlp.kind === 'swiglu';
  const perNorm = norm.perBlock * (norm.bias ? 2 : 1);
  return {
    attention: plus('2D·H(a + k)', bias.qkv && 'H(a + 2k)', bias.projection && 'D'),
    mlp: plus(gated ? '3D·f' : '2D·f', bias.mlp && (gated ? '2f + D' : 'f + D')),
    norms: perNorm === 1 ? 'D' : `${perNorm}D`,
  };
}

/** What the first and the last stage hold beside blocks. A tied embedding is needed on both, so a pipeline has it twice. */
function endFormulas(card: ModelCard, isFirst: boolean, isLast: boolean) {
  const { bias, norm, positions, tied } = card;
  const head = isLast && (!tied || !isFirst);
  return {
    embedding: isFirst ? 'u·D' : '',
    positions: isFirst && positions.kind === 'learned' ? 'K·D' : '',
    norms: isLast && norm.placement === 'pre' ? (norm.bias ? '2D' : 'D') : '',
    head: plus(head && 'u·D', isLast && bias.head && 'u'),
  };
}

/**
 * The parameters of one worker of stage `stage`, by group.
 * @param letters of `workerLetters`
 */
export function workerParameterTerms(
  card: ModelCard,
  { pipeline }: Pick<Layout, 'pipeline'>,
  letters: Letters,
  stage: number,
): Term<'parameters', ParameterGroup>[] {
  const blocks = blockFormulas(card);
  const ends = endFormulas(card, stage === 0, stage === pipeline - 1);
  const formulas: [ParameterGroup, string][] = [
    ['embedding', ends.embedding],
    ['positions', ends.positions],
    ['attention', `l(${blocks.attention})`],
    ['mlp', `l(${blocks.mlp})`],
    ['norms', plus(`l·${blocks.norms}`, ends.norms)],
    ['head', ends.head],
  ];
  return formulas.flatMap(([group, formula]) => (formula ? [term(group, 'parameters', formula, letters, SOURCE)] : []));
}

/** n: all parameters of a worker. */
export const workerParameterCount = (terms: readonly Term<'parameters'>[]): bigint => sum('parameters', terms).value;

/** The parameters of one block on a worker: what ZeRO-3 gathers at a time. */
export function workerBlockParameters(card: ModelCard, letters: Letters): bigint {
  const { attention, mlp, norms } = blockFormulas(card);
  return term('block', 'parameters', plus(attention, mlp, norms), letters, SOURCE).value;
}
