// A whole request: first the model and its tokens, then the layouts, and with GPU-hours once more at the speed that was found.
import { peakOf } from '../cards/hardware.ts';
import { type Plan, plan } from './plan.ts';
import { defaultBatch, type PlanProblem } from './problem.ts';
import { chooseRun, type RunQuestion, type RunSize } from './run-size.ts';

/** What a person asks for. */
export interface PlanRequest extends Omit<PlanProblem, 'card' | 'globalBatch' | 'batchIsOpen' | 'sequence'> {
  readonly run: Omit<RunQuestion, 'serving'> & { readonly serving: Omit<RunQuestion['serving'], 'sequence'> };
  /** Tokens of a sequence; the card's context unless given. */
  readonly sequence?: number;
  /** The global batch in sequences for sequences of so many tokens; about 4 Mi tokens unless given. */
  readonly batch?: (sequence: number) => number;
  /** How many layouts to describe. */
  readonly most?: number;
}

export interface PlanAnswer {
  readonly size: RunSize;
  readonly plan: Plan;
  /** The share of the peak by which GPU-hours were first turned into FLOPs; the plan then corrected it. */
  readonly assumedMfu?: number;
}

/** MFU of well-run training (Korthikanti et al. 2022: 41–56 %; Llama 3: 38–43 %), until a layout says better. */
export const ASSUMED_MFU = 0.4;

/** Chooses model and tokens and plans their layouts. @throws UserError for whatever is impossible, with what would be */
export function planRequest(request: PlanRequest): PlanAnswer {
  const { run, hardware, gpus, states } = request;
  const sequence = request.sequence ?? (run.card ?? run.family).context;
  const question: RunQuestion = { ...run, serving: { ...run.serving, sequence } };
  const globalBatch = request.batch?.(sequence) ?? defaultBatch(sequence, gpus);
  const batchIsOpen = request.batch === undefined;
  const planFor = (size: RunSize, change: Partial<PlanRequest> = {}) => {
    const { most, ...problem } = { ...request, ...change };
    return plan({ ...problem, card: size.card, globalBatch, batchIsOpen, sequence }, size.tokens, most);
  };
  const size = chooseRun(question, peakOf(hardware, states.precision).value * ASSUMED_MFU * 3600);
  if (!run.budget || !('gpuHours' in run.budget)) return { size, plan: planFor(size) };
  // The speed that turns GPU-hours into FLOPs needs no search among micro-batches.
  const rough = planFor(size, { most: 1, pins: { ...request.pins, microBatch: request.pins.microBatch ?? 1 } });
  const speed = rough.layouts[0]!.tokensPerSecond.value / gpus;
  const corrected = chooseRun({ ...question, bound: size.bound }, 6 * Number(size.parameters) * speed * 3600);
  return { size: corrected, plan: planFor(corrected), assumedMfu: ASSUMED_MFU };
}
