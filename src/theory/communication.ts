// What the workers of a layout say to each other in one step: bytes that the busiest worker of a group sends, and over which link.
import type { ModelCard } from '../cards/model-card.ts';
import type { Letters } from '../terms/formula.ts';
import type { Term } from '../terms/term.ts';
import { type Layout, workersOf, zeroWorkers } from './parallelism.ts';
import type { ActivationChoice } from './parallelism-activations.ts';
import { roundedTerm } from './parallelism-terms.ts';
import type { StateTerms } from './precision.ts';

/** Which workers talk. */
export type Group = 'tensor' | 'context' | 'data' | 'pipeline';

/** Within a node, or between nodes. */
export type LinkKind = 'link' | 'interNode';

/** One kind of traffic of a step. */
export interface Traffic {
  readonly group: Group;
  /** How often and what: `4 AllReduce a layer and micro-batch`. */
  readonly what: string;
  readonly workers: number;
  readonly link: LinkKind;
  /** Bytes that one worker sends in a step; rings send and receive the same. */
  readonly sent: Term<'bytes'>;
  /**
   * Behind what it can hide: `nothing`; the `gradients` of weights of the same layer; `attention`; the backward pass of the
   * `last` micro-batch; the forward pass of the `first`; the products of `all` micro-batches.
   */
  readonly behind: 'nothing' | 'gradients' | 'attention' | 'first' | 'last' | 'all';
  /** Whether it happens for every micro-batch, so that `sent` grows with m, or once. */
  readonly every: 'micro-batch' | 'step';
}

/**
 * Which link each group uses. Workers are numbered with tensor innermost, then context, data and, outermost, pipeline (as
 * Megatron-LM does: what talks most sits nearest). A group that does not fit a node goes at the pace of the network.
 */
export function groupLinks(layout: Layout, gpusPerNode: number): Record<Group, LinkKind> {
  const within = (workers: number): LinkKind => (workers <= gpusPerNode ? 'link' : 'interNode');
  return {
    tensor: within(layout.tensor),
    context: within(layout.tensor * layout.context),
    data: within(layout.tensor * zeroWorkers(layout)),
    pipeline: within(workersOf(layout)),
  };
}

/** What traffic depends on. */
export interface TrafficInput {
  readonly card: ModelCard;
  readonly layout: Layout;
  readonly choice: ActivationChoice;
  /** Of `workerLetters`, with p, and n for data-parallel traffic. */
  readonly letters: Letters;
  readonly gpusPerNode: number;
}

function traffic(
  { layout, letters, gpusPerNode }: TrafficInput,
  group: Group,
  what: string,
  formula: string,
  source: string,
  behind: Traffic['behind'] = 'nothing',
  every: Traffic['every'] = 'micro-batch',
): Traffic {
  const workers = group === 'data' ? zeroWorkers(layout) : layout[group];
  const link = groupLinks(layout, gpusPerNode)[group];
  return { group, what, workers, link, sent: roundedTerm(group, 'bytes', formula, letters, source), behind, every };
}

/**
 * Tensor parallelism: after attention and after the MLP partial sums are added up, forward, and so are the gradients of
 * their inputs, backward. With sequence parallelism each AllReduce is a ReduceScatter and an AllGather, and the backward
 * pass gathers the saved inputs once more.
 */
export function tensorTraffic(input: TrafficInput): Traffic[] {
  const { card, layout, choice } = input;
  if (layout.tensor === 1) return [];
  const places = card.layout === 'parallel' ? 1 : 2;
  const passes = choice.recompute === 'full' ? 3 : 2;
  const reductions = places * passes;
  const ring = '(T − 1)⌈p·B·s·D / T⌉';
  if (!layout.sequenceParallel) {
    const what = `${reductions} AllReduce per layer, micro-batch`;
    return [traffic(input, 'tensor', what, `${2 * reductions}m·l${ring}`, 'decoder-only 2.2; Shoeybi et al. 2019')];
  }
  const pairs = `${reductions} ReduceScatter, ${reductions} AllGather per layer, micro-batch`;
  const source = 'decoder-only 2.3; Korthikanti et al. 2022, 4.2.2';
  return [
    traffic(input, 'tensor', pairs, `${2 * reductions}m·l${ring}`, source),
    traffic(input, 'tensor', `${places} AllGather of saved inputs`, `${places}m·l${ring}`, source, 'gradients'),
  ];
}

