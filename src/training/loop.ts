// The training loop as a stream of events: steps, validations, checkpoints, the end. The caller prints, logs and writes files.
import type { TokenArray } from '../data/corpus-cache.ts';
import type { RunProgress } from './checkpoint.ts';
import { evaluate } from './evaluation.ts';
import type { StepResult, Trainer } from './trainer.ts';

export interface LoopServices {
  /** milliseconds; only differences count */
  readonly now: () => number;
  /** lets signals and drawing happen between two synchronous steps */
  readonly breathe: () => Promise<void>;
  /** asked after every step; true ends the run with a checkpoint */
  readonly interrupted: () => boolean;
  readonly save: (progress: RunProgress) => Promise<string>;
}

export type TrainingEvent =
  | (StepResult & { readonly kind: 'step'; readonly seconds: number })
  | {
      readonly kind: 'validation';
      readonly step: number;
      readonly loss: number;
      readonly whole: boolean;
      readonly seconds: number;
    }
  | { readonly kind: 'checkpoint'; readonly step: number; readonly path: string }
  | { readonly kind: 'end'; readonly progress: RunProgress; readonly endedBy?: string };

/** The last validation takes the whole split; of a longer one so many tokens, in windows spread evenly over it. */
const LAST_VALIDATION_TOKENS = 120_000;

/**
 * Trains until the last step or an earlier end, from wherever the trainer stands.
 * @param progress of the run before: zeros, or a checkpoint's
 * @throws UserError where training diverges; the last checkpoint stays
 */
export async function* trainingLoop(
  trainer: Trainer,
  validation: TokenArray,
  progress: RunProgress,
  services: LoopServices,
): AsyncGenerator<TrainingEvent> {
  const { settings, model } = trainer;
  const { now, breathe } = services;
  const startedAt = now() - progress.seconds * 1000;
  const limits = { ...settings, startedAt, now };
  let savedAt = progress.tokens > 0 ? trainer.step : -1;
  let endedBy: string | undefined;
  const current = () => ({ ...progress, seconds: (now() - startedAt) / 1000 });
  const last = Math.min(settings.steps, settings.stopAfter ?? settings.steps);

  while (trainer.step < last && endedBy === undefined) {
    const before = now();
    const result = trainer.advance();
    progress = { ...progress, tokens: progress.tokens + result.tokens };
    yield { kind: 'step', ...result, seconds: (now() - before) / 1000 };
    await breathe();
    const due = (every: number) => every > 0 && trainer.step % every === 0 && trainer.step < last;
    let loss: number | undefined;
    if (due(settings.evaluateEvery) && !services.interrupted()) {
      const { batch, sequence, evaluateWindows } = settings;
      const windows = evaluateWindows === undefined ? {} : { windows: evaluateWindows };
      const start = now();
      const options = { batch, sequence, ...windows, breathe, cancelled: services.interrupted };
      loss = await evaluate(model, validation, options);
      progress = withBest(progress, loss, trainer.step);
      const whole = evaluateWindows === undefined;
      yield { kind: 'validation', step: trainer.step, loss, whole, seconds: (now() - start) / 1000 };
    }
    endedBy = services.interrupted() ? 'Ctrl-C' : reasonToEnd(limits, progress, loss);
    if (due(settings.saveEvery) || endedBy !== undefined) {
      savedAt = trainer.step;
      yield { kind: 'checkpoint', step: savedAt, path: await services.save(current()) };
    }
  }

  if (endedBy !== 'Ctrl-C') {
    const { batch, sequence } = settings;
    const start = now();
    const whole = validation.length <= LAST_VALIDATION_TOKENS;
    const windows = whole ? {} : { windows: Math.ceil(LAST_VALIDATION_TOKENS / sequence) };
    const loss = await evaluate(model, validation, {
      batch,
      sequence,
      ...windows,
      breathe,
      cancelled: services.interrupted,
    });
    if (!services.interrupted()) {
      progress = withBest(progress, loss, trainer.step);
      yield { kind: 'validation', step: trainer.step, loss, whole, seconds: (now() - start) / 1000 };
    }
  }
  if (savedAt !== trainer.step) {
    yield { kind: 'checkpoint', step: trainer.step, path: await services.save(current()) };
  }
  if (endedBy === undefined && last < settings.steps) endedBy = `--stop-after ${last}`;
  yield { kind: 'end', progress: current(), ...(endedBy !== undefined && { endedBy }) };
}

function withBest(progress: RunProgress, loss: number, step: number): RunProgress {
  return progress.best && progress.best.loss <= loss ? progress : { ...progress, best: { loss, step } };
}

interface Limits {
  readonly maxMinutes?: number;
  readonly maxTokens?: number;
  readonly targetLoss?: number;
  readonly startedAt: number;
  readonly now: () => number;
}

function reasonToEnd(limits: Limits, { tokens }: RunProgress, validationLoss: number | undefined): string | undefined {
  const { maxMinutes, maxTokens, targetLoss, startedAt, now } = limits;
  if (maxMinutes !== undefined && now() - startedAt >= maxMinutes * 60_000) return `--max-minutes ${maxMinutes}`;
  if (maxTokens !== undefined && tokens >= maxTokens) return `--max-tokens ${maxTokens}`;
  if (targetLoss !== undefined && validationLoss !== undefined && validationLoss <= targetLoss) {
    return `--target-loss ${targetLoss}`;
  }
  return undefined;
}
