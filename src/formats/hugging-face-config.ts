// Hugging Face's config.json, as transformers 4 and 5 write it, turned into a model card.
import type { z } from 'zod';
import { type ModelCard, type ModelCardJson, resolveModelCard } from '../cards/model-card.ts';
import { throwFirstIssue } from '../cards/schema-errors.ts';
import { UserError } from '../terms/user-error.ts';
import {
  ACTIVATIONS,
  bigCodeSchema,
  type GptKeys,
  gpt2Schema,
  type LlamaKeys,
  llamaSchema,
  mistralSchema,
  type Rope,
} from './hugging-face-schema.ts';
import { readJson } from './json-file.ts';
import { joinPath, nameOf, type Storage } from './storage.ts';

/** The kinds of models that can be exchanged, by `model_type`, with the class that computes next tokens and its base class. */
const ARCHITECTURES = {
  gpt2: ['GPT2LMHeadModel', 'GPT2Model'],
  gpt_bigcode: ['GPTBigCodeForCausalLM', 'GPTBigCodeModel'],
  llama: ['LlamaForCausalLM', 'LlamaModel'],
  mistral: ['MistralForCausalLM', 'MistralModel'],
} as const;

export type HuggingFaceKind = keyof typeof ARCHITECTURES;

/** What a folder of Hugging Face's holds: the kind decides the names of the tensors, the card everything else. */
export interface HuggingFaceModel {
  readonly kind: HuggingFaceKind;
  readonly card: ModelCard;
}

/**
 * Reads `config.json` in a folder.
 * @throws UserError with the key, its value and what is supported, where the model is of another kind or has a setting that no card has
 */
export async function readHuggingFaceConfig(storage: Storage, folder: string): Promise<HuggingFaceModel> {
  const path = joinPath(folder, 'config.json');
  return parseHuggingFaceConfig(await readJson(storage, path), path, nameOf(folder));
}

/**
 * The kind and the card that a config describes. Keys that are left out have the defaults of transformers' config classes.
 * @param json the parsed config
 * @param path the file, for errors
 * @param name what to call the card
 */
export function parseHuggingFaceConfig(json: unknown, path: string, name: string): HuggingFaceModel {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new UserError(`'${path}' must hold a JSON object.`);
  }
  const config = json as Record<string, unknown>;
  const kind = kindOf(config, path);
  if (config.quantization_config !== undefined && config.quantization_config !== null) {
    throw new UserError(
      `'${path}': 'quantization_config' is set, but only models of plain float weights are supported.`,
    );
  }
  const title = `${ARCHITECTURES[kind][0]}, read from Hugging Face's config.json`;
  return { kind, card: resolveModelCard({ ...cardJson(kind, config, path), title }, name) };
}

function kindOf(config: Record<string, unknown>, path: string): HuggingFaceKind {
  const supported = Object.entries(ARCHITECTURES)
    .map(([type, [className]]) => `${className} (${type})`)
    .join(', ');
  const kinds = Object.keys(ARCHITECTURES) as HuggingFaceKind[];
  const classes: unknown[] = Array.isArray(config.architectures) ? config.architectures : [];
  const named = kinds.find((kind) => classes.some((name) => ARCHITECTURES[kind].some((known) => known === name)));
  if (classes.length > 0 && named === undefined) {
    throw new UserError(`'${path}': 'architectures' is ${JSON.stringify(classes)}; supported are ${supported}.`);
  }
  const type = config.model_type ?? named;
  const kind = kinds.find((known) => known === type);
  if (kind === undefined) {
    throw new UserError(`'${path}': 'model_type' is ${JSON.stringify(type) ?? 'missing'}; supported are ${supported}.`);
  }
  if (named !== undefined && named !== kind) {
    throw new UserError(`'${path}': 'model_type' is '${kind}', but 'architectures' is ${JSON.stringify(classes)}.`);
  }
  return kind;
}

function cardJson(kind: HuggingFaceKind, config: Record<string, unknown>, path: string): ModelCardJson {
  switch (kind) {
    case 'gpt2': {
      const keys = parse(gpt2Schema, withAliases(config), path);
      return gptCard(keys, ACTIVATIONS[keys.activation_function], keys.n_head);
    }
    case 'gpt_bigcode': {
      const keys = parse(bigCodeSchema, withAliases(config), path);
      return gptCard(keys, ACTIVATIONS[keys.activation_function], keys.multi_query ? 1 : keys.n_head);
    }
    case 'llama': {
      const keys = parse(llamaSchema, config, path);
      return llamaCard(keys, { qkv: keys.attention_bias, projection: keys.attention_bias, mlp: keys.mlp_bias }, path);
    }
    case 'mistral': {
      const keys = parse(mistralSchema, config, path);
      // Within the window, sliding attention is full causal attention: there, and only there, the card is exact.
      const context = Math.min(keys.sliding_window ?? keys.max_position_embeddings, keys.max_position_embeddings);
      return { ...llamaCard(keys, { qkv: false, projection: false, mlp: false }, path), context };
    }
  }
}

