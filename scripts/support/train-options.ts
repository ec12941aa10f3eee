// The options of yarn train, and what they mean for the training settings.
import { existsSync } from 'node:fs';
import { isAbsolute, join, relative } from 'node:path';
import { UserError } from '../../src/terms/user-error.ts';
import { OPTIMIZERS } from '../../src/training/optimizer.ts';
import { optionsOf, RUN_FILES, type RunDescription, type RunOptions } from '../../src/training/run-folder.ts';
import { optimizerSettings, presets, type TrainingSettings } from '../../src/training/settings.ts';
import { callerPath } from './caller-path.ts';
import { configOf, kebab } from './command-line.ts';
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
const fixedOptions = [
  'arch',
  'card',
  'hf',
  'set',
  'dataset',
  'tokenizer',
  'batch',
  'seq',
  'accumulate',
  'optimizer',
  'initFrom',
  'seed',
] as const satisfies (keyof TrainValues)[];

/** Options that say where a run is, not what it is; its configuration goes without them. */
const placeOptions = ['out', 'resume', 'preset'] as const satisfies (keyof TrainValues)[];

/** Options that end one invocation; who resumes gives new ones. */
const endOptions = ['stopAfter', 'maxMinutes', 'maxTokens', 'targetLoss'] as const satisfies (keyof TrainValues)[];

/** What a run's folder keeps of the options: `--config` reads it back. */
export const savedOptions = (args: TrainValues): RunOptions => configOf(trainOptions, args, placeOptions);

/** The options that a resumed run begins with, below those given now. */
export function inheritedOptions(run: RunDescription): RunOptions {
  const dropped = new Set<string>(endOptions.map(kebab));
  return Object.fromEntries(Object.entries(optionsOf(run)).filter(([name]) => !dropped.has(name)));
}

/** Options of a resumed run that are not what they were. */
export function changedOptions(args: TrainValues, run: RunDescription): RunOptions {
  const before = inheritedOptions(run);
  const now = configOf(trainOptions, args, [...placeOptions, ...endOptions]);
  return Object.fromEntries(Object.entries(now).filter(([name, value]) => !isSame(value, before[name])));
}

/** @throws UserError where an option that makes the run what it is differs, or names another place */
export function refuseOtherRun(args: TrainValues, run: RunDescription, folder: string): void {
  const stray = (['out', 'preset'] as const).find((name) => args[name] !== undefined);
  if (stray) {
    throw new UserError(
      `--resume goes on in '${folder}' as that run began: leave --${kebab(stray)} ${args[stray]} out.`,
    );
  }
  const before = optionsOf(run);
  for (const name of fixedOptions) {
    const [old, now] = [before[kebab(name)] ?? trainOptions[name].absent, args[name]];
    if (isSame(old, now) || (name === 'seq' && now === run.settings.sequence)) continue;
    throw new UserError(
      `The run '${folder}' was made ${spelled(name, old)}, not ${spelled(name, now)}: leave it out, or start a new run.`,
    );
  }
}

const isSame = (a: unknown, b: unknown) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

function spelled(name: string, value: unknown): string {
  const isAbsent = value === undefined || value === null || (Array.isArray(value) && value.length === 0);
  return isAbsent ? `without --${kebab(name)}` : `with --${kebab(name)} ${[value].flat().join(' ')}`;
}

/** The same options with every path as the person who typed it meant it. */
export function withPaths<T extends TrainValues>(args: T): T {
  const [, kind, file] = /^(file|dir|tinyshakespeare):(.+)$/.exec(args.dataset) ?? [];
  return {
    ...args,
    dataset: file === undefined ? args.dataset : `${kind}:${callerPath(file)}`,
    card: args.card && callerPath(args.card),
    hf: args.hf && callerPath(args.hf),
    initFrom: args.initFrom && callerPath(args.initFrom),
    out: args.out && shortest(callerPath(args.out)),
    resume: args.resume && shortest(callerPath(args.resume)),
  };
}

/** Below the working folder the path from there; of one that lies right in it, where a checkpoint's run is above, the whole path. */
function shortest(path: string): string {
  const inside = relative('.', path);
  const isShort = inside.includes('/') || existsSync(join(path, RUN_FILES.run)) || !existsSync(path);
  return inside !== '' && !inside.startsWith('..') && !isAbsolute(inside) && isShort ? inside : path;
}

/** The settings that options mean for a model of the given context. */
export function settingsOf(args: TrainValues, context: number): TrainingSettings {
  const { steps, lr, minLr, stopAfter, maxMinutes, maxTokens, targetLoss } = args;
  if (minLr !== undefined && minLr > lr)
    throw new UserError(`--min-lr ${minLr} is above --lr ${lr}: give at most that.`);
  const tenth = Math.max(1, Math.round(steps / 10));
  return {
    steps,
    batch: args.batch,
    sequence: args.seq ?? context,
    accumulation: args.accumulate,
    learningRate: lr,
    minLearningRate: minLr ?? lr / 10,
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
