// What the model code does where a document is ambiguous or wrong: real operations compared with both readings.
import { z } from 'zod';
import type { Measurement } from '../context.ts';

const difference = z.number().min(0);
const readings = z.strictObject({ printed: difference, corrected: difference });

const schema = z.strictObject({
  /** The layer norm op against plain arithmetic over the sequence (printed) and over the hidden index. */
  layerNorm: readings,
  /** The RMS norm op against the squared mean (printed) and the mean of squares. */
  rmsNorm: readings,
  /** A block against (1.9) as printed, and with y in both places. */
  block: readings,
  /** The largest change of a logit by a later token, and the smallest by the token at its own place. */
  causal: z.strictObject({ later: difference, own: difference }),
  /** For each query head, counted from 1, the key head that changes it. */
  keyHeads: z.array(z.int()),
  /** Scores after shifting both tokens, and halves as pairs against neighbours as pairs. */
  rotary: z.strictObject({ shifted: difference, layouts: difference }),
  /** One product for queries, keys and values against three. */
  fused: difference,
  /** Loss of logits, and of the same with the right ones raised. */
  loss: z.strictObject({ before: z.number(), after: z.number() }),
});

export type ModelCode = z.output<typeof schema>;

export const modelCode: Measurement<ModelCode> = {
  id: 'model-code',
  title: 'norms, blocks, masks, heads, positions and loss of the model code against plain arithmetic',
  backend: 'cpu',
  schema,
  run: async (bench) => {
    const { runModelCode } = await import('./model-code-runs.ts');
    return runModelCode(bench.card);
  },
};
