// Cache and weights of served models: published sizes, the documents' claims, the mistakes of other calculators.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ModelCard, resolveModelCard } from '../../src/cards/model-card.ts';
import { loadModelCard } from '../../src/node/cards.ts';
import { loadHardware } from '../../src/node/hardware.ts';
import { inUnit } from '../../src/terms/quantities.ts';
import { deviceCounts } from '../../src/theory/inference-letters.ts';
import {
  cacheCrossover,
  fewestDevices,
  kvCache,
  largestBatch,
  servingMemory,
} from '../../src/theory/inference-memory.ts';
import { countParameters } from '../../src/theory/parameters.ts';
import { anyCard } from '../support/cards.ts';

const arch = (name: string) => loadModelCard({ arch: name });

/** The same card with other key/value heads. */
const withKvHeads = ({ name: _name, ...card }: ModelCard, kvHeads: number): ModelCard =>
  resolveModelCard({ ...card, kvHeads }, 'changed');

const one = { batch: 1, sequence: 1 };

describe('cache per token, 16-bit', () => {
  it.each([
    ['gpt2', 36_864, '2·2·12·768'],
    ['llama2-7b', 524_288, '2·2·32·4096'],
    ['llama3-8b', 131_072, '8 of 32 heads'],
    ['llama3-70b', 327_680, '8 of 64 heads'],
    ['llama2-70b', 327_680, '8 of 64 heads'],
    ['llama3-405b', 516_096, '2·2·126·8·128'],
    ['starcoder', 20_480, 'one head of 128 in each of 40 layers'],
    ['gpt3-175b', 4_718_592, '2·2·96·12288'],
  ] as const)('%s: %s bytes (%s)', (name, published, _how) => {
    expect(kvCache(arch(name), one).perToken.value).toBe(BigInt(published));
  });

  it('OPT-13B: 800 KB (Kwon et al. 2023, section 3)', () => {
    const opt = resolveModelCard({
      ...{ layers: 40, hidden: 5120, heads: 40, vocabulary: 50_272, context: 2048, tied: true },
      ...{ mlp: { kind: 'relu' }, norm: { kind: 'layer' }, positions: { kind: 'learned' } },
    });
    expect(inUnit(kvCache(opt, one).perToken, 'KiB').value).toBe(800);
  });

  it('in 4, 2 and 1 bytes; beside int8 weights it stays in 16 bits unless asked for', () => {
    const bytes = (serving: Parameters<typeof kvCache>[2]) => kvCache(arch('gpt2'), one, serving).perToken.value;
    expect(bytes({ precision: 'fp32' })).toBe(73_728n);
    expect(bytes({ precision: 'mixed' })).toBe(36_864n);
    expect(bytes({ precision: 'int8' })).toBe(36_864n);
    expect(bytes({ precision: 'int8', cachePrecision: 'int8' })).toBe(18_432n);
  });
});

describe('mistakes of other calculators', () => {
  const card = arch('llama3-8b');
  const { perToken } = kvCache(card, one);

  it('keys without values: half', () => {
    const keysOnly = BigInt(2 * card.layers * card.kvHeads * card.headSize);
    expect(perToken.value).toBe(2n * keysOnly);
  });

  it('hidden instead of the key/value heads: four times too large for Llama 3 8B', () => {
    expect(kvCache(card, one).documents.value).toBe(4n * perToken.value);
  });

  it('hidden instead of heads · headSize: wrong where the two differ', () => {
    const wide = resolveModelCard({ ...arch('gpt2'), headSize: 128 }, 'wide');
    expect(kvCache(wide, one).perToken.value).toBe(2n * 36_864n);
  });

  it('one key/value head divided among eight devices: each keeps a copy instead', () => {
    const single = withKvHeads(arch('llama3-8b'), 1);
    const cached = { batch: 4, sequence: 1000 };
    const alone = kvCache(single, cached).perDevice.value;
    expect(kvCache(single, cached, { tensorParallel: 8 }).perDevice.value).toBe(alone);
    expect(kvCache(card, cached, { tensorParallel: 8 }).perDevice.value).toBe(alone);
    expect(kvCache(card, cached, { tensorParallel: 16 }).perDevice.value).toBe(alone);
  });
});

