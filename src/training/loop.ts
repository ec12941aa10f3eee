// The training loop as a stream of events: steps, validations, checkpoints, the end. The caller prints, logs and writes files.
import type { TokenArray } from '../data/corpus-cache.ts';
import type { RunProgress } from './checkpoint.ts';
import { evaluate } from './evaluation.ts';
import type { TrainingSettings } from './settings.ts';
import type { StepResult, Trainer } from './trainer.ts';

export interface LoopServices {
  /** milliseconds; only differences count */
  readonly now: () => number;
  /** lets signals and drawing happen between two synchronous steps */
  readonly breathe: () => Promise<void>;
  /** asked after every step, batch of a validation and checkpoint: who wants the run to end, 'Ctrl-C', or undefined */
  readonly interrupted: () => string | undefined;
  /** writes a checkpoint and returns its folder */
  readonly save: (progress: RunProgress) => Promise<string>;
}

export interface StepEvent extends StepResult {
  readonly kind: 'step';
  readonly seconds: number;
}

export interface ValidationEvent {
  readonly kind: 'validation';
  readonly step: number;
  readonly loss: number;
  /** over every token of the validation split */
  readonly whole: boolean;
  readonly seconds: number;
}

export interface CheckpointEvent {
  readonly kind: 'checkpoint';
  readonly step: number;
  readonly path: string;
}

export interface EndEvent {
  readonly kind: 'end';
  readonly progress: RunProgress;
  /** where it was not the last step: '--max-minutes 5', 'Ctrl-C' */
  readonly endedBy?: string;
}

export type TrainingEvent = StepEvent | ValidationEvent | CheckpointEvent | EndEvent;

/** The last validation takes at most so many tokens, in windows spread evenly over the split … */
const LAST_VALIDATION_TOKENS = 120_000;
/** … and not more than this share of the tokens trained on, so that a short trial is not mostly validation. */
const LAST_VALIDATION_SHARE = 1 / 4;

/**
 * Trains until the last step or an earlier end, from wherever the trainer stands. Ends with a checkpoint, and after it, unless it was
 * interrupted, a validation that takes more windows than those on the way.
 * @param progress of the run before: zeros, or a checkpoint's
 * @throws UserError where training diverges or a checkpoint cannot be written; the last one stays
 */
export async function* trainingLoop(
  trainer: Trainer,
  validation: TokenArray,
  progress: RunProgress,
  services: LoopServices,
): AsyncGenerator<TrainingEvent> {
  const { settings } = trainer;
  const { now, breathe, interrupted } = services;
  const startedAt = now();
  const secondsSince = (start: number) => (now() - start) / 1000;
  const secondsBefore = progress.seconds;
  const last = Math.min(settings.steps, settings.stopAfter ?? settings.steps);
  let savedAt = progress.tokens > 0 ? trainer.step : -1;
  let endedBy: string | undefined;

  async function validate(windows: number | undefined): Promise<ValidationEvent | undefined> {
    const start = now();
    const { batch, sequence } = settings;
    const limit = windows === undefined ? {} : { windows };
    const options = { batch, sequence, ...limit, breathe, cancelled: () => interrupted() !== undefined };
    const loss = await evaluate(trainer.model, validation, options);
    if (interrupted()) return undefined;
    const { step } = trainer;
    if (!progress.best || loss < progress.best.loss) progress = { ...progress, best: { loss, step } };
    const whole = windows === undefined || windows * sequence >= validation.length;
    return { kind: 'validation', step, loss, whole, seconds: secondsSince(start) };
  }

  async function checkpoint(): Promise<CheckpointEvent> {
    progress = { ...progress, seconds: secondsBefore + secondsSince(startedAt) };
    savedAt = trainer.step;
    return { kind: 'checkpoint', step: savedAt, path: await services.save(progress) };
  }

  while (trainer.step < last && endedBy === undefined) {
    const start = now();
    const result = await trainer.advance();
    progress = { ...progress, tokens: progress.tokens + result.tokens };
    yield { kind: 'step', ...result, seconds: secondsSince(start) };
    await breathe();
    const due = (every: number) => every > 0 && trainer.step % every === 0 && trainer.step < last;
    const measured =
      due(settings.evaluateEvery) && !interrupted() ? await validate(settings.evaluateWindows) : undefined;
    if (measured) yield measured;
    endedBy = interrupted() ?? reasonToEnd(settings, progress, secondsSince(startedAt), measured?.loss);
    if (due(settings.saveEvery) || endedBy !== undefined) yield await checkpoint();
    endedBy ??= interrupted();
  }

  if (savedAt !== trainer.step) yield await checkpoint();
  if (!interrupted()) {
    const measured = await validate(lastWindows(settings, validation.length, progress.tokens));
    if (measured) yield measured;
  }
  if (trainer.step < settings.steps) endedBy ??= interrupted() ?? `--stop-after ${last}`;
  progress = { ...progress, seconds: secondsBefore + secondsSince(startedAt) };
  yield { kind: 'end', progress, ...(endedBy !== undefined && { endedBy }) };
}

/** Windows of the last validation, or undefined for the whole split. */
function lastWindows(settings: TrainingSettings, available: number, trained: number): number | undefined {
  const { sequence, evaluateWindows } = settings;
  if (evaluateWindows === undefined) return undefined;
  const affordable = Math.min(LAST_VALIDATION_TOKENS, trained * LAST_VALIDATION_SHARE);
  if (available <= affordable) return undefined;
  return Math.max(evaluateWindows, Math.floor(affordable / sequence));
}

/** Why the run ends before its last step, in words; a limit that was set and is reached. */
function reasonToEnd(
  { maxMinutes, maxTokens, targetLoss }: TrainingSettings,
  { tokens }: RunProgress,
  seconds: number,
  validationLoss: number | undefined,
): string | undefined {
  if (maxMinutes !== undefined && seconds >= maxMinutes * 60) return `--max-minutes ${maxMinutes}`;
  if (maxTokens !== undefined && tokens >= maxTokens) return `--max-tokens ${maxTokens}`;
  if (targetLoss !== undefined && validationLoss !== undefined && validationLoss <= targetLoss) {
    return `--target-loss ${targetLoss}`;
  }
  return undefined;
}
