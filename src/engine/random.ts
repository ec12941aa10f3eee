// Seeded random numbers by counter: number `index` of `stream` under `seed` is a function of the three, so nothing has a state to save.
//
// Philox-4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011). One call turns a counter of
// four 32-bit words and a key of two into four random words. The key is the seed; the counter is (index, stream, 0).

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;
const TWO_32 = 2 ** 32;

/** A stream of random numbers: a whole number, or a name, hashed by `streamOf`. */
export type Stream = number | string;

/** Philox-4x32-10: encrypts the four words in `words` in place under the key (key0, key1). Words are unsigned 32-bit. */
export function philox(words: Uint32Array, key0: number, key1: number): void {
  let a = words[0]!;
  let b = words[1]!;
  let c = words[2]!;
  let d = words[3]!;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = highProduct(MULTIPLIER_0, a);
    const low0 = Math.imul(MULTIPLIER_0, a);
    const high1 = highProduct(MULTIPLIER_1, c);
    const low1 = Math.imul(MULTIPLIER_1, c);
    a = (high1 ^ b ^ key0) >>> 0;
    b = low1 >>> 0;
    c = (high0 ^ d ^ key1) >>> 0;
    d = low0 >>> 0;
    key0 = (key0 + WEYL_0) >>> 0;
    key1 = (key1 + WEYL_1) >>> 0;
  }
  words[0] = a;
  words[1] = b;
  words[2] = c;
  words[3] = d;
}

/** A stream number for a name (32-bit FNV-1a over its UTF-16 units): the weight `blocks.3.mlp.up` draws the same numbers in any order. */
export function streamOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** A uniform number in [0, 1) with 53 random bits. `seed`, `index` and a numeric `stream` are whole numbers from 0 to 2^53 − 1. */
export function uniform(seed: number, stream: Stream, index: number): number {
  const words = draw(seed, stream, index);
  return unit(words[0]!, words[1]!);
}

/** A uniform whole number in [0, below), below ≤ 2^32. The bias, below / 2^53, is at most 2^-21 of one value's probability. */
export function uniformInteger(seed: number, stream: Stream, index: number, below: number): number {
  return Math.floor(uniform(seed, stream, index) * below);
}

/** `n` uniform numbers in [0, 1) as float32 (24 random bits each, so that rounding never gives 1). */
export function uniformArray(seed: number, stream: Stream, n: number): Float32Array {
  const result = new Float32Array(n);
  fill(seed, stream, n, (words, at) => {
    for (let lane = 0; lane < 4 && at + lane < n; lane++) result[at + lane] = (words[lane]! >>> 8) / 2 ** 24;
  });
  return result;
}

/**
 * `n` normal numbers with mean 0 and the given standard deviation, by the Box–Muller transform. The same on every machine that runs the
 * same JavaScript engine: Math.log, Math.sin and Math.cos are the engine's own, and their last bit is not laid down by the language.
 */
export function normalArray(seed: number, stream: Stream, n: number, deviation: number): Float32Array {
  const result = new Float32Array(n);
  fill(seed, stream, n, (words, at) => {
    for (let lane = 0; lane < 4 && at + lane < n; lane += 2) {
      // 1 − u is in (0, 1], where the logarithm is finite.
      const radius = deviation * Math.sqrt(-2 * Math.log(1 - words[lane]! / TWO_32));
      const angle = (2 * Math.PI * words[lane + 1]!) / TWO_32;
      result[at + lane] = radius * Math.cos(angle);
      if (at + lane + 1 < n) result[at + lane + 1] = radius * Math.sin(angle);
    }
  });
  return result;
}

const scratch = new Uint32Array(4);

function draw(seed: number, stream: Stream, index: number): Uint32Array {
  const [key0, key1] = keyOf(seed);
  const number = typeof stream === 'string' ? streamOf(stream) : stream;
  scratch[0] = index >>> 0;
  scratch[1] = Math.floor(index / TWO_32);
  scratch[2] = number >>> 0;
  scratch[3] = Math.floor(number / TWO_32);
  philox(scratch, key0, key1);
  return scratch;
}

/** Calls `use(words, at)` for at = 0, 4, 8 … below n, each time with the four words of counter at / 4. */
function fill(seed: number, stream: Stream, n: number, use: (words: Uint32Array, at: number) => void): void {
  for (let at = 0; at < n; at += 4) use(draw(seed, stream, at / 4), at);
}

function keyOf(seed: number): [number, number] {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(`A random seed is a whole number from 0 to 2^53 − 1, not ${seed}.`);
  }
  return [seed >>> 0, Math.floor(seed / TWO_32)];
}

function unit(high: number, low: number): number {
  return ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53;
}

/** The upper 32 bits of the 64-bit product of two unsigned 32-bit numbers, by halves: JavaScript's product would round. */
function highProduct(x: number, y: number): number {
  const xHigh = x >>> 16;
  const xLow = x & 0xffff;
  const yHigh = y >>> 16;
  const yLow = y & 0xffff;
  const middle = xHigh * yLow + ((xLow * yLow) >>> 16);
  const carry = xLow * yHigh + (middle % 65536);
  return (xHigh * yHigh + Math.floor(middle / 65536) + Math.floor(carry / 65536)) >>> 0;
}
