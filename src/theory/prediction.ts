// Everything that formulas say about one model and one batch, before anything runs.
import type { HardwareCard } from '../cards/hardware.ts';
import type { ModelCard } from '../cards/model-card.ts';
import type { Term } from '../terms/term.ts';
import { type Fit, fitInto } from './fit.ts';
import { countFlops, type FlopCount, type FormulaConvention } from './flops.ts';
import { type StageTime, stageTime } from './inference.ts';
import { stageWork } from './inference-work.ts';
import type { Shape } from './letters.ts';
import { documentParameters, parameterTerms, parameterTotal } from './parameters.ts';
import { type StateCount, stateConventions } from './precision.ts';
import { type HardwareFlops, hardwareFlops } from './recompute.ts';
import { DEFAULT_SETTINGS, type StepMemory, type StepSettings, stepMemory } from './step-memory.ts';
import { type StepTime, stepTime } from './step-time.ts';
import { memoryLetters } from './training-memory.ts';

/** The conventions that formulas can follow, in the order in which reports show them. */
export const FORMULA_CONVENTIONS = [
  'palm',
  'causal',
  'documents',
  '6nd',
  '6nd-no-embedding',
] as const satisfies FormulaConvention[];

/** The terms of a prediction; every number in it can be explained. */
export interface Prediction {
  readonly card: ModelCard;
  readonly shape: Shape;
  readonly settings: StepSettings;
  readonly parameters: {
    readonly total: Term<'parameters'>;
    readonly groups: readonly Term<'parameters'>[];
    readonly documents: Term<'parameters'>;
  };
  readonly flops: Readonly<Record<FormulaConvention, FlopCount>>;
  /** Of a training step: with what is computed again. */
  readonly hardwareFlops?: HardwareFlops;
  readonly memory: StepMemory;
  /** Of a training step: parameters, gradients and optimizer as each document counts them. */
  readonly states?: readonly StateCount[];
  /** On one accelerator, where one was named. */
  readonly machine?: {
    readonly hardware: HardwareCard;
    readonly fit: Fit;
    readonly time: StepTime;
    /** Of inference: the last token of the sequences, behind a cache of all others. */
    readonly decode?: StageTime;
  };
}

/** Where a step runs. */
export interface PredictionMachine {
  readonly hardware: HardwareCard;
  /** The share of its peak that a step without recomputation reaches; a usual one unless given. */
  readonly mfu?: number | undefined;
}

/**
 * Predicts one step of `card` on a batch of `shape`: of training, or in `int8` of inference.
 * @throws UserError for an impossible shape, or hardware without the precision
 */
export function predict(
  card: ModelCard,
  shape: Shape,
  choice: Partial<StepSettings> = {},
  machine?: PredictionMachine,
): Prediction {
  const settings = { ...DEFAULT_SETTINGS, ...choice };
  const { precision, optimizer, keeps, attention } = settings;
  const counts = FORMULA_CONVENTIONS.map((convention) => [convention, countFlops(card, shape, convention)]);
  return {
    card,
    shape,
    settings,
    parameters: {
      total: parameterTotal(card),
      groups: parameterTerms(card),
      documents: documentParameters(card),
    },
    flops: Object.fromEntries(counts),
    memory: stepMemory(card, shape, settings),
    ...(precision !== 'int8' && {
      hardwareFlops: hardwareFlops(card, shape, keeps, attention),
      states: stateConventions(memoryLetters(card, shape, precision), precision, optimizer),
    }),
    ...(machine && {
      machine: {
        hardware: machine.hardware,
        fit: fitInto(card, shape, settings, machine.hardware),
        time: stepTime(card, shape, settings, machine.hardware, machine.mfu),
        ...(precision === 'int8' && shape.sequence > 1 && { decode: lastToken(card, shape, machine.hardware) }),
      },
    }),
  };
}

function lastToken(card: ModelCard, { batch, sequence }: Shape, hardware: HardwareCard): StageTime {
  const serving = { precision: 'int8' } as const;
  const request = { batch, prompt: sequence - 1, generated: 1 };
  return stageTime(stageWork(card, 'decode', request, serving), hardware, serving);
}
