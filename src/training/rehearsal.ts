// How long a step will take, from two warm-up passes before the first one.
import { countParameters } from '../theory/parameters.ts';
import { stateNames } from './optimizer.ts';
import type { Trainer } from './trainer.ts';

/** Passes before the first step; only the last is timed, when the machine is warm. */
export const WARM_UP_PASSES = 2;

/**
 * Expected seconds of a step: a forward and backward pass for each micro-batch, as measured, and the update, which memory bounds. Weights
 * and optimizer stay as they are.
 * @param now milliseconds
 * @param bytesPerSecond measured memory bandwidth
 */
export async function expectedStepSeconds(
  trainer: Trainer,
  now: () => number,
  bytesPerSecond: number,
): Promise<number> {
  let start = now();
  for (let pass = 0; pass < WARM_UP_PASSES; pass++) {
    start = now();
    await trainer.rehearse();
  }
  const passSeconds = (now() - start) / 1000;
  return passSeconds * trainer.settings.accumulation + updateBytes(trainer) / bytesPerSecond;
}

/** What the update moves: the gradients read for their norm, and again beside weights and state, which are also written. */
function updateBytes({ model, settings }: Trainer): number {
  const states = stateNames[settings.optimizer.kind].length;
  return 4 * Number(countParameters(model.card).total) * (1 + 1 + 2 + 2 * states);
}
