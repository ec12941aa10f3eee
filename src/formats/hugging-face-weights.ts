// Loads the weights of a Hugging Face model (one safetensors file, or shards with an index) under our names, one at a time.
import { z } from 'zod';
import { nearest, UserError } from '../terms/user-error.ts';
import type { HuggingFaceModel } from './hugging-face-config.ts';
import {
  fromHuggingFace,
  type HuggingFacePart,
  huggingFaceMappings,
  huggingFacePrefix,
  type NamedTensor,
} from './hugging-face-names.ts';
import { readJson } from './json-file.ts';
import { openSafetensors, type SafetensorsFile } from './safetensors.ts';
import { joinPath, type Storage } from './storage.ts';

/** Buffers that old versions of transformers saved and that follow from the config: causal masks, rotary frequencies. */
const IGNORED = /(^|\.)(h\.\d+\.attn\.(bias|masked_bias)|rotary_emb\.inv_freq)$/;
const TIED_HEAD = 'lm_head.weight';

/**
 * The weights of the model in `folder`, under our names and in our layout, in the order of `weightShapes`. All names and shapes are
 * checked before the first is read; F16, BF16 and F64 become float32.
 * @throws UserError where a tensor is missing, is not expected, or has another shape: its name and both shapes
 */
export async function* loadHuggingFaceWeights(
  storage: Storage,
  folder: string,
  model: HuggingFaceModel,
): AsyncGenerator<NamedTensor> {
  const tensors = await openTensors(storage, folder);
  const mappings = huggingFaceMappings(model.kind, model.card);
  const locate = checkTensors(folder, tensors, model);
  await checkTiedHead(folder, tensors, model, locate);
  for (const mapping of mappings) {
    const data = await fromHuggingFace(mapping, (part) => {
      const { file, name } = locate(part);
      return file.readFloat32(name);
    });
    yield { name: mapping.name, shape: mapping.shape, data };
  }
}

/** Files by the names of the tensors in them. */
type Tensors = ReadonlyMap<string, SafetensorsFile>;
/** A tensor's file and the name it has there, which may lack the prefix. */
type Locate = (part: Pick<HuggingFacePart, 'name'>) => { file: SafetensorsFile; name: string };

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

async function openTensors(storage: Storage, folder: string): Promise<Tensors> {
  const single = joinPath(folder, 'model.safetensors');
  const index = joinPath(folder, 'model.safetensors.index.json');
  if (await storage.exists(single)) {
    const file = await openSafetensors(storage, single);
    return new Map([...file.tensors.keys()].map((name) => [name, file]));
  }
  if (await storage.exists(index)) return openShards(storage, folder, index);
  throw new UserError(`'${folder}' holds neither model.safetensors nor model.safetensors.index.json.`);
}

async function openShards(storage: Storage, folder: string, index: string): Promise<Tensors> {
  const shards = new Map<string, SafetensorsFile>();
  const tensors = new Map<string, SafetensorsFile>();
  for (const [name, shard] of Object.entries(await readWeightMap(storage, index))) {
    if (/[/\\]/.test(shard)) throw new UserError(`'${index}': '${shard}' is not the name of a file beside it.`);
    const file = shards.get(shard) ?? (await openSafetensors(storage, joinPath(folder, shard)));
    shards.set(shard, file);
    if (!file.tensors.has(name))
      throw new UserError(`'${index}' places tensor '${name}' in '${shard}', which lacks it.`);
    tensors.set(name, file);
  }
  return tensors;
}

async function readWeightMap(storage: Storage, index: string): Promise<Record<string, string>> {
  const parsed = indexSchema.safeParse(await readJson(storage, index));
  if (parsed.success) return parsed.data.weight_map;
  throw new UserError(`'${index}' must hold an object whose 'weight_map' names a file for each tensor.`);
}

/** Compares what is there with what the card needs, and returns how to find each tensor. */
function checkTensors(folder: string, tensors: Tensors, { kind, card }: HuggingFaceModel): Locate {
  const prefix = huggingFacePrefix(kind);
  const isPrefixed = [...tensors.keys()].some((name) => name.startsWith(prefix));
  const nameThere = (name: string) => (isPrefixed || !name.startsWith(prefix) ? name : name.slice(prefix.length));
  const locate: Locate = (part) => ({ file: tensors.get(nameThere(part.name))!, name: nameThere(part.name) });

  const unused = new Set(tensors.keys());
  for (const part of huggingFaceMappings(kind, card).flatMap(({ parts }) => parts)) {
    const name = nameThere(part.name);
    if (!unused.delete(name)) {
      const near = nearest(name, [...tensors.keys()], 2).map((candidate) => `'${candidate}'`);
      const hint = near.length > 0 ? `; nearest there: ${near.join(', ')}` : '';
      throw new UserError(`'${folder}': tensor '${name}' of shape [${part.shape}] is missing${hint}.`);
    }
    const { shape } = tensors.get(name)!.tensors.get(name)!;
    if (String(shape) !== String(part.shape)) {
      throw new UserError(
        `'${folder}': tensor '${name}' has shape [${shape}], but config.json asks for [${part.shape}].`,
      );
    }
  }
  for (const name of unused) {
    if (IGNORED.test(name) || (card.tied && name === TIED_HEAD)) continue;
    const { shape } = tensors.get(name)!.tensors.get(name)!;
    throw new UserError(
      `'${folder}': tensor '${name}' of shape [${shape}] is not expected: no weight of this config.json uses it.`,
    );
  }
  return locate;
}

/** Some files of tied models hold the head as well; then it must be the embedding's copy. */
async function checkTiedHead(folder: string, tensors: Tensors, model: HuggingFaceModel, locate: Locate): Promise<void> {
  const headFile = tensors.get(TIED_HEAD);
  if (!model.card.tied || headFile === undefined) return;
  const [embedding] = huggingFaceMappings(model.kind, model.card)[0]!.parts;
  const { file, name } = locate(embedding!);
  const [head, embedded] = [await headFile.readFloat32(TIED_HEAD), await file.readFloat32(name)];
  if (head.length === embedded.length && head.every((value, i) => Object.is(value, embedded[i]))) return;
  throw new UserError(
    `'${folder}': config.json ties the head to the embedding, but tensors '${TIED_HEAD}' and '${name}' differ.`,
  );
}
