// Transformers with weights from files: named tensors assigned one at a time, from a Hugging Face folder or one of our checkpoints.
import { tensor, type Variable } from '@tensorflow/tfjs-core';
import type { ModelCard } from '../cards/model-card.ts';
import type { OpenCheckpoint } from '../formats/checkpoint.ts';
import { type HuggingFaceModel, readHuggingFaceConfig } from '../formats/hugging-face-config.ts';
import type { NamedTensor } from '../formats/hugging-face-names.ts';
import { loadHuggingFaceWeights } from '../formats/hugging-face-weights.ts';
import type { Storage } from '../formats/storage.ts';
import { UserError, unknownName } from '../terms/user-error.ts';
import { Transformer } from './transformer.ts';

/** Tensors under our names, in any order, handed over one at a time so that no second copy of the model is in memory. */
export type NamedTensors = Iterable<NamedTensor> | AsyncIterable<NamedTensor>;

/**
 * A model of a card whose every weight is one of `tensors`. The caller disposes it.
 * @param source where the tensors come from, for errors: a file, a folder
 * @throws UserError where a tensor is unknown, given twice, missing, or of another shape; nothing is left allocated then
 */
export async function transformerOf(card: ModelCard, tensors: NamedTensors, source: string): Promise<Transformer> {
  const model = new Transformer(card);
  try {
    await assignWeights(model, tensors, source);
    return model;
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/** The model of a Hugging Face folder (config.json and safetensors), already opened or by its path. The caller disposes it. */
export async function transformerOfHuggingFace(
  storage: Storage,
  folder: string,
  opened?: HuggingFaceModel,
): Promise<Transformer> {
  const description = opened ?? (await readHuggingFaceConfig(storage, folder));
  return transformerOf(description.card, loadHuggingFaceWeights(storage, folder, description), folder);
}

/** The model of a checkpoint, without its optimizer. The caller disposes it. */
export async function transformerOfCheckpoint({ card, weights }: OpenCheckpoint): Promise<Transformer> {
  async function* tensors(): AsyncGenerator<NamedTensor> {
    for (const { name, shape } of weights.tensors.values())
      yield { name, shape, data: await weights.readFloat32(name) };
  }
  return transformerOf(card, tensors(), weights.path);
}

/**
 * Gives every weight of the model the values of the tensor with its name.
 * @throws UserError as `transformerOf` does; some weights may have been replaced by then
 */
export async function assignWeights(model: Transformer, tensors: NamedTensors, source: string): Promise<void> {
  const weights = new Map(model.namedWeights().map((weight) => [weight.name, weight]));
  const waiting = new Set(weights.keys());
  for await (const { name, shape, data } of tensors) {
    const weight = weights.get(name);
    if (!weight) throw unknownName(`tensor in '${source}'`, name, [...weights.keys()]);
    if (String(weight.shape) !== String(shape)) {
      throw new UserError(`'${source}': tensor '${name}' has shape [${shape}], but the model has [${weight.shape}].`);
    }
    if (!waiting.delete(name)) throw new UserError(`'${source}': tensor '${name}' is there twice.`);
    assign(weight.variable, data, shape);
  }
  const [missing] = waiting;
  if (missing === undefined) return;
  const others = waiting.size > 1 ? `, and ${waiting.size - 1} more` : '';
  throw new UserError(
    `'${source}': tensor '${missing}' of shape [${weights.get(missing)!.shape}] is missing${others}.`,
  );
}

function assign(variable: Variable, data: Float32Array, shape: readonly number[]): void {
  const values = tensor(data, [...shape], 'float32');
  variable.assign(values as never);
  values.dispose();
}
