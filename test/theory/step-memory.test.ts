// Memory of a step in every category, its peak, and what fits: properties for any card, mistakes that calculators make.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolveModelCard } from '../../src/cards/model-card.ts';
import { loadModelCard } from '../../src/node/cards.ts';
import { loadHardware } from '../../src/node/hardware.ts';
import { sum } from '../../src/terms/quantities.ts';
import { MEMORY_CATEGORIES } from '../../src/terms/vocabulary.ts';
import { fitInto, largestBatch } from '../../src/theory/fit.ts';
import { countParameters } from '../../src/theory/parameters.ts';
import { peakMemory } from '../../src/theory/peak.ts';
import { OPTIMIZER_KINDS, PRECISIONS, STATE_CONVENTIONS } from '../../src/theory/precision.ts';
import { ATTENTION_KINDS, RECOMPUTATIONS } from '../../src/theory/recompute.ts';
import { DEFAULT_SETTINGS, type StepSettings, stepMemory } from '../../src/theory/step-memory.ts';
import { anyCard, minimalCard } from '../support/cards.ts';

const anySettings: fc.Arbitrary<StepSettings> = fc.record({
  precision: fc.constantFrom(...PRECISIONS),
  optimizer: fc.constantFrom(...OPTIMIZER_KINDS),
  keeps: fc.constantFrom(...RECOMPUTATIONS, 'probabilities' as const, 'nothing-quadratic' as const),
  states: fc.constantFrom(...STATE_CONVENTIONS),
  attention: fc.constantFrom(...ATTENTION_KINDS),
});
const anyShape = fc.record({ batch: fc.integer({ min: 1, max: 6 }), sequence: fc.integer({ min: 1, max: 7 }) });
const mixed: StepSettings = { ...DEFAULT_SETTINGS, precision: 'mixed', keeps: 'none' };
const llama = loadModelCard({ arch: 'llama3-8b' });
const h100 = loadHardware('h100');

describe('for any card, shape and settings', () => {
  it('terms add up to their category', () => {
    fc.assert(
      fc.property(anyCard, anyShape, anySettings, (card, shape, settings) => {
        const { totals, terms, documents } = stepMemory(card, shape, settings);
        for (const category of MEMORY_CATEGORIES) {
          expect(sum('bytes', terms[category]).value).toBe(totals[category].value);
          expect(totals[category].value).toBeGreaterThanOrEqual(0n);
        }
        const { parameters, gradients, optimizer, savedActivations } = totals;
        expect(documents.value).toBe(parameters.value + gradients.value + optimizer.value + savedActivations.value);
      }),
    );
  });

  it('the peak holds what persists, is one of the phases, and no more than the sum of maxima', () => {
    fc.assert(
      fc.property(anyCard, anyShape, anySettings, (card, shape, settings) => {
        const { totals, peak } = stepMemory(card, shape, settings);
        const all = MEMORY_CATEGORIES.filter((category) => category !== 'kvCache' || settings.precision === 'int8');
        const maxima = all.reduce((total, category) => total + totals[category].value, 0n);
        const persistent =
          totals.parameters.value + totals.optimizer.value + totals.batch.value + totals.constants.value;
        expect(peak.total.value).toBeGreaterThanOrEqual(persistent);
        expect(peak.total.value).toBeLessThanOrEqual(maxima);
        expect(peak.phases.map(({ total }) => total.value)).toContain(peak.total.value);
      }),
    );
  });

  it('more sequences, tokens or layers never need less', () => {
    fc.assert(
      fc.property(anyCard, anyShape, anySettings, (card, shape, settings) => {
        const peak = (one: typeof card, { batch, sequence }: typeof shape) =>
          stepMemory(one, { batch, sequence }, settings).peak.total.value;
        const now = peak(card, shape);
        expect(peak(card, { ...shape, batch: shape.batch + 1 })).toBeGreaterThan(now);
        expect(peak(card, { ...shape, sequence: shape.sequence + 1 })).toBeGreaterThan(now);
        expect(peak({ ...card, layers: card.layers + 1 }, shape)).toBeGreaterThan(now);
      }),
    );
  });

  it('as many key/value heads as heads are multi-head attention, and fewer need less', () => {
    fc.assert(
      fc.property(anyCard, anyShape, anySettings, (card, shape, settings) => {
        const { kvHeads: _kvHeads, ...heads } = card;
        const multiHead = resolveModelCard(heads);
        const grouped = resolveModelCard({ ...card, kvHeads: card.heads });
        const all = stepMemory(multiHead, shape, settings);
        expect(stepMemory(grouped, shape, settings)).toEqual(all);
        const fewer = stepMemory(card, shape, settings).totals;
        for (const category of ['parameters', 'savedActivations', 'kvCache'] as const) {
          expect(fewer[category].value).toBeLessThanOrEqual(all.totals[category].value);
        }
      }),
    );
  });
});

