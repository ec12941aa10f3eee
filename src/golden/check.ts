// Compares a model with what PyTorch computed for it: logits, loss, gradients, ten optimizer steps, greedy tokens.
import { tensor1d, tidy } from '@tensorflow/tfjs-core';
import { transformerOfHuggingFace } from '../architectures/load.ts';
import type { Transformer } from '../architectures/transformer.ts';
import { weightSize } from '../cards/weights.ts';
import type { Batch } from '../data/batches.ts';
import type { BackendName } from '../engine/backends.ts';
import { type Golden, gradientErrors, largestDifference, openGolden } from '../formats/golden.ts';
import type { HuggingFaceKind } from '../formats/hugging-face-config.ts';
import { huggingFaceMappings } from '../formats/hugging-face-names.ts';
import type { Storage } from '../formats/storage.ts';
import { uncachedDecoder } from '../inference/decoder.ts';
import { generate } from '../inference/generate.ts';
import { Optimizer } from '../training/optimizer.ts';
import { forwardBackward, readLosses } from '../training/step.ts';

/** How far from the golden numbers is still float32's own error. */
export interface Tolerances {
  /** max |difference| */
  readonly logits: number;
  readonly loss: number;
  /** max |difference| / max |reference| of each tensor */
  readonly gradient: number;
  /** of each loss */
  readonly adamw: number;
}

const NATIVE: Tolerances = { logits: 2e-5, loss: 2e-6, gradient: 1e-5, adamw: 1e-5 };
const WIDER: Tolerances = { logits: 1e-4, loss: 1e-5, gradient: 5e-5, adamw: 5e-5 };

/** Native's own; five times wider on the others, whose exponentials and sums are less exact. */
export const tolerancesOn = (backend: BackendName): Tolerances => (backend === 'native' ? NATIVE : WIDER);

/** What was measured for one golden folder. A difference is infinite where a number is missing (NaN). */
export interface GoldenResult {
  readonly folder: string;
  readonly kind: HuggingFaceKind;
  readonly logits: number;
  readonly loss: number;
  /** The worst tensor by Hugging Face's name. */
  readonly gradient: { readonly name: string; readonly error: number };
  /** The worst of the losses; `step` counts from 1. */
  readonly adamw: { readonly step: number; readonly difference: number };
  /** Null where the folder expects none. `firstWrong` counts from 1. */
  readonly greedy: { readonly reproduced: boolean; readonly firstWrong?: number; readonly tokens: number } | null;
  readonly parameters: { readonly found: bigint; readonly expected: number };
  /** One clause for each measure that is beyond its tolerance; none where all is well. */
  readonly failures: readonly string[];
}

/**
 * Checks one folder on the current backend.
 * @throws UserError where the folder is missing, unreadable, of an unknown kind, or contradicts itself
 */
export async function checkGolden(storage: Storage, folder: string, tolerances: Tolerances): Promise<GoldenResult> {
  const golden = await openGolden(storage, folder);
  const model = await transformerOfHuggingFace(storage, folder, golden);
  try {
    return await compare(model, golden, tolerances);
  } finally {
    model.dispose();
  }
}

async function compare(model: Transformer, golden: Golden, tolerances: Tolerances): Promise<GoldenResult> {
  const { folder, kind, expected } = golden;
  const batch: Batch = {
    inputs: golden.inputIds,
    labels: golden.labels,
    rows: golden.batch,
    length: golden.sequence,
  };
  const found = model.namedWeights().reduce((sum, weight) => sum + weightSize(weight), 0n);
  const measured = {
    logits: await logitsDifference(model, golden),
    ...(await lossAndGradient(model, golden, batch)),
    greedy: await greedyTokens(model, expected.greedy),
    parameters: { found, expected: expected.parameters },
    // Last, because it changes the weights.
    adamw: await adamwLosses(model, batch, expected.adamw),
  };
  return { folder, kind, ...measured, failures: failuresOf(measured, tolerances) };
}

async function logitsDifference(model: Transformer, { inputIds, batch, sequence, logits }: Golden): Promise<number> {
  const ours = tidy(() => model.logits({ ids: tensor1d(inputIds, 'int32'), batch, sequence }));
  try {
    return largestDifference(await ours.data<'float32'>(), await logits());
  } finally {
    ours.dispose();
  }
}

