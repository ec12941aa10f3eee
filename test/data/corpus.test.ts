// Corpora end to end on files in memory: datasets by name, the split, the cache, the loss floor, bad input.
import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { bytesPerToken, type CorpusOptions, loadCorpus } from '../../src/data/corpus.ts';
import { defaultTokenizer, ownCard, parseDatasetCard } from '../../src/data/dataset-card.ts';
import { listDatasets } from '../../src/data/datasets.ts';
import { type DataHost, sha256 } from '../../src/data/host.ts';
import { scoreTale, taleEntropy, writeTales } from '../../src/data/tiny-tales.ts';
import { createTokenizer } from '../../src/data/tokenizers/create.ts';
import { MemoryStorage } from '../../src/formats/memory-storage.ts';
import { UserError } from '../../src/terms/user-error.ts';

const utf8 = new TextEncoder();
const play = 'To be, or not to be.\n'.repeat(30);

let storage: MemoryStorage;
let host: DataHost;
let warnings: string[];
let sent: () => Promise<Uint8Array>;

async function put(path: string, content: string | Uint8Array): Promise<void> {
  await storage.makeFolder(path.slice(0, path.lastIndexOf('/')));
  await storage.write(path, typeof content === 'string' ? utf8.encode(content) : content);
}

const load = (dataset: string, options: Partial<CorpusOptions> = {}) =>
  loadCorpus({ dataset, host, warn: (sentence) => warnings.push(sentence), ...options });

async function cacheFiles(): Promise<string[]> {
  return (await storage.list('cache/corpora')).map((entry) => `cache/corpora/${entry.name}`);
}

beforeEach(async () => {
  storage = new MemoryStorage();
  warnings = [];
  sent = () => Promise.reject(new UserError('example.org is not reachable: no network.'));
  host = {
    storage,
    datasetsFolder: 'datasets',
    cacheFolder: 'cache',
    typescriptLib: () => 'lib',
    download: () => sent(),
  };
  for (const name of ['tiny-tales', 'typescript-lib', 'tinyshakespeare']) {
    await put(`datasets/${name}.json`, readFileSync(new URL(`../../datasets/${name}.json`, import.meta.url)));
  }
  const card = JSON.parse(readFileSync(new URL('../../datasets/tinyshakespeare.json', import.meta.url), 'utf8'));
  const source = {
    kind: 'download',
    url: 'https://example.org/play.txt',
    sha256: await sha256(play),
    bytes: play.length,
  };
  await put('datasets/play.json', JSON.stringify({ ...card, name: 'play', source }));
});

describe('cards', () => {
  it('are listed by name', async () => {
    expect((await listDatasets(host)).map((card) => card.name)).toEqual([
      'play',
      'tiny-tales',
      'tinyshakespeare',
      'typescript-lib',
    ]);
  });

  it('are refused with the wrong field', () => {
    expect(() =>
      parseDatasetCard({ ...ownCard('file', 'x'), split: { validation: 2, at: 'character' } }, 'x.json'),
    ).toThrow("x.json is wrong at 'split.validation'");
  });

  it('have a default tokenizer that fits the model card', () => {
    const card = ownCard('file', 'x');
    expect([100, 257, 4096, 50_257, undefined].map((size) => defaultTokenizer(card, size))).toEqual([
      'byte',
      'r50k-compact:257',
      'r50k-compact:4096',
      'r50k',
      'r50k-compact',
    ]);
    expect(defaultTokenizer({ ...card, tokenizer: 'char' }, 4096)).toBe('char');
  });
});

