// yarn train: from a card and a text to a trained model, with every derived quantity shown before the first step.
import { performance } from 'node:perf_hooks';
import { setImmediate as immediately } from 'node:timers/promises';
import { version_core } from '@tensorflow/tfjs-core';
import type { ModelCard } from '../src/cards/model-card.ts';
import type { Corpus } from '../src/data/corpus.ts';
import { tokenizerFromJSON } from '../src/data/tokenizers/create.ts';
import { useBackend } from '../src/engine/backends.ts';
import { probeBandwidth, probeMatmul } from '../src/engine/probe.ts';
import { findCheckpoint, type OpenCheckpoint, saveCheckpoint } from '../src/formats/checkpoint.ts';
import { joinPath } from '../src/formats/storage.ts';
import { loadModelCard, modelCardNames } from '../src/node/cards.ts';
import { nodeDataHost } from '../src/node/data-host.ts';
import { nodeStorage as storage } from '../src/node/storage.ts';
import { beforeFirstStep, timeLines } from '../src/report/before-first-step.ts';
import { endOfRun } from '../src/report/end-of-run.ts';
import { jsonLine } from '../src/report/jsonl.ts';
import { palette } from '../src/report/palette.ts';
import { progress as progressOf } from '../src/report/progress.ts';
import { lossSvg } from '../src/report/svg.ts';
import { UserError } from '../src/terms/user-error.ts';
import { checkpointContent, type RunProgress } from '../src/training/checkpoint.ts';
import { trainingLoop } from '../src/training/loop.ts';
import { refuseTooLarge } from '../src/training/memory-check.ts';
import {
  createRun,
  RUN_FILES,
  readConfig,
  readLog,
  readTokenizer,
  refuseForeignFolder,
  runFolderOf,
} from '../src/training/run-folder.ts';
import { checkSequence, openCorpus, openSession } from '../src/training/session.ts';
import { presets } from '../src/training/settings.ts';
import { runCommand } from './support/cli.ts';
import { configOf, kebab } from './support/command-line.ts';
import { interruption } from './support/interruption.ts';
import { fixedOptions, passingOptions, settingsOf, type TrainValues, trainOptions } from './support/train-options.ts';
import { beforeFirstStepFacts, curveOf, stepFlops } from './support/train-screens.ts';

