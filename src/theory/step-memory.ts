// Memory of one step in every category of the vocabulary, for training and for inference, with the peak over its phases.
import type { ModelCard } from '../cards/model-card.ts';
import { type Count, sum } from '../terms/quantities.ts';
import { term } from '../terms/term.ts';
import { MEMORY_CATEGORIES, type MemoryCategory } from '../terms/vocabulary.ts';
import { kvCache } from './inference-memory.ts';
import type { Shape } from './letters.ts';
import { PEAK_PHASES, peakMemory } from './peak.ts';
import type { OptimizerKind, Precision, StateConvention } from './precision.ts';
import type { AttentionKind, Keeps } from './recompute.ts';
import { type MemoryTerm, memoryLetters, trainingMemory } from './training-memory.ts';

/** Every choice that the memory of a step depends on, beside card and shape. `int8` is inference, anything else training. */
export interface StepSettings {
  readonly precision: Precision;
  readonly optimizer: OptimizerKind;
  readonly keeps: Keeps;
  readonly states: StateConvention;
  readonly attention: AttentionKind;
}

/** What this library does: float32, attention's matrices made again in backward. */
export const DEFAULT_SETTINGS: StepSettings = {
  precision: 'fp32',
  optimizer: 'adamw',
  keeps: 'nothing-quadratic',
  states: 'decoder-only',
  attention: 'materialized',
};

/** One moment of a step: what lives then, persistent memory included. */
export interface PhaseTotal {
  readonly phase: string;
  readonly total: Count<'bytes'>;
}

/** The memory of a step. */
export interface StepMemory {
  /**
   * Each category at its own fullest moment. They do not all peak together, so their sum is more than the peak; the KV cache
   * is that of generation with the same batch and sequence and no part of a training step.
   */
  readonly totals: Readonly<Record<MemoryCategory, Count<'bytes'>>>;
  readonly terms: Readonly<Record<MemoryCategory, readonly MemoryTerm[]>>;
  /**
   * Mem_training = parameters + gradients + optimizer + saved activations, the documents' sum. It leaves out temporaries, constants
   * and the batch, and adds gradients and activations, which are not there together in full.
   */
  readonly documents: Count<'bytes'>;
  readonly peak: { readonly phase: string; readonly total: Count<'bytes'>; readonly phases: readonly PhaseTotal[] };
}

const size = (terms: readonly MemoryTerm[]) => sum('bytes', terms).value;
const fuller = <T>(list: readonly T[], bytes: (item: T) => bigint) =>
  list.reduce((a, b) => (bytes(b) > bytes(a) ? b : a));

function withTotals(terms: StepMemory['terms'], phases: readonly PhaseTotal[]): StepMemory {
  const totals = Object.fromEntries(MEMORY_CATEGORIES.map((category) => [category, sum('bytes', terms[category])]));
  const { phase, total } = fuller(phases, (moment) => moment.total.value);
  const { parameters, gradients, optimizer, savedActivations } = terms;
  return {
    totals: totals as StepMemory['totals'],
    terms,
    documents: sum('bytes', [parameters, gradients, optimizer, savedActivations].flat()),
    peak: { phase, total, phases },
  };
}

/**
 * The memory of one training step, or in `int8` of reading and continuing a prompt.
 * @throws UserError for an impossible shape
 */
export function stepMemory(card: ModelCard, shape: Shape, settings: StepSettings = DEFAULT_SETTINGS): StepMemory {
  const { precision, optimizer, keeps, states, attention } = settings;
  if (precision === 'int8') return inferenceMemory(card, shape, attention);
  const options = { precision, states, attention };
  const memory = trainingMemory(card, shape, optimizer, keeps, options);
  const { persistent, constants, categories, phases } = peakMemory(card, shape, optimizer, keeps, options);
  const temporaries = fuller(Object.values(categories), (phase) => size(phase.temporaries)).temporaries;
  const cache = [kvCache(card, shape, { precision }).total];
  const moments = PEAK_PHASES.map((phase) => ({ phase, total: sum('bytes', [...persistent, ...phases[phase]]) }));
  return withTotals({ ...memory, temporaries, constants, kvCache: cache }, moments);
}

/** Weights of one byte, the cache of a whole batch, and the fullest moment of reading the prompt at once. */
function inferenceMemory(card: ModelCard, shape: Shape, attention: AttentionKind): StepMemory {
  const letters = memoryLetters(card, shape, 'int8');
  const bytes = (id: string, formula: string, source: string): MemoryTerm =>
    term(id, 'bytes', formula, letters, source);
  const gated = card.mlp.kind === 'swiglu';
  const stream = bytes('residual', '2p·B·S·D', 'the stream and its normalised copy');
  const matrices = attention === 'flash' ? [] : [bytes('attention.scores', '2p·A·B·S²', 'scores and their softmax')];
  const phases = {
    attention: [stream, bytes('attention.qkv', 'p·B·S·H(A + 2g)', 'queries, keys, values'), ...matrices],
    mlp: [stream, bytes('mlp.up', gated ? '2p·B·S·F' : 'p·B·S·F', gated ? 'gate and up' : 'the widened stream')],
    head: [stream, bytes('head.logits', '4B·V', 'logits of the last position, float32')],
  };
  const parameters = [bytes('parameters', 'N', 'lecture-compute-memory, int8: one byte each')];
  const cache = [kvCache(card, shape, { precision: 'int8' }).total];
  const batch = [bytes('batch', '4B·S', 'token ids, int32')];
  const persistent = [...parameters, ...cache, ...batch];
  const moments = Object.entries(phases).map(([phase, terms]) => ({
    phase,
    total: sum('bytes', [...persistent, ...terms]),
  }));
  const temporaries = fuller(Object.values(phases), size);
  const none = { gradients: [], optimizer: [], savedActivations: [], constants: [] };
  return withTotals({ ...none, parameters, kvCache: cache, batch, temporaries }, moments);
}
