// The byte tokenizer: a token for each of the 256 bytes of UTF-8, and one that ends a document.
import { mustBeWellFormed, outOfRange, type Tokenizer, type TokenizerJSON, textOf } from './tokenizer.ts';

const END = 256;

export class ByteTokenizer implements Tokenizer {
  readonly name = 'byte';
  readonly vocabulary = 257;
  readonly endToken = END;

  async encode(text: string): Promise<Int32Array> {
    mustBeWellFormed(text);
    return Int32Array.from(new TextEncoder().encode(text));
  }

  decode(ids: Iterable<number>): string {
    return textOf(this.decodeBytes(ids));
  }

  decodeBytes(ids: Iterable<number>): Uint8Array {
    const bytes: number[] = [];
    for (const id of ids) {
      if (!(id >= 0 && id <= END)) throw outOfRange(id, this);
      if (id !== END) bytes.push(id);
    }
    return Uint8Array.from(bytes);
  }

  toJSON(): TokenizerJSON {
    return { kind: 'byte' };
  }
}