runCommand({
  name: 'train',
  summary: 'Train a model on text, with parameters, FLOPs, memory and time predicted before the first step.',
  options: trainOptions,
  examples: [
    ['--arch llama3-small', 'the default: 1,000 steps on generated stories'],
    ['--preset nanogpt-cpu', "nanoGPT's recipe for a CPU, on tiny Shakespeare"],
    ['--arch gpt-small --dataset file:book.txt --tokenizer char', 'a text of your own'],
    ['--arch gpt-small --set mlp.kind=swiglu --steps 300', 'one swap away from a card'],
    ['--resume runs/llama3-small-tiny-tales', 'go on where a run ended'],
  ],
  defaults: async ({ preset, resume }) => {
    if (resume !== undefined) {
      const folder = await runFolderOf(storage, resume);
      return { source: `the run '${folder}'`, values: await readConfig(storage, folder) };
    }
    return preset === undefined ? undefined : { source: `preset '${preset}'`, values: presets[preset]! };
  },
  handler: async (args, { out }) => {
    const stop = interruption((sentence) => out.note(sentence));
    const warn = (sentence: string) => out.note(sentence);
    const resume = args.resume === undefined ? undefined : await findCheckpoint(storage, args.resume);
    const initFrom = args.initFrom === undefined || resume ? undefined : await findCheckpoint(storage, args.initFrom);
    const origin = resume ?? initFrom;
    if (resume) await refuseOtherRun(args, args.resume!);

    const asked = origin ? cardOfCheckpoint(args, origin, resume !== undefined) : loadModelCard(args);
    const host = nodeDataHost();
    const inherited = origin && args.tokenizer === undefined ? await tokenizerOf(origin) : args.tokenizer;
    const request = {
      card: asked,
      dataset: args.dataset,
      host,
      warn,
      ...(inherited !== undefined && { tokenizer: inherited }),
    };
    const { corpus, card } = await openCorpus(request, origin !== undefined);
    const settings = settingsOf(args, card.context);
    checkSequence(card, corpus, settings.sequence);
    if (resume && resume.step >= settings.steps) {
      throw new UserError(
        `The run has done all ${settings.steps} steps: give more with --steps ${settings.steps * 2}.`,
      );
    }
    const folder = resume ? await runFolderOf(storage, args.resume!) : await outFolder(args, card, corpus);
    refuseTooLarge(
      card,
      { batch: settings.batch, sequence: settings.sequence },
      settings.optimizer.kind,
      availableMemory(),
      shippedCards(),
    );

    const backend = await useBackend(args.backend, args.threads === undefined ? {} : { threads: args.threads });
    const { model, trainer, progress } = await openSession(card, corpus, settings, {
      ...(resume && { resume }),
      ...(initFrom && { initFrom }),
    });
    const versions = versionsOf(backend.version);
    if (!resume) {
      const description = {
        card,
        dataset: args.dataset,
        corpus: corpus.identity,
        tokenizer: corpus.tokenizer.name,
        settings,
        backend: backend.name,
        versions,
        ...(initFrom && { initialisedFrom: initFrom.path }),
      };
      const config = configOf(trainOptions, args, passingOptions);
      await createRun(storage, folder, description, config, corpus.tokenizer);
    }

    const colours = palette(out.colour);
    const now = () => performance.now();
    const peaks = {
      flopsPerSecond: (await probeMatmul(now)).flopsPerSecond,
      bytesPerSecond: (await probeBandwidth(now)).bytesPerSecond,
    };
    const facts = beforeFirstStepFacts(card, corpus, settings, backend, peaks);
    for (const line of beforeFirstStep(facts, colours, out.columns)) out.say(line);
    const last = Math.min(settings.steps, settings.stopAfter ?? settings.steps);
    const flopsPerStep = stepFlops(card, settings);
    const timing = { steps: last - trainer.step, warmupSteps: 2, flopsPerStep, peakFlops: peaks.flopsPerSecond };
    const secondsPerStep = rehearse(trainer.rehearse.bind(trainer), now);
    for (const line of timeLines({ ...timing, secondsPerStep }, colours, out.columns)) out.say(line);
    out.say('');

    const logPath = joinPath(folder, RUN_FILES.log);
    const history = resume ? await readLog(storage, folder, resume.step) : [];
    await storage.write(logPath, new TextEncoder().encode(history.map(jsonLine).join('')));
    const records = [...history];
    const record = async (entry: { kind: string; step: number } & Record<string, unknown>) => {
      records.push(entry);
      await storage.append(logPath, jsonLine(entry));
    };
    const view = progressOf({
      write: (text) => out.write(text),
      interactive: out.interactive,
      colour: out.colour,
      columns: () => process.stdout.columns ?? out.columns,
    });
    const save = async (state: RunProgress) => {
      const content = checkpointContent(trainer, card, state, versions);
      const protect = state.best ? [state.best.step] : [];
      return saveCheckpoint(storage, folder, content, { keep: args.keep, protect });
    };

    let shown: Parameters<typeof view.update>[0] | undefined;
    let validationLoss: number | undefined;
    let end: { progress: RunProgress; endedBy?: string } = { progress };
    let stepSeconds = 0;
    let stepTokens = 0;
    const firstStep = trainer.step;
    const services = { now, breathe: immediately, interrupted: stop.requested, save };
    try {
      for await (const event of trainingLoop(trainer, corpus.validation, progress, services)) {
        if (event.kind === 'step') {
          stepSeconds += event.seconds;
          stepTokens += event.tokens;
          const flopsPerSecond = Number(flopsPerStep) / event.seconds;
          const memoryBytes = process.memoryUsage.rss();
          const rates = {
            tokensPerSecond: event.tokens / event.seconds,
            flopsPerSecond,
            mfu: flopsPerSecond / peaks.flopsPerSecond,
          };
          const left = stepSeconds / (event.step - firstStep);
          shown = {
            step: event.step,
            steps: settings.steps,
            loss: event.loss,
            ...(validationLoss !== undefined && { validationLoss }),
            learningRate: event.learningRate,
            gradientNorm: event.gradientNorm,
            ...rates,
            memoryBytes,
            secondsLeft: (last - event.step) * left,
          };
          view.update(shown);
          await record({ ...event, ...rates, memoryBytes });
        } else if (event.kind === 'validation') {
          validationLoss = event.loss;
          if (shown) view.update({ ...shown, validationLoss, justValidated: true });
          await record(event);
        } else if (event.kind === 'checkpoint') {
          await record({ ...event, path: event.path.slice(folder.length + 1) });
        } else {
          end = event;
        }
      }
    } finally {
      view.end();
      const curve = curveOf(records, corpus.floor?.validation);
      await storage.write(joinPath(folder, RUN_FILES.curve), new TextEncoder().encode(lossSvg(folder, curve)));
    }

    const curve = curveOf(records, corpus.floor?.validation);
    const finalLoss = curve.train.at(-1)?.loss;
    const speed = stepTokens / stepSeconds;
    const flopsPerSecond = (Number(flopsPerStep) * (trainer.step - firstStep)) / stepSeconds;
    const summary = {
      trainLoss: finalLoss ?? Number.NaN,
      ...(validationLoss !== undefined && { validationLoss }),
      ...(end.progress.best && { best: end.progress.best }),
      stepsDone: trainer.step,
      stepsPlanned: settings.steps,
      ...(end.endedBy && { endedBy: end.endedBy }),
      tokens: end.progress.tokens,
      seconds: end.progress.seconds,
      tokensPerSecond: speed,
      flopsPerSecond,
      mfu: flopsPerSecond / peaks.flopsPerSecond,
      folder,
    };
    const next = [`yarn generate --checkpoint ${folder} --prompt "Once upon a time"`];
    if (trainer.step < settings.steps) next.unshift(`yarn train --resume ${folder}`);
    const files = ['checkpoints', RUN_FILES.log, RUN_FILES.curve, RUN_FILES.run];
    const peakBytes = process.resourceUsage().maxRSS * 1024;
    for (const line of endOfRun({ ...summary, curve, samples: [], peakBytes, files, next }, colours, out.columns))
      out.say(line);
    out.document({
      ...summary,
      arch: card.name,
      parameters: facts.parameters.total,
      backend: backend.name,
      peakRssBytes: peakBytes,
    });
    trainer.dispose();
    model.dispose();
    return end.endedBy === 'Ctrl-C' ? 130 : 0;
  },
});

