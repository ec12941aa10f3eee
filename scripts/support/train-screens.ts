// What yarn train shows, made from what it knows: the screen before the first step, the progress, the last screen.
import type { ModelCard } from '../../src/cards/model-card.ts';
import { bytesPerToken, type Corpus } from '../../src/data/corpus.ts';
import type { BackendReport } from '../../src/engine/backends.ts';
import { probeBandwidth, probeMatmul } from '../../src/engine/probe.ts';
import type { BackendFacts, BeforeFirstStep, StepFacts } from '../../src/report/before-first-step.ts';
import type { EndOfRun } from '../../src/report/end-of-run.ts';
import type { LossCurve } from '../../src/report/loss-curve.ts';
import { shellWord } from '../../src/terms/shell-word.ts';
import { UserError } from '../../src/terms/user-error.ts';
import { countFlops } from '../../src/theory/flops.ts';
import { parameterTerms, parameterTotal } from '../../src/theory/parameters.ts';
import { peakMemory } from '../../src/theory/peak.ts';
import { type RunSummary, stepFlops } from '../../src/training/run.ts';
import { RUN_FILES } from '../../src/training/run-folder.ts';
import type { LogRecord } from '../../src/training/run-log.ts';
import type { TrainingSettings } from '../../src/training/settings.ts';

export interface Peaks {
  readonly flopsPerSecond: number;
  readonly bytesPerSecond: number;
}

/** How fast the current backend is. @param now milliseconds */
export async function measurePeaks(now: () => number): Promise<Peaks> {
  const { flopsPerSecond } = await probeMatmul(now);
  const { bytesPerSecond } = await probeBandwidth(now);
  return { flopsPerSecond, bytesPerSecond };
}

export function beforeFirstStepFacts(
  card: ModelCard,
  corpus: Corpus,
  settings: TrainingSettings,
  backend: BackendReport,
  peaks: Peaks,
): BeforeFirstStep {
  return {
    card,
    text: {
      name: corpus.name,
      tokenizer: corpus.tokenizer.name,
      trainTokens: corpus.train.length,
      validationTokens: corpus.validation.length,
      bytesPerToken: bytesPerToken(corpus),
      ...(corpus.floor && { floor: { loss: corpus.floor.validation, because: "the generator's entropy" } }),
    },
    backend: backendFacts(backend, peaks),
    parameters: {
      total: parameterTotal(card).value,
      groups: parameterTerms(card).map(({ id, value, formula }) => ({ name: id, value, formula })),
      tied: card.tied,
    },
    step: stepFacts(card, settings),
    memory: memoryParts(card, settings),
  };
}

function backendFacts(backend: BackendReport, { flopsPerSecond, bytesPerSecond }: Peaks): BackendFacts {
  const threads = backend.threads === undefined ? '' : `, ${backend.threads} thread${backend.threads > 1 ? 's' : ''}`;
  return {
    name: backend.name,
    detail: `${backend.name === 'native' ? 'TensorFlow' : 'tfjs'} ${backend.version}${threads}`,
    peakFlops: flopsPerSecond,
    bandwidth: bytesPerSecond,
    others: ['wasm', 'cpu'].filter((name) => name !== backend.name),
    notes: [
      ...(backend.remark ? [backend.remark] : []),
      ...backend.others
        .filter(({ why }) => !/^(slower than|not asked)/.test(why))
        .map(({ name, why }) => `no ${name}: ${why}`),
    ],
  };
}

function stepFacts(card: ModelCard, settings: TrainingSettings): StepFacts {
  const { batch, sequence, accumulation, steps, stopAfter } = settings;
  return {
    batch,
    accumulation,
    sequence,
    steps: Math.min(steps, stopAfter ?? steps),
    flops: stepFlops(card, settings),
    sixN: 6n * parameterTotal(card).value,
    formula: countFlops(card, { batch, sequence }, 'palm').forwardBackward.formula,
  };
}

/** Expected bytes by category at the fullest moment: what persists, and the largest phase of a step. */
function memoryParts(card: ModelCard, { batch, sequence, optimizer }: TrainingSettings): BeforeFirstStep['memory'] {
  const kind = optimizer.kind === 'sgd' ? 'sgd-momentum' : optimizer.kind;
  const { persistent, phases, largest } = peakMemory(card, { batch, sequence }, kind);
  const named: Record<string, string> = {
    'optimizer.adamw': 'AdamW',
    'optimizer.sgd': 'momentum',
    parameters: 'parameters',
  };
  const saved = phases[largest].filter(({ id }) => id !== 'gradients' && !id.endsWith('/dw') && !id.endsWith('/dx'));
  const activations = largest === 'optimizer' ? 0n : saved.reduce((sum, { value }) => sum + value, 0n);
  const others = largest === 'optimizer' ? phases[largest] : phases[largest].filter((term) => !saved.includes(term));
  const rest = others.reduce((sum, { value }) => sum + value, 0n);
  return [
    ...persistent.map(({ id, value, formula }) => ({ name: named[id] ?? id, value, formula })),
    // A dozen terms, which yarn predict lists one by one.
    { name: 'saved activations', value: activations, formula: 'Σ saved' },
    {
      name: phases[largest].some(({ id }) => id === 'gradients') ? 'gradients and temporaries' : 'temporaries',
      value: rest,
      formula: others.map(({ formula }) => formula).join(' + '),
    },
  ];
}

/** The curve that a run's log holds. */
export function curveOf(records: readonly LogRecord[], floor: number | undefined): LossCurve {
  const points = (kind: string) =>
    records.filter((record) => record.kind === kind).map(({ step, loss }) => ({ step, loss: loss as number }));
  return { train: points('step'), validation: points('validation'), ...(floor !== undefined && { floor }) };
}

/** How stories begin; where the tokenizer has no such characters, how the validation text does. */
export async function promptFor({ tokenizer, validation }: Corpus): Promise<string> {
  const story = 'Once upon a time';
  try {
    await tokenizer.encode(story);
    return story;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const opening = tokenizer.decode(validation.subarray(0, 64));
    return /\p{L}+( \p{L}+){0,3}/u.exec(opening)?.[0] ?? opening.slice(0, 1);
  }
}

/** The last screen's facts. @param prompt a text that the model can go on from */
export function endOfRunFacts(summary: RunSummary, curve: LossCurve, peakBytes: number, prompt: string): EndOfRun {
  const { stepsDone, stepsPlanned } = summary;
  const folder = shellWord(summary.folder);
  const resume = stepsDone < stepsPlanned ? [`yarn train --resume ${folder}`] : [];
  const files = ['checkpoints', RUN_FILES.log, RUN_FILES.curve, RUN_FILES.run];
  const next = [...resume, `yarn generate --checkpoint ${folder} --prompt ${shellWord(prompt)}`];
  return { ...summary, curve, samples: [], peakBytes, files, next };
}
