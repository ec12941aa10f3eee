// What a tokenizer is: text to token ids and back, exactly.
import { UserError } from '../../terms/user-error.ts';

/** Text to ids and back. `decode(await encode(text))` is `text` for every well-formed text that `encode` accepts. */
export interface Tokenizer {
  /** What a person types for it: `byte`, `char`, `r50k`, `r50k-compact:4096`. */
  readonly name: string;
  /** Ids run from 0 to vocabulary − 1. */
  readonly vocabulary: number;
  /** The id that ends a document; null where there is none (characters of a single document). */
  readonly endToken: number | null;
  /**
   * The ids of a text, without an end token. Asynchronous, because the tables of the large encodings are only loaded when first needed.
   * What looks like a special token (`<|endoftext|>`) is ordinary text. A lone surrogate is a `UserError`: it has no UTF-8 and could not
   * be decoded again. `char` also refuses characters it does not know.
   */
  encode(text: string): Promise<Int32Array>;
  /** The text of the ids; end tokens write nothing, bytes that are not UTF-8 become U+FFFD. Throws a RangeError for an id out of range. */
  decode(ids: Iterable<number>): string;
  /** The UTF-8 bytes of the ids; ids of half a character are well seen here, so that a stream can wait for the rest. */
  decodeBytes(ids: Iterable<number>): Uint8Array;
  /** All that is needed to restore it with `tokenizerFromJSON`; equal tokenizers have equal JSON. */
  toJSON(): TokenizerJSON;
}

/** A tokenizer in a run folder or a cache; `kind` says which, the rest belongs to the kind. */
export interface TokenizerJSON {
  kind: string;
  [key: string]: unknown;
}

/** Whether two tokenizers give every text the same ids. */
export function sameTokenizer(a: Tokenizer, b: Tokenizer): boolean {
  return JSON.stringify(a.toJSON()) === JSON.stringify(b.toJSON());
}

/** Throws a `UserError` for a text that has no UTF-8 form. */
export function mustBeWellFormed(text: string): void {
  const at = text.search(/\p{Surrogate}/u);
  if (at < 0) return;
  const unit = text.charCodeAt(at).toString(16).toUpperCase();
  throw new UserError(`The text has half a surrogate pair (U+${unit}) at position ${at}, which is no character.`);
}

/** The text of UTF-8 bytes; a byte order mark stays, broken sequences become U+FFFD. */
export function textOf(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

/** The error for an id that the vocabulary does not have. */
export function outOfRange(id: number, tokenizer: Tokenizer): RangeError {
  return new RangeError(`Token ${id} is not in the vocabulary of ${tokenizer.name}, 0 to ${tokenizer.vocabulary - 1}.`);
}

/** The arrays one after the other. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
