// How many tokens a text of English prose has in the encodings of the GPT models, and as bytes.
import { z } from 'zod';
import type { Measurement } from '../context.ts';

const whole = z.int().positive();
const schema = z.strictObject({
  words: whole,
  bytes: whole,
  tokens: z.strictObject({ byte: whole, r50k: whole, cl100k: whole, o200k: whole }),
});

export type TokensPerWord = z.output<typeof schema>;

/** Abraham Lincoln, 19 November 1863. */
const TEXT = `Four score and seven years ago our fathers brought forth on this continent, a new nation, conceived in Liberty, and \
dedicated to the proposition that all men are created equal. Now we are engaged in a great civil war, testing whether that nation, \
or any nation so conceived and so dedicated, can long endure. We are met on a great battle-field of that war. We have come to \
dedicate a portion of that field, as a final resting place for those who here gave their lives that that nation might live. It is \
altogether fitting and proper that we should do this. But, in a larger sense, we can not dedicate -- we can not consecrate -- we can \
not hallow -- this ground. The brave men, living and dead, who struggled here, have consecrated it, far above our poor power to add \
or detract. The world will little note, nor long remember what we say here, but it can never forget what they did here.`;

export const tokensPerWord: Measurement<TokensPerWord> = {
  id: 'tokens-per-word',
  title: 'tokens of a text of English prose, by encoding',
  backend: 'cpu',
  schema,
  run: async () => {
    const { BpeTokenizer } = await import('../../data/tokenizers/bpe.ts');
    const count = async (name: 'r50k' | 'cl100k' | 'o200k') =>
      (await (await BpeTokenizer.load(name)).encode(TEXT)).length;
    const bytes = new TextEncoder().encode(TEXT).length;
    return {
      words: TEXT.split(/\s+/).filter((word) => /\w/.test(word)).length,
      bytes,
      tokens: { byte: bytes, r50k: await count('r50k'), cl100k: await count('cl100k'), o200k: await count('o200k') },
    };
  },
};
