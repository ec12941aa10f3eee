// yarn train as a person uses it: repeated from its folder, ended and resumed, killed, started from other weights.
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { missing } from '../../src/engine/native/installed.ts';
import { contents, digest, logOf, type Outcome, temporaryFolder, tensorsOf, yarnTrain } from '../support/train.ts';

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const backend = ['--backend', missing() === undefined ? 'native' : 'wasm'];
const dataset = ['--dataset', 'tiny-tales:100KB'];
const dropout = ['embedding', 'attention', 'residual'].flatMap((where) => ['--set', `dropout.${where}=0.1`]);
const shape = ['--batch', '2', '--seq', '16', '--accumulate', '2'];
const model = ['--arch', 'gpt-debug', ...dropout, ...shape, ...backend];
const often = ['--evaluate-every', '3', '--evaluate-windows', '2', '--save-every', '2'];
const steps = (count: number) => [...model, ...dataset, ...often, '--steps', String(count)];
const eight = steps(8);

/** What `yarn train` runs, so that its signals take the way they take for a person. */
const [program, ...before] = JSON.parse(readFileSync('package.json', 'utf8')).scripts.train.split(' ') as string[];

/** Starts the command in a process of its own; `words` waits for something to be said, `done` for the end. */
function started(...argv: string[]) {
  const child: ChildProcess = spawn(program!, [...before, ...argv]);
  const written = { stdout: '', stderr: '' };
  const collect = (name: 'stdout' | 'stderr') => child[name]!.on('data', (chunk) => (written[name] += String(chunk)));
  collect('stdout');
  collect('stderr');
  const done = new Promise<Outcome & { signal: string | null }>((resolve) => {
    child.on('close', (code, signal) => resolve({ code: code ?? -1, signal, ...written }));
  });
  const words = (awaited: RegExp) =>
    new Promise<void>((resolve) => {
      const look = () => awaited.test(written.stdout + written.stderr) && resolve();
      for (const stream of [child.stdout!, child.stderr!]) stream.on('data', look);
      child.on('close', () => resolve());
    });
  return { child, done, words };
}

const whole = at('whole');
let said = '';
beforeAll(async () => {
  const { code, stdout, stderr } = await yarnTrain(...eight, '--out', whole);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  said = stdout;
});

describe('a run of eight steps', () => {
  it('is repeated bit for bit by its own configuration', async () => {
    const { code } = await yarnTrain('--config', join(whole, 'config.json'), '--out', at('again'));
    expect(code).toBe(0);
    expect(tensorsOf(at('again'), 8)).toEqual(tensorsOf(whole, 8));
    for (const kind of ['step', 'validation']) expect(logOf(at('again'), kind)).toEqual(logOf(whole, kind));
  });

  it('equals four steps and four more, from the run or from the checkpoint that is offered for a damaged one', async () => {
    const half = at('half');
    await yarnTrain(...eight, '--stop-after', '4', '--out', half);
    cpSync(half, at('damaged'), { recursive: true });
    expect(await yarnTrain('--resume', half)).toMatchObject({ code: 0 });

    const weights = at('damaged/checkpoints/step-000004/weights.safetensors');
    writeFileSync(weights, readFileSync(weights).subarray(0, -1));
    const refused = await yarnTrain('--resume', at('damaged'));
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/has \d+ bytes, but \d+ were written/) });
    const offered = /The last good one is '(.*)'/.exec(refused.stderr)![1]!;
    expect(await yarnTrain('--resume', offered)).toMatchObject({ code: 0 });

    for (const run of [half, at('damaged')]) {
      expect(tensorsOf(run, 8)).toEqual(tensorsOf(whole, 8));
      expect(logOf(run, 'step')).toEqual(logOf(whole, 'step'));
    }
    const { continuations } = JSON.parse(readFileSync(join(half, 'run.json'), 'utf8'));
    expect(continuations).toMatchObject([{ step: 4, changed: {} }]);
  });

  it('goes on with more steps, and keeps what was changed', async () => {
    const longer = at('longer');
    cpSync(whole, longer, { recursive: true });
    expect(await yarnTrain('--resume', longer, '--steps', '12', '--stop-after', '10')).toMatchObject({ code: 0 });
    expect(await yarnTrain('--resume', longer)).toMatchObject({ code: 0 });
    expect(logOf(longer, 'step').map(({ step }) => step)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
  });

  it('prints each step once, the validated ones with their validation loss', () => {
    const isStep = (line: string) => line.startsWith('step');
    const lines = said.split('\n').filter(isStep);
    expect(lines.map((line) => Number(/^step +(\d+)\/8/.exec(line)![1]))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(lines.map((line) => line.includes(' val '))).toEqual([false, false, true, true, true, true, true, true]);
    const widths = said.split('\n').map((line) => (isStep(line) ? 0 : line.length));
    expect(Math.max(...widths)).toBeLessThanOrEqual(100);
  });
});