function parse<Schema extends z.ZodType>(schema: Schema, config: unknown, path: string): z.output<Schema> {
  const result = schema.safeParse(config);
  if (!result.success) throwFirstIssue(`'${path}'`, schema, config, result.error);
  return result.data;
}

/** transformers accepts its general names for GPT-2's and BigCode's own (their `attribute_map`). */
function withAliases(config: Record<string, unknown>): Record<string, unknown> {
  const { hidden_size, max_position_embeddings, num_attention_heads, num_hidden_layers, ...rest } = config;
  const general = {
    n_embd: hidden_size,
    n_positions: max_position_embeddings,
    n_head: num_attention_heads,
    n_layer: num_hidden_layers,
  };
  return { ...general, ...rest };
}

function gptCard(keys: GptKeys, activation: ModelCardJson['mlp']['kind'], kvHeads: number): ModelCardJson {
  return {
    layers: keys.n_layer,
    hidden: keys.n_embd,
    heads: keys.n_head,
    kvHeads,
    vocabulary: keys.vocab_size,
    context: keys.n_positions,
    tied: keys.tie_word_embeddings,
    mlp: { kind: activation, width: keys.n_inner ?? 4 * keys.n_embd },
    norm: { kind: 'layer', epsilon: keys.layer_norm_epsilon },
    positions: { kind: 'learned' },
    bias: { qkv: true, projection: true, mlp: true },
    dropout: { embedding: keys.embd_pdrop, attention: keys.attn_pdrop, residual: keys.resid_pdrop },
    initialization: { deviation: keys.initializer_range, residualScaling: true },
  };
}

function llamaCard(
  keys: LlamaKeys &
    Pick<z.output<typeof llamaSchema>, 'num_key_value_heads' | 'intermediate_size' | 'max_position_embeddings'>,
  bias: ModelCardJson['bias'],
  path: string,
): ModelCardJson {
  return {
    layers: keys.num_hidden_layers,
    hidden: keys.hidden_size,
    heads: keys.num_attention_heads,
    kvHeads: keys.num_key_value_heads ?? keys.num_attention_heads,
    headSize: keys.head_dim ?? undefined,
    vocabulary: keys.vocab_size,
    context: keys.max_position_embeddings,
    tied: keys.tie_word_embeddings,
    mlp: { kind: 'swiglu', width: keys.intermediate_size },
    norm: { kind: 'rms', epsilon: keys.rms_norm_eps },
    positions: { kind: 'rope', ...ropeCard(keys, keys.max_position_embeddings, path) },
    bias,
    dropout: { attention: keys.attention_dropout ?? 0 },
    initialization: { deviation: keys.initializer_range, residualScaling: false },
  };
}

/**
 * Theta and scaling. As in transformers 5, `rope_scaling` comes before `rope_parameters` where both are there, theta inside before
 * theta outside, and `original_max_position_embeddings` outside before the one inside.
 */
function ropeCard(
  keys: LlamaKeys,
  context: number,
  path: string,
): Pick<ModelCardJson['positions'], 'theta' | 'scaling'> {
  const isEmpty = Object.keys(keys.rope_scaling ?? {}).length === 0;
  const place = isEmpty ? 'rope_parameters' : 'rope_scaling';
  const rope: Rope | null = keys[place];
  const theta = rope?.rope_theta ?? keys.rope_theta;
  if ((rope?.rope_type ?? rope?.type ?? 'default') === 'default') return { theta, scaling: null };

  const needed = (key: 'factor' | 'low_freq_factor' | 'high_freq_factor'): number => {
    const value = rope?.[key];
    if (value === undefined)
      throw new UserError(`'${path}': '${place}.${key}' is missing; rope_type 'llama3' needs it.`);
    return value;
  };
  return {
    theta,
    scaling: {
      kind: 'llama3',
      factor: needed('factor'),
      lowFrequencyFactor: needed('low_freq_factor'),
      highFrequencyFactor: needed('high_freq_factor'),
      originalContext: keys.original_max_position_embeddings ?? rope?.original_max_position_embeddings ?? context,
    },
  };
}
