// Bytes kept between the forward and the backward pass: by each part of a block alone, and by whole models.
import { z } from 'zod';
import type { Measurement } from '../context.ts';

const whole = z.int().min(0);

const schema = z.strictObject({
  /** One part of one block alone. */
  parts: z.array(
    z.strictObject({
      part: z.enum(['attention', 'mlp', 'norm', 'residual']),
      keep: z.enum(['probabilities', 'nothing-quadratic']),
      dropout: z.boolean(),
      batch: whole,
      sequence: whole,
      hidden: whole,
      heads: whole,
      width: whole,
      bytes: whole,
    }),
  ),
  /** Whole models. */
  models: z.array(
    z.strictObject({
      card: z.string(),
      /** Assignments with spaces between them. */
      set: z.string(),
      keep: z.enum(['probabilities', 'nothing-quadratic']),
      batch: whole,
      sequence: whole,
      bytes: whole,
    }),
  ),
});

export type SavedActivations = z.output<typeof schema>;

const dropoutOn = ['dropout.attention=0.1', 'dropout.residual=0.1', 'dropout.embedding=0.1'];
const base = { batch: 2, sequence: 12, hidden: 32, heads: 4, width: 128 };

/** Each size of the base doubled once, so that the power with which the bytes grow can be read off. */
const PART_SIZES = [
  base,
  { ...base, batch: 4 },
  { ...base, sequence: 24 },
  { ...base, hidden: 64 },
  { ...base, heads: 8 },
  { ...base, width: 256 },
] as const;

const MODELS = [
  { card: 'gpt-debug', set: [] },
  { card: 'gpt-debug', set: dropoutOn },
  { card: 'gpt-debug', set: ['layers=4'] },
  { card: 'gpt-debug', set: ['vocabulary=512'] },
  { card: 'llama3-debug', set: [] },
  { card: 'mqa-debug', set: [] },
];

export const savedActivations: Measurement<SavedActivations> = {
  id: 'saved-activations',
  title: 'bytes kept for the backward pass, part by part and for whole models',
  backend: 'cpu',
  schema,
  run: async (bench) => {
    const { BLOCK_PARTS, savedByModel, savedByPart } = await import('./model-runs.ts');
    const keeps = ['probabilities', 'nothing-quadratic'] as const;
    const parts = [true, false].flatMap((dropout) =>
      BLOCK_PARTS.flatMap((part) => {
        bench.progress(`${part}${dropout ? ', with dropout' : ''}`);
        return keeps.flatMap((keep) =>
          PART_SIZES.map((size) => {
            const { batch, sequence, hidden, heads, width } = size;
            const sizes = [`hidden=${hidden}`, `heads=${heads}`, `mlp.width=${width}`];
            const card = bench.card('gpt-debug', [...sizes, ...(dropout ? dropoutOn : [])]);
            return { part, keep, dropout, ...size, bytes: savedByPart(part, card, { batch, sequence }, keep) };
          }),
        );
      }),
    );
    const models = MODELS.flatMap(({ card, set }) => {
      bench.progress([card, ...set].join(' '));
      return keeps.flatMap((keep) =>
        [12, 24].map((sequence) => {
          const shape = { batch: 2, sequence };
          return { card, set: set.join(' '), keep, ...shape, bytes: savedByModel(bench.card(card, set), shape, keep) };
        }),
      );
    });
    return { parts, models };
  },
};
