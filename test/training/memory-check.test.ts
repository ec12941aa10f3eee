// Which runs are refused for their memory, and what is offered instead really fits.
import { describe, expect, it } from 'vitest';
import { loadModelCard } from '../../src/node/cards.ts';
import { countParameters } from '../../src/theory/parameters.ts';
import { expectedPeak, memoryLimit, refuseTooLarge } from '../../src/training/memory-check.ts';
import { adamwSettings, shippedCard } from '../support/models.ts';

const card = shippedCard('llama3-small');
const size = { batch: 8, sequence: 256, accumulation: 1, optimizer: adamwSettings };
const others = () => ['gpt-debug', 'llama3-small', 'gpt2'].map((arch) => loadModelCard({ arch }));
const limit = (bytes: number) => ({ bytes, words: 'are free' });
const refusal = (bytes: number, changed = {}, subject = card): string => {
  try {
    refuseTooLarge(subject, { ...size, ...changed }, limit(bytes), others);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
};

describe('a run', () => {
  it('passes up to its expected peak', () => {
    const peak = expectedPeak(card, size, 'adamw');
    expect(refusal(peak)).toBe('');
    expect(refusal(peak - 1)).toContain('Training llama3-small on 8 × 256 tokens needs about 0.');
  });

  it('is told the largest batch that fits, with the accumulation that keeps the step', () => {
    const sentence = refusal(expectedPeak(card, { batch: 3, sequence: 256, accumulation: 4 }, 'adamw'));
    expect(sentence).toMatch(/: --batch 2 would fit, with --accumulate 4 for the same step\.$/);
    expect(
      refusal(expectedPeak(card, { batch: 2, sequence: 256, accumulation: 4 }, 'adamw'), { batch: 2, accumulation: 4 }),
    ).toBe('');
  });

  it('is told a smaller batch alone where the sum of gradients would not fit beside it', () => {
    const big = shippedCard('llama3-small', 'hidden=1024');
    const bytes = expectedPeak(big, { batch: 4, sequence: 256 }, 'adamw');
    expect(refusal(bytes, {}, big)).toMatch(/: --batch 4 would fit\.$/);
  });

  it('is told a shorter sequence where no batch fits', () => {
    const bytes = expectedPeak(card, { batch: 1, sequence: 100 }, 'adamw');
    expect(refusal(bytes)).toMatch(/: --batch 1 --seq 64 would fit\.$/);
  });

  it('is told another card where nothing else helps', () => {
    const big = loadModelCard({ arch: 'llama3-8b' });
    const needs =
      /^Training llama3-8b on 8 × 256 tokens needs about \d+\.\d GB, and 3\.0 GB are free, not even for one token: /;
    expect(refusal(3e9, {}, big)).toMatch(needs);
    expect(refusal(3e9, {}, big)).toMatch(/: the largest card that would is gpt2\.$/);
    expect(refusal(3, {}, big)).toMatch(/: no card of ours would\.$/);
  });
});

it('a sum of gradients waits beside the next micro-batch', () => {
  const waiting = expectedPeak(card, { ...size, accumulation: 2 }, 'adamw') - expectedPeak(card, size, 'adamw');
  expect(BigInt(waiting)).toBe(4n * countParameters(card).total);
});

it('momentum alone takes less than AdamW', () => {
  const saved = expectedPeak(card, size, 'adamw') - expectedPeak(card, size, 'sgd');
  expect(BigInt(saved)).toBe(4n * countParameters(card).total);
});

it('wasm holds less than 4 GiB, whatever is free', () => {
  expect(memoryLimit('wasm', 1e11).bytes).toBeLessThan(2 ** 32);
  expect(memoryLimit('wasm', 1e9)).toEqual({ bytes: 1e9, words: 'are free' });
  expect(memoryLimit('native', 1e11).bytes).toBe(1e11);
});