describe('known mistakes of calculators', () => {
  it('the peak is not the sum of all maxima: gradients are made while activations are released', () => {
    const shape = { batch: 8, sequence: 1024 };
    const { totals, peak } = stepMemory(loadModelCard({ arch: 'gpt2' }), shape, mixed);
    const together = totals.gradients.value + totals.savedActivations.value + totals.temporaries.value;
    const persistent = totals.parameters.value + totals.optimizer.value + totals.batch.value + totals.constants.value;
    expect(peak.total.value).toBeLessThan(persistent + together);
  });

  it.each([
    ['gpt2', 36_864],
    ['llama2-7b', 524_288],
    ['llama3-8b', 131_072],
    ['llama3-70b', 327_680],
  ] as const)(
    'the cache of one token of %s has keys and values, of the key/value heads only: %s bytes',
    (arch, bytes) => {
      const { totals } = stepMemory(loadModelCard({ arch }), { batch: 1, sequence: 1 }, mixed);
      expect(totals.kvCache.value).toBe(BigInt(bytes));
    },
  );

  it('parameters are counted in 10⁹: Llama 3 8B in 16 bits is 16.06 GB', () => {
    const { totals } = stepMemory(llama, { batch: 1, sequence: 1 }, mixed);
    expect(Number(totals.parameters.value) / 1e9).toBeCloseTo(16.06, 2);
  });
});

describe('int8', () => {
  it('has weights of one byte, a 16-bit cache, and nothing of training', () => {
    const { totals, peak } = stepMemory(llama, { batch: 2, sequence: 100 }, { ...mixed, precision: 'int8' });
    expect(totals.parameters.value).toBe(countParameters(llama).total);
    expect(totals.kvCache.value).toBe(131_072n * 200n);
    expect([totals.gradients.value, totals.optimizer.value, totals.savedActivations.value]).toEqual([0n, 0n, 0n]);
    expect(peak.total.value).toBeGreaterThan(totals.parameters.value + totals.kvCache.value);
  });
});

describe('the peak', () => {
  it('in float32 is what training expects', () => {
    const shape = { batch: 8, sequence: 256 };
    const card = loadModelCard({ arch: 'llama3-small' });
    expect(stepMemory(card, shape).peak.total).toEqual(peakMemory(card, shape).total);
  });

  it('of a large model and a short batch is at the end of the backward pass or in the update, where all gradients are', () => {
    const { peak } = stepMemory(llama, { batch: 1, sequence: 64 }, mixed);
    expect(peak.phase).toBe('backwardEnd');
    const states = 18n * countParameters(llama).total;
    expect(peak.total.value).toBeGreaterThan(states);
    expect(Number(peak.total.value) / Number(states)).toBeLessThan(1.01);
  });

  it('of full recomputation has one block made again beside the inputs of all', () => {
    const card = resolveModelCard({ ...minimalCard, layers: 6, context: 512, hidden: 64, vocabulary: 2 });
    const peak = peakMemory(card, { batch: 4, sequence: 512 }, 'sgd', 'full', { precision: 'mixed' });
    expect(peak.largest).toBe('backward');
    const ids = peak.categories.backward.temporaries.map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining(['attention.softmax', 'mlp.down', 'attention.softmax/dx']));
    expect(peak.categories.backward.temporaries.every(({ formula }) => !formula.includes('L'))).toBe(true);
  });
});

describe('what fits', () => {
  const gpt2 = loadModelCard({ arch: 'gpt2' });

  it('the largest batch fits and the next does not', () => {
    fc.assert(
      fc.property(anyCard, anySettings, fc.integer({ min: 1_000, max: 10_000_000 }), (card, settings, bytes) => {
        const batch = largestBatch(card, 5, settings, BigInt(bytes));
        const peak = (size: number) => stepMemory(card, { batch: size, sequence: 5 }, settings).peak.total.value;
        if (batch > 0) expect(peak(batch)).toBeLessThanOrEqual(BigInt(bytes));
        expect(peak(batch + 1)).toBeGreaterThan(BigInt(bytes));
      }),
    );
  });

  it('every remedy that is offered makes it fit', () => {
    const { fits, share, remedies, largestBatch: most } = fitInto(gpt2, { batch: 64, sequence: 1024 }, mixed, h100);
    expect(fits).toBe(false);
    expect(share).toBeGreaterThan(1);
    expect(remedies.length).toBeGreaterThan(0);
    for (const { peak } of remedies) expect(peak.value).toBeLessThanOrEqual(BigInt(h100.memoryBytes));
    expect(remedies.map(({ options }) => options)).toContain(`--batch ${most}`);
    expect(fitInto(gpt2, { batch: most, sequence: 1024 }, mixed, h100)).toMatchObject({ fits: true, remedies: [] });
  });

  it('nothing helps 8 billion parameters on one H100; an H200 has room for them with a smaller optimizer', () => {
    const { largestBatch: most, remedies } = fitInto(llama, { batch: 1, sequence: 8192 }, mixed, h100);
    expect(most).toBe(0);
    expect(remedies).toEqual([]);
    const sgd = { ...mixed, optimizer: 'sgd-momentum', states: 'training-llms', keeps: 'full' } as const;
    expect(fitInto(llama, { batch: 1, sequence: 8192 }, sgd, loadHardware('h200')).fits).toBe(true);
  });

  it('where no single change is enough, all together may be, without those already made', () => {
    const settings: StepSettings = { ...mixed, attention: 'flash' };
    const least: StepSettings = { ...settings, optimizer: 'adamw-8bit', keeps: 'full' };
    const shape = { batch: 1, sequence: 1024 };
    const room = (bytes: bigint) => ({ ...h100, memoryBytes: Number(bytes) });
    const { peak } = stepMemory(gpt2, shape, least);
    const { remedies } = fitInto(gpt2, shape, settings, room(peak.total.value));
    expect(remedies.map(({ options }) => options)).toEqual(['--optimizer adamw-8bit --recompute full']);
    expect(fitInto(gpt2, shape, settings, room(peak.total.value / 2n)).remedies).toEqual([]);
  });
});