describe('a file', () => {
  it('is split by position: the last tenth of its characters is for validation', async () => {
    await put('texts/a.txt', 'abcdefghij'.repeat(10));
    const corpus = await load('file:texts/a.txt', { tokenizer: 'char' });
    expect(corpus.tokenizer.decode(corpus.train)).toBe('abcdefghij'.repeat(9));
    expect(corpus.tokenizer.decode(corpus.validation)).toBe('abcdefghij');
    expect([corpus.train.length, corpus.validation.length, corpus.tokenizer.vocabulary]).toEqual([90, 10, 10]);
    expect(corpus.bytes).toEqual({ train: 90, validation: 10 });
    expect(bytesPerToken(corpus)).toBe(1);
    expect(corpus.floor).toBeNull();
  });

  it('is never cut inside a surrogate pair', async () => {
    await put('texts/a.txt', '👍'.repeat(5));
    const corpus = await load('file:texts/a.txt', { tokenizer: 'byte' });
    expect(corpus.tokenizer.decode(corpus.train)).toBe('👍'.repeat(4));
    expect(corpus.tokenizer.decode(corpus.validation)).toBe('👍');
  });

  it('gets end tokens where documents end, and none where the cut falls inside one', async () => {
    await put('texts/a.txt', 'aaaa');
    await put('texts/b.txt', 'b'.repeat(16));
    const corpus = await load('dir:texts', { tokenizer: 'byte' });
    expect([...corpus.train]).toEqual([97, 97, 97, 97, 256, ...new Array(14).fill(98)]);
    expect([...corpus.validation]).toEqual([98, 98, 256]);
    expect(corpus.documents).toBe(2);
  });

  it.each([
    ['file:texts/none.txt', "Cannot read 'texts/none.txt'"],
    ['file:', 'nothing after the colon: write file:PATH'],
    ['dir', 'write dir:FOLDER'],
    ['file:texts/empty.txt', "'texts/empty.txt' is empty"],
    ['file:texts/binary.bin', 'NUL byte at offset 1'],
    ['file:texts/short.txt', 'too short to be split: 2 characters give 1 training and 2 validation tokens'],
    ['dir:bad', "There is no text below 'bad': 'bad/x.bin' is binary"],
    ['tiny-tails', "Unknown dataset 'tiny-tails': did you mean tiny-tales"],
    ['texts/short.txt', 'for a path write file:texts/short.txt'],
    ['tiny-tales:lots', "'lots' is not a size"],
    ['tiny-tales:2GB', 'more than the 1GB'],
    ['typescript-lib:x', 'typescript-lib takes nothing after a colon'],
  ])('%s is refused in one sentence', async (name, message) => {
    await put('texts/empty.txt', '');
    await put('texts/short.txt', 'ab');
    await put('texts/binary.bin', Uint8Array.of(1, 0, 2));
    await put('bad/x.bin', Uint8Array.of(0));
    const loading = load(name, { tokenizer: 'byte' });
    await expect(loading).rejects.toThrow(UserError);
    await expect(loading).rejects.toThrow(message);
  });
});

describe('a folder', () => {
  it('is all its text files, sorted, hidden ones passed over, binary ones left out with a warning', async () => {
    await put('texts/b.txt', 'second '.repeat(9));
    await put('texts/a/z.md', 'first '.repeat(9));
    await put('texts/.hidden', 'not this');
    await put('texts/node_modules/x.js', 'nor this');
    await put('texts/picture.png', Uint8Array.of(0x89, 0x50, 0, 0));
    const corpus = await load('dir:texts', { tokenizer: 'byte' });
    const text = corpus.tokenizer.decode([...corpus.train, ...corpus.validation]);
    expect(text).toBe('first '.repeat(9) + 'second '.repeat(9));
    expect(warnings).toEqual([
      expect.stringContaining("1 of 3 files below 'texts' are left out: 'texts/picture.png' is"),
    ]);
  });
});

describe('typescript-lib', () => {
  it('is the .d.ts files of the folder, sorted by name', async () => {
    await put('lib/b.d.ts', 'declare const b: 2;'.repeat(3));
    await put('lib/a.d.ts', 'declare const a: 1;'.repeat(3));
    await put('lib/tsc.js', 'not this');
    const corpus = await load('typescript-lib', { tokenizer: 'byte' });
    expect(corpus.documents).toBe(2);
    expect(corpus.tokenizer.decode(corpus.train).startsWith('declare const a')).toBe(true);
  });
});

describe('a download', () => {
  it('is fetched once, checked and kept', async () => {
    let downloads = 0;
    sent = async () => {
      downloads += 1;
      return utf8.encode(play);
    };
    const first = await load('play');
    const second = await load('play');
    expect(downloads).toBe(1);
    expect(second).toEqual(first);
    await put('cache/datasets/play.txt', 'damaged');
    expect((await load('play')).train).toEqual(first.train);
    expect(downloads).toBe(2);
    expect(warnings).toEqual(['The cached copy of play is damaged and is downloaded again.']);
  });

  it('that fails names the way round it', async () => {
    await expect(load('play')).rejects.toThrow(
      'Could not download play (example.org is not reachable: no network): give a copy with --dataset play:PATH or a text of your own with --dataset file:PATH.',
    );
  });

  it('with a wrong checksum is refused and not kept', async () => {
    sent = async () => utf8.encode('404 page');
    await expect(load('play')).rejects.toThrow('is not play: 8 bytes with SHA-256');
    expect(await storage.exists('cache/datasets/play.txt')).toBe(false);
  });

  it('can be taken from a file, which must be the right one', async () => {
    await put('texts/copy.txt', play);
    expect((await load('play:texts/copy.txt')).bytes.train).toBe(Math.floor(play.length * 0.9));
    await put('texts/copy.txt', `${play}!`);
    await expect(load('play:texts/copy.txt')).rejects.toThrow("'texts/copy.txt' is not play");
  });
});

