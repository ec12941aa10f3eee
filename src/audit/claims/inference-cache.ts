// Claims I1, I2, I3, I5, I9: what the cache holds, how large it is, and what happens to it when a token is added.
import { cacheCrossover, kvCache, servingMemory } from '../../theory/inference-memory.ts';
import { type AnyClaim, claim, type PendingPart } from '../claim.ts';
import { digits, inUnit, thousands } from '../words.ts';
import {
  add,
  attend,
  causal,
  difference,
  layerNorm,
  type Matrix,
  maskOf,
  multiHead,
  product,
  randomAttention,
  randomMatrix,
} from './architecture-matrices.ts';

const EXACT = 1e-12;
const HIDDEN = 8;
const HEADS = 2;

const MEASURED_LATER: PendingPart = {
  says: 'The running model keeps exactly so much.',
  recorded: 'pending: generation',
  missing: 'generation with a cache of keys and values, whose bytes are counted',
};

/** The last query against a cache, when a cached tensor of the old positions is damaged. */
function damage(which: 'query' | 'key' | 'value'): number {
  const part = (name: 'query' | 'key' | 'value') => randomMatrix(`cache.${name}`, 5, HIDDEN);
  const hurt = (name: 'query' | 'key' | 'value'): Matrix =>
    name === which ? part(name).map((row, s) => (s < 4 ? row.map((value) => value + 1 + s) : row)) : part(name);
  const lastOf = (of: typeof part) => attend(of('query'), of('key'), of('value'), maskOf(5, causal)).slice(-1);
  return difference(lastOf(part), lastOf(hurt));
}

/** Attention's output at the last position, from all positions at once and from the cached keys and values. */
function fromCache(): number {
  const [q, k, v] = ['query', 'key', 'value'].map((name) => randomMatrix(`cache.${name}`, 5, HIDDEN)) as [
    Matrix,
    Matrix,
    Matrix,
  ];
  const whole = attend(q, k, v, maskOf(5, causal)).slice(-1);
  return difference(whole, attend(q.slice(-1), k, v, [k.map(() => 0)]));
}

/** The keys of two layers of a model, [layer][position, D], for tokens given as vectors. */
function keysOf(tokens: Matrix, positions?: Matrix): Matrix[] {
  const mask = maskOf(tokens.length, causal);
  let z = positions ? add(tokens, positions.slice(0, tokens.length)) : tokens;
  return [0, 1].map((layer) => {
    const weights = randomAttention(`cache.${layer}`, HIDDEN);
    const normal = layerNorm(z);
    z = add(z, multiHead(normal, weights, HEADS, mask));
    return product(normal, weights.key);
  });
}

/** How the keys of iteration t + 1 differ from those of iteration t, by layer, when `shift` positions later are compared. */
function slide(shift: 1 | -1 | 0, window: 'slides' | 'grows', withPositions: boolean): number[] {
  const tokens = randomMatrix('cache.tokens', 7, HIDDEN);
  const positions = withPositions ? randomMatrix('cache.positions', 7, HIDDEN) : undefined;
  const before = keysOf(tokens.slice(0, 6), positions);
  const after = keysOf(window === 'slides' ? tokens.slice(1) : tokens, positions);
  return before.map((old, layer) => {
    // All but the last position, where the new token stands.
    const pairs = after[layer]!.slice(0, -1).map((row, s) => [row, old[s + shift]] as const);
    const common = pairs.filter((pair): pair is [(typeof old)[number], (typeof old)[number]] => pair[1] !== undefined);
    return difference(
      common.map(([row]) => row),
      common.map(([, row]) => row),
    );
  });
}

