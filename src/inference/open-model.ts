// What a person means by a model's path: a run, one of its checkpoints, or a Hugging Face folder; with its tokenizer where it has one.
import { transformerOfCheckpoint, transformerOfHuggingFace } from '../architectures/load.ts';
import type { Transformer } from '../architectures/transformer.ts';
import { tokenizerFromJSON } from '../data/tokenizers/create.ts';
import type { Tokenizer } from '../data/tokenizers/tokenizer.ts';
import { findCheckpoint } from '../formats/checkpoint.ts';
import { readJson } from '../formats/json-file.ts';
import { folderOf, joinPath, type Storage } from '../formats/storage.ts';
import { UserError } from '../terms/user-error.ts';

export interface OpenModel {
  /** Owned by the caller. */
  readonly model: Transformer;
  /** Absent where the folder has none of ours; Hugging Face's tokenizer files are not read. */
  readonly tokenizer?: Tokenizer;
  /** The folder that was opened: a checkpoint's own, or Hugging Face's. */
  readonly path: string;
  /** Optimizer steps behind the weights, where it is a checkpoint. */
  readonly step?: number;
}

/**
 * Opens `RUN`, `RUN/checkpoints`, `RUN/checkpoints/step-…` or a folder with config.json and model.safetensors.
 * @param path absolute, or with at least two folders above it spelled out where it is a checkpoint's own
 * @throws UserError where it is none of these, or damaged
 */
export async function openModel(storage: Storage, path: string): Promise<OpenModel> {
  if (await isHuggingFace(storage, path)) {
    const model = await transformerOfHuggingFace(storage, path);
    return withTokenizer({ model, path }, await readTokenizer(storage, path));
  }
  const checkpoint = await findCheckpoint(storage, path);
  const run = folderOf(folderOf(checkpoint.path));
  const tokenizer = (await readTokenizer(storage, run)) ?? (await readTokenizer(storage, checkpoint.path));
  const model = await transformerOfCheckpoint(checkpoint);
  return withTokenizer({ model, path: checkpoint.path, step: checkpoint.step }, tokenizer);
}

/** A config.json, and nothing of ours beside it. */
async function isHuggingFace(storage: Storage, path: string): Promise<boolean> {
  if (!(await storage.exists(joinPath(path, 'config.json')))) return false;
  const ours = ['run.json', 'state.json', 'checkpoints'].map((name) => storage.exists(joinPath(path, name)));
  return !(await Promise.all(ours)).includes(true);
}

/** The tokenizer of ours in a folder. Hugging Face's tokenizer.json has no `kind`, and is another format. */
async function readTokenizer(storage: Storage, folder: string): Promise<Tokenizer | undefined> {
  const path = joinPath(folder, 'tokenizer.json');
  if (!(await storage.exists(path))) return undefined;
  const json = await readJson(storage, path);
  return typeof json === 'object' && json !== null && 'kind' in json ? tokenizerFromJSON(json) : undefined;
}

function withTokenizer(opened: Omit<OpenModel, 'tokenizer'>, tokenizer: Tokenizer | undefined): OpenModel {
  if (tokenizer === undefined) return opened;
  try {
    checkTokenizer(tokenizer, opened.model);
  } catch (error) {
    opened.model.dispose();
    throw error;
  }
  return { ...opened, tokenizer };
}

/** @throws UserError where the tokenizer has ids that the model does not have */
export function checkTokenizer(tokenizer: Tokenizer, { card }: Transformer): void {
  if (tokenizer.vocabulary <= card.vocabulary) return;
  throw new UserError(
    `The tokenizer ${tokenizer.name} has ${tokenizer.vocabulary} tokens, more than the model's ${card.vocabulary}: it is another model's.`,
  );
}
