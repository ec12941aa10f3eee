// The keys of Hugging Face's config.json that change a model's arithmetic, with the defaults of transformers' own config classes
// (configuration_gpt2.py, configuration_gpt_bigcode.py, configuration_llama.py, configuration_mistral.py; transformers 4.44 to 5.18).
import { z } from 'zod';

const count = () => z.int().min(1);
const positive = () => z.number().positive();
const fraction = () => z.number().min(0).lt(1);

/** Ours by Hugging Face's names of activations; those that differ only in rounding are one. */
export const ACTIVATIONS = {
  gelu: 'gelu',
  gelu_python: 'gelu',
  gelu_new: 'gelu-tanh',
  gelu_fast: 'gelu-tanh',
  gelu_accurate: 'gelu-tanh',
  gelu_pytorch_tanh: 'gelu-tanh',
  gelu_python_tanh: 'gelu-tanh',
  relu: 'relu',
} as const;

const activation = z.enum(Object.keys(ACTIVATIONS) as [keyof typeof ACTIVATIONS]);

const gptKeys = {
  vocab_size: count().default(50257),
  n_positions: count().default(1024),
  n_embd: count().default(768),
  n_layer: count().default(12),
  n_head: count().default(12),
  n_inner: count().nullable().default(null),
  resid_pdrop: fraction().default(0.1),
  embd_pdrop: fraction().default(0.1),
  attn_pdrop: fraction().default(0.1),
  layer_norm_epsilon: positive().default(1e-5),
  initializer_range: positive().default(0.02),
  tie_word_embeddings: z.boolean().default(true),
  scale_attn_weights: z.literal(true).default(true),
  add_cross_attention: z.literal(false).default(false),
};

export const gpt2Schema = z.looseObject({
  ...gptKeys,
  activation_function: activation.default('gelu_new'),
  scale_attn_by_inverse_layer_idx: z.literal(false).default(false),
});

export const bigCodeSchema = z.looseObject({
  ...gptKeys,
  activation_function: activation.default('gelu_pytorch_tanh'),
  multi_query: z.boolean().default(true),
});

/** transformers 4's `rope_scaling` and 5's `rope_parameters`: the same keys, but 5 keeps theta inside. */
const ropeSchema = z.looseObject({
  rope_theta: positive().optional(),
  rope_type: z.enum(['default', 'llama3']).optional(),
  /** How transformers wrote `rope_type` before 4.43. */
  type: z.enum(['default', 'llama3']).optional(),
  factor: z.number().min(1).optional(),
  low_freq_factor: positive().optional(),
  high_freq_factor: positive().optional(),
  original_max_position_embeddings: count().optional(),
  partial_rotary_factor: z.literal(1).nullish(),
});

const llamaKeys = {
  vocab_size: count().default(32000),
  hidden_size: count().default(4096),
  num_hidden_layers: count().default(32),
  num_attention_heads: count().default(32),
  head_dim: count().nullable().default(null),
  hidden_act: z.enum(['silu', 'swish']).default('silu'),
  initializer_range: positive().default(0.02),
  rms_norm_eps: positive().default(1e-6),
  tie_word_embeddings: z.boolean().default(false),
  attention_dropout: fraction().nullable().default(0),
  rope_theta: positive().default(10_000),
  rope_scaling: ropeSchema.nullable().default(null),
  rope_parameters: ropeSchema.nullable().default(null),
  original_max_position_embeddings: count().optional(),
  partial_rotary_factor: z.literal(1).nullish(),
};

export const llamaSchema = z.looseObject({
  ...llamaKeys,
  intermediate_size: count().default(11008),
  num_key_value_heads: count().nullable().default(null),
  max_position_embeddings: count().default(2048),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
});

export const mistralSchema = z.looseObject({
  ...llamaKeys,
  intermediate_size: count().default(14336),
  num_key_value_heads: count().nullable().default(8),
  max_position_embeddings: count().default(131_072),
  sliding_window: count().nullable().default(4096),
});

export type GptKeys = z.output<z.ZodObject<typeof gptKeys>>;
export type Rope = z.output<typeof ropeSchema>;
export type LlamaKeys = z.output<z.ZodObject<typeof llamaKeys>>;