describe("the documents' claims", () => {
  it('I1: (6.1) is exact for multi-head attention; GQA and MQA replace D by kvHeads · headSize', () => {
    const cached = { batch: 8, sequence: 512 };
    const ratio = (kvHeads: number) => {
      const { total, documents } = kvCache(withKvHeads(arch('llama3-8b'), kvHeads), cached);
      return Number(documents.value) / Number(total.value);
    };
    expect([32, 8, 1].map(ratio)).toEqual([1, 4, 32]);
    expect(kvCache(arch('gpt2'), cached).total).toMatchObject({
      formula: '2c·B·S·L·G·H',
      numbers: '2·2·8·512·12·12·64',
      unit: 'bytes',
    });
  });

  it('I2: the cache exceeds the weights from the exact crossover on, some multiple of D', () => {
    const card = arch('llama2-7b');
    const { tokens, documents } = cacheCrossover(card);
    const cacheOf = (sequence: bigint) => kvCache(card, { batch: 1, sequence: Number(sequence) }).total.value;
    const weights = 2n * countParameters(card).total;
    expect(cacheOf(tokens)).toBeGreaterThan(weights);
    expect(cacheOf(tokens - 1n)).toBeLessThanOrEqual(weights);
    // 12LD² weights against 2LD cached numbers a token: BS > 6D, not D, and embeddings on top.
    expect(documents).toBe(4096n);
    expect(Number(tokens) / 4096).toBeCloseTo(6.28, 2);
  });

  it('I5: (7.1) is weights and cache, a device holds its share', () => {
    const card = arch('gpt3-175b');
    const { total, perDevice } = servingMemory(card, { batch: 16, sequence: 2048 }, { tensorParallel: 8 });
    expect(total.value).toBe(2n * countParameters(card).total + 16n * 2048n * 4_718_592n);
    expect(perDevice.value).toBe((total.value + 7n) / 8n);
  });

  it('I7: Falcon-40B without shared keys: 80 GB of weights, 3.75 GiB a sequence; T = 4 holds B ≤ 60, 200 needs T ≥ 11', () => {
    const gibibytes = (batch: number) => {
      const { weights, kvCache: cache } = servingMemory(arch('falcon-40b'), { batch, sequence: 2048 });
      return inUnit({ unit: 'bytes', value: weights.value + cache.documents.value }, 'GiB').value;
    };
    const { weights, kvCache: cache } = servingMemory(arch('falcon-40b'), { batch: 1, sequence: 2048 });
    expect(inUnit(cache.documents, 'GiB').value).toBe(3.75);
    expect(Math.abs(inUnit(weights, 'GB').value - 80)).toBeLessThan(4);
    // (8.1), 80 GiB + 4 GiB·B, rounds both parts up: at B = 200 it says 880 GiB, 220 on each of 4 devices.
    expect(gibibytes(200) / 880).toBeGreaterThan(0.93);
    expect(gibibytes(200) / 880).toBeLessThan(1);
    expect(gibibytes(60)).toBeLessThan(4 * 80);
    expect(gibibytes(65)).toBeGreaterThan(4 * 80);
    expect(Math.ceil(gibibytes(200) / 80)).toBe(11);
  });

  it('I7: the real Falcon-40B keeps 8 key/value heads for 128 query heads: a cache 16 times smaller', () => {
    const cached = { batch: 200, sequence: 2048 };
    const real = arch('falcon-40b');
    expect(real.kvHeads).toBe(8);
    expect(kvCache(real, cached).documents.value).toBe(16n * kvCache(real, cached).total.value);
    expect(kvCache(withKvHeads(real, 128), cached).total.value).toBe(kvCache(real, cached).documents.value);
    expect(fewestDevices(real, cached, { hardware: loadHardware('a100') })).toBe(2);
  });
});