/** Seconds of one forward and backward pass without an update: the second of two, when the machine is warm. */
function rehearse(pass: () => void, now: () => number): number {
  pass();
  const start = now();
  pass();
  return (now() - start) / 1000;
}

/** Options that make a run what it is must be as they were. */
async function refuseOtherRun(args: TrainValues, path: string): Promise<void> {
  const folder = await runFolderOf(storage, path);
  const config = await readConfig(storage, folder);
  for (const name of fixedOptions) {
    const before = JSON.stringify(config[kebab(name)] ?? trainOptions[name].absent ?? null);
    const after = JSON.stringify(args[name] ?? null);
    if (before !== after) {
      throw new UserError(
        `The run '${folder}' was made with --${kebab(name)} ${before}, not ${after}: leave it out, or start a new run.`,
      );
    }
  }
}

function cardOfCheckpoint(args: TrainValues, checkpoint: OpenCheckpoint, resumed: boolean): ModelCard {
  if (!resumed && (args.arch !== undefined || args.card !== undefined || args.set.length > 0)) {
    throw new UserError(
      `--init-from ${args.initFrom} brings its own architecture (${checkpoint.card.name}): leave --arch, --card and --set out.`,
    );
  }
  return checkpoint.card;
}

async function tokenizerOf(checkpoint: OpenCheckpoint) {
  const folder = await runFolderOf(storage, checkpoint.path);
  return tokenizerFromJSON(await readTokenizer(storage, folder));
}

/** The folder that was asked for, or runs/ARCH-DATASET with a number where that is taken. */
async function outFolder({ out, dataset }: TrainValues, card: ModelCard, { name }: Corpus): Promise<string> {
  if (out !== undefined) {
    await refuseForeignFolder(storage, out);
    return out;
  }
  const plain = `runs/${card.name}-${(name || dataset).replace(/[^A-Za-z0-9._-]+/g, '-')}`;
  for (let number = 1; ; number++) {
    const folder = number === 1 ? plain : `${plain}-${number}`;
    if (!(await storage.exists(folder))) return folder;
  }
}

/** Bytes that this process may still take, where Node knows (20.13 and newer), with a tenth left to others. */
function availableMemory(): number {
  return process.availableMemory() * 0.9;
}

const shippedCards = () => modelCardNames().map((arch) => loadModelCard({ arch }));

const versionsOf = (backend: string): Record<string, string> => ({
  node: process.version,
  tfjs: version_core,
  backend,
});
