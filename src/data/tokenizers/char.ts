// The character tokenizer: a token for each character (code point) of a corpus, in code point order, as in nanoGPT.
import { UserError } from '../../terms/user-error.ts';
import { mustBeWellFormed, outOfRange, type Tokenizer, type TokenizerJSON } from './tokenizer.ts';

export class CharTokenizer implements Tokenizer {
  readonly name = 'char';
  readonly vocabulary: number;
  readonly endToken: number | null;
  private readonly ids = new Map<string, number>();

  /** `characters`: the alphabet, sorted; with `end`, one more id after it ends documents. */
  constructor(
    private readonly characters: readonly string[],
    end: boolean,
  ) {
    for (const [id, character] of characters.entries()) this.ids.set(character, id);
    this.endToken = end ? characters.length : null;
    this.vocabulary = characters.length + (end ? 1 : 0);
  }

  /** The alphabet of the documents. A single document gets no end token, so that tiny Shakespeare has nanoGPT's 65 ids. */
  static of(documents: readonly string[]): CharTokenizer {
    const points = new Set<number>();
    for (const text of documents) for (const character of text) points.add(character.codePointAt(0)!);
    const sorted = [...points].sort((a, b) => a - b).map((point) => String.fromCodePoint(point));
    return new CharTokenizer(sorted, documents.length > 1);
  }

  async encode(text: string): Promise<Int32Array> {
    mustBeWellFormed(text);
    const ids = new Int32Array(text.length);
    let length = 0;
    for (const character of text) {
      const id = this.ids.get(character);
      if (id === undefined) throw this.unknown(character, text);
      ids[length++] = id;
    }
    return ids.slice(0, length);
  }

  decode(ids: Iterable<number>): string {
    let text = '';
    for (const id of ids) {
      if (id === this.endToken) continue;
      const character = this.characters[id];
      if (character === undefined) throw outOfRange(id, this);
      text += character;
    }
    return text;
  }

  decodeBytes(ids: Iterable<number>): Uint8Array {
    return new TextEncoder().encode(this.decode(ids));
  }

  toJSON(): TokenizerJSON {
    return { kind: 'char', characters: this.characters.join(''), end: this.endToken !== null };
  }

  private unknown(character: string, text: string): UserError {
    const code = character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
    const shown = JSON.stringify(character);
    return new UserError(
      `The character ${shown} (U+${code}) at position ${text.indexOf(character)} is not among the ${this.characters.length} characters that this char tokenizer was made from; byte and the r50k tokenizers take any text.`,
    );
  }
}
