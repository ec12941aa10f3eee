// A folder of golden results: a Hugging Face model, one batch, and what PyTorch computed for it.
import { z } from 'zod';
import { throwFirstIssue } from '../cards/schema-errors.ts';
import { UserError } from '../terms/user-error.ts';
import { type HuggingFaceModel, readHuggingFaceConfig } from './hugging-face-config.ts';
import { type HuggingFaceMapping, huggingFaceMappings, toHuggingFace } from './hugging-face-names.ts';
import { readJson } from './json-file.ts';
import { openSafetensors, type SafetensorsFile } from './safetensors.ts';
import { joinPath, type Storage } from './storage.ts';

const expectedSchema = z.looseObject({
  parameters: z.int().min(1),
  loss: z.number(),
  adamw: z.looseObject({
    lr: z.number().positive(),
    betas: z.tuple([z.number(), z.number()]),
    eps: z.number().positive(),
    weight_decay: z.number().min(0),
    decayed: z.literal('every parameter'),
    losses: z.array(z.number()).min(1),
  }),
  greedy: z.looseObject({ prompt: z.array(z.int()).min(1), tokens: z.array(z.int()).min(1) }).optional(),
  matmul_flops: z.looseObject({ forward: z.int(), forward_backward: z.int() }).optional(),
});

/** What expected.json says, under its own names. */
export type GoldenExpectations = z.output<typeof expectedSchema>;

/** One golden folder; logits and gradients are read when asked for. */
export interface Golden extends HuggingFaceModel {
  readonly folder: string;
  readonly batch: number;
  readonly sequence: number;
  /** [batch, sequence], row by row. */
  readonly inputIds: Int32Array;
  /** [batch, sequence]: the token after each of `inputIds`. */
  readonly labels: Int32Array;
  readonly expected: GoldenExpectations;
  /** [batch, sequence, vocabulary] */
  logits(): Promise<Float32Array>;
  /** The gradient of the mean loss by a Hugging Face tensor, in that tensor's layout. */
  gradient(name: string): Promise<Float32Array>;
}

/**
 * Opens `config.json`, `expected.json` and `expected.safetensors`, and checks that they speak of one model and one batch. The
 * weights, in `model.safetensors`, are `loadHuggingFaceWeights`'s.
 * @throws UserError where something is missing, unreadable, of an unknown kind, or does not fit the rest
 */
export async function openGolden(storage: Storage, folder: string): Promise<Golden> {
  const { kind, card } = await readHuggingFaceConfig(storage, folder);
  const expected = await readExpectations(storage, joinPath(folder, 'expected.json'));
  const file = await openSafetensors(storage, joinPath(folder, 'expected.safetensors'));
  const [batch = 0, sequence = 0] = file.tensors.get('input_ids')?.shape ?? [];
  checkShape(file, 'input_ids', [batch, sequence]);
  checkShape(file, 'labels', [batch, sequence]);
  checkShape(file, 'logits', [batch, sequence, card.vocabulary]);
  for (const part of huggingFaceMappings(kind, card).flatMap(({ parts }) => parts)) {
    checkShape(file, `grad.${part.name}`, part.shape);
  }
  return {
    folder,
    kind,
    card,
    batch,
    sequence,
    inputIds: await readTokens(file, 'input_ids', card.vocabulary),
    labels: await readTokens(file, 'labels', card.vocabulary),
    expected,
    logits: () => file.readFloat32('logits'),
    gradient: (name) => file.readFloat32(`grad.${name}`),
  };
}

/**
 * How far the gradient by one of our weights is from the golden one, per Hugging Face tensor: max|difference| / max|reference|.
 * @param ours values of the mapping's shape
 */
export async function gradientErrors(
  golden: Golden,
  mapping: HuggingFaceMapping,
  ours: Float32Array<ArrayBuffer>,
): Promise<{ name: string; error: number }[]> {
  const errors: { name: string; error: number }[] = [];
  for (const { name, data } of toHuggingFace(mapping, ours)) {
    errors.push({ name, error: relativeError(data, await golden.gradient(name)) });
  }
  return errors;
}

/** max|a - b| / max|b|; 0 where both are zero throughout, and infinite where a number is missing (NaN). */
export function relativeError(values: Float32Array, reference: Float32Array): number {
  const difference = largestDifference(values, reference);
  const largest = reference.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return difference === 0 ? 0 : difference / largest;
}

/** max|a - b|; infinite where a number is missing (NaN), so that no comparison with a tolerance lets it pass. */
export function largestDifference(values: Float32Array, reference: Float32Array): number {
  let most = 0;
  for (let i = 0; i < reference.length; i++) {
    const difference = Math.abs(values[i]! - reference[i]!);
    if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY;
    if (difference > most) most = difference;
  }
  return most;
}

async function readExpectations(storage: Storage, path: string): Promise<GoldenExpectations> {
  const json = await readJson(storage, path);
  const result = expectedSchema.safeParse(json);
  if (!result.success) throwFirstIssue(`'${path}'`, expectedSchema, json, result.error);
  return result.data;
}

function checkShape(file: SafetensorsFile, name: string, shape: readonly number[]): void {
  const found = file.tensors.get(name)?.shape;
  if (found !== undefined && String(found) === String(shape) && !shape.includes(0)) return;
  const state = found === undefined ? 'is missing' : `has shape [${found}]`;
  throw new UserError(
    `'${file.path}': tensor '${name}' ${state}; expected is [${shape.map((extent) => extent || '?')}].`,
  );
}

async function readTokens(file: SafetensorsFile, name: string, vocabulary: number): Promise<Int32Array> {
  const tokens = await file.readInt32(name);
  const wrong = tokens.find((token) => token < 0 || token >= vocabulary);
  if (wrong === undefined) return tokens;
  throw new UserError(
    `'${file.path}': tensor '${name}' holds ${wrong}, outside the vocabulary of ${vocabulary} tokens.`,
  );
}
