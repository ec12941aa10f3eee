// The memory of one worker of a layout: states, saved activations, and the peak as persistent plus the fullest phase.
import type { ModelCard } from '../cards/model-card.ts';
import type { Letters } from '../terms/formula.ts';
import { type Count, sum } from '../terms/quantities.ts';
import { type Term, term } from '../terms/term.ts';
import { type Layout, type WorkerShape, workerLetters } from './parallelism.ts';
import { type ActivationChoice, blockActivationTerms, endActivationTerms } from './parallelism-activations.ts';
import { workerBlockParameters, workerParameterCount, workerParameterTerms } from './parallelism-parameters.ts';
import { dividedUp } from './parallelism-terms.ts';
import { extremeStages, piecesInFlight } from './pipeline.ts';
import { ACTIVATION_BYTES } from './precision.ts';
import { type StateChoice, workerStates } from './zero.ts';

/** Everything about a step that its memory depends on beside card, shape and layout. */
export type WorkerChoice = StateChoice & ActivationChoice;

/** What one worker holds, in bytes. */
export interface WorkerMemory {
  readonly stage: number;
  /** How many parameters the worker computes with, by group. */
  readonly weights: readonly Term<'parameters'>[];
  readonly parameters: readonly Term<'bytes'>[];
  readonly gradients: readonly Term<'bytes'>[];
  readonly optimizer: readonly Term<'bytes'>[];
  readonly savedActivations: readonly Term<'bytes'>[];
  readonly batch: readonly Term<'bytes'>[];
  /** What else lives while the loss is made, and in the backward pass of a block. */
  readonly temporaries: Readonly<Record<'loss' | 'backward', readonly Term<'bytes'>[]>>;
  readonly largest: 'loss' | 'backward';
  /** The categories above and the temporaries of the largest phase. */
  readonly total: Count<'bytes'>;
}

/** i and q: what a stage keeps in flight, in layers times micro-batches and in micro-batches. */
function flightLetters(layout: Layout, shape: WorkerShape, letters: Letters, stage: number): Letters {
  const pieces = BigInt(piecesInFlight(layout, shape, stage));
  const perPiece = (letters.l as bigint) / BigInt(layout.interleave);
  return {
    ...letters,
    i: pieces * perPiece,
    q: BigInt(Math.min(shape.microBatches, layout.pipeline)),
  };
}

/** Weights that ZeRO 3 gathers: two blocks, or the embedding where it is larger, but never more than others hold. */
function gatheredTerms(card: ModelCard, letters: Letters): Term<'bytes'>[] {
  const [n, Z, u, D] = (['n', 'Z', 'u', 'D'] as const).map((letter) => letters[letter] as bigint) as [
    bigint,
    bigint,
    bigint,
    bigint,
  ];
  const others = n - dividedUp(n, Z);
  const units = [2n * workerBlockParameters(card, letters), 2n * u * D];
  const wanted = units.reduce((a, b) => (b > a ? b : a));
  const W = wanted < others ? wanted : others;
  return W > 0n ? [term('gathered', 'bytes', 'p·W', { ...letters, W }, 'weights that ZeRO 3 gathers, two blocks')] : [];
}

/** What lives beside saved activations while the loss and gradients are made. @param letters of `workerLetters`, with p and n */
export function temporaryTerms(
  card: ModelCard,
  choice: ActivationChoice,
  layout: Pick<Layout, 'context' | 'zero'>,
  letters: Letters,
  isLast: boolean,
): WorkerMemory['temporaries'] {
  const bytes = (id: string, formula: string, source: string) => term(id, 'bytes', formula, letters, source);
  const { recompute, attention } = choice;
  const loss = isLast ? [bytes('head.logits/dx', 'p·B·s·u', 'gradient of the logits')] : [];
  const again =
    recompute === 'full'
      ? blockActivationTerms(card, { recompute: 'none', attention }, { ...letters, i: 1n }).filter(
          ({ id }) => !id.startsWith('norm.'),
        )
      : [];
  const matrices =
    attention === 'materialized'
      ? [bytes('attention.softmax/dx', '3p·a·B·s·S', 'probabilities, their gradient, that of the scores')]
      : [];
  const ring = layout.context > 1 ? [bytes('ring', '4p·B·s·H·k', 'keys and values that come and go')] : [];
  const gathered = layout.zero === 3 ? gatheredTerms(card, letters) : [];
  return { loss: [...loss, ...gathered], backward: [...again, ...matrices, ...ring, ...gathered] };
}

/**
 * The memory of any worker of one stage.
 * @throws UserError where card and layout do not divide
 */
export function workerMemory(
  card: ModelCard,
  shape: WorkerShape,
  layout: Layout,
  choice: WorkerChoice,
  stage = 0,
): WorkerMemory {
  const base = { ...workerLetters(card, shape, layout), p: ACTIVATION_BYTES[choice.precision] };
  const weights = workerParameterTerms(card, layout, base, stage);
  const letters = flightLetters(layout, shape, { ...base, n: workerParameterCount(weights) }, stage);
  const ends = { isFirst: stage === 0, isLast: stage === layout.pipeline - 1 };
  const states = workerStates(letters, choice, layout.zero);
  const savedActivations = [...blockActivationTerms(card, choice, letters), ...endActivationTerms(card, letters, ends)];
  const batch = [term('batch', 'bytes', '8B·s·m', letters, 'token ids and labels, int32')];
  const temporaries = temporaryTerms(card, choice, layout, letters, ends.isLast);
  const size = (terms: readonly Term<'bytes'>[]) => sum('bytes', terms).value;
  const largest = size(temporaries.loss) > size(temporaries.backward) ? 'loss' : 'backward';
  const { parameters, gradients, optimizer } = states;
  const lives = [parameters, gradients, optimizer, savedActivations, batch, temporaries[largest]].flat();
  return { stage, weights, ...states, savedActivations, batch, temporaries, largest, total: sum('bytes', lives) };
}

/** The worker that needs most: one of the first stage or of the last. */
export function fullestWorker(card: ModelCard, shape: WorkerShape, layout: Layout, choice: WorkerChoice): WorkerMemory {
  const workers = extremeStages(layout).map((stage) => workerMemory(card, shape, layout, choice, stage));
  return workers.reduce((a, b) => (b.total.value > a.total.value ? b : a));
}
