// The command yarn train: from a card and a text to a trained model, with every derived quantity shown before the first step.
import { performance } from 'node:perf_hooks';
import { setImmediate as immediately } from 'node:timers/promises';
import { version_core } from '@tensorflow/tfjs-core';
import type { ModelCard } from '../../src/cards/model-card.ts';
import { type BackendReport, useBackend } from '../../src/engine/backends.ts';
import { joinPath } from '../../src/formats/storage.ts';
import { loadModelCard, modelCardNames } from '../../src/node/cards.ts';
import { nodeDataHost } from '../../src/node/data-host.ts';
import { nodeStorage as storage } from '../../src/node/storage.ts';
import { beforeFirstStep, timeLines } from '../../src/report/before-first-step.ts';
import { endOfRun } from '../../src/report/end-of-run.ts';
import { jsonLine } from '../../src/report/jsonl.ts';
import { palette } from '../../src/report/palette.ts';
import { lossSvg } from '../../src/report/svg.ts';
import { UserError } from '../../src/terms/user-error.ts';
import { countParameters } from '../../src/theory/parameters.ts';
import { memoryLimit, refuseTooLarge } from '../../src/training/memory-check.ts';
import { type PlanServices, planResumedRun, planRun, type RunPlan, type RunRequest } from '../../src/training/plan.ts';
import { expectedStepSeconds, WARM_UP_PASSES } from '../../src/training/rehearsal.ts';
import { carryOut, type RunSummary, stepFlops } from '../../src/training/run.ts';
import { continueRun, createRun, RUN_FILES, readRun, runFolderOf } from '../../src/training/run-folder.ts';
import { RunLog } from '../../src/training/run-log.ts';
import { openSession, type Session } from '../../src/training/session.ts';
import { presets, type TrainingSettings } from '../../src/training/settings.ts';
import type { Command } from './cli.ts';
import { interruption } from './interruption.ts';
import type { Output } from './output.ts';
import {
  changedOptions,
  inheritedOptions,
  refuseOtherRun,
  savedOptions,
  settingsOf,
  type TrainValues,
  trainOptions,
  withPaths,
} from './train-options.ts';
import { trainProgress } from './train-progress.ts';
import { beforeFirstStepFacts, curveOf, endOfRunFacts, measurePeaks, type Peaks, promptFor } from './train-screens.ts';

const now = () => performance.now();

export const train: Command<typeof trainOptions> = {
  name: 'train',
  summary: 'Train a model on text, with parameters, FLOPs, memory and time predicted before the first step.',
  options: trainOptions,
  examples: [
    ['--arch llama3-small', 'the default: 1,000 steps on generated stories'],
    ['--preset nanogpt-cpu', "nanoGPT's recipe for a CPU, on tiny Shakespeare"],
    ['--arch gpt-small --dataset file:book.txt --tokenizer char', 'a text of your own'],
    ['--arch gpt-small --set mlp.kind=swiglu --steps 300', 'one swap away from a card'],
    ['--resume runs/llama3-small-tiny-tales', 'go on where a run ended'],
    ['--init-from runs/llama3-small-tiny-tales --dataset file:book.txt', 'fine-tune on another text'],
  ],
  defaults: async (given) => {
    const { preset, resume } = withPaths(given);
    if (resume !== undefined) {
      const folder = await runFolderOf(storage, resume);
      return { source: `the run '${folder}'`, values: inheritedOptions(await readRun(storage, folder)) };
    }
    return preset === undefined ? undefined : { source: `preset '${preset}'`, values: presets[preset]! };
  },
  handler: async (given, { out }) => {
    const args = withPaths(given);
    const plan = await planOf(args, out);
    const backend = await useBackend(args.backend, args.threads === undefined ? {} : { threads: args.threads });
    checkMemory(backend)(plan.card, plan.settings);
    const session = await openSession(plan);
    try {
      await describeRun(args, plan, session, backend);
      const peaks = await sayBeforeFirstStep(out, plan, session, backend);
      const { summary, log, code } = await run(args, out, plan, session, backend, peaks);
      const curve = curveOf(log.records, plan.corpus.floor?.validation);
      const peakBytes = process.resourceUsage().maxRSS * 1024;
      const facts = endOfRunFacts(summary, curve, peakBytes, await promptFor(plan.corpus));
      const lines = endOfRun(facts, palette(out.colour), out.columns);
      for (const line of ['', ...lines]) out.say(line);
      const parameters = countParameters(plan.card).total;
      out.document({ ...summary, arch: plan.card.name, parameters, backend: backend.name, peakRssBytes: peakBytes });
      return code;
    } finally {
      session.dispose();
    }
  },
};

/** What is to be done, once nothing stands against it. */
async function planOf(args: TrainValues, out: Output): Promise<RunPlan> {
  const { resume, initFrom, tokenizer, dataset } = args;
  const request: RunRequest = {
    card: () => loadModelCard(args),
    dataset,
    ...(tokenizer !== undefined && { tokenizer }),
    ...(initFrom !== undefined && { initFrom }),
    settings: (context) => settingsOf(args, context),
    folder: (card) => folderFor(args, card),
  };
  const warn = (sentence: string) => out.note(sentence);
  const services: PlanServices = {
    storage,
    host: nodeDataHost(),
    warn,
    refuseTooLarge: checkMemory({ name: args.backend }),
  };
  if (resume === undefined) {
    const namesCard =
      args.arch !== undefined || args.card !== undefined || args.hf !== undefined || args.set.length > 0;
    if (initFrom !== undefined && namesCard) {
      throw new UserError(
        `--init-from ${initFrom} brings its own architecture: leave --arch, --card, --hf and --set out.`,
      );
    }
    return planRun(request, services);
  }
  const folder = await runFolderOf(storage, resume);
  refuseOtherRun(args, await readRun(storage, folder), folder);
  return planResumedRun(resume, request, services);
}

