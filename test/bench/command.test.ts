// `yarn bench train` as a user runs it: a tiny model, its JSON document, its refusals.
import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { loadModelCard } from '../../src/node/cards.ts';
import { countFlops } from '../../src/theory/flops.ts';
import { parameterTotal } from '../../src/theory/parameters.ts';

const bench = (...argv: string[]) =>
  spawnSync(process.execPath, ['--import', 'tsx', 'scripts/bench.ts', ...argv], { encoding: 'utf8' });

it('prints one document whose numbers agree with each other and with theory', () => {
  const set = 'layers=1';
  const argv = ['train', '--archs', 'gpt-debug', '--set', set, '--backends', 'cpu,wasm', '--threads', '1'];
  const { status, stdout, stderr } = bench(
    ...argv,
    '--batch',
    '2',
    '--seq',
    '8',
    '--steps',
    '2',
    '--stock',
    '--repeats',
    '1',
    '--json',
  );
  expect({ status, stderr }).toMatchObject({ status: 0 });
  const { rows, missing } = JSON.parse(stdout);
  expect(missing).toEqual([]);
  expect(rows.map((row: { backend: string }) => row.backend)).toEqual(['cpu', 'wasm', 'wasm-stock']);
  const card = loadModelCard({ arch: 'gpt-debug', set: [set] });
  const flops = countFlops(card, { batch: 2, sequence: 8 }, 'palm').forwardBackward.value;
  for (const row of rows) {
    expect(row.shape).toEqual({ batch: 2, sequence: 8, tokens: 16 });
    expect(row.step.count).toBe(2);
    expect(row.tokensPerSecond * row.step.medianSeconds).toBeCloseTo(16, 6);
    expect(BigInt(row.flopsPerStep)).toBe(flops);
    expect(BigInt(row.parameters)).toBe(parameterTotal(card).value);
    expect(row.flopsPerSecond * row.step.medianSeconds).toBeCloseTo(Number(flops), -2);
    expect(row.mfu * row.matmulPeak.flopsPerSecond).toBeCloseTo(row.flopsPerSecond, -2);
    expect(row.loss.last).toBeCloseTo(rows[0].loss.last, 4);
    expect(row.peakRssBytes).toBeGreaterThan(2 ** 25);
  }
  const [comparison] = rows[1].comparisons;
  expect(comparison.name).toBe('stock wasm');
  expect(comparison.medianRatio).toBeCloseTo(rows[1].tokensPerSecond / rows[2].tokensPerSecond, 9);
});

it.each([
  [['generat'], "Unknown WHAT 'generat': did you mean train?"],
  [['train', '--archs', 'gtp-debug'], "Unknown arch 'gtp-debug': did you mean gpt-debug"],
  [['train', '--backends', 'nativ'], "Unknown backend 'nativ': did you mean native?"],
  [['train', '--python', 'x'], 'add --peer'],
  [['train', '--stock', '--backends', 'native'], 'add wasm to --backends'],
  [['train', '--peer', '--python', '/nowhere/python'], "No PyTorch in '/nowhere/python'"],
])('%j is refused in one sentence', (argv, sentence) => {
  const { status, stdout, stderr } = bench(...argv);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  const lines = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('npm warn'));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain(sentence);
});
