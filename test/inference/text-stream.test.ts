// Streamed text: whole characters only, and in the end the same text.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteTokenizer } from '../../src/data/tokenizers/byte.ts';
import { createTokenizer } from '../../src/data/tokenizers/create.ts';
import { TextStream } from '../../src/inference/text-stream.ts';

const wellFormed = fc.string({ unit: 'binary' }).filter((text) => !/\p{Surrogate}/u.test(text));

test('the parts of any text are whole characters and add up to it', async () => {
  const tokenizer = new ByteTokenizer();
  await fc.assert(
    fc.asyncProperty(wellFormed, async (text) => {
      const stream = new TextStream(tokenizer);
      const parts = [...(await tokenizer.encode(text))].map((id) => stream.push(id));
      expect(parts.join('')).toBe(text);
      for (const part of parts) expect([...part].length).toBeLessThanOrEqual(1);
      expect(stream.end()).toEqual({ unfinished: false });
    }),
  );
});

test('bytes that begin a character wait for the rest', () => {
  const stream = new TextStream(new ByteTokenizer());
  const parts = [...new TextEncoder().encode('é😀!')].map((byte) => stream.push(byte));
  expect(parts).toEqual(['', 'é', '', '', '', '😀', '!']);
});

describe('a text that ends', () => {
  test('inside a character leaves its beginning out and says so', () => {
    const stream = new TextStream(new ByteTokenizer());
    expect([0x61, 0xf0, 0x9f].map((byte) => stream.push(byte)).join('')).toBe('a');
    expect(stream.end()).toEqual({ unfinished: true });
  });

  test('with the end token writes nothing for it', () => {
    const stream = new TextStream(new ByteTokenizer());
    expect([0x61, 256].map((byte) => stream.push(byte))).toEqual(['a', '']);
    expect(stream.end()).toEqual({ unfinished: false });
  });
});

test('bytes that are no UTF-8 become U+FFFD, as in the tokenizer', () => {
  const tokenizer = new ByteTokenizer();
  const bytes = [0x61, 0xff, 0x62, 0xc3, 0x28];
  const stream = new TextStream(tokenizer);
  expect(bytes.map((byte) => stream.push(byte)).join('')).toBe(tokenizer.decode(bytes));
});

test('a byte pair encoding that cuts characters in pieces', async () => {
  const tokenizer = await createTokenizer('r50k', []);
  const text = 'naïve 🦜🦜 — 漢字';
  const ids = [...(await tokenizer.encode(text))];
  const stream = new TextStream(tokenizer);
  const parts = ids.map((id) => stream.push(id));
  expect(parts.join('')).toBe(text);
  expect(parts).toContain('');
});
