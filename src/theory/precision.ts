// Precisions of training and inference: bytes per element, and what the documents count as parameters, gradients and optimizer state in each.
import type { Letters } from '../terms/formula.ts';
import { type Count, sum } from '../terms/quantities.ts';
import { type Term, term } from '../terms/term.ts';

/** Precisions of training: everything in float32, or 16-bit weights and activations with a float32 master copy and moments. */
export const TRAINING_PRECISIONS = ['fp32', 'mixed'] as const;
export type TrainingPrecision = (typeof TRAINING_PRECISIONS)[number];

/** All precisions; `int8` holds weights in one byte, activations and the cache in 16 bits, and is for inference only. */
export const PRECISIONS = [...TRAINING_PRECISIONS, 'int8'] as const;
export type Precision = (typeof PRECISIONS)[number];

/** Bytes of one weight (training-llms, transformer-math-101, lecture-compute-memory: 4, 2 and 1). */
export const WEIGHT_BYTES: Readonly<Record<Precision, bigint>> = { fp32: 4n, mixed: 2n, int8: 1n };

/** Bytes of one activation or cached key: p in the documents' formulas. */
export const ACTIVATION_BYTES: Readonly<Record<Precision, bigint>> = { fp32: 4n, mixed: 2n, int8: 2n };

export const OPTIMIZER_KINDS = ['adamw', 'adamw-8bit', 'sgd-momentum', 'sgd'] as const;
export type OptimizerKind = (typeof OPTIMIZER_KINDS)[number];

/**
 * How a document counts the states of mixed precision. All agree in float32, where the parameters are their own master copy.
 * `decoder-only`: 2N parameters, the master copy in the optimizer, gradients in 4 bytes always (2.3), (2.4).
 * `training-llms` (and transformer-math-101): the same, with gradients in the 2 bytes of the parameters.
 * `lecture-compute-memory`: the float32 model is its own master copy, and gradients are stored as it is.
 */
export const STATE_CONVENTIONS = ['decoder-only', 'training-llms', 'lecture-compute-memory'] as const;
export type StateConvention = (typeof STATE_CONVENTIONS)[number];

export const STATE_MEANINGS: Readonly<Record<StateConvention, string>> = {
  'decoder-only': 'master copy in the optimizer, gradients in float32',
  'training-llms': 'master copy in the optimizer, gradients as the parameters',
  'lecture-compute-memory': 'the float32 model is the master copy',
};

/** What lives through a training step and depends on neither batch nor sequence. */
export interface StateTerms {
  readonly parameters: readonly Term<'bytes'>[];
  readonly gradients: readonly Term<'bytes'>[];
  readonly optimizer: readonly Term<'bytes'>[];
}

/** Bytes of parameters, gradients and optimizer under one convention, in the order of {@link StateTerms}. */
export interface StateCount {
  readonly convention: StateConvention;
  readonly parameters: Count<'bytes'>;
  readonly gradients: Count<'bytes'>;
  readonly optimizer: Count<'bytes'>;
  readonly total: Count<'bytes'>;
}

/** Momentum and variance, or momentum, per parameter: in float32, or in one byte each (bitsandbytes; its scales are left out). */
const MOMENTS: Readonly<Record<OptimizerKind, { id: string; fp32: string; mixed: string } | undefined>> = {
  adamw: { id: 'optimizer.adamw', fp32: '2p·N', mixed: '8N' },
  'adamw-8bit': { id: 'optimizer.adamw', fp32: '2N', mixed: '2N' },
  'sgd-momentum': { id: 'optimizer.sgd', fp32: 'p·N', mixed: '4N' },
  sgd: undefined,
};

/**
 * Parameters, gradients and optimizer state of a training step.
 * @param letters need N, the parameters, and p, the bytes of an activation
 */
export function stateTerms(
  letters: Letters,
  precision: TrainingPrecision,
  optimizer: OptimizerKind,
  convention: StateConvention = 'decoder-only',
): StateTerms {
  const bytes = (id: string, formula: string, source: string) => term(id, 'bytes', formula, letters, source);
  const moments = MOMENTS[optimizer];
  const isFp32 = precision === 'fp32';
  const momentSource = optimizer === 'adamw' ? (isFp32 ? 'decoder-only (2.1)' : 'decoder-only (2.3)') : 'training-llms';
  const momentTerms = moments ? [bytes(moments.id, moments[precision], `${momentSource}, moments`)] : [];
  if (isFp32) {
    return {
      parameters: [bytes('parameters', 'p·N', 'decoder-only (2.1)')],
      gradients: [bytes('gradients', 'p·N', 'decoder-only (2.4)')],
      optimizer: momentTerms,
    };
  }
  if (convention === 'lecture-compute-memory') {
    return {
      parameters: [bytes('parameters', '4N', 'lecture-compute-memory, the model is the master copy')],
      gradients: [bytes('gradients', '4N', 'lecture-compute-memory, as the parameters')],
      optimizer: momentTerms,
    };
  }
  const gradients =
    convention === 'decoder-only'
      ? bytes('gradients', '4N', 'decoder-only (2.4)')
      : bytes('gradients', '2N', 'training-llms, as the parameters');
  return {
    parameters: [bytes('parameters', '2N', 'decoder-only (2.3)')],
    gradients: [gradients],
    optimizer: [bytes('optimizer.master', '4N', 'decoder-only (2.3), float32 copy'), ...momentTerms],
  };
}

/** The conventions side by side for one precision and optimizer. */
export function stateConventions(
  letters: Letters,
  precision: TrainingPrecision,
  optimizer: OptimizerKind,
): StateCount[] {
  return STATE_CONVENTIONS.map((convention) => {
    const { parameters, gradients, optimizer: state } = stateTerms(letters, precision, optimizer, convention);
    return {
      convention,
      parameters: sum('bytes', parameters),
      gradients: sum('bytes', gradients),
      optimizer: sum('bytes', state),
      total: sum('bytes', [...parameters, ...gradients, ...state]),
    };
  });
}
