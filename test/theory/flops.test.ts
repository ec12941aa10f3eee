// FLOPs of matrix products: PyTorch's own counter, published figures, and what must hold for any card.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ModelCardJson, resolveModelCard } from '../../src/cards/model-card.ts';
import { loadModelCard } from '../../src/node/cards.ts';
import { sum } from '../../src/terms/quantities.ts';
import { countFlops } from '../../src/theory/flops.ts';
import { countParameters } from '../../src/theory/parameters.ts';
import { FORMULA_CONVENTIONS } from '../../src/theory/prediction.ts';
import { anyCard } from '../support/cards.ts';

const bias = { qkv: true, projection: true, mlp: true };
const layerNorm = { norm: { kind: 'layer' }, positions: { kind: 'learned' }, bias, tied: true, layers: 2 } as const;

/** The models of test/fixtures as cards, so that PyTorch's counts test the formulas. */
const FIXTURES: Record<string, ModelCardJson> = {
  'gpt2-tiny': { ...layerNorm, hidden: 48, heads: 4, vocabulary: 97, context: 32, mlp: { kind: 'gelu-tanh' } },
  'mqa-tiny': {
    ...{ ...layerNorm, hidden: 60, heads: 5, kvHeads: 1, vocabulary: 89, context: 40 },
    mlp: { kind: 'gelu-tanh', width: 200 },
  },
  'llama3-tiny': {
    ...{ layers: 2, hidden: 64, heads: 8, kvHeads: 2, vocabulary: 101, context: 64, tied: false },
    ...{ mlp: { kind: 'swiglu', width: 112 }, norm: { kind: 'rms' }, positions: { kind: 'rope' } },
  },
};

describe("PyTorch's counter", () => {
  it.each(Object.entries(FIXTURES))('agrees for %s', (name, json) => {
    const expected = JSON.parse(readFileSync(new URL(`../fixtures/${name}/expected.json`, import.meta.url), 'utf8'));
    const card = resolveModelCard(json, name);
    const count = countFlops(card, { batch: 3, sequence: 24 }, 'palm');
    expect(countParameters(card).total).toBe(BigInt(expected.parameters));
    expect(count.forward.value).toBe(BigInt(expected.matmul_flops.forward));
    expect(count.forwardBackward.value).toBe(BigInt(expected.matmul_flops.forward_backward));
  });
});

describe('published figures', () => {
  it('nanoGPT: 291,648,307,200 matmul FLOPs forward for GPT-2 small at 1,024 tokens, three times that with backward', () => {
    const { forward, forwardBackward } = countFlops(
      loadModelCard({ arch: 'gpt2' }),
      { batch: 1, sequence: 1024 },
      'palm',
    );
    expect(forward.value).toBe(291_648_307_200n);
    expect(forwardBackward.value).toBe(3n * 291_648_307_200n);
  });

  /** FLOPs of a whole training run of `tokens` tokens. */
  const trainingRun = (arch: string, sequence: number, tokens: number, convention: '6nd' | 'palm') => {
    const { forwardBackward } = countFlops(loadModelCard({ arch }), { batch: 1, sequence }, convention);
    return (Number(forwardBackward.value) / sequence) * tokens;
  };

  it.each([
    ['gpt3-175b', 2048, 300e9, '6nd', 3.14e23, 'Brown et al. 2020, table D.1'],
    ['gpt3-175b', 2048, 300e9, 'palm', 3.229e23, 'the same with full attention and the head'],
    ['llama3-405b', 8192, 15.6e12, '6nd', 3.8e25, 'Grattafiori et al. 2024'],
  ] as const)('%s at %s, %s tokens, %s: %s (%s)', (arch, sequence, tokens, convention, published, _source) => {
    expect(trainingRun(arch, sequence, tokens, convention) / published).toBeCloseTo(1, 2);
  });

  it('attention of batch 4, 8 heads, 128 positions, head size 64: 134,217,728 forward, three times with backward', () => {
    const card = resolveModelCard({ ...FIXTURES['gpt2-tiny'], layers: 1, heads: 8, headSize: 64, context: 128 });
    const { forwardTerms, backwardTerms } = countFlops(card, { batch: 4, sequence: 128 }, 'palm');
    const ofAttention = (terms: typeof forwardTerms) =>
      sum(
        'FLOPs',
        terms.filter(({ id }) => /^attention\.(scores|values)/.test(id)),
      ).value;
    expect(ofAttention(forwardTerms)).toBe(134_217_728n);
    expect(ofAttention(forwardTerms) + ofAttention(backwardTerms)).toBe(3n * 134_217_728n);
  });

  it('llama3-small: 26.05 MFLOP a token at 256, where 6N says 22.92', () => {
    const card = loadModelCard({ arch: 'llama3-small' });
    const perToken = (convention: 'palm' | '6nd') =>
      Number(countFlops(card, { batch: 8, sequence: 256 }, convention).forwardBackward.value) / 2048 / 1e6;
    expect(perToken('palm')).toBeCloseTo(26.05, 2);
    expect(perToken('6nd')).toBeCloseTo(22.92, 2);
  });
});

