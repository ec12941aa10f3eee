// The benchmark without running anything: what is asked, who takes turns with whom, and the arithmetic of the rows.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { tabulate } from '../../src/bench/kernel-times.ts';
import type { TrainingMeasurement } from '../../src/bench/measurement.ts';
import { type PeerMeasurement, peerFlags, readPeerAnswer } from '../../src/bench/pytorch-peer.ts';
import { chooseBackends, defaultArchs, subjectOf } from '../../src/bench/request.ts';
import { type Row, type Runner, rowsOf } from '../../src/bench/rows.ts';
import { median, medianBy } from '../../src/bench/statistics.ts';
import { randomTokens, sharesOf, stepsFor } from '../../src/bench/training.ts';
import { trainingLines } from '../../src/bench/training-report.ts';
import { loadModelCard } from '../../src/node/cards.ts';
import { palette } from '../../src/report/palette.ts';

const shape = { batch: 8, sequence: 256 };
const card = (arch: string, ...set: string[]) => loadModelCard({ arch, set });

describe('statistics', () => {
  it('take the middle', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(medianBy(['ccc', 'a', 'bb'], ({ length }) => length)).toBe('bb');
    expect(medianBy(['dddd', 'ccc', 'a', 'bb'], ({ length }) => length)).toBe('bb');
    expect(() => median([])).toThrow('median of nothing');
    expect(() => medianBy([], () => 0)).toThrow('median of nothing');
  });

  it('share out a step', () => {
    const step = (forwardBackward: number, norm: number, optimizer: number) => ({
      loss: 1,
      seconds: forwardBackward + norm + optimizer,
      parts: { forwardBackward, norm, optimizer },
    });
    expect(sharesOf([step(6, 1, 1), step(6, 0, 2)])).toEqual({
      forwardBackward: 0.75,
      norm: 0.0625,
      optimizer: 0.1875,
    });
  });

  it('tell kernels from what is outside them', () => {
    const totals = new Map([
      ['Add', { milliseconds: 100, calls: 4 }],
      ['BatchMatMul', { milliseconds: 700, calls: 2 }],
    ]);
    const { stepSeconds, kernels, outside } = tabulate(totals, 1, 2);
    expect(stepSeconds).toBe(0.5);
    expect(kernels.map(({ name, calls, share }) => [name, calls, share])).toEqual([
      ['BatchMatMul', 1, 0.7],
      ['Add', 2, 0.1],
    ]);
    expect(outside.share).toBeCloseTo(0.2, 12);
  });

  it('choose a number of steps that fits', () => {
    expect([0.01, 0.5, 60].map(stepsFor)).toEqual([50, 18, 3]);
  });
});

describe('what is asked', () => {
  it('leaves plain JavaScript out unless it is named', () => {
    expect(chooseBackends(undefined)).toEqual({ names: ['native', 'webgpu', 'wasm'], byDefault: true });
    expect(chooseBackends(['cpu', 'wasm'])).toEqual({ names: ['cpu', 'wasm'], byDefault: false });
    expect(() => chooseBackends(['wsam'])).toThrow("Unknown backend 'wsam': did you mean wasm?");
    expect(() => chooseBackends(['wasm', 'wasm'])).toThrow('twice');
  });

  it('is refused beyond the context and beyond memory', () => {
    const small = card('gpt-small');
    expect(subjectOf(small, 8, undefined, 1e12)).toEqual({ card: small, ...shape });
    expect(() => subjectOf(small, 8, 257, 1e12)).toThrow('--set context=257');
    expect(() => subjectOf(small, 8, 256, 1e8)).toThrow('0.1 GB are free');
  });

  it('has tokens of the whole vocabulary and of no other', () => {
    const tokens = randomTokens(card('gpt-debug'), 4096, 1);
    expect(tokens.length).toBe(8 * 4096 + 1);
    expect([Math.min(...tokens), Math.max(...tokens), new Set(tokens).size]).toEqual([0, 255, 256]);
  });
});

