// What a checkpoint of a run holds, and how a trainer is put back into it: weights, optimizer state, step.
import { keep, type Tensor, tensor } from '@tensorflow/tfjs-core';
import type { ModelCard } from '../cards/model-card.ts';
import type { CheckpointContent, OpenCheckpoint } from '../formats/checkpoint.ts';
import type { SafetensorsFile, TensorSource } from '../formats/safetensors.ts';
import { UserError } from '../terms/user-error.ts';
import { assign } from './optimizer.ts';
import type { Trainer } from './trainer.ts';

/** What a run remembers besides tensors. */
export interface RunProgress {
  /** tokens trained on */
  readonly tokens: number;
  /** seconds spent in steps and validations */
  readonly seconds: number;
  readonly best?: { readonly loss: number; readonly step: number };
}

const source = (name: string, value: Tensor): TensorSource => ({
  name,
  shape: value.shape,
  data: async () => Float32Array.from(await value.data()),
});

/** The content of a checkpoint of this moment; tensors are read one by one while it is written. */
export function checkpointContent(
  trainer: Trainer,
  card: ModelCard,
  progress: RunProgress,
  versions: Record<string, string>,
): CheckpointContent {
  const { seed } = trainer.settings;
  return {
    step: trainer.step,
    card,
    versions,
    // Windows, dropout masks and the learning rate are functions of the seed and the step: no other state exists.
    progress: { ...progress, seed, optimizer: trainer.settings.optimizer.kind },
    weights: trainer.model.namedWeights().map(({ name, variable }) => source(name, variable)),
    optimizer: trainer.optimizer.stateTensors().map(({ name, tensor }) => source(name, tensor)),
  };
}

/**
 * Puts weights, optimizer state and step of a checkpoint into a trainer.
 * @throws UserError where it belongs to another model, seed or optimizer; the trainer is then of no use
 */
export async function restore(trainer: Trainer, checkpoint: OpenCheckpoint): Promise<RunProgress> {
  const { seed, optimizer, tokens, seconds, best } = checkpoint.progress as unknown as RunProgress & {
    seed: number;
    optimizer: string;
  };
  const { settings } = trainer;
  if (optimizer !== settings.optimizer.kind) {
    throw new UserError(
      `Checkpoint '${checkpoint.path}' has the state of optimizer ${optimizer}, which ${settings.optimizer.kind} cannot go on from.`,
    );
  }
  if (seed !== settings.seed) {
    throw new UserError(`Checkpoint '${checkpoint.path}' was trained with --seed ${seed}, not ${settings.seed}.`);
  }
  await restoreWeights(trainer, checkpoint);
  for (const { name, tensor: current } of trainer.optimizer.stateTensors()) {
    trainer.optimizer.setState(name, await readTensor(checkpoint.optimizer, name, current.shape));
  }
  trainer.optimizer.step = checkpoint.step;
  return { tokens, seconds, ...(best && { best }) };
}

/** Puts a checkpoint's weights into the trainer's model, and nothing else: to train on from them. */
export async function restoreWeights(trainer: Trainer, checkpoint: OpenCheckpoint): Promise<void> {
  for (const { name, shape, variable } of trainer.model.namedWeights()) {
    assign(variable, await readTensor(checkpoint.weights, name, shape));
  }
}

async function readTensor(file: SafetensorsFile, name: string, shape: readonly number[]): Promise<Tensor> {
  const there = file.tensors.get(name)?.shape;
  if (String(there) !== String(shape)) {
    throw new UserError(
      `'${file.path}': tensor '${name}' is ${there ? `[${there}]` : 'missing'}, but the model has [${shape}].`,
    );
  }
  return keep(tensor(await file.readFloat32(name), [...shape], 'float32'));
}