describe('the loss floor', () => {
  it('is the mean cost of a token of the very text, and the entropy over the mean length', async () => {
    const corpus = await load('tiny-tales:40KB', { vocabulary: 512 });
    const tales = corpus.tokenizer
      .decode([...corpus.validation].map((id) => (id === corpus.tokenizer.endToken ? 10 : id)))
      .split(/\n(?=Once|Long|In a|Before your)/);
    const nats = tales.reduce((sum, text) => sum + scoreTale(text.trimEnd()), 0);
    expect(corpus.tokenizer.vocabulary).toBe(512);
    expect(corpus.floor!.validation).toBeCloseTo(nats / corpus.validation.length, 9);
    const tokens = corpus.train.length + corpus.validation.length;
    expect(corpus.floor!.expected).toBeCloseTo((taleEntropy() * corpus.documents) / tokens, 12);
    expect(Math.abs(corpus.floor!.train / corpus.floor!.expected - 1)).toBeLessThan(0.1);
    const all = writeTales(1, 40_000);
    expect(corpus.documents).toBe(all.length);
    const total = corpus.floor!.train * corpus.train.length + corpus.floor!.validation * corpus.validation.length;
    expect(total).toBeCloseTo(
      all.reduce((sum, tale) => sum + tale.nats, 0),
      6,
    );
  });
});

describe('the cache', () => {
  it('gives back what was encoded', async () => {
    const cold = await load('tiny-tales:20KB', { vocabulary: 300 });
    expect((await cacheFiles()).length).toBe(1);
    const warm = await load('tiny-tales:20KB', { vocabulary: 300 });
    expect(warm.train).toEqual(cold.train);
    expect(warm.validation).toEqual(cold.validation);
    expect({ ...warm, tokenizer: null }).toEqual({ ...cold, tokenizer: null });
    expect(await warm.tokenizer.encode('a new text')).toEqual(await cold.tokenizer.encode('a new text'));
    expect(warnings).toEqual([]);
  });

  it('is keyed by text, tokenizer and split', async () => {
    await put('texts/a.txt', 'abcdefghij'.repeat(10));
    const one = await load('file:texts/a.txt', { tokenizer: 'byte' });
    const two = await load('file:texts/a.txt', { tokenizer: 'char' });
    await put('texts/a.txt', 'abcdefghiJ'.repeat(10));
    const three = await load('file:texts/a.txt', { tokenizer: 'byte' });
    expect(new Set([one.identity, two.identity, three.identity]).size).toBe(3);
    expect((await cacheFiles()).length).toBe(3);
    expect([...three.validation].includes(74)).toBe(true);
  });

  it('serves a checkpoint’s own tokenizer on another text', async () => {
    await put('texts/a.txt', 'mississippi '.repeat(20));
    const tokenizer = await createTokenizer('char', ['mispel ,']);
    const cold = await load('file:texts/a.txt', { tokenizer });
    const warm = await load('file:texts/a.txt', { tokenizer });
    expect(warm.tokenizer).toBe(tokenizer);
    expect(warm.train).toEqual(cold.train);
    await put('texts/a.txt', 'Mississippi '.repeat(20));
    await expect(load('file:texts/a.txt', { tokenizer })).rejects.toThrow('The character "M"');
  });

  it('notices damage anywhere in the file, says so, and makes it again', async () => {
    const good = await load('tiny-tales:5KB', { tokenizer: 'byte' });
    const [path] = await cacheFiles();
    const whole = await storage.read(path!);
    const flipped = (at: number) => whole.map((byte, i) => (i === at ? byte ^ 1 : byte));
    const places = Array.from({ length: 40 }, (_, i) => Math.floor((i * (whole.length - 1)) / 39));
    const damaged = [
      ...places.map(flipped),
      whole.slice(0, -1),
      whole.slice(0, 5),
      new Uint8Array(0),
      new Uint8Array([...whole, 0]),
    ];
    for (const bytes of damaged) {
      await storage.write(path!, bytes);
      warnings = [];
      const again = await load('tiny-tales:5KB', { tokenizer: 'byte' });
      expect(again.train).toEqual(good.train);
      expect(warnings).toEqual([expect.stringContaining('are made again: it')]);
      expect(await storage.read(path!)).toEqual(whole);
    }
  });

  it('that cannot be written is a warning, not an end', async () => {
    storage.breakAfter(0);
    const corpus = await load('tiny-tales:5KB', { tokenizer: 'byte' });
    storage.repair();
    expect(corpus.train.length).toBeGreaterThan(100);
    expect(warnings).toEqual([expect.stringContaining('could not be kept for the next time')]);
  });
});