describe('properties', () => {
  const size = fc.integer({ min: 1, max: 300 });
  const anyServed = anyCard.filter((card) => card.positions.kind !== 'learned');

  it('kvHeads = heads is multi-head attention', () => {
    fc.assert(
      fc.property(anyServed, size, size, (card, batch, sequence) => {
        const cached = { batch, sequence };
        const multiHead = kvCache(withKvHeads(card, card.heads), cached).total.value;
        expect(multiHead).toBe(BigInt(2 * 2 * batch * sequence * card.layers * card.heads * card.headSize));
        expect(multiHead * BigInt(card.kvHeads)).toBe(kvCache(card, cached).total.value * BigInt(card.heads));
      }),
    );
  });

  it('grows with batch and sequence, is a sum of its parts, and more devices never hold more each', () => {
    fc.assert(
      fc.property(anyServed, size, size, (card, batch, sequence) => {
        const memory = servingMemory(card, { batch, sequence });
        expect(memory.total.value).toBe(memory.weights.value + memory.kvCache.total.value);
        expect(servingMemory(card, { batch: batch + 1, sequence }).total.value).toBeGreaterThan(memory.total.value);
        expect(servingMemory(card, { batch, sequence: sequence + 1 }).total.value).toBeGreaterThan(memory.total.value);
        const shares = deviceCounts(card).map(
          (tensorParallel) => servingMemory(card, { batch, sequence }, { tensorParallel }).perDevice.value,
        );
        expect(shares[0]).toBe(memory.total.value);
        expect(shares).toEqual([...shares].sort((a, b) => Number(b - a)));
      }),
    );
  });

  it('the largest batch fits and one more does not', () => {
    const hardware = { ...loadHardware('l4'), memoryBytes: 2 ** 22 };
    fc.assert(
      fc.property(anyServed, size, (card, sequence) => {
        const batch = largestBatch(card, sequence, { hardware });
        const bytesOf = (of: bigint) => servingMemory(card, { batch: Number(of), sequence }).perDevice.value;
        if (batch > 0n) expect(bytesOf(batch)).toBeLessThanOrEqual(2n ** 22n);
        expect(bytesOf(batch + 1n)).toBeGreaterThan(2n ** 22n);
      }),
    );
  });
});

describe('bad input', () => {
  const card = arch('llama3-8b');
  it.each([
    [
      'batch 0',
      () => kvCache(card, { batch: 0, sequence: 1 }),
      'The batch is 0 and must be a whole number from 1 to 1000000000.',
    ],
    ['half a token', () => kvCache(card, { batch: 1, sequence: 0.5 }), /prompt in tokens is 0\.5/],
    ['a negative sequence', () => servingMemory(card, { batch: 1, sequence: -4 }), /is -4 and must be/],
    [
      'beyond learned positions',
      () => kvCache(arch('gpt2'), { batch: 1, sequence: 2000 }),
      /A prompt of 2000 .* do not fit 'gpt2': .* context of 1024; give at most 1024 tokens in all, or --set context=2000\./,
    ],
    [
      'devices that do not divide',
      () => servingMemory(card, one, { tensorParallel: 3 }),
      "'llama3-8b' cannot be shared by 3 devices: its heads 32, KV heads 8 and MLP width 14336 allow 1, 2, 4, 8, 16, 32.",
    ],
    ['no devices', () => servingMemory(card, one, { tensorParallel: 0 }), /tensor parallelism is 0/],
    [
      'more than all devices hold',
      () => fewestDevices(card, { batch: 1e6, sequence: 8192 }, { hardware: loadHardware('l4') }),
      /a batch of 1000000 sequences of 8192 tokens fits no number of 'l4' .* on the largest, 32, a batch of \d+ fits\.$/,
    ],
  ])('%s', (_name, act, sentence) => {
    expect(act).toThrow(sentence);
  });
});
