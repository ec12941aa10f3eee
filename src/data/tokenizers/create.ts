// Tokenizers by name, fitted to a corpus where they need one, and restored from JSON.
import { z } from 'zod';
import { UserError, unknownName } from '../../terms/user-error.ts';
import { BpeTokenizer, type EncodingName } from './bpe.ts';
import { ByteTokenizer } from './byte.ts';
import { CharTokenizer } from './char.ts';
import { CompactTokenizer } from './compact.ts';
import type { Tokenizer } from './tokenizer.ts';

/** The names a person can give; `-compact` ones also take a vocabulary size, as in `r50k-compact:4096`. */
export const tokenizerNames = [
  'byte',
  'char',
  'r50k',
  'r50k-compact',
  'cl100k',
  'cl100k-compact',
  'o200k',
  'o200k-compact',
] as const;

type Plan =
  | { kind: 'byte' }
  | { kind: 'char' }
  | { kind: 'bpe'; encoding: EncodingName }
  | { kind: 'compact'; encoding: EncodingName; limit: number | null };

/** The canonical spelling of a tokenizer's name (`r50k_base` is `r50k`). Throws a `UserError` for an unknown one. */
export function canonicalTokenizer(name: string): string {
  const plan = planOf(name);
  if (plan.kind === 'byte' || plan.kind === 'char') return plan.kind;
  if (plan.kind === 'bpe') return plan.encoding;
  return plan.limit === null ? `${plan.encoding}-compact` : `${plan.encoding}-compact:${plan.limit}`;
}

/**
 * Makes the tokenizer of a name. `char` and the compact ones are fitted to the documents.
 * Throws a `UserError` for an unknown name or an impossible vocabulary size.
 */
export async function createTokenizer(name: string, documents: readonly string[]): Promise<Tokenizer> {
  const plan = planOf(name);
  switch (plan.kind) {
    case 'byte':
      return new ByteTokenizer();
    case 'char':
      return CharTokenizer.of(documents);
    case 'bpe':
      return BpeTokenizer.load(plan.encoding);
    case 'compact':
      return CompactTokenizer.of(plan.encoding, plan.limit, documents);
  }
}

const encodingName = z.enum(['r50k', 'cl100k', 'o200k']);
const schema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('byte') }),
  z.object({ kind: z.literal('char'), characters: z.string().min(1), end: z.boolean() }),
  z.object({ kind: z.literal('bpe'), encoding: encodingName }),
  z.object({
    kind: z.literal('compact'),
    encoding: encodingName,
    limit: z.int().nullable(),
    lengths: z.array(z.int().min(1)),
    bytes: z.base64(),
  }),
]);

/** Restores what `toJSON` gave. Throws a `UserError` where the JSON is not a tokenizer's. */
export async function tokenizerFromJSON(json: unknown): Promise<Tokenizer> {
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new UserError(`The saved tokenizer is damaged: ${issue.path.join('.') || 'it'}: ${issue.message}.`);
  }
  const data = parsed.data;
  if (data.kind === 'byte') return new ByteTokenizer();
  if (data.kind === 'char') return new CharTokenizer([...data.characters], data.end);
  if (data.kind === 'bpe') return BpeTokenizer.load(data.encoding);
  const compact = CompactTokenizer.fromParts(data.encoding, data.limit, data.lengths, data.bytes);
  if (!compact) throw new UserError('The saved tokenizer is damaged: its token lengths do not add up to its bytes.');
  return compact;
}

function planOf(name: string): Plan {
  if (name === 'byte' || name === 'char') return { kind: name };
  const match = /^(r50k|cl100k|o200k)(?:_base)?(-compact)?(?::(\d+))?$/.exec(name);
  if (!match || (match[3] !== undefined && match[2] === undefined))
    throw unknownName('tokenizer', name, tokenizerNames);
  const encoding = match[1] as EncodingName;
  if (match[2] === undefined) return { kind: 'bpe', encoding };
  return { kind: 'compact', encoding, limit: match[3] === undefined ? null : Number(match[3]) };
}
