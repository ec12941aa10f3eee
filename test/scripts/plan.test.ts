// `yarn plan` as a user runs it.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

function run(...args: string[]) {
  const command = ['--import', 'tsx', 'scripts/plan.ts', ...args];
  return spawnSync(process.execPath, command, { cwd: root, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } });
}

describe('yarn plan', () => {
  it('answers the 70 B model on 512 GPUs in tables of at most 100 columns', () => {
    const { status, stdout } = run('--arch', 'llama3-70b', '--hardware', 'h100', '--gpus', '512', '--tokens', '1.4e12');
    expect(status).toBe(0);
    expect(stdout.split('\n').filter((line) => [...line].length > 100)).toEqual([]);
    for (const words of [
      'Layouts that fit',
      'memory of the fullest worker',
      'bubble',
      'GPU-hours',
      'MFU',
      '⌈8n / Z⌉',
    ]) {
      expect(stdout).toContain(words);
    }
  });

  it('prints one JSON document with exact integers', () => {
    const { status, stdout } = run(
      '--arch',
      'llama3-8b',
      '--hardware',
      'a100',
      '--gpus',
      '64',
      '--tokens',
      '1e12',
      '--json',
    );
    expect(status).toBe(0);
    const document = JSON.parse(stdout);
    expect(document.parameters.total).toBe(8_030_261_248);
    const [best] = document.layouts;
    expect(best.tensor * best.pipeline * best.context * best.data).toBe(64);
    const { total, parameters, gradients, optimizer, savedActivations, batch, temporaries } = best.memory;
    expect(parameters + gradients + optimizer + savedActivations + batch + temporaries).toBe(total);
    expect(total).toBeLessThanOrEqual(document.assumptions.usableBytes);
    expect(best.days * 24 * 64).toBeCloseTo(best.gpuHours, 3);
  });

  it('chooses model and tokens for a budget', () => {
    const { status, stdout } = run('--hardware', 'h100', '--gpus', '512', '--budget', '5.76e23', '--json');
    expect(status).toBe(0);
    const { parameters, tokens } = JSON.parse(stdout);
    expect(parameters.total).toBeGreaterThan(55e9);
    expect(parameters.total).toBeLessThan(85e9);
    expect(6 * parameters.total * tokens).toBeCloseTo(5.76e23, -20);
  });

  it('spends the GPU-hours it was given', () => {
    const { stdout } = run('--hardware', 'a100', '--gpus', '256', '--budget', '200000gpu-hours', '--json');
    const [best] = JSON.parse(stdout).layouts;
    expect(best.gpuHours / 200_000).toBeGreaterThan(0.95);
    expect(best.gpuHours / 200_000).toBeLessThan(1.05);
  });

  it.each([
    [['--arch', 'llama3-70b', '--hardware', 'h100', '--gpus', '16'], '24 GPUs in whole nodes of 8 ('],
    [['--arch', 'llama3-8b', '--hardware', 'h1000', '--gpus', '8'], "Unknown hardware 'h1000': did you mean h100"],
    [['--arch', 'llama3-8b', '--hardware', 'h100', '--gpus', '8', '--tensor', '3'], '32 heads do not divide among 3'],
    [['--arch', 'llama3-8b', '--hardware', 'h100'], '--gpus'],
    [['--hardware', 'h100', '--gpus', '8', '--budget', '10'], 'too small for any model'],
    [['--arch', 'llama3-8b', '--hardware', 'h100', '--gpus', '-8'], '--gpus must be a whole number of at least 1'],
    [['--hardware', 'h100', '--gpus', '8', '--set', 'layers=2', '--budget', '1e22'], 'none is named'],
  ])('answers %j with one sentence and exit code 1', (args, sentence) => {
    const { status, stdout, stderr } = run(...args);
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toContain(sentence);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});
