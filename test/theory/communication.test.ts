// What workers say to each other in a step: ZeRO's volumes, tensor parallelism's collectives, rings of keys and values, links.
import { describe, expect, it } from 'vitest';
import { loadModelCard } from '../../src/node/cards.ts';
import { loadHardware } from '../../src/node/hardware.ts';
import { collectiveCost } from '../../src/theory/collectives.ts';
import { groupLinks, stageTraffic, type Traffic } from '../../src/theory/communication.ts';
import { type Layout, NO_PARALLELISM, type WorkerShape, workerLetters } from '../../src/theory/parallelism.ts';
import { workerFlops } from '../../src/theory/parallelism-flops.ts';
import { workerParameterCount, workerParameterTerms } from '../../src/theory/parallelism-parameters.ts';
import { microBatchTime, stepTime } from '../../src/theory/parallelism-time.ts';
import { type StateConvention, stateTerms } from '../../src/theory/precision.ts';
import type { Recomputation } from '../../src/theory/recompute.ts';

const gpt = loadModelCard({ arch: 'gpt3-xl' });
const llama = loadModelCard({ arch: 'llama3-8b' });

function traffic(
  change: Partial<Layout>,
  {
    card = llama,
    microBatches = 1,
    recompute = 'none' as Recomputation,
    convention = 'training-llms' as StateConvention,
  } = {},
): { rows: Traffic[]; n: bigint } {
  const layout = { ...NO_PARALLELISM, ...change };
  const shape: WorkerShape = { batch: 1, sequence: 2048, microBatches };
  const base = { ...workerLetters(card, shape, layout), p: 2n };
  const n = workerParameterCount(workerParameterTerms(card, layout, base, 0));
  const whole = stateTerms({ ...base, N: n }, 'mixed', 'adamw', convention);
  const choice = { recompute, attention: 'materialized' as const };
  return { rows: stageTraffic({ card, layout, choice, letters: { ...base, n }, gpusPerNode: 8 }, whole, 0), n };
}

const sent = (rows: readonly Traffic[], group: Traffic['group']) =>
  rows.filter((row) => row.group === group).reduce((total, row) => total + row.sent.value, 0n);

describe('ZeRO, Rajbhandari et al. 2020, section 7 (volumes in parameters of 2 bytes)', () => {
  it.each([
    [0, 2],
    [1, 2],
    [2, 2],
    [3, 3],
  ] as const)('stage %i moves %i times the parameters', (zero, times) => {
    const { rows, n } = traffic({ data: 64, zero });
    expect(Number(sent(rows, 'data')) / (2 * Number(n))).toBeCloseTo((times * 63) / 64, 6);
  });

  it('moves gradients after every micro-batch where nobody keeps them whole', () => {
    const [once, eight] = [1, 8].map((microBatches) =>
      sent(traffic({ data: 64, zero: 3 }, { microBatches }).rows, 'data'),
    );
    expect(eight).toBe(8n * once!);
    const kept = [1, 8].map((microBatches) => sent(traffic({ data: 64, zero: 1 }, { microBatches }).rows, 'data'));
    expect(kept[1]).toBe(kept[0]);
  });

  it('moves gradients in 4 bytes where the documents keep them so', () => {
    const { rows, n } = traffic({ data: 2 }, { convention: 'decoder-only' });
    expect(sent(rows, 'data')).toBe(collectiveCost('AllReduce', 'ring', 2, 4n * n).sent.value);
  });

  it('says nothing to nobody', () => {
    expect(traffic({ zero: 3 }).rows).toEqual([]);
  });
});

