// Says when a run has gone wrong, where it shows, and what to try.
import { UserError } from '../terms/user-error.ts';
import { learningRateAt } from './schedule.ts';
import type { TrainingSettings } from './settings.ts';

/** How many times the loss of guessing, ln V, counts as an explosion. */
const EXPLOSION = 3;

/** Whether the loss or a gradient is not finite, or the loss has exploded. */
export function hasDiverged(loss: number, norms: Float32Array, vocabulary: number): boolean {
  // Written so that NaN counts.
  return !(loss <= EXPLOSION * Math.log(vocabulary)) || !norms.every(Number.isFinite);
}

export interface Divergence {
  /** the step that was refused */
  readonly step: number;
  readonly loss: number;
  readonly vocabulary: number;
  readonly names: readonly string[];
  /** of each weight's gradient, in the order of names */
  readonly norms: Float32Array;
  /** of each weight itself */
  readonly weights: Float32Array;
  readonly settings: Pick<TrainingSettings, 'learningRate' | 'minLearningRate' | 'warmup' | 'steps' | 'clip'>;
}

/** The error of a run that has diverged: the step, the largest gradient's name, and what to try. */
export function divergence({ step, loss, vocabulary, names, norms, weights, settings }: Divergence): UserError {
  const guessing = Math.log(vocabulary);
  const what = !Number.isFinite(loss)
    ? `the loss is ${loss}`
    : loss > EXPLOSION * guessing
      ? `the loss has exploded to ${loss.toFixed(1)} (guessing costs ${guessing.toFixed(2)})`
      : 'a gradient is not finite';
  const largest = largestOf(norms);
  const spoilt = weights.findIndex((norm) => !Number.isFinite(norm));
  const advice =
    spoilt >= 0
      ? `weight ${names[spoilt]} itself is not finite, so start from other weights`
      : `try ${remedies(settings, learningRateAt(settings, step - 1)).join(', or ')}`;
  return new UserError(
    `Step ${step}: ${what}; the largest gradient is that of ${names[largest]} (norm ${norms[largest]!.toPrecision(3)}). ` +
      `Nothing of this step was applied or saved: ${advice}.`,
  );
}

function remedies({ clip, warmup, learningRate }: Divergence['settings'], now: number): string[] {
  const rate = now === learningRate ? '' : `, ${now.toPrecision(3)} at this step`;
  return [
    `a lower --lr (it is ${learningRate}${rate})`,
    ...(warmup < 100 ? [`a longer --warmup (it is ${warmup})`] : []),
    ...(clip === false ? ['--clip 1'] : clip > 1 ? [`a smaller --clip (it is ${clip})`] : []),
  ];
}

/** The first that is not finite counts as the largest. */
function largestOf(norms: Float32Array): number {
  const spoilt = norms.findIndex((norm) => !Number.isFinite(norm));
  return spoilt >= 0 ? spoilt : norms.indexOf(Math.max(...norms));
}