async function lossAndGradient(
  model: Transformer,
  golden: Golden,
  batch: Batch,
): Promise<Pick<GoldenResult, 'loss' | 'gradient'>> {
  const { losses, gradients } = forwardBackward(model, [batch]);
  try {
    const loss = await readLosses(losses);
    let worst = { name: '', error: -1 };
    // Mappings and gradients are both in the order of the card's weights.
    for (const [i, mapping] of huggingFaceMappings(golden.kind, golden.card).entries()) {
      const ours = Float32Array.from(await gradients[i]!.data<'float32'>());
      for (const each of await gradientErrors(golden, mapping, ours)) if (each.error > worst.error) worst = each;
    }
    return { loss: distance(loss, golden.expected.loss), gradient: worst };
  } finally {
    for (const gradient of gradients) gradient.dispose();
  }
}

async function greedyTokens(
  model: Transformer,
  expected: Golden['expected']['greedy'],
): Promise<GoldenResult['greedy']> {
  if (expected === undefined) return null;
  const { prompt, tokens } = expected;
  // The folder's tokens begin with the prompt.
  const wanted = prompt.every((id, i) => tokens[i] === id) ? tokens.slice(prompt.length) : tokens;
  const made: number[] = [];
  const settings = { tokens: wanted.length, temperature: 0, seed: 0 };
  for await (const { id } of generate(uncachedDecoder(model), prompt, settings)) made.push(id);
  const wrong = wanted.findIndex((id, i) => id !== made[i]);
  const reproduced = wrong < 0;
  return { reproduced, ...(!reproduced && { firstWrong: wrong + 1 }), tokens: wanted.length };
}

async function adamwLosses(
  model: Transformer,
  batch: Batch,
  settings: Golden['expected']['adamw'],
): Promise<GoldenResult['adamw']> {
  // PyTorch's script had one parameter group: biases and norms decay as well.
  const weights = model.namedWeights().map((weight) => ({ ...weight, decay: true }));
  const [beta1, beta2] = settings.betas;
  const { eps: epsilon, weight_decay: weightDecay } = settings;
  const optimizer = new Optimizer(weights, { kind: 'adamw', beta1, beta2, epsilon, weightDecay, momentum: 0 });
  try {
    let worst = { step: 0, difference: -1 };
    for (const [i, expected] of settings.losses.entries()) {
      const { losses, gradients } = forwardBackward(model, [batch]);
      const difference = distance(await readLosses(losses), expected);
      if (difference > worst.difference) worst = { step: i + 1, difference };
      optimizer.apply(gradients, settings.lr);
    }
    return worst;
  } finally {
    optimizer.dispose();
  }
}

/** |a − b|, infinite for NaN, so that no comparison lets it pass. */
function distance(a: number, b: number): number {
  const difference = Math.abs(a - b);
  return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
}

function failuresOf(
  { logits, loss, gradient, adamw, greedy, parameters }: Omit<GoldenResult, 'folder' | 'kind' | 'failures'>,
  tolerances: Tolerances,
): string[] {
  const failures: string[] = [];
  const beyond = (what: string, difference: number, tolerance: number) => {
    if (difference > tolerance)
      failures.push(`${what} ${exponential(difference)} (tolerance ${exponential(tolerance)})`);
  };
  if (parameters.found !== BigInt(parameters.expected)) {
    failures.push(`${parameters.found} parameters where ${parameters.expected} are expected`);
  }
  beyond('logits off by', logits, tolerances.logits);
  beyond('loss off by', loss, tolerances.loss);
  beyond(`gradient of ${gradient.name} off by`, gradient.error, tolerances.gradient);
  beyond(`AdamW loss ${adamw.step} off by`, adamw.difference, tolerances.adamw);
  if (greedy?.reproduced === false) failures.push(`greedy token ${greedy.firstWrong} of ${greedy.tokens} differs`);
  return failures;
}

/** 3.1e-6; two digits are enough to see how far from a tolerance a difference is. */
export const exponential = (value: number): string => (Number.isFinite(value) ? value.toExponential(1) : 'NaN');
