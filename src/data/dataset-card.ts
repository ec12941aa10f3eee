// A dataset card: where a text comes from, under which licence, how it is split, and the tokenizer it is used with by default.
import { z } from 'zod';
import { UserError } from '../terms/user-error.ts';

const source = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('typescript-lib') }),
  z.strictObject({
    kind: z.literal('generated'),
    generator: z.literal('tiny-tales'),
    seed: z.int().min(0),
    bytes: z.int().min(1),
  }),
  z.strictObject({
    kind: z.literal('download'),
    url: z.url(),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    bytes: z.int().min(1),
  }),
  z.strictObject({ kind: z.literal('file'), path: z.string().min(1) }),
  z.strictObject({ kind: z.literal('folder'), path: z.string().min(1) }),
]);

const schema = z.strictObject({
  name: z.string().min(1),
  title: z.string().min(1),
  source,
  licence: z.string().min(1),
  /**
   * `validation`: the share of the text, at its end, that is kept for validation. `at`: whether the cut may fall inside a document
   * (`character`) or waits for the end of the document it falls in (`document`).
   */
  split: z.strictObject({ validation: z.number().gt(0).lt(1), at: z.enum(['character', 'document']) }),
  /** The default tokenizer; `r50k-compact` is limited to the model card's vocabulary. */
  tokenizer: z.string().min(1),
});

export type DatasetCard = z.infer<typeof schema>;
export type DatasetSource = DatasetCard['source'];

/** Checks a card. Throws a `UserError` that names the card and the wrong field. */
export function parseDatasetCard(json: unknown, where: string): DatasetCard {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new UserError(
    `The dataset card ${where} is wrong at '${issue.path.join('.') || 'its top'}': ${issue.message}.`,
  );
}

/** The card of a text that the user brings. */
export function ownCard(kind: 'file' | 'folder', path: string): DatasetCard {
  return {
    name: `${kind === 'file' ? 'file' : 'dir'}:${path}`,
    title: kind === 'file' ? `The text of ${path}` : `The text files below ${path}`,
    source: { kind, path },
    licence: 'not stated',
    split: { validation: 0.1, at: 'character' },
    tokenizer: 'r50k-compact',
  };
}

/** The tokenizer to use where none was asked for. `vocabulary`: the model card's, which a compact vocabulary is cut to. */
export function defaultTokenizer(card: DatasetCard, vocabulary?: number): string {
  if (card.tokenizer !== 'r50k-compact' || vocabulary === undefined) return card.tokenizer;
  if (vocabulary >= 50_257) return 'r50k';
  return vocabulary < 257 ? 'byte' : `r50k-compact:${vocabulary}`;
}
