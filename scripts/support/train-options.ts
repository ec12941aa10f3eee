// The options of yarn train, and what they mean for the training settings.
import { OPTIMIZERS } from '../../src/training/optimizer.ts';
import { optimizerSettings, presets, type TrainingSettings } from '../../src/training/settings.ts';
import { backendOptions, cardOptions, configOptions, seedOptions } from './common-options.ts';
import {
  choice,
  fraction,
  nonNegative,
  nonNegativeInteger,
  orOff,
  path,
  positive,
  positiveInteger,
  text,
  type Values,
} from './options.ts';

const schedule = 'Schedule';
const ending = 'When to stop';
const files = 'Files';

export const trainOptions = {
  ...cardOptions,
  dataset: text({
    describe: 'tiny-tales, typescript-lib, tinyshakespeare, file:PATH or dir:PATH (yarn list shows all)',
    default: 'tiny-tales',
    placeholder: 'NAME',
    group: 'Text',
  }),
  tokenizer: text({
    describe: "byte, char, r50k, cl100k, o200k, or one of these -compact[:N] (default: the dataset's)",
    placeholder: 'NAME',
    group: 'Text',
  }),
  preset: choice({
    describe: 'a known recipe; other options win over it',
    choices: Object.keys(presets),
    group: 'Model',
  }),
  batch: positiveInteger({ describe: 'sequences in one forward pass', default: 8, group: schedule }),
  seq: positiveInteger({ describe: "tokens in a sequence (default: the card's context)", group: schedule }),
  accumulate: positiveInteger({ describe: 'forward passes in one step, gradients added', default: 1, group: schedule }),
  steps: positiveInteger({ describe: 'updates of the whole schedule', default: 1000, group: schedule }),
  lr: positive({ describe: 'largest learning rate', default: 1e-3, group: schedule }),
  minLr: nonNegative({ describe: 'learning rate at the end (default: a tenth of --lr)', group: schedule }),
  warmup: nonNegativeInteger({
    describe: 'steps of linear warm-up (default: a twentieth, 100 at most)',
    group: schedule,
  }),
  optimizer: choice({ describe: 'how weights are updated', choices: OPTIMIZERS, default: 'adamw', group: schedule }),
  beta1: fraction({ describe: "AdamW's first decay", default: 0.9, below: 1, group: schedule }),
  beta2: fraction({ describe: "AdamW's second decay", default: 0.95, below: 1, group: schedule }),
  weightDecay: nonNegative({ describe: 'decay of matrices and embeddings', default: 0.1, group: schedule }),
  momentum: fraction({ describe: "SGD's momentum", default: 0.9, below: 1, group: schedule }),
  clip: orOff(positive({ describe: 'largest gradient norm; --no-clip for none', default: 1, group: schedule })),
  evaluateEvery: nonNegativeInteger({
    describe: 'steps between validations (default: a tenth of the run; 0: only at the end)',
    group: schedule,
  }),
  evaluateWindows: positiveInteger({
    describe: 'windows of a validation during the run',
    default: 64,
    group: schedule,
  }),
  stopAfter: positiveInteger({ describe: 'end after this step, with the schedule of all --steps', group: ending }),
  maxMinutes: positive({ describe: 'end after so many minutes', group: ending }),
  maxTokens: positiveInteger({ describe: 'end after so many tokens', group: ending }),
  targetLoss: positive({ describe: 'end once the validation loss is this low', group: ending }),
  out: path({ describe: 'folder of the run (default: runs/ARCH-DATASET)', placeholder: 'DIR', group: files }),
  resume: path({
    describe: 'go on with a run, from its latest checkpoint or the one named',
    placeholder: 'DIR',
    group: files,
  }),
  initFrom: path({ describe: 'start from the weights of another run', placeholder: 'DIR', group: files }),
  saveEvery: nonNegativeInteger({
    describe: 'steps between checkpoints (default: a tenth of the run; 0: only at the end)',
    group: files,
  }),
  keep: positiveInteger({ describe: 'checkpoints to keep, besides the best', default: 2, group: files }),
  ...seedOptions,
  ...backendOptions,
  ...configOptions,
};

export type TrainValues = Values<typeof trainOptions>;

/** Options that make a run what it is; a resumed run keeps them. */
export const fixedOptions = [
  'arch',
  'card',
  'set',
  'dataset',
  'tokenizer',
  'batch',
  'seq',
  'accumulate',
  'optimizer',
  'seed',
] as const satisfies (keyof TrainValues)[];

/** Options that belong to one invocation, not to the run. */
export const passingOptions = ['out', 'resume', 'preset', 'stopAfter'] as const satisfies (keyof TrainValues)[];

/** The settings that options mean for a model of the given context. */
export function settingsOf(args: TrainValues, context: number): TrainingSettings {
  const { steps, lr, stopAfter, maxMinutes, maxTokens, targetLoss } = args;
  const tenth = Math.max(1, Math.round(steps / 10));
  return {
    steps,
    batch: args.batch,
    sequence: args.seq ?? context,
    accumulation: args.accumulate,
    learningRate: lr,
    minLearningRate: args.minLr ?? lr / 10,
    warmup: args.warmup ?? Math.min(100, Math.round(steps / 20)),
    optimizer: optimizerSettings(args.optimizer, args),
    clip: args.clip,
    seed: args.seed,
    evaluateEvery: args.evaluateEvery ?? tenth,
    evaluateWindows: args.evaluateWindows,
    saveEvery: args.saveEvery ?? tenth,
    ...(stopAfter !== undefined && { stopAfter }),
    ...(maxMinutes !== undefined && { maxMinutes }),
    ...(maxTokens !== undefined && { maxTokens }),
    ...(targetLoss !== undefined && { targetLoss }),
  };
}
