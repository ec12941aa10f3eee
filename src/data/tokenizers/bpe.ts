// The byte pair encodings of GPT-2 (r50k), GPT-4 (cl100k) and GPT-4o (o200k), whole, through gpt-tokenizer.
import { concatBytes, mustBeWellFormed, outOfRange, type Tokenizer, type TokenizerJSON, textOf } from './tokenizer.ts';

export type EncodingName = 'r50k' | 'cl100k' | 'o200k';

/** An encoding's tables, loaded. Ids are the published ones. */
export interface Encoding {
  /** The ids of a text; any well-formed text, special strings included, is ordinary text. */
  encode(text: string): number[];
  /** The bytes of an id; none for special and unused ids. */
  bytesOf(id: number): Uint8Array;
}

/** The number of ids, special ones and gaps included, and the id of `<|endoftext|>`, as published in OpenAI's tiktoken. */
export const encodings: Readonly<Record<EncodingName, { vocabulary: number; endToken: number }>> = {
  r50k: { vocabulary: 50_257, endToken: 50_256 },
  cl100k: { vocabulary: 100_277, endToken: 100_257 },
  o200k: { vocabulary: 200_019, endToken: 199_999 },
};

const modules = {
  r50k: () => Promise.all([import('gpt-tokenizer/encoding/r50k_base'), import('gpt-tokenizer/bpeRanks/r50k_base')]),
  cl100k: () =>
    Promise.all([import('gpt-tokenizer/encoding/cl100k_base'), import('gpt-tokenizer/bpeRanks/cl100k_base')]),
  o200k: () => Promise.all([import('gpt-tokenizer/encoding/o200k_base'), import('gpt-tokenizer/bpeRanks/o200k_base')]),
};

const loaded = new Map<EncodingName, Promise<Encoding>>();

/** Loads one encoding's tables (about 0.1 s), once. */
export function loadEncoding(name: EncodingName): Promise<Encoding> {
  let encoding = loaded.get(name);
  if (!encoding) {
    encoding = importEncoding(name);
    loaded.set(name, encoding);
  }
  return encoding;
}

async function importEncoding(name: EncodingName): Promise<Encoding> {
  const [{ encode }, { default: ranks }] = await modules[name]();
  // By default the library refuses texts with special strings; it is told to see none.
  const options = { disallowedSpecial: new Set<string>() };
  const none = new Uint8Array(0);
  const utf8 = new TextEncoder();
  return {
    encode(text) {
      mustBeWellFormed(text);
      const ids: number[] = [];
      for (const piece of cutLongRuns(text)) for (const id of encode(piece, options)) ids.push(id);
      return ids;
    },
    bytesOf(id) {
      const token = ranks[id];
      if (token === undefined) return none;
      return typeof token === 'string' ? utf8.encode(token) : Uint8Array.from(token);
    },
  };
}

const LONGEST = 2000;
const longRun = new RegExp(
  ['\\p{L}', '\\p{N}', '\\s', '[^\\s\\p{L}\\p{N}]'].map((k) => `${k}{${LONGEST}}`).join('|'),
  'gu',
);

/**
 * Cuts after every 2,000 characters of one kind in a row. The library's merge loop takes quadratic time in the length of such a run (a
 * megabyte of letters without a space would take hours), and no real word is that long.
 */
function cutLongRuns(text: string): string[] {
  const pieces: string[] = [];
  let start = 0;
  for (const match of text.matchAll(longRun)) {
    const end = match.index + match[0].length;
    pieces.push(text.slice(start, end));
    start = end;
  }
  pieces.push(text.slice(start));
  return pieces;
}

export class BpeTokenizer implements Tokenizer {
  readonly name: EncodingName;
  readonly vocabulary: number;
  readonly endToken: number;

  private constructor(
    name: EncodingName,
    private readonly encoding: Encoding,
  ) {
    this.name = name;
    this.vocabulary = encodings[name].vocabulary;
    this.endToken = encodings[name].endToken;
  }

  static async load(name: EncodingName): Promise<BpeTokenizer> {
    return new BpeTokenizer(name, await loadEncoding(name));
  }

  async encode(text: string): Promise<Int32Array> {
    return Int32Array.from(this.encoding.encode(text));
  }

  decode(ids: Iterable<number>): string {
    return textOf(this.decodeBytes(ids));
  }

  /** Special and unused ids write nothing. */
  decodeBytes(ids: Iterable<number>): Uint8Array {
    const parts: Uint8Array[] = [];
    for (const id of ids) {
      if (!(id >= 0 && id < this.vocabulary)) throw outOfRange(id, this);
      parts.push(this.encoding.bytesOf(id));
    }
    return concatBytes(parts);
  }

  toJSON(): TokenizerJSON {
    return { kind: 'bpe', encoding: this.name };
  }
}
