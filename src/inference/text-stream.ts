// Tokens to text as they come, never half a UTF-8 character: bytes that only begin one wait for the rest.
import type { Tokenizer } from '../data/tokenizers/tokenizer.ts';

export class TextStream {
  private readonly tokenizer: Tokenizer;
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  constructor(tokenizer: Tokenizer) {
    this.tokenizer = tokenizer;
  }

  /** The characters that this token completes; may be none. Bytes that cannot be UTF-8 become U+FFFD. */
  push(id: number): string {
    return this.decoder.decode(this.tokenizer.decodeBytes([id]), { stream: true });
  }

  /** Ends the text. Whether its last bytes only begin a character, and were not given out. */
  end(): { unfinished: boolean } {
    // What is left is incomplete: the decoder would write U+FFFD for it.
    return { unfinished: this.decoder.decode() !== '' };
  }
}