export const cacheClaims: readonly AnyClaim[] = [
  claim({
    id: 'I1',
    documents: ['decoder-only'],
    where: '(6.1)',
    statement: 'The cache of keys and values takes 2pBSDL/T bytes',
    kinds: ['arithmetic', 'published'],
    evidence: ({ card }) => {
      const cached = { batch: 1, sequence: 1 };
      const cards = ['gpt2', 'llama2-7b', 'llama3-8b', 'llama3-70b', 'starcoder'] as const;
      return cards.map((name) => {
        const model = card(name);
        const { total, documents } = kvCache(model, cached);
        const shared = kvCache(model, cached, { tensorParallel: 2 });
        return {
          name,
          heads: model.heads,
          kvHeads: model.kvHeads,
          bytes: total.value,
          documents: documents.value,
          shared,
        };
      });
    },
    parts: [
      {
        says: 'With as many key/value heads as heads, as in the document, the cache is 2pBSDL, a T-th of it on each of T devices.',
        recorded: 'holds',
        asPrinted: (cards) =>
          cards
            .filter(({ heads, kvHeads }) => heads === kvHeads)
            .every(({ bytes, documents, shared }) => bytes === documents && 2n * shared.perDevice.value === bytes),
      },
      {
        says: 'With fewer key/value heads D is kvHeads · headSize: 36,864, 524,288, 131,072 and 327,680 bytes are published.',
        recorded: 'holds',
        asPrinted: (cards) => {
          const published = [36_864n, 524_288n, 131_072n, 327_680n];
          return (
            published.every((bytes, at) => cards[at]!.bytes === bytes) &&
            cards.every(({ heads, kvHeads, bytes, documents }) => bytes * BigInt(heads) === documents * BigInt(kvHeads))
          );
        },
      },
      MEASURED_LATER,
    ],
    brief: (cards) =>
      cards
        .map(({ name, bytes }) => `${name} ${thousands(bytes)}`)
        .join(', ')
        .concat(' bytes per token'),
    details: (cards) =>
      cards.map(({ name, heads, kvHeads, bytes, documents }) => ({
        label: `${name}: ${heads} heads, ${kvHeads} for keys and values`,
        value: `${thousands(bytes)} bytes per token`,
        note: `2pDL = ${thousands(documents)}`,
      })),
  }),
  claim({
    id: 'I2',
    documents: ['decoder-only'],
    where: '6',
    statement: 'The cache is larger than the weights when BS ≳ D',
    kinds: ['arithmetic'],
    evidence: ({ card }) =>
      (['gpt2', 'gpt3-13b', 'gpt3-175b', 'llama2-7b', 'llama3-8b', 'starcoder'] as const).map((name) => {
        const model = card(name);
        const { tokens, documents } = cacheCrossover(model);
        return { name, tokens: Number(tokens), hidden: Number(documents), ratio: Number(documents) / Number(tokens) };
      }),
    parts: [
      {
        says: 'From BS = D on the cache is the larger one.',
        recorded: 'approximates',
        asPrinted: (cards) => cards.every(({ ratio }) => ratio >= 0.99 && ratio <= 1.01),
        approximation: {
          ratios: (cards) =>
            Object.fromEntries(
              cards.filter(({ name }) => name.startsWith('gpt3')).map(({ name, ratio }) => [name, ratio]),
            ),
          within: [0.1, 1],
          until: (cards) =>
            `the factor dropped is (4 + 2E)/2 = 6 for GPT, more where few heads are cached: ${cards
              .filter(({ ratio }) => ratio < 0.1)
              .map(({ name, tokens, hidden }) => `${digits(tokens / hidden, 3)}·D for ${name}`)
              .join(', ')}`,
        },
      },
    ],
    brief: (cards) =>
      `at BS = ${cards.map(({ name, tokens, hidden }) => `${digits(tokens / hidden, 3)}·D (${name})`).join(', ')}`,
    details: (cards) =>
      cards.map(({ name, tokens, hidden }) => ({
        label: name,
        value: `${thousands(tokens)} tokens in the cache weigh more than the weights`,
        note: `D = ${thousands(hidden)}`,
      })),
  }),
  claim({
    id: 'I3',
    documents: ['decoder-only'],
    where: '6',
    statement: 'For generation old key and query vectors are cached',
    kinds: ['arithmetic'],
    evidence: () => ({ query: damage('query'), key: damage('key'), value: damage('value'), fromCache: fromCache() }),
    parts: [
      {
        says: 'The next token needs the old keys and the old queries.',
        recorded: 'erratum',
        asPrinted: ({ query, key, value }) => query > EXACT && key > EXACT && value < EXACT,
        corrected: ({ query, key, value, fromCache }) =>
          query < EXACT && key > EXACT && value > EXACT && fromCache < EXACT,
        shouldBe: 'keys and values',
      },
    ],
    brief: ({ query, key, value }) =>
      `damaging old queries changes the last output by ${digits(query, 2)}, keys ${digits(key, 2)}, values ${digits(value, 2)}`,
    explanation:
      'A new token asks with its own query only, compares it with the keys of all tokens, and mixes their values. Old queries are never ' +
      'used again, so keys and values are cached, as the name kv-cache and the factor 2 in (6.1) say.',
  }),
  claim({
    id: 'I5',
    documents: ['decoder-only'],
    where: '(7.1)',
    statement:
      'Inference with a cache takes pN + 2pBSDL/T bytes on each device, N the parameters that the device holds',
    kinds: ['arithmetic'],
    evidence: ({ card }) =>
      (['gpt3-175b', 'llama2-7b'] as const).flatMap((name) =>
        [1, 8].map((tensor) => {
          const cached = { batch: 4, sequence: 2048 };
          const memory = servingMemory(card(name), cached, { tensorParallel: tensor });
          const printed = (memory.weights.value + memory.kvCache.documents.value) / BigInt(tensor);
          return { name, tensor, bytes: memory.perDevice.value, printed };
        }),
      ),
    parts: [
      {
        says: 'Weights and cache, each divided among T devices.',
        recorded: 'holds',
        asPrinted: (cases) => cases.every(({ bytes, printed }) => bytes === printed),
      },
      MEASURED_LATER,
    ],
    brief: (cases) =>
      cases
        .map(({ name, tensor, bytes }) => `${name}, T = ${tensor}: ${inUnit(bytes, 'GiB')}`)
        .join('; ')
        .concat(' (B = 4, S = 2048)'),
  }),
  claim({
    id: 'I9',
    documents: ['decoder-only'],
    where: 'footnotes 28, 29',
    statement: 'When a token is added, old tensors shift by one position: z⁽ᵗ⁺¹⁾[s] = z⁽ᵗ⁾[s − 1]',
    kinds: ['arithmetic'],
    evidence: () => ({
      printed: slide(-1, 'slides', false),
      slides: slide(1, 'slides', false),
      withPositions: slide(1, 'slides', true),
      grows: slide(0, 'grows', false),
      growsWithPositions: slide(0, 'grows', true),
    }),
    parts: [
      {
        says: 'Every tensor of the network moves by one: z⁽ᵗ⁺¹⁾[s] = z⁽ᵗ⁾[s − 1].',
        recorded: 'erratum',
        asPrinted: ({ printed }) => printed.every((error) => error < EXACT),
        corrected: ({ grows, growsWithPositions, slides, withPositions }) =>
          [...grows, ...growsWithPositions].every((error) => error < EXACT) &&
          slides[0]! < EXACT &&
          slides[1]! > EXACT &&
          withPositions[0]! > EXACT,
        shouldBe:
          'z⁽ᵗ⁺¹⁾[s] = z⁽ᵗ⁾[s] while the window grows; once it slides, [s + 1], and only in the first layer of a model without positions',
      },
    ],
    brief: ({ printed, slides, grows }) =>
      `keys of layers 1, 2 differ: printed ${printed.map((error) => digits(error, 2)).join(', ')}; sliding, [s + 1] ` +
      `${slides.map((error) => digits(error, 2)).join(', ')}; growing, [s] ${grows.map((error) => digits(error, 2)).join(', ')}`,
    details: ({ printed, slides, withPositions, grows, growsWithPositions }) =>
      [
        ['window slides, [s − 1] as printed', printed],
        ['window slides, [s + 1]', slides],
        ['window slides, [s + 1], with learned positions', withPositions],
        ['window grows, [s]', grows],
        ['window grows, [s], with learned positions', growsWithPositions],
      ].map(([label, errors]) => ({
        label: label as string,
        value: (errors as number[]).map((error, layer) => `layer ${layer + 1}: ${digits(error, 2)}`).join(', '),
      })),
    explanation:
      'A token that is appended leaves all earlier ones where they were, which is what makes a cache possible at all. When the window is ' +
      'full and slides, the rows move the other way, and the first token drops out of what every later token had attended to: from the ' +
      'second layer on, nothing cached is right any more.',
  }),
];
