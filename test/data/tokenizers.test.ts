// Tokenizers: exact round trips on any text, special strings as ordinary text, JSON and back, clear errors.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeTales } from '../../src/data/tiny-tales.ts';
import { loadEncoding } from '../../src/data/tokenizers/bpe.ts';
import { CompactTokenizer } from '../../src/data/tokenizers/compact.ts';
import { canonicalTokenizer, createTokenizer, tokenizerFromJSON } from '../../src/data/tokenizers/create.ts';
import { sameTokenizer, type Tokenizer } from '../../src/data/tokenizers/tokenizer.ts';
import { uniformArray } from '../../src/engine/random.ts';

const corpus = [...writeTales(1, 4000).map((tale) => tale.text), 'Zwölf Boxkämpfer jagen Viktor. 好的 👩‍👩‍👧 \ufeff'];
const anyText = fc.string({ unit: 'binary' });
const names = [
  'byte',
  'r50k',
  'r50k-compact',
  'r50k-compact:400',
  'cl100k',
  'cl100k-compact',
  'o200k',
  'o200k-compact:257',
];

async function roundTrip(tokenizer: Tokenizer, text: string): Promise<void> {
  const ids = await tokenizer.encode(text);
  expect(tokenizer.decode(ids)).toBe(text);
  expect(new TextDecoder('utf-8', { ignoreBOM: true }).decode(tokenizer.decodeBytes(ids))).toBe(text);
  for (const id of ids) {
    expect(id >= 0 && id < tokenizer.vocabulary).toBe(true);
    expect(id).not.toBe(tokenizer.endToken);
  }
}

describe.each(names)('%s', (name) => {
  it('decodes what it encodes, for any text, also one the corpus never had', async () => {
    const tokenizer = await createTokenizer(name, corpus);
    await fc.assert(
      fc.asyncProperty(anyText, (text) => roundTrip(tokenizer, text)),
      { numRuns: 150 },
    );
    const hard = [
      '',
      ' ',
      '\r\n\t',
      '\ufeff',
      '\ufeffusing',
      'a\u0000b',
      '�',
      'ａ̈́',
      '<|endoftext|>',
      'x<|fim_prefix|>y<|endoftext|>',
      "it's IT'S",
    ];
    for (const text of [...corpus.slice(-3), ...hard]) await roundTrip(tokenizer, text);
  });

  it('is restored from its JSON, and the same', async () => {
    const tokenizer = await createTokenizer(name, corpus);
    const restored = await tokenizerFromJSON(JSON.parse(JSON.stringify(tokenizer.toJSON())));
    expect(restored.name).toBe(tokenizer.name);
    expect(restored.vocabulary).toBe(tokenizer.vocabulary);
    expect(restored.endToken).toBe(tokenizer.endToken);
    expect(sameTokenizer(restored, tokenizer)).toBe(true);
    expect(await restored.encode(corpus[0]!)).toEqual(await tokenizer.encode(corpus[0]!));
  });

  it('refuses half a surrogate pair with its position, and ids out of range', async () => {
    const tokenizer = await createTokenizer(name, corpus);
    await expect(tokenizer.encode('ab\ud83d!')).rejects.toThrow('half a surrogate pair (U+D83D) at position 2');
    expect(() => tokenizer.decode([tokenizer.vocabulary])).toThrow(RangeError);
    expect(() => tokenizer.decode([-1])).toThrow(RangeError);
    expect(tokenizer.decode([tokenizer.endToken!])).toBe('');
  });
});

describe('the published encodings', () => {
  // Ids from OpenAI's tiktoken for the same strings.
  it.each([
    ['r50k', 'hello world', [31373, 995], 50257, 50256],
    ['cl100k', 'hello world', [15339, 1917], 100277, 100257],
    ['o200k', 'hello world', [24912, 2375], 200019, 199999],
  ])('%s encodes %j as published', async (name, text, ids, vocabulary, endToken) => {
    const tokenizer = await createTokenizer(name, []);
    expect([...(await tokenizer.encode(text))]).toEqual(ids);
    expect(tokenizer.vocabulary).toBe(vocabulary);
    expect(tokenizer.endToken).toBe(endToken);
  });

  it('takes 100,000 letters without a space in reasonable time', async () => {
    const tokenizer = await createTokenizer('r50k', []);
    // No piece repeats, so that the library's cache of pieces is no help; uncut, its merge loop needs minutes.
    const text = Array.from(uniformArray(1, 'letters', 100_000), (u) => String.fromCharCode(97 + Math.floor(u * 26)));
    expect(tokenizer.decode(await tokenizer.encode(text.join('')))).toBe(text.join(''));
  }, 30_000);
});