describe('another beginning', () => {
  const more = [
    '--dataset',
    'tiny-tales:60KB',
    ...backend,
    '--batch',
    '2',
    '--seq',
    '16',
    '--steps',
    '4',
    '--evaluate-every',
    '0',
  ];

  it('ends with command lines that a shell takes, and a prompt that the tokenizer takes', async () => {
    const text = at('lower case.txt');
    writeFileSync(text, 'the lazy dog sleeps; '.repeat(200));
    const options = ['--dataset', `file:${text}`, '--tokenizer', 'char', '--steps', '4', '--stop-after', '2'];
    expect(said).toContain("--prompt 'Once upon a time'");
    const { stdout } = await yarnTrain(...backend, ...options, '--arch', 'gpt-debug', '--out', at('two words'));
    const [, resumed] = /yarn train --resume (.*)/.exec(stdout)!;
    expect(resumed).toBe(`'${at('two words')}'`);
    const [, prompt] = /yarn generate --checkpoint '.*two words' --prompt (.*)/.exec(stdout)!;
    expect(prompt).toMatch(/^'?[a-z]+( [a-z]+)*'?$/);
  });

  it('--init-from takes weights and tokenizer over, and resumes like any run', async () => {
    const tuned = at('tuned');
    const options = ['--init-from', whole, ...more, '--evaluate-windows', '2'];
    expect(await yarnTrain(...options, '--out', tuned)).toMatchObject({ code: 0, stderr: '' });
    expect(digest(join(tuned, 'tokenizer.json'))).toBe(digest(join(whole, 'tokenizer.json')));
    // The first loss is that of the weights taken over, far below guessing.
    expect(logOf(tuned, 'step')[0]!.loss).toBeLessThan(logOf(whole, 'step')[0]!.loss as number);
    const halves = at('tuned-halves');
    await yarnTrain(...options, '--out', halves, '--stop-after', '2');
    await yarnTrain('--resume', halves);
    expect(tensorsOf(halves, 4)).toEqual(tensorsOf(tuned, 4));
  });

  it('--card takes a file, and a run that was killed before its first checkpoint begins again', async () => {
    const card = join(folder, 'my-card.json');
    cpSync('models/mqa-debug.json', card);
    expect(await yarnTrain('--card', card, ...more, '--out', at('mine'))).toMatchObject({ code: 0 });
    cpSync(join(at('mine'), 'run.json'), join(at('mine-killed'), 'run.json'), { recursive: true });
    expect(await yarnTrain('--resume', at('mine-killed'))).toMatchObject({ code: 0 });
    expect(tensorsOf(at('mine-killed'), 4)).toEqual(tensorsOf(at('mine'), 4));
    expect(Object.keys(contents(at('mine-killed')))).toEqual(Object.keys(contents(at('mine'))));
  });

  it('a damaged cache of tokens is made again, with a word about it', async () => {
    const cache = at('cache/corpora');
    for (const name of readdirSync(cache))
      writeFileSync(join(cache, name), 'TLCORPUS and nonsense that is long enough to be read');
    const { code, stderr } = await yarnTrain(...steps(2), '--out', at('after-damage'));
    expect({ code, stderr }).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^The cached tokens of .* are made again: .*\n$/),
    });
    expect(logOf(at('after-damage'), 'step')[0]!.loss).toBe(logOf(whole, 'step')[0]!.loss);
  });
});

