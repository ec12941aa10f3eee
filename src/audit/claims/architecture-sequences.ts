// Claims T14, T15: the probability of a sequence, and the tokens it is made of.
import { uniform } from '../../engine/random.ts';
import { draw, probabilities } from '../../inference/sampling.ts';
import { type AnyClaim, claim } from '../claim.ts';
import { tokensPerWord } from '../measurements/tokens-per-word.ts';
import { digits, isNear } from '../words.ts';
import { add, attend, causal, maskOf, product, randomMatrix, transpose } from './architecture-matrices.ts';

const VOCABULARY = 3;
const LENGTH = 4;
const ENCODINGS = ['r50k', 'cl100k', 'o200k'] as const;

/** Logits of the next token after `prefix`, by one attention layer over embedded tokens. */
function nextLogits(prefix: readonly number[]): Float32Array {
  const embedding = randomMatrix('sequences.embedding', VOCABULARY + 1, 4);
  const positions = randomMatrix('sequences.positions', LENGTH + 1, 4);
  // The extra row starts every sequence.
  const tokens = [VOCABULARY, ...prefix];
  const z = add(
    tokens.map((token) => embedding[token]!),
    positions.slice(0, tokens.length),
  );
  const mixed = add(z, attend(z, z, z, maskOf(tokens.length, causal)));
  return Float32Array.from(product(mixed.slice(-1), transpose(embedding.slice(0, VOCABULARY)))[0]!);
}

/** Every sequence of LENGTH tokens with its probability, the product of the conditionals; and how often sampling gave it. */
function sequences(samples: number) {
  const conditionals = new Map<string, Float64Array>();
  const conditional = (prefix: readonly number[]) => {
    const key = prefix.join(' ');
    const known = conditionals.get(key) ?? probabilities(nextLogits(prefix), { temperature: 1 });
    conditionals.set(key, known);
    return known;
  };
  let all: { tokens: number[]; probability: number }[] = [{ tokens: [], probability: 1 }];
  for (let step = 0; step < LENGTH; step++) {
    all = all.flatMap(({ tokens, probability }) =>
      [...conditional(tokens)].map((p, token) => ({ tokens: [...tokens, token], probability: probability * p })),
    );
  }
  const seen = new Map<string, number>();
  for (let sample = 0; sample < samples; sample++) {
    const tokens: number[] = [];
    while (tokens.length < LENGTH) {
      tokens.push(draw(conditional(tokens), uniform(7, 'sequences', sample * LENGTH + tokens.length)));
    }
    const key = tokens.join(' ');
    seen.set(key, (seen.get(key) ?? 0) + 1);
  }
  return all.map(({ tokens, probability }) => ({ probability, seen: seen.get(tokens.join(' ')) ?? 0 }));
}

export const sequenceClaims: readonly AnyClaim[] = [
  claim({
    id: 'T14',
    documents: ['llm-pretraining'],
    where: 'Autoregressive Language Models, Language Model Generation',
    statement:
      'p(x₁ … x_L) = Π p(x_i | x₁ … x_(i−1)), and sampling token by token draws sequences with these probabilities',
    kinds: ['arithmetic'],
    evidence: () => {
      const samples = 5000;
      const all = sequences(samples);
      const chiSquare = all.reduce((sum, { probability, seen }) => {
        const expected = probability * samples;
        return sum + (seen - expected) ** 2 / expected;
      }, 0);
      const freedom = all.length - 1;
      return {
        samples,
        count: all.length,
        total: all.reduce((sum, { probability }) => sum + probability, 0),
        chiSquare,
        freedom,
      };
    },
    parts: [
      {
        says: 'The products of the conditionals add up to 1 over all sequences.',
        recorded: 'holds',
        asPrinted: ({ total, count }) => isNear(total, 1, 1e-9) && count === VOCABULARY ** LENGTH,
      },
      {
        says: 'Sampling token by token reproduces them: chi-square within three deviations of its degrees of freedom.',
        recorded: 'holds',
        asPrinted: ({ chiSquare, freedom }) => Math.abs(chiSquare - freedom) < 3 * Math.sqrt(2 * freedom),
      },
      {
        says: 'The same of a trained model.',
        recorded: 'pending: generation',
        missing: 'probabilities of whole sequences under a trained model, and its samples',
      },
    ],
    brief: ({ count, total, chiSquare, freedom, samples }) =>
      `${count} sequences, sum ${digits(total, 6)}; ${samples} samples: χ² = ${digits(chiSquare, 3)} at ${freedom} degrees of freedom`,
  }),
  claim({
    id: 'T15',
    documents: ['llm-pretraining', 'decoder-only'],
    where: 'Tokenization; 1, footnote 1',
    statement: 'Text becomes ids by words, BPE or bytes; about 1.3 tokens per word on average',
    kinds: ['measured'],
    evidence: ({ measured }) => measured(tokensPerWord),
    parts: [
      {
        says: 'About 1.3 tokens per word, for the byte pair encodings.',
        recorded: 'approximates',
        asPrinted: ({ words, tokens }) => ENCODINGS.every((name) => isNear(tokens[name] / words, 1.3, 0.01)),
        approximation: {
          ratios: ({ words, tokens }) =>
            Object.fromEntries(ENCODINGS.map((name) => [name, 1.3 / (tokens[name] / words)])),
          within: [0.75, 1.33],
          until: ({ words, tokens }) =>
            `characters and bytes are ${digits(tokens.byte / words, 3)} tokens per word; rare words and other languages need more than English prose`,
        },
      },
      {
        says: 'Fewer and larger tokens from bytes to words: bytes most, then BPE, words fewest.',
        recorded: 'holds',
        asPrinted: ({ words, tokens }) => ENCODINGS.every((name) => tokens.byte > tokens[name] && tokens[name] > words),
      },
    ],
    brief: ({ words, tokens }) =>
      ENCODINGS.map((name) => `${name} ${digits(tokens[name] / words, 3)}`)
        .join(', ')
        .concat(' tokens per word'),
    details: ({ words, bytes, tokens }) => [
      { label: 'the text', value: `${words} words, ${bytes} bytes` },
      ...Object.entries(tokens).map(([name, count]) => ({
        label: name,
        value: `${count} tokens, ${digits(bytes / count, 3)} bytes per token`,
      })),
    ],
  }),
];