describe('the peer', () => {
  const text = (flags: ReturnType<typeof peerFlags>) => ('flags' in flags ? flags.flags.join(' ') : flags.reason);

  it('is called with the sizes of the card', () => {
    expect(text(peerFlags(card('gpt-small'), shape))).toBe(
      '--family gpt --layers 4 --hidden 256 --heads 8 --kv-heads 8 --ffn 1024 --vocab 4096 --batch 8 --seq 256',
    );
    expect(text(peerFlags(card('llama3-small', 'tied=false'), shape))).toBe(
      '--family llama --layers 4 --hidden 256 --heads 8 --kv-heads 2 --ffn 688 --vocab 4096 --batch 8 --seq 256 --untied',
    );
    expect(text(peerFlags(card('mqa-small'), shape))).toContain('--kv-heads 1');
  });

  it('knows all flags that it is given', () => {
    const script = readFileSync('scripts/peers/pytorch_train.py', 'utf8');
    const known = [...script.matchAll(/dict\(([^)]*)\)/g)][0]![1]!.matchAll(/(\w+)=/g);
    const names = [...known].map(([, name]) => `--${name!.replace('_', '-')}`);
    for (const arch of defaultArchs) {
      const flags = text(peerFlags(card(arch, 'tied=false'), shape)).split(' ');
      const options = flags.filter((flag) => flag.startsWith('--') && !['--family', '--untied'].includes(flag));
      expect(names).toEqual(expect.arrayContaining(options));
    }
    for (const flag of ['--family', '--untied']) expect(script).toContain(`"${flag}"`);
  });

  it.each([
    ['gpt-small', 'layout=parallel', 'parallel layout'],
    ['gpt-small', 'norm.placement=post', 'norms elsewhere'],
    ['gpt-small', 'mlp.kind=relu', 'relu MLP beside LayerNorm'],
    ['llama3-small', 'mlp.kind=gelu', 'gelu MLP beside RMSNorm'],
    ['gpt-small', 'norm.bias=false', 'without a shift'],
    ['gpt-small', 'positions.kind=rope', 'rope positions beside LayerNorm'],
    ['llama3-small', 'headSize=64', 'head size'],
    ['gpt-small', 'bias.mlp=false', 'biases'],
    ['llama3-small', 'bias.qkv=true', 'biases'],
    ['gpt-small', 'bias.head=true', 'bias of the head'],
    ['gpt-small', 'dropout.attention=0.1', 'dropout'],
  ])('has no %s with %s', (arch, set, why) => {
    const flags = peerFlags(card(arch, set), shape);
    expect(flags).toHaveProperty('reason');
    expect(text(flags)).toContain(why);
  });

  it('says what is not the same', () => {
    expect(peerFlags(card('llama3-small'), shape)).toMatchObject({ differences: [] });
    expect(peerFlags(card('gpt-small', 'mlp.kind=gelu'), shape)).toMatchObject({ differences: [] });
    expect(peerFlags(card('gpt-small'), { batch: 8, sequence: 64 })).toMatchObject({
      differences: [expect.stringContaining('erf'), expect.stringContaining('64 rows')],
    });
  });

  it('answers with one line of JSON', () => {
    const line =
      '{"peer": "torch 2.15.0", "bf16": false, "parameters": 10, "step_s": 0.5, "step_min_s": 0.4, "tokens_per_s": 4096, "loss": 8.1, "saved_for_backward_bytes": 99}';
    expect(readPeerAnswer(`a warning\n${line}\n`)).toEqual({
      name: 'torch 2.15.0',
      parameters: 10,
      medianSeconds: 0.5,
      minimumSeconds: 0.4,
      tokensPerSecond: 4096,
      loss: 8.1,
      savedForBackwardBytes: 99,
    });
    expect(() => readPeerAnswer('Killed')).toThrow();
  });
});

