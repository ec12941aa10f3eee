// `yarn predict` and `yarn list` as a user runs them.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

function run(script: string, ...args: string[]) {
  const command = ['--import', 'tsx', `scripts/${script}.ts`, ...args];
  return spawnSync(process.execPath, command, { cwd: root, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } });
}

describe('yarn predict', () => {
  it('prints one JSON document with the design’s names and exact integers', () => {
    const { status, stdout, stderr } = run('predict', '--arch', 'llama3-8b', '--batch', '2', '--seq', '8192', '--json');
    expect(status).toBe(0);
    const document = JSON.parse(stdout);
    expect(document.parameters.total).toBe(8_030_261_248);
    expect(Object.keys(document.parameters.groups)).toEqual([
      'embedding',
      'positions',
      'attention',
      'mlp',
      'norms',
      'head',
    ]);
    expect(document.flops['6nd'].forwardBackward).toBe(6 * 8_030_261_248 * 2 * 8192);
    expect(document.flops.palm.forwardBackward).toBe(3 * document.flops.palm.forward);
    expect(Object.keys(document.flops)).toEqual(['palm', 'causal', 'documents', '6nd', '6nd-no-embedding']);
    expect(document.memory.parameters).toBe(4 * 8_030_261_248);
    expect(document.memory.optimizer).toBe(8 * 8_030_261_248);
    expect(stderr).toContain('V·D + L(2D·H(A + g) + 3D·F + 2D) + D + V·D');
  });

  it('writes counts beyond 2^53 digit by digit', () => {
    const { stdout } = run('predict', '--arch', 'llama3-405b', '--seq', '8191', '--json');
    const forwardBackward = 6n * 405_853_388_800n * 8191n;
    expect(forwardBackward).toBeGreaterThan(2n ** 53n);
    expect(stdout).toContain(`"forwardBackward": ${forwardBackward},`);
  });

  it('shows tables within 100 columns, with a formula in each row', () => {
    const { status, stdout } = run('predict', '--arch', 'llama3-small', '--batch', '8', '--set', 'mlp.kind=gelu');
    expect(status).toBe(0);
    const lines = stdout.split('\n');
    expect(lines.every((line) => line.length <= 100)).toBe(true);
    expect(stdout).toMatch(/mlp +1,409,024 +\d+\.\d % +L·2D·F/);
    expect(stdout).toMatch(/optimizer +24\.9 +2p·N/);
  });

  it.each([
    [['--arch', 'lama3-small'], "Unknown arch 'lama3-small': did you mean llama3-small"],
    [['--arch', 'gpt2', '--set', 'heads=7'], "Model card 'gpt2': hidden 768 does not divide by heads 7"],
    [['--arch', 'gpt2', '--seq', '2048'], "A sequence of 2048 does not fit 'gpt2'"],
  ])('answers %j with one sentence and exit code 1', (args, sentence) => {
    const { status, stdout, stderr } = run('predict', ...args);
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toContain(sentence);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

describe('yarn list', () => {
  it('lists cards, datasets and backends', () => {
    const { status, stdout } = run('list', '--json');
    expect(status).toBe(0);
    const { models, datasets, backends } = JSON.parse(stdout);
    const names = (entries: { name: string }[]) => entries.map(({ name }) => name);
    expect(names(models)).toEqual(expect.arrayContaining(['gpt-small', 'llama3-small', 'mqa-small', 'llama3-405b']));
    expect(models.find(({ name }: { name: string }) => name === 'gpt2').parameters).toBe(124_439_808);
    expect(names(datasets)).toEqual(expect.arrayContaining(['tiny-tales', 'tinyshakespeare', 'typescript-lib']));
    expect(names(backends)).toEqual(['native', 'webgpu', 'wasm', 'cpu']);
  });
});