describe('compact', () => {
  it('keeps the bytes, an end token, and every token of the corpus, so that the corpus has as many tokens as before', async () => {
    const tokenizer = await createTokenizer('r50k-compact', corpus);
    const full = await loadEncoding('r50k');
    const used = new Set(corpus.flatMap((text) => full.encode(text)).filter((id) => full.bytesOf(id).length > 1));
    expect(tokenizer.vocabulary).toBe(257 + used.size);
    for (const text of corpus) expect((await tokenizer.encode(text)).length).toBe(full.encode(text).length);
    for (let byte = 0; byte < 256; byte++) expect([...tokenizer.decodeBytes([byte])]).toEqual([byte]);
  });

  it('has exactly the vocabulary that was asked for, the most frequent tokens first', async () => {
    const small = await createTokenizer('r50k-compact:300', corpus);
    const large = await createTokenizer('r50k-compact:4096', corpus);
    expect(small.vocabulary).toBe(300);
    expect(large.vocabulary).toBe(4096);
    const text = corpus.join('\n');
    expect((await large.encode(text)).length).toBeLessThan((await small.encode(text)).length);
    expect((await small.encode(text)).length).toBeLessThan(new TextEncoder().encode(text).length);
    // The common English tokens that fill it up are whole tokens too.
    expect((await large.encode(' people')).length).toBe(1);
  });

  it('refuses sizes that are not possible', async () => {
    await expect(createTokenizer('r50k-compact:256', corpus)).rejects.toThrow('from 257');
    await expect(createTokenizer('r50k-compact:99999', corpus)).rejects.toThrow('to 50257');
    expect((await createTokenizer('r50k-compact:50257', [])).vocabulary).toBe(50_257);
  });

  it('spells a token it did not keep with the longest kept ones', async () => {
    const tokenizer = new CompactTokenizer('r50k', null, [new TextEncoder().encode(' wor')]);
    expect([...(await tokenizer.encode(' world'))]).toEqual([257, 108, 100]);
  });
});

describe('char', () => {
  it('has the characters of the corpus in code point order, and an end token only where there are several documents', async () => {
    const one = await createTokenizer('char', ['ban👍ana']);
    expect([...(await one.encode('nab👍'))]).toEqual([2, 0, 1, 3]);
    expect(one.vocabulary).toBe(4);
    expect(one.endToken).toBeNull();
    const two = await createTokenizer('char', ['ab', 'bc']);
    expect(two.endToken).toBe(3);
    expect(two.decode([0, 1, 3, 2])).toBe('abc');
    for (const tokenizer of [one, two]) {
      expect(sameTokenizer(await tokenizerFromJSON(tokenizer.toJSON()), tokenizer)).toBe(true);
    }
    expect(sameTokenizer(one, two)).toBe(false);
    await roundTrip(one, 'naan👍');
  });

  it('names a character that it does not know', async () => {
    const tokenizer = await createTokenizer('char', ['abc']);
    await expect(tokenizer.encode('cab€')).rejects.toThrow(
      'The character "€" (U+20AC) at position 3 is not among the 3',
    );
  });
});

describe('names', () => {
  it('have one spelling', () => {
    expect(canonicalTokenizer('r50k_base')).toBe('r50k');
    expect(canonicalTokenizer('cl100k_base-compact:0512')).toBe('cl100k-compact:512');
  });

  it.each(['r50', 'bytes', 'r50k:4096', 'r50k-compact:', 'r50k-compact:-3', 'char:5', ''])('%j is refused', (name) => {
    expect(() => canonicalTokenizer(name)).toThrow(/Unknown tokenizer .*did you mean/);
  });

  it('damaged JSON is refused', async () => {
    const tokenizer = await createTokenizer('r50k-compact:300', corpus);
    const json = tokenizer.toJSON();
    await expect(tokenizerFromJSON({ ...json, lengths: [1, 2] })).rejects.toThrow('do not add up');
    await expect(tokenizerFromJSON({ ...json, bytes: '%%' })).rejects.toThrow('bytes');
    await expect(tokenizerFromJSON({ kind: 'words' })).rejects.toThrow('damaged');
    await expect(tokenizerFromJSON(null)).rejects.toThrow('damaged');
  });
});