describe('tensor parallelism', () => {
  const x = 2n * 2048n * BigInt(llama.hidden);
  const reduce = collectiveCost('AllReduce', 'ring', 8, x).sent.value;
  const ofBlocks = (rows: readonly Traffic[]) => rows.find(({ what }) => what.includes('per layer'))!.sent.value;

  it.each([
    ['none', 4n],
    ['selective', 4n],
    ['full', 6n],
  ] as const)('with %s recomputation reduces %i times a layer', (recompute, times) => {
    expect(ofBlocks(traffic({ tensor: 8 }, { recompute }).rows)).toBe(times * BigInt(llama.layers) * reduce);
  });

  it('moves as much with sequence parallelism, and gathers saved inputs besides', () => {
    const { rows } = traffic({ tensor: 8, sequenceParallel: true });
    expect(ofBlocks(rows)).toBe(4n * BigInt(llama.layers) * reduce);
    expect(rows.find(({ behind }) => behind === 'gradients')!.sent.value).toBe(BigInt(llama.layers) * reduce);
  });

  it('needs half as many in a parallel block', () => {
    const falcon = loadModelCard({ arch: 'falcon-40b' });
    expect(ofBlocks(traffic({ tensor: 8 }, { card: falcon }).rows)).toBe(
      2n *
        BigInt(falcon.layers) *
        collectiveCost('AllReduce', 'ring', 8, 2n * 2048n * BigInt(falcon.hidden)).sent.value,
    );
  });
});

describe('context and pipeline parallelism', () => {
  it('send only the keys and values that there are', () => {
    const perRound = 2n * 2n * 1024n * BigInt(llama.kvHeads * llama.headSize);
    expect(sent(traffic({ context: 2 }).rows, 'context')).toBe(BigInt(llama.layers) * (2n * 1n + 2n) * perRound);
  });

  it('send activations and gradients of every micro-batch and piece', () => {
    const x = 2n * 2048n * BigInt(gpt.hidden);
    const of = (change: Partial<Layout>) =>
      sent(traffic({ pipeline: 4, ...change }, { card: { ...gpt, tied: false }, microBatches: 8 }).rows, 'pipeline');
    expect(of({})).toBe(2n * 8n * x);
    expect(of({ interleave: 2 })).toBe(2n * 8n * 2n * x);
    expect(of({ tensor: 2 })).toBe(8n * x);
  });

  it('reduce the gradient of an embedding that both ends hold', () => {
    const tied = traffic({ pipeline: 4 }, { card: { ...gpt, tied: true } }).rows.filter(
      ({ every }) => every === 'step',
    );
    expect(tied.map((row) => row.sent.value)).toEqual([2n * BigInt(gpt.vocabulary * gpt.hidden)]);
  });
});

describe('links', () => {
  it('tensor workers sit together, stages apart', () => {
    expect(groupLinks({ ...NO_PARALLELISM, tensor: 8, data: 4 }, 8)).toMatchObject({
      tensor: 'link',
      data: 'interNode',
    });
    expect(groupLinks({ ...NO_PARALLELISM, tensor: 2, data: 4 }, 8)).toMatchObject({ tensor: 'link', data: 'link' });
    expect(groupLinks({ ...NO_PARALLELISM, tensor: 16 }, 8).tensor).toBe('interNode');
  });
});

describe('the time of a step', () => {
  const pace = { hardware: loadHardware('a100'), precision: 'mixed' as const, efficiency: 0.5 };
  const choice = { recompute: 'none' as const, attention: 'materialized' as const };
  const letters = { ...workerLetters(llama, { batch: 1, sequence: 2048, microBatches: 1 }, NO_PARALLELISM), p: 2n };
  const flops = workerFlops(llama, choice, letters, true);

  it('is FLOPs over the share of the peak, and its parts add up', () => {
    const time = microBatchTime(flops, 0n, [], 1, pace);
    expect(time.products).toBeCloseTo(Number(flops.total.value) / (312e12 * 0.5), 9);
    const step = stepTime([time], { pipeline: 4, interleave: 1 }, 8, 0n, pace);
    expect(step.bubble / step.total).toBeCloseTo(3 / 11, 9);
    expect(step.products + step.bubble).toBeCloseTo(step.total, 12);
  });

  it('hides traffic behind products once, not once for every row', () => {
    const { rows } = traffic({ data: 64, zero: 3 });
    const open = microBatchTime(flops, 0n, rows, 1, {
      ...pace,
      hardware: { ...pace.hardware, interNode: { name: 'slow', bytesPerSecond: 1e9 } },
    });
    const seconds = open.rows.reduce((total, row) => total + row.seconds, 0);
    const exposed = open.rows.reduce((total, row) => total + row.exposed, 0);
    expect(seconds - exposed).toBeCloseTo(open.products, 9);
  });
});
