// What the JSON of a model card may say: the schema of models/*.json.
import { z } from 'zod';

const LARGEST_SIZE = 2 ** 24;
const size = (largest = LARGEST_SIZE) => z.int().min(1).max(largest);
const positive = () => z.number().positive();
const fraction = () => z.number().min(0).lt(1);
const text = () => z.string().min(1);

const ropeScalingSchema = z.strictObject({
  kind: z.literal('llama3'),
  factor: z.number().min(1),
  lowFrequencyFactor: positive(),
  highFrequencyFactor: positive(),
  originalContext: size(),
});

/** The keys of a card's JSON. Left out: `kvHeads`, `headSize`, `mlp.width`, biases, dropout … take the defaults of `resolveModelCard`. */
export const modelCardSchema = z.strictObject({
  name: text().optional(),
  title: z.string().optional(),
  layers: z.int().min(1).max(10_000),
  hidden: size(),
  heads: size(),
  kvHeads: size().optional(),
  headSize: size().optional(),
  vocabulary: size(),
  context: size(),
  tied: z.boolean(),
  layout: z.enum(['sequential', 'parallel']).default('sequential'),
  mlp: z.strictObject({
    kind: z.enum(['gelu', 'gelu-tanh', 'relu', 'swiglu']),
    width: size(4 * LARGEST_SIZE).optional(),
  }),
  norm: z.strictObject({
    kind: z.enum(['layer', 'rms']),
    epsilon: positive().lt(1).default(1e-5),
    placement: z.enum(['pre', 'post']).default('pre'),
    bias: z.boolean().optional(),
    perBlock: z.literal([1, 2]).default(2),
  }),
  positions: z.strictObject({
    kind: z.enum(['learned', 'sinusoidal', 'rope']),
    theta: positive().default(10_000),
    scaling: ropeScalingSchema.nullable().default(null),
  }),
  bias: z
    .strictObject({
      qkv: z.boolean().default(false),
      projection: z.boolean().default(false),
      mlp: z.boolean().default(false),
      head: z.boolean().default(false),
    })
    .prefault({}),
  attention: z.strictObject({ mask: z.enum(['causal']).default('causal') }).prefault({}),
  dropout: z
    .strictObject({
      embedding: fraction().default(0),
      attention: fraction().default(0),
      residual: fraction().default(0),
    })
    .prefault({}),
  initialization: z
    .strictObject({ deviation: positive().default(0.02), residualScaling: z.boolean().default(true) })
    .prefault({}),
  published: z
    .strictObject({
      parameters: z.int().min(1).optional(),
      name: text().optional(),
      source: text().optional(),
      note: text().optional(),
    })
    .optional(),
});

/** A card as written in JSON, before defaults. */
export type ModelCardJson = z.input<typeof modelCardSchema>;

/** A card that parsed: simple defaults are there, those that depend on other fields are not yet. */
export type ParsedModelCard = z.output<typeof modelCardSchema>;

/** Llama-3.1's stretching of rotary frequencies for long contexts. */
export type RopeScaling = z.output<typeof ropeScalingSchema>;
