// Parameter counts: published integers, and two ways of counting (shapes and formulas) that agree for any card.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolveModelCard } from '../../src/cards/model-card.ts';
import { loadModelCard } from '../../src/node/cards.ts';
import {
  countParameters,
  documentParameters,
  matmulParameters,
  nonEmbeddingParameters,
  parameterTerms,
  parameterTotal,
} from '../../src/theory/parameters.ts';
import { anyCard } from '../support/cards.ts';

/** Exact counts that the models' publishers give: sums over the weights they released. */
const PUBLISHED = [
  ['gpt2', 124_439_808n, 'OpenAI, weights'],
  ['gpt2-medium', 354_823_168n, 'OpenAI, weights'],
  ['gpt2-large', 774_030_080n, 'OpenAI, weights'],
  ['gpt2-xl', 1_557_611_200n, 'OpenAI, weights'],
  ['llama2-7b', 6_738_415_616n, 'Meta, weights'],
  ['llama2-13b', 13_015_864_320n, 'Meta, weights'],
  ['llama2-70b', 68_976_648_192n, 'Meta, weights'],
  ['llama3-8b', 8_030_261_248n, 'Meta, weights'],
  ['llama3-70b', 70_553_706_496n, 'Meta, weights'],
  ['llama3-405b', 405_853_388_800n, 'Meta, weights'],
  ['llama3.2-1b', 1_235_814_400n, 'Meta, weights'],
  ['starcoder', 15_517_456_384n, 'BigCode, weights'],
] as const;

/** Names that papers round: [card, parameters by name, largest relative difference, why]. */
const NAMED = [
  ['gpt3-small', 125e6, 0.005, 'Brown et al. 2020, table 2.1'],
  ['gpt3-medium', 350e6, 0.02, 'Brown et al. 2020, table 2.1'],
  ['gpt3-large', 760e6, 0.005, 'Brown et al. 2020, table 2.1'],
  ['gpt3-xl', 1.3e9, 0.02, 'Brown et al. 2020, table 2.1'],
  ['gpt3-2.7b', 2.7e9, 0.02, 'Brown et al. 2020, table 2.1'],
  ['gpt3-6.7b', 6.7e9, 0.01, 'Brown et al. 2020, table 2.1'],
  ['gpt3-13b', 13e9, 0.01, 'Brown et al. 2020, table 2.1'],
  ['gpt3-175b', 175e9, 0.003, 'Brown et al. 2020, table 2.1'],
  ['falcon-40b', 40e9, 0.04, 'Almazrouei et al. 2023'],
  ['chinchilla-70b', 70e9, 0.08, 'Hoffmann et al. 2022; the card leaves out relative positions'],
  ['gopher-280b', 280e9, 0.08, 'Rae et al. 2021; the card leaves out relative positions'],
] as const;

const NO_BIASES = ['bias.qkv=false', 'bias.projection=false', 'bias.mlp=false', 'norm.bias=false'];

describe('published counts', () => {
  it.each(PUBLISHED)('%s has %s (%s)', (arch, parameters) => {
    const card = loadModelCard({ arch });
    expect(countParameters(card).total).toBe(parameters);
    expect(card.published?.parameters).toBe(Number(parameters));
  });

  it.each(NAMED)('%s is called %s (within %s, %s)', (arch, name, tolerance) => {
    const ratio = Number(countParameters(loadModelCard({ arch })).total) / name;
    expect(Math.abs(ratio - 1)).toBeLessThan(tolerance);
  });

  it("nanoGPT's GPT-2 without biases has 124,337,664", () => {
    expect(countParameters(loadModelCard({ arch: 'gpt2', set: NO_BIASES })).total).toBe(124_337_664n);
  });

  it('relative positions explain the names of Chinchilla and Gopher: D×D more per layer', () => {
    for (const [arch, name] of [
      ['chinchilla-70b', 70e9],
      ['gopher-280b', 280e9],
    ] as const) {
      const card = loadModelCard({ arch });
      const withPositions = countParameters(card).total + BigInt(card.layers) * BigInt(card.hidden) ** 2n;
      expect(Math.abs(Number(withPositions) / name - 1)).toBeLessThan(0.002);
    }
  });

  it('llama3-small has 3,819,776: groups and formula', () => {
    const card = loadModelCard({ arch: 'llama3-small' });
    expect(countParameters(card)).toEqual({
      total: 3_819_776n,
      groups: { embedding: 1_048_576n, positions: 0n, attention: 655_360n, mlp: 2_113_536n, norms: 2_304n, head: 0n },
    });
    expect(parameterTotal(card).formula).toBe('V·D + L(2D·H(A + g) + 3D·F + 2D) + D');
    expect(parameterTotal(card).numbers).toBe('4,096·256 + 4·(2·256·32·(8 + 2) + 3·256·688 + 2·256) + 256');
  });

  it('the documents count 84,934,656 for GPT-3 Small and 301,989,888 for Medium: 12·L·D²', () => {
    expect(documentParameters(loadModelCard({ arch: 'gpt3-small' })).value).toBe(84_934_656n);
    expect(documentParameters(loadModelCard({ arch: 'gpt3-medium' })).value).toBe(301_989_888n);
  });
});

describe('for any card', () => {
  it('groups add up to the total, and the formulas say what the shapes say', () => {
    fc.assert(
      fc.property(anyCard, (card) => {
        const { total, groups } = countParameters(card);
        const terms = Object.fromEntries(parameterTerms(card).map(({ id, value }) => [id, value]));
        expect(Object.values(groups).reduce((sum, size) => sum + size, 0n)).toBe(total);
        expect({ embedding: 0n, positions: 0n, attention: 0n, mlp: 0n, norms: 0n, head: 0n, ...terms }).toEqual(groups);
        expect(parameterTotal(card).value).toBe(total);
        expect(nonEmbeddingParameters(card)).toBe(total - groups.embedding - groups.positions - groups.head);
        expect(matmulParameters(card)).toBeLessThanOrEqual(total + groups.embedding);
      }),
    );
  });

  it('as many key/value heads as heads is multi-head attention; fewer are fewer parameters', () => {
    fc.assert(
      fc.property(anyCard, (card) => {
        const { kvHeads, ...json } = JSON.parse(JSON.stringify(card));
        const multiHead = countParameters(resolveModelCard({ ...json, kvHeads: card.heads }));
        expect(multiHead).toEqual(countParameters(resolveModelCard(json)));
        const { attention } = countParameters(card).groups;
        if (kvHeads < card.heads) expect(attention).toBeLessThan(multiHead.groups.attention);
      }),
      { numRuns: 50 },
    );
  });
});
