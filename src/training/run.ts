// A run carried out: the loop's events with their rates, written to the log, checkpoints to the run's folder. The caller shows them.
import type { ModelCard } from '../cards/model-card.ts';
import { saveCheckpoint } from '../formats/checkpoint.ts';
import type { Storage } from '../formats/storage.ts';
import { shellWord } from '../terms/shell-word.ts';
import { UserError } from '../terms/user-error.ts';
import { countFlops } from '../theory/flops.ts';
import { checkpointContent, type RunProgress } from './checkpoint.ts';
import {
  type CheckpointEvent,
  type EndEvent,
  type LoopServices,
  type StepEvent,
  trainingLoop,
  type ValidationEvent,
} from './loop.ts';
import type { RunPlan } from './plan.ts';
import type { RunLog } from './run-log.ts';
import type { Session } from './session.ts';
import type { TrainingSettings } from './settings.ts';

/** Matmul FLOPs of one step: full attention and the head, forward and backward. */
export function stepFlops(
  card: ModelCard,
  { batch, sequence, accumulation }: Pick<TrainingSettings, 'batch' | 'sequence' | 'accumulation'>,
): bigint {
  return countFlops(card, { batch, sequence }, 'palm').forwardBackward.value * BigInt(accumulation);
}

export interface Rates {
  readonly tokensPerSecond: number;
  readonly flopsPerSecond: number;
  /** share of the measured matmul peak */
  readonly mfu: number;
}

export type RunEvent =
  | (StepEvent & Rates & { readonly memoryBytes: number })
  | ValidationEvent
  | CheckpointEvent
  | (EndEvent & { readonly summary: RunSummary });

export interface RunSummary extends Rates {
  readonly trainLoss: number;
  readonly validationLoss?: number;
  readonly best?: RunProgress['best'];
  readonly stepsDone: number;
  readonly stepsPlanned: number;
  readonly endedBy?: string;
  readonly tokens: number;
  readonly seconds: number;
  readonly folder: string;
}

export interface RunServices extends Omit<LoopServices, 'save'> {
  readonly storage: Storage;
  /** bytes that the process takes now */
  readonly memory: () => number;
  /** measured matmul peak */
  readonly peakFlops: number;
  /** programs and libraries, for the checkpoints */
  readonly versions: Readonly<Record<string, string>>;
  /** checkpoints that stay, besides that of the best validation */
  readonly keep: number;
}

/**
 * Trains to the end. Every event but the last is in the log when it is yielded.
 * @throws UserError where training diverges or a file cannot be written, with where the run can go on from
 */
export async function* carryOut(
  plan: RunPlan,
  { trainer, progress }: Session,
  log: RunLog,
  services: RunServices,
): AsyncGenerator<RunEvent> {
  const { folder, card, corpus, settings } = plan;
  const flopsPerStep = Number(stepFlops(card, settings));
  const ratesOf = (steps: number, tokens: number, seconds: number): Rates => {
    const flopsPerSecond = (flopsPerStep * steps) / seconds;
    return { tokensPerSecond: tokens / seconds, flopsPerSecond, mfu: flopsPerSecond / services.peakFlops };
  };
  const save = (state: RunProgress) => {
    const content = checkpointContent(trainer, card, state, { ...services.versions });
    return saveCheckpoint(services.storage, folder, content, {
      keep: services.keep,
      protect: state.best ? [state.best.step] : [],
    });
  };
  const done = { steps: 0, tokens: 0, seconds: 0, trainLoss: Number.NaN };
  let validationLoss: number | undefined;
  let savedStep = plan.resumed?.checkpoint?.step;

  try {
    for await (const event of trainingLoop(trainer, corpus.validation, progress, { ...services, save })) {
      if (event.kind === 'step') {
        done.steps++;
        done.tokens += event.tokens;
        done.seconds += event.seconds;
        done.trainLoss = event.loss;
        const step = { ...event, ...ratesOf(1, event.tokens, event.seconds), memoryBytes: services.memory() };
        await log.append({ ...step });
        yield step;
      } else if (event.kind === 'validation') {
        validationLoss = event.loss;
        await log.append({ ...event });
        yield event;
      } else if (event.kind === 'checkpoint') {
        savedStep = event.step;
        await log.append({ ...event, path: event.path.slice(folder.length + 1) });
        yield event;
      } else {
        const { best, tokens, seconds } = event.progress;
        const summary: RunSummary = {
          trainLoss: done.trainLoss,
          ...(validationLoss !== undefined && { validationLoss }),
          ...(best && { best }),
          stepsDone: trainer.step,
          stepsPlanned: settings.steps,
          ...(event.endedBy !== undefined && { endedBy: event.endedBy }),
          tokens,
          seconds,
          ...ratesOf(done.steps, done.tokens, done.seconds),
          folder,
        };
        yield { ...event, summary };
      }
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    // Where the disk is full the log is, too: what is thrown says it all.
    await log.append({ kind: 'failure', step: trainer.step + 1, reason }).catch(() => undefined);
    if (!(error instanceof UserError) || savedStep === undefined) throw error;
    const hint = `--resume ${shellWord(folder)} goes on from step ${savedStep}`;
    throw new UserError(`${reason.replace(/\.$/, '')}; ${hint}.`, { cause: error });
  }
}