describe('the head', () => {
  const shape = { batch: 2, sequence: 512 };
  const head = (arch: string, convention: 'palm' | 'causal') => {
    const { forwardTerms, backwardTerms } = countFlops(loadModelCard({ arch }), shape, convention);
    return sum(
      'FLOPs',
      [...forwardTerms, ...backwardTerms].filter(({ id }) => id.startsWith('head.')),
    ).value;
  };

  it.each(['palm', 'causal'] as const)('%s: counts forward and twice backward, 6BSDV, tied or not', (convention) => {
    expect(head('gpt2', convention)).toBe(6n * 2n * 512n * 768n * 50_257n);
    expect(head('llama3-8b', convention)).toBe(6n * 2n * 512n * 4096n * 128_256n);
  });
});

describe('for any card and shape', () => {
  const shape = fc.record({ batch: fc.integer({ min: 1, max: 9 }), sequence: fc.integer({ min: 1, max: 8 }) });

  it('terms add up, and backward is twice forward, under every convention', () => {
    fc.assert(
      fc.property(anyCard, shape, fc.constantFrom(...FORMULA_CONVENTIONS), (card, size, convention) => {
        const { forward, forwardBackward, forwardTerms, backwardTerms } = countFlops(card, size, convention);
        expect(sum('FLOPs', forwardTerms).value).toBe(forward.value);
        expect(sum('FLOPs', backwardTerms).value).toBe(2n * forward.value);
        expect(forwardBackward.value).toBe(3n * forward.value);
      }),
    );
  });

  it('attention does not depend on key/value heads, and causal leaves out half of it', () => {
    fc.assert(
      fc.property(anyCard, shape, (card, size) => {
        const scores = (kvHeads: number) =>
          countFlops({ ...card, kvHeads }, size, 'palm').forwardTerms.find(({ id }) => id === 'attention.scores')!
            .value;
        expect(scores(1)).toBe(scores(card.heads));
        const full = countFlops(card, size, 'palm').forward.value;
        expect(full - countFlops(card, size, 'causal').forward.value).toBe(scores(card.kvHeads));
      }),
    );
  });

  it('more of anything costs more', () => {
    fc.assert(
      fc.property(anyCard, shape, fc.constantFrom(...FORMULA_CONVENTIONS), (card, size, convention) => {
        const flops = (changed = card, { batch, sequence } = size) =>
          countFlops(changed, { batch, sequence }, convention).forward.value;
        expect(flops(card, { ...size, batch: size.batch + 1 })).toBeGreaterThan(flops());
        expect(flops({ ...card, context: 99 }, { ...size, sequence: size.sequence + 1 })).toBeGreaterThan(flops());
        expect(flops({ ...card, layers: card.layers + 1 })).toBeGreaterThan(flops());
      }),
    );
  });
});

describe('shapes that cannot be', () => {
  const card = loadModelCard({ arch: 'gpt2' });
  it.each([
    [{ batch: 0, sequence: 8 }, /batch is 0 and must be/],
    [{ batch: 1, sequence: Number.NaN }, /sequence is NaN and must be/],
    [{ batch: 1, sequence: 1025 }, /sequence of 1025 does not fit 'gpt2': .* at most 1024, or --set context=1025/],
  ])('%j', (shape, sentence) => {
    expect(() => countFlops(card, shape, 'palm')).toThrow(sentence);
  });
});