/** The folder that was asked for, or runs/ARCH-DATASET with a number where that is taken. */
async function folderFor({ out, dataset }: TrainValues, card: ModelCard): Promise<string> {
  if (out !== undefined) return out;
  const text = dataset.replace(/^(\w+):.*\//, '$1-').replace(/[^A-Za-z0-9._-]+/g, '-');
  const plain = `runs/${card.name}-${text}`;
  for (let number = 1; ; number++) {
    const folder = number === 1 ? plain : `${plain}-${number}`;
    if (!(await storage.exists(folder))) return folder;
  }
}

/** A check against what this process may still take on a backend, with a tenth left to others; a GPU's own memory nobody tells us. */
function checkMemory({ name, gpu = false }: { name: string; gpu?: boolean }) {
  return (card: ModelCard, settings: TrainingSettings): void => {
    if (gpu) return;
    const limit = memoryLimit(name, process.availableMemory() * 0.9);
    refuseTooLarge(card, settings, limit, () => modelCardNames().map((arch) => loadModelCard({ arch })));
  };
}

const versionsOf = (backend: BackendReport): Record<string, string> => ({
  node: process.version,
  tfjs: version_core,
  [backend.name]: backend.version,
});

/** Writes into the run's folder what it is, or that it goes on. */
async function describeRun(args: TrainValues, plan: RunPlan, { trainer }: Session, backend: BackendReport) {
  const { folder, card, corpus, settings, resumed, initFrom } = plan;
  const machine = { backend: backend.name, versions: versionsOf(backend) };
  if (resumed) {
    const continuation = { step: trainer.step, ...machine, changed: changedOptions(args, resumed.run) };
    return continueRun(storage, folder, resumed.run, continuation, corpus.tokenizer);
  }
  const description = {
    card,
    dataset: args.dataset,
    corpus: corpus.identity,
    tokenizer: corpus.tokenizer.name,
    settings,
    options: savedOptions(args),
    ...machine,
    ...(initFrom && { initialisedFrom: initFrom.path }),
    continuations: [],
  };
  return createRun(storage, folder, description, corpus.tokenizer);
}

async function sayBeforeFirstStep(out: Output, plan: RunPlan, { trainer }: Session, backend: BackendReport) {
  const { card, corpus, settings } = plan;
  const colours = palette(out.colour);
  const peaks = await measurePeaks(now);
  const facts = beforeFirstStepFacts(card, corpus, settings, backend, peaks);
  for (const line of beforeFirstStep(facts, colours, out.columns)) out.say(line);
  const time = {
    secondsPerStep: await expectedStepSeconds(trainer, now, peaks.bytesPerSecond),
    steps: lastStep(settings) - trainer.step,
    warmupSteps: WARM_UP_PASSES,
    flopsPerStep: stepFlops(card, settings),
    peakFlops: peaks.flopsPerSecond,
  };
  for (const line of timeLines(time, colours, out.columns)) out.say(line);
  out.say('');
  return peaks;
}

const lastStep = ({ steps, stopAfter }: TrainingSettings): number => Math.min(steps, stopAfter ?? steps);

/** Trains, and draws the progress; a picture of the losses is left behind even where training fails. */
async function run(
  args: TrainValues,
  out: Output,
  plan: RunPlan,
  session: Session,
  backend: BackendReport,
  peaks: Peaks,
): Promise<{ summary: RunSummary; log: RunLog; code: number }> {
  const { folder, settings, corpus } = plan;
  const log = await RunLog.open(storage, folder, session.trainer.step, jsonLine);
  const drawCurve = () => {
    const curve = curveOf(log.records, corpus.floor?.validation);
    return storage.write(joinPath(folder, RUN_FILES.curve), new TextEncoder().encode(lossSvg(folder, curve)));
  };
  const columns = () => (out.json ? process.stderr : process.stdout).columns || out.columns;
  const drawing = {
    write: (text: string) => out.write(text),
    interactive: out.interactive,
    colour: out.colour,
    columns,
  };
  const progress = trainProgress(drawing, settings.steps, lastStep(settings));
  const stop = interruption((sentence) => out.note(sentence));
  const services = {
    storage,
    now,
    breathe: immediately,
    interrupted: stop.by,
    memory: () => process.memoryUsage.rss(),
    peakFlops: peaks.flopsPerSecond,
    versions: versionsOf(backend),
    keep: args.keep,
  };
  let summary: RunSummary | undefined;
  try {
    for await (const event of carryOut(plan, session, log, services)) {
      progress.show(event);
      if (event.kind === 'end') summary = event.summary;
    }
  } catch (error) {
    progress.end();
    await drawCurve().catch(() => undefined);
    throw error;
  } finally {
    stop.release();
  }
  progress.end();
  await drawCurve();
  return { summary: summary!, log, code: stop.code() };
}
