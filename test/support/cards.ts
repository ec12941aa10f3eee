// Cards for tests: small architectures given in full, and arbitrary ones for properties.
import fc from 'fast-check';
import { type ModelCard, type ModelCardJson, resolveModelCard } from '../../src/cards/model-card.ts';

/** The smallest JSON of a card: everything that has a default is left out. */
export const minimalCard: ModelCardJson = {
  layers: 2,
  hidden: 8,
  heads: 2,
  vocabulary: 11,
  context: 16,
  tied: true,
  mlp: { kind: 'gelu' },
  norm: { kind: 'layer' },
  positions: { kind: 'learned' },
};

const small = (max: number) => fc.integer({ min: 1, max });

/** Any architecture that the rules allow, with small sizes. */
export const anyCard: fc.Arbitrary<ModelCard> = fc
  .record({
    layers: small(4),
    hiddenPairs: small(24),
    kvHeads: small(4),
    group: small(4),
    headPairs: small(8),
    vocabulary: small(100),
    context: fc.integer({ min: 8, max: 40 }),
    tied: fc.boolean(),
    layout: fc.constantFrom('sequential' as const, 'parallel' as const),
    mlpKind: fc.constantFrom('gelu' as const, 'gelu-tanh' as const, 'relu' as const, 'swiglu' as const),
    width: small(64),
    normKind: fc.constantFrom('layer' as const, 'rms' as const),
    normBias: fc.boolean(),
    perBlock: fc.constantFrom(1 as const, 2 as const),
    placement: fc.constantFrom('pre' as const, 'post' as const),
    positions: fc.constantFrom('learned' as const, 'sinusoidal' as const, 'rope' as const),
    bias: fc.record({ qkv: fc.boolean(), projection: fc.boolean(), mlp: fc.boolean(), head: fc.boolean() }),
  })
  .map((draw) =>
    resolveModelCard({
      layers: draw.layers,
      hidden: 2 * draw.hiddenPairs,
      heads: draw.kvHeads * draw.group,
      kvHeads: draw.kvHeads,
      headSize: 2 * draw.headPairs,
      vocabulary: draw.vocabulary,
      context: draw.context,
      tied: draw.tied,
      layout: draw.layout,
      mlp: { kind: draw.mlpKind, width: draw.width },
      norm: {
        kind: draw.normKind,
        bias: draw.normBias,
        perBlock: draw.layout === 'parallel' ? draw.perBlock : 2,
        placement: draw.layout === 'parallel' ? 'pre' : draw.placement,
      },
      positions: { kind: draw.positions },
      bias: draw.bias,
    }),
  );
