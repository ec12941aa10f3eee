// A byte pair encoding cut down to the tokens a corpus uses: a small vocabulary for small models that still takes any text.
//
// Ids 0 to 255 are the bytes, 256 ends a document, then come the kept tokens, the most frequent first. A token of the full encoding that
// was not kept is spelled with kept tokens and bytes, the longest that fits first, so that every text encodes and decodes exactly.
import { UserError } from '../../terms/user-error.ts';
import { type EncodingName, encodings, loadEncoding } from './bpe.ts';
import { concatBytes, outOfRange, type Tokenizer, type TokenizerJSON, textOf } from './tokenizer.ts';

const END = 256;
const FIRST_KEPT = 257;
const none = new Uint8Array(0);

export class CompactTokenizer implements Tokenizer {
  readonly vocabulary: number;
  readonly endToken = END;
  readonly name: string;
  /** Bytes of every id. */
  private readonly bytes: Uint8Array[];
  /** Ids by their bytes, as a string of one character per byte. */
  private readonly byBytes = new Map<string, number>();
  private readonly longest: number;
  /** Spellings, by the full encoding's id; filled as ids are met. */
  private readonly spellings: Int32Array[] = [];

  /** `kept`: the bytes of the ids from 257. `limit`: what was asked for, for the name; null for all that the corpus uses. */
  constructor(
    private readonly encoding: EncodingName,
    private readonly limit: number | null,
    private readonly kept: readonly Uint8Array[],
  ) {
    this.name = limit === null ? `${encoding}-compact` : `${encoding}-compact:${limit}`;
    this.bytes = [...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)), none, ...kept];
    this.vocabulary = this.bytes.length;
    for (const [id, bytes] of this.bytes.entries()) if (id !== END) this.byBytes.set(keyOf(bytes), id);
    this.longest = this.bytes.reduce((longest, bytes) => Math.max(longest, bytes.length), 1);
  }

  /**
   * The tokens that the documents use. With a limit the vocabulary has exactly that many ids (257 or more): the most frequent tokens of
   * the documents, and if these are fewer, the encoding's own most frequent ones (its lowest ids) after them.
   */
  static async of(
    encoding: EncodingName,
    limit: number | null,
    documents: Iterable<string>,
  ): Promise<CompactTokenizer> {
    const table = await loadEncoding(encoding);
    const counts = new Float64Array(encodings[encoding].vocabulary);
    for (const text of documents) for (const id of table.encode(text)) counts[id]! += 1;
    const multibyte = [...counts.keys()].filter((id) => table.bytesOf(id).length > 1);
    const most = FIRST_KEPT + multibyte.length;
    if (limit !== null && !(limit >= FIRST_KEPT && limit <= most)) {
      throw new UserError(
        `${encoding}-compact:${limit} is not possible: the vocabulary is from ${FIRST_KEPT} (256 bytes and an end token) to ${most}.`,
      );
    }
    const used = multibyte.filter((id) => counts[id]! > 0).sort((a, b) => counts[b]! - counts[a]! || a - b);
    const unused = limit === null ? [] : multibyte.filter((id) => counts[id] === 0);
    const kept = [...used, ...unused].slice(0, limit === null ? undefined : limit - FIRST_KEPT);
    return new CompactTokenizer(
      encoding,
      limit,
      kept.map((id) => table.bytesOf(id)),
    );
  }

  async encode(text: string): Promise<Int32Array> {
    const table = await loadEncoding(this.encoding);
    const ids: number[] = [];
    for (const full of table.encode(text)) {
      this.spellings[full] ??= this.spell(table.bytesOf(full));
      for (const id of this.spellings[full]) ids.push(id);
    }
    return Int32Array.from(ids);
  }

  decode(ids: Iterable<number>): string {
    return textOf(this.decodeBytes(ids));
  }

  decodeBytes(ids: Iterable<number>): Uint8Array {
    const parts: Uint8Array[] = [];
    for (const id of ids) {
      const bytes = this.bytes[id];
      if (bytes === undefined) throw outOfRange(id, this);
      parts.push(bytes);
    }
    return concatBytes(parts);
  }

  toJSON(): TokenizerJSON {
    return {
      kind: 'compact',
      encoding: this.encoding,
      limit: this.limit,
      lengths: this.kept.map((bytes) => bytes.length),
      bytes: btoa(keyOf(concatBytes(this.kept))),
    };
  }

  /** The inverse of `toJSON`; null where lengths and bytes do not fit each other. */
  static fromParts(
    encoding: EncodingName,
    limit: number | null,
    lengths: readonly number[],
    base64: string,
  ): CompactTokenizer | null {
    const all = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const kept: Uint8Array[] = [];
    let at = 0;
    for (const length of lengths) {
      kept.push(all.slice(at, at + length));
      at += length;
    }
    return at === all.length ? new CompactTokenizer(encoding, limit, kept) : null;
  }

  private spell(bytes: Uint8Array): Int32Array {
    const ids: number[] = [];
    for (let at = 0; at < bytes.length; ) {
      let length = Math.min(this.longest, bytes.length - at);
      let id = this.byBytes.get(keyOf(bytes.subarray(at, at + length)));
      while (id === undefined) {
        length -= 1;
        id = this.byBytes.get(keyOf(bytes.subarray(at, at + length)));
      }
      ids.push(id);
      at += length;
    }
    return Int32Array.from(ids);
  }
}

function keyOf(bytes: Uint8Array): string {
  let key = '';
  for (const byte of bytes) key += String.fromCharCode(byte);
  return key;
}
