// Says when a run has gone wrong, where it shows, and what to try.
import { UserError } from '../terms/user-error.ts';

/** How many times the loss of guessing, ln V, counts as an explosion. */
const EXPLOSION = 3;

export interface StepHealth {
  readonly step: number;
  readonly loss: number;
  readonly vocabulary: number;
  readonly learningRate: number;
  readonly clip: number | false;
  readonly warmup: number;
  readonly names: readonly string[];
  /** of each weight's gradient, in the order of names */
  readonly norms: Float32Array;
}

/** Throws a UserError with the step, the largest gradient's name and advice where the loss or a gradient is not finite or explodes. */
export function refuseDivergence(health: StepHealth): void {
  const { step, loss, vocabulary, learningRate, clip, warmup, names, norms } = health;
  const guessing = Math.log(vocabulary);
  const exploded = loss > EXPLOSION * guessing;
  if (Number.isFinite(loss) && !exploded && norms.every(Number.isFinite)) return;
  const badFirst = norms.findIndex((norm) => !Number.isFinite(norm));
  const largest = badFirst >= 0 ? badFirst : norms.indexOf(Math.max(...norms));
  const what = !Number.isFinite(loss)
    ? `the loss is ${loss}`
    : exploded
      ? `the loss has exploded to ${loss.toFixed(1)} (guessing costs ${guessing.toFixed(2)})`
      : 'a gradient is not finite';
  const advice = [
    `a lower --lr (now ${learningRate.toPrecision(3)})`,
    warmup < 100 ? `a longer --warmup (now ${warmup})` : '',
    clip === false ? '--clip 1' : clip > 1 ? `a smaller --clip (now ${clip})` : '',
  ].filter((text) => text !== '');
  throw new UserError(
    `Step ${step}: ${what}; the largest gradient is that of ${names[largest]} (norm ${norms[largest]!.toPrecision(3)}). ` +
      `Nothing of this step was applied or saved: try ${advice.join(', or ')}.`,
  );
}