it('a learning rate of 100 ends with one sentence, and what was saved stays', async () => {
  const run = at('wild');
  cpSync(whole, run, { recursive: true });
  const before = contents(join(run, 'checkpoints'));
  const wild = [
    '--resume',
    run,
    '--steps',
    '40',
    '--lr',
    '100',
    '--min-lr',
    '99',
    '--warmup',
    '0',
    '--save-every',
    '0',
  ];
  const { code, stderr } = await yarnTrain(...wild);
  expect(stderr).toMatch(
    /^Step \d+: the loss .*; the largest gradient is that of \S+ .*: try a lower --lr .*; --resume .*wild goes on from step 8\.\n$/,
  );
  expect(code).toBe(1);
  expect(contents(join(run, 'checkpoints'))).toEqual(before);
});

describe('a process', () => {
  it('with --json prints one document, and everything else on stderr', async () => {
    const { code, stdout, stderr } = await started('--json', ...eight, '--out', at('json')).done;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      stepsDone: 8,
      stepsPlanned: 8,
      tokens: 512,
      arch: 'gpt-debug',
      parameters: 34720,
    });
    expect(stderr).toContain('step 8/8   loss');
    expect(tensorsOf(at('json'), 8)).toEqual(tensorsOf(whole, 8));
  });

  const never = ['--evaluate-every', '0', '--save-every', '0'];
  /** Steps so long that a signal comes in the middle of one. */
  const slow = ['--arch', 'gpt-debug', '--set', 'layers=3', '--backend', 'cpu', '--batch', '8', ...never];
  const endless = [...slow, ...dataset, '--steps', '99', '--evaluate-windows', '2'];

  it('saves and ends on the first Ctrl-C, and can be resumed', async () => {
    const run = at('interrupted');
    const { child, done, words } = started(...endless, '--out', run);
    await words(/step +1\//);
    child.kill('SIGINT');
    const { code, signal, stdout, stderr } = await done;
    expect({ code, signal }).toEqual({ code: 130, signal: null });
    expect(stderr).toBe('\nStopping after this step and saving; once more stops at once.\n');
    expect(stdout).toMatch(/ended by Ctrl-C/);
    const step = logOf(run, 'step').length;
    expect(logOf(run, 'checkpoint')).toEqual([
      { kind: 'checkpoint', step, path: `checkpoints/step-${String(step).padStart(6, '0')}` },
    ]);
    expect(await yarnTrain('--resume', run, '--stop-after', String(step + 1))).toMatchObject({ code: 0 });
  });

  it('ends at once on the second Ctrl-C, without saving', async () => {
    const run = at('impatient');
    const { child, done, words } = started(...endless, '--out', run);
    await words(/step +1\//);
    // Both come while the next step computes.
    child.kill('SIGINT');
    await pause(100);
    child.kill('SIGINT');
    expect(await done).toMatchObject({ code: 130, signal: null });
    expect(contents(run)).toHaveProperty(['run.json']);
    expect(existsSync(join(run, 'checkpoints'))).toBe(false);
  });

  it('killed outright leaves a run that goes on as if it had not been', async () => {
    const run = at('killed');
    const { child, done, words } = started(...steps(24), '--out', run);
    await words(/step +4\//);
    child.kill('SIGKILL');
    await done;
    expect(await yarnTrain('--resume', run)).toMatchObject({ code: 0 });
    await yarnTrain(...steps(24), '--out', at('not-killed'));
    expect(tensorsOf(run, 24)).toEqual(tensorsOf(at('not-killed'), 24));
    expect(logOf(run, 'step')).toEqual(logOf(at('not-killed'), 'step'));
  });
});