/** Runs that take no time: ours get faster by 1,000 tokens/s each, the peer always does 2,000, stock 500. */
function fakeRunner(): { runner: Runner; calls: string[] } {
  const calls: string[] = [];
  let runs = 0;
  const ours = (tokensPerSecond: number, steps: number): TrainingMeasurement => ({
    backend: { name: 'wasm', tfjs: 'wasm', version: '1', device: 'here', threads: 2, gpu: false },
    parameters: 10n,
    warmupSteps: 3,
    seconds: Array.from({ length: steps }, () => 0.1),
    medianSeconds: 0.1,
    minimumSeconds: 0.1,
    tokensPerSecond,
    flopsPerStep: 1000n,
    flopsPerSecond: 1e4,
    matmulPeak: { size: 512, flopsPerSecond: 2e4 },
    mfu: 0.5,
    savedForBackwardBytes: 100,
    peakRssBytes: 1e8,
    shares: { forwardBackward: 0.8, norm: 0.1, optimizer: 0.1 },
    loss: { first: 8, last: 7 },
  });
  const peer: PeerMeasurement = {
    name: 'torch 2',
    parameters: 12,
    medianSeconds: 1,
    minimumSeconds: 1,
    tokensPerSecond: 2000,
    loss: 8,
    savedForBackwardBytes: 200,
  };
  return {
    calls,
    runner: {
      ours: async (_, backend, steps) => {
        calls.push(`${backend} ${steps}`);
        return backend === 'wasm-stock' ? ours(500, steps ?? 4) : ours(1000 * ++runs, steps ?? 7);
      },
      peer: async (_, steps, threads) => {
        calls.push(`peer ${steps} on ${threads}`);
        return peer;
      },
    },
  };
}

describe('rows', () => {
  const subject = { card: card('gpt-debug'), batch: 2, sequence: 8 };
  const everything = { repeats: 3, peer: true, stock: true };

  it('take turns, all with the number of steps of the first run', async () => {
    const { runner, calls } = fakeRunner();
    await rowsOf(subject, 'wasm', everything, runner);
    const round = (first: string, stock: string) => [`wasm ${first}`, 'peer 7 on 2', `wasm-stock ${stock}`];
    expect(calls).toEqual([...round('undefined', 'undefined'), ...round('7', '4'), ...round('7', '4')]);
  });

  it('compare pair by pair and show the run in the middle', async () => {
    const rows = await rowsOf(subject, 'wasm', everything, fakeRunner().runner);
    expect(rows.map(({ backend }) => backend)).toEqual(['wasm', 'wasm-stock']);
    const [{ measurement, repetitions, comparisons }] = rows as [Row, Row];
    expect(measurement.tokensPerSecond).toBe(2000);
    expect(repetitions).toEqual([1000, 2000, 3000]);
    expect(comparisons.map(({ name, medianRatio }) => [name, medianRatio])).toEqual([
      ['torch 2', 1],
      ['stock wasm', 4],
    ]);
    expect(comparisons[0]).toMatchObject({
      pairs: [{ ours: 1000, other: 2000, ratio: 0.5 }, { ratio: 1 }, { ratio: 1.5 }],
      savedForBackwardBytes: { ours: 100, other: 200, ratio: 0.5 },
    });
    expect(comparisons[0]!.differences).toContain('it has 12 parameters, the card 10');
  });

  it('go without a peer that cannot express the card, and say so', async () => {
    const { runner, calls } = fakeRunner();
    const parallel = { ...subject, card: card('gpt-debug', 'layout=parallel', 'norm.perBlock=1') };
    const rows = await rowsOf(parallel, 'native', { ...everything, repeats: 1 }, runner);
    expect(calls).toEqual(['native undefined']);
    expect(rows[0]).toMatchObject({ comparisons: [], remarks: [expect.stringContaining('parallel layout')] });
  });

  it('are shown in 100 columns', async () => {
    const rows = await rowsOf(subject, 'wasm', everything, fakeRunner().runner);
    const lines = trainingLines(rows, [{ backend: 'native', reason: 'it is away' }], palette(false));
    const screen = lines.join('\n');
    for (const line of screen.split('\n')) if (!line.includes('·')) expect(line.length).toBeLessThanOrEqual(110);
    expect(screen).toMatch(/gpt-debug +wasm ×2 +100 ms +100 ms +2,000 +10\.0 k +50\.0 % +100 B +100 MB/);
    expect(screen).toMatch(/median +1\.00 × +100 B +200 B/);
    expect(screen).toContain('no native: it is away');
  });
});
