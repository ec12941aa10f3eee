// Everything that decides how a run trains, apart from the model and the text; defaults and presets.
import type { OptimizerKind, OptimizerSettings } from './optimizer.ts';
import type { ScheduleSettings } from './schedule.ts';

export interface TrainingSettings extends ScheduleSettings {
  /** sequences in one forward pass */
  readonly batch: number;
  /** tokens in a sequence */
  readonly sequence: number;
  /** forward passes whose gradients make one step */
  readonly accumulation: number;
  readonly optimizer: OptimizerSettings;
  /** largest global gradient norm, or false */
  readonly clip: number | false;
  /** of initial weights, windows and dropout */
  readonly seed: number;
  /** steps between validations; 0: only at the end */
  readonly evaluateEvery: number;
  /** windows of each validation during the run, or undefined for the whole split; the last validation takes more (loop.ts) */
  readonly evaluateWindows?: number;
  /** steps between checkpoints; 0: only at the end */
  readonly saveEvery: number;
  /** ends after this step and keeps the schedule */
  readonly stopAfter?: number;
  readonly maxMinutes?: number;
  readonly maxTokens?: number;
  /** ends once the validation loss is at or below */
  readonly targetLoss?: number;
}

/** The optimizer's settings from the few numbers that people set. */
export function optimizerSettings(
  kind: OptimizerKind,
  { beta1, beta2, weightDecay, momentum }: Pick<OptimizerSettings, 'beta1' | 'beta2' | 'weightDecay' | 'momentum'>,
): OptimizerSettings {
  return { kind, beta1, beta2, epsilon: 1e-8, weightDecay, momentum };
}

/** Command-line options by preset. A preset stands below the command line and `--config`. */
export const presets: Readonly<Record<string, Readonly<Record<string, string | number | readonly string[]>>>> = {
  // nanoGPT's README, "i only have a macbook": 4 layers of 128, characters, 2,000 iterations. One thing differs: matrices start
  // with a deviation of 0.08, near 1/√128, instead of GPT-2's 0.02, which is small for so narrow a model (docs/training.md).
  'nanogpt-cpu': {
    arch: 'nanogpt-char',
    set: ['initialization.deviation=0.08'],
    dataset: 'tinyshakespeare',
    tokenizer: 'char',
    batch: 12,
    seq: 64,
    steps: 2000,
    lr: 1e-3,
    'min-lr': 1e-4,
    warmup: 100,
    beta1: 0.9,
    beta2: 0.99,
    'weight-decay': 0.1,
    clip: 1,
    'evaluate-every': 250,
    'evaluate-windows': 240,
  },
};