/** The embedding's rows and the head's columns are divided too: partial sums forward, gradients backward, and the loss. */
export function tensorEndTraffic(input: TrafficInput, ends: { isFirst: boolean; isLast: boolean }): Traffic[] {
  if (input.layout.tensor === 1 || (!ends.isFirst && !ends.isLast)) return [];
  const times = Number(ends.isFirst) + Number(ends.isLast);
  const what = ends.isFirst ? (ends.isLast ? 'embedding and head' : 'embedding') : 'head';
  const ring = `${2 * times}m(T − 1)⌈p·B·s·D / T⌉`;
  const rows = [traffic(input, 'tensor', `AllReduce of ${what}`, ring, 'decoder-only 2.2')];
  const loss = '6m(T − 1)⌈4B·s / T⌉';
  if (ends.isLast)
    rows.push(traffic(input, 'tensor', '3 AllReduce of the loss', loss, 'decoder-only 2.2, footnote 21'));
  return rows;
}

/**
 * Context parallelism: keys and values go round a ring, in the forward pass and again in the backward pass, and their
 * gradients come home.
 */
export function contextTraffic(input: TrafficInput): Traffic[] {
  if (input.layout.context === 1) return [];
  const rounds = input.choice.recompute === 'full' ? 3 : 2;
  return [
    traffic(
      input,
      'context',
      `K, V around a ring ${rounds} times, gradients once`,
      `2m·l(${rounds}(C − 1) + C)p·B·s·H·k`,
      'Liu et al. 2023, ring attention',
      'attention',
    ),
  ];
}

/**
 * Pipeline parallelism: activations to the next stage, gradients to the one before, once per piece of a stage; each of the
 * tensor-parallel workers sends its T-th part (Narayanan et al. 2021, 4.1).
 * @param gradients of N undivided parameters, for an embedding that the first and the last stage share
 */
export function pipelineTraffic(input: TrafficInput, gradients: StateTerms['gradients']): Traffic[] {
  const { card, layout } = input;
  if (layout.pipeline === 1) return [];
  const directions = layout.pipeline === 2 && layout.interleave === 1 ? '' : '2';
  const source = 'Narayanan et al. 2021';
  const rows = [traffic(input, 'pipeline', 'activations on, gradients back', `${directions}m·v⌈p·B·s·D / T⌉`, source)];
  if (card.tied) {
    const bytes = gradients.map(({ formula }) => formula.replaceAll('N', 'u·D')).join(' + ');
    const what = 'AllReduce of the tied embedding';
    rows.push(traffic(input, 'pipeline', what, `2⌈${bytes} / 2⌉`, source, 'nothing', 'step'));
  }
  return rows;
}

/**
 * Data parallelism: gradients are reduced once a step; from ZeRO 2 on after every micro-batch, since nobody keeps them whole.
 * ZeRO 1 and 2 gather the updated parameters once, ZeRO 3 before every forward and every backward pass (Rajbhandari et al.
 * 2020, 7: twice and three times the parameters).
 * @param whole the states of n undivided parameters, their formulas in N
 */
export function dataTraffic(input: TrafficInput, whole: Pick<StateTerms, 'gradients' | 'parameters'>): Traffic[] {
  const { layout } = input;
  if (zeroWorkers(layout) === 1) return [];
  const part = (state: 'gradients' | 'parameters') =>
    `(Z − 1)⌈${whole[state].map(({ formula }) => formula.replaceAll('N', 'n')).join(' + ')} / Z⌉`;
  const gradients = part('gradients');
  const parameters = part('parameters');
  const source = 'Rajbhandari et al. 2020, 7';
  const row = (what: string, formula: string, behind: Traffic['behind']) =>
    traffic(input, 'data', what, formula, source, behind, behind === 'all' ? 'micro-batch' : 'step');
  switch (layout.zero) {
    case 0:
      return [row('AllReduce of gradients', `2${gradients}`, 'last')];
    case 1:
      return [
        row('ReduceScatter of gradients', gradients, 'last'),
        row('AllGather of parameters', parameters, 'first'),
      ];
    case 2:
      return [
        row('ReduceScatter of gradients per micro-batch', `m${gradients}`, 'all'),
        row('AllGather of parameters', parameters, 'first'),
      ];
    case 3:
      return [
        row('ReduceScatter of gradients per micro-batch', `m${gradients}`, 'all'),
        row('2 AllGather of parameters per micro-batch', `2m${parameters}`, 'all'),
      ];
  }
}

/** All traffic of a worker of one stage. @param whole the states of N undivided parameters, their formulas in N */
export function stageTraffic(
  input: TrafficInput,
  whole: Pick<StateTerms, 'gradients' | 'parameters'>,
  stage: number,
): Traffic[] {
  const ends = { isFirst: stage === 0, isLast: stage === input.layout.pipeline - 1 };
  return [
    ...tensorTraffic(input),
    ...tensorEndTraffic(input, ends),
    ...contextTraffic(input),
    ...pipelineTraffic(input, whole.gradients),
    ...dataTraffic(input, whole),
  ];
}
