// The command line as a person meets it: a tiny command is spawned, and its words, documents and exit codes are compared.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Command, execute } from '../../scripts/support/cli.ts';
import { configOf } from '../../scripts/support/command-line.ts';
import { backendOptions, cardOptions, configOptions } from '../../scripts/support/common-options.ts';
import {
  choice,
  finite,
  flag,
  fraction,
  list,
  names,
  nonNegative,
  nonNegativeInteger,
  type Options,
  orOff,
  path,
  positive,
  positiveInteger,
  text,
} from '../../scripts/support/options.ts';
import { output } from '../../scripts/support/output.ts';
import { UserError } from '../../src/terms/user-error.ts';

const tiny = ['--import', 'tsx', 'test/support/tiny-command.ts'];
const spawn = (...argv: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...tiny, ...argv], { encoding: 'utf8' });
  return { status, stdout, stderr };
};

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cli-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const options = {
  ...cardOptions,
  steps: positiveInteger({ describe: 'how many steps', default: 1000 }),
  stopAfter: positiveInteger({ describe: 'end early' }),
  warmup: nonNegativeInteger({ describe: 'warm-up steps', default: 0 }),
  lr: positive({ describe: 'learning rate', default: 1e-3 }),
  decay: nonNegative({ describe: 'weight decay', default: 0.1 }),
  dropout: fraction({ describe: 'dropout', default: 0, below: 1 }),
  topP: fraction({ describe: 'top-p', default: 1, above: 0 }),
  shift: finite({ describe: 'shift' }),
  prompt: text({ describe: 'prompt' }),
  out: path({ describe: 'folder' }),
  kind: choice({ describe: 'kind', choices: ['adamw', 'sgd'], default: 'adamw' }),
  archs: names({ describe: 'cards' }),
  note: list({ describe: 'notes' }),
  cache: flag({ describe: 'no cache', default: true }),
  profile: orOff(positiveInteger({ describe: 'steps to profile', default: 1 })),
  ...backendOptions,
  ...configOptions,
};

/** Runs a command in this process and returns what it said and what its handler received. */
async function run(argv: string[], more: Partial<Command<typeof options>> = {}) {
  let stdout = '';
  let stderr = '';
  let args: Record<string, unknown> = {};
  const streams = {
    stdout: {
      write: (part: string) => {
        stdout += part;
      },
    },
    stderr: {
      write: (part: string) => {
        stderr += part;
      },
    },
    env: {},
  };
  const handler = async (received: Record<string, unknown>) => {
    args = received;
  };
  const status = await execute({ name: 'try', summary: 'Tries.', options, handler, ...more }, argv, streams);
  return { status, stdout, stderr, args };
}

it('takes 100 columns where there is no terminal, or one that does not know its width', () => {
  const stream = (columns?: number) => ({
    write: () => undefined,
    isTTY: true,
    ...(columns !== undefined && { columns }),
  });
  const widths = [undefined, 0, 60].map((columns) => output(false, stream(columns), stream(), {}).columns);
  expect(widths).toEqual([100, 100, 60]);
});

describe('a spawned command', () => {
  it('prints one JSON document on stdout and everything else on stderr', () => {
    const { status, stdout, stderr } = spawn('--json', '--steps', '10', 'a');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ steps: 10, lr: 0.001, positionals: ['a'], given: ['steps', 'json'] });
    expect(stdout).toContain('"big": 21500000000000000001');
    expect(stderr).toBe('a library speaks\nsteps 10\n');
  });

  it('ends bad input with one sentence and exit code 1', () => {
    const { status, stdout, stderr } = spawn('--stesp', '10');
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^Unknown option '--stesp': did you mean --steps.*\?\n$/);
  });

  it('calls an unexpected error a bug, with a stack trace only under --debug', () => {
    const sentence = 'This is a bug: x is not a function; run again with --debug for the stack trace.\n';
    expect(spawn('--fail', 'bug')).toEqual({ status: 1, stdout: '', stderr: sentence });
    const debugged = spawn('--fail', 'bug', '--debug');
    expect(debugged.stderr).toContain('tiny-command.ts:');
  });

  it('is quiet when the reader goes away', () => {
    const script = `"$0" --import tsx test/support/tiny-command.ts --lines 100000 | head -n 1`;
    const { stdout, stderr } = spawnSync('bash', ['-c', script, process.execPath], { encoding: 'utf8' });
    expect({ stdout, stderr }).toEqual({ stdout: 'line 0\n', stderr: '' });
  });
});

describe('values', () => {
  it('are typed, and have defaults', async () => {
    const { status, args } = await run(
      '--steps 1e3 --lr .5 --shift -2 --top-p 1 --kind sgd --archs a,b --note x --note y --prompt= --no-cache'.split(
        ' ',
      ),
    );
    expect(status).toBe(0);
    expect(args).toMatchObject({ steps: 1000, lr: 0.5, shift: -2, topP: 1, kind: 'sgd', archs: ['a', 'b'] });
    expect(args).toMatchObject({ note: ['x', 'y'], prompt: '', cache: false, decay: 0.1, backend: 'auto', profile: 1 });
    expect(args).toMatchObject({ stopAfter: undefined, threads: undefined, set: [] });
    expect((await run(['--no-profile'])).args).toMatchObject({ profile: false });
    expect((await run(['--profile', '3'])).args).toMatchObject({ profile: 3 });
  });

  const refused: [string[], string][] = [
    [['--steps', '0'], "--steps must be a whole number of at least 1, not '0'."],
    [['--steps', '-3'], "--steps must be a whole number of at least 1, not '-3'."],
    [['--steps', '1.5'], "--steps must be a whole number of at least 1, not '1.5'."],
    [['--steps', '1e20'], "--steps must be a whole number of at least 1, not '1e20'."],
    [['--steps', 'ten'], "--steps must be a whole number of at least 1, not 'ten'."],
    [['--steps', '0x10'], "--steps must be a whole number of at least 1, not '0x10'."],
    [['--steps', ''], "--steps must be a whole number of at least 1, not ''."],
    [['--warmup', '-1'], "--warmup must be a whole number of at least 0, not '-1'."],
    [['--lr', '0'], "--lr must be a number above 0, not '0'."],
    [['--lr', 'NaN'], "--lr must be a number above 0, not 'NaN'."],
    [['--decay', '-0.1'], "--decay must be a number of at least 0, not '-0.1'."],
    [['--dropout', '1'], "--dropout must be a number of at least 0 and below 1, not '1'."],
    [['--top-p', '0'], "--top-p must be a number above 0 and at most 1, not '0'."],
    [['--shift=Infinity'], "--shift must be a finite number, not 'Infinity'."],
    [['--shift', '1e999'], "--shift must be a finite number, not '1e999'."],
    [['--out='], '--out needs a path, and the one given is empty.'],
    [['--archs', 'a,,b'], "--archs needs names separated by commas, not 'a,,b'."],
    [['--set', 'layers'], "--set must be KEY=VALUE such as layers=2, not 'layers'."],
    [['--backend', 'natve'], "Unknown --backend 'natve': did you mean native?"],
    [['--steps', '1', '--steps', '2'], '--steps is given 2 times (1, 2): give it once.'],
    [['--cache', '--no-cache'], '--cache is given 2 times (--cache, --no-cache): give it once.'],
    [['--cache=maybe'], "--cache is a switch and takes true or false, not 'maybe'."],
    [['--steps'], '--steps needs a value: write --steps N (or --steps=… for one that begins with a dash).'],
    [['--no-steps'], '--steps cannot be switched off by --no-steps: it needs a value, --steps N.'],
    [['left.txt'], "Unexpected 'left.txt': every value follows its --option (--help lists them)."],
  ];
  it.each(refused)('%j is refused', async (argv, sentence) => {
    expect(await run(argv)).toMatchObject({ status: 1, stdout: '', stderr: `${sentence}\n` });
  });

  it('of an unknown option are not taken for another', async () => {
    expect((await run(['--learning', '-1e-3'])).stderr).toMatch(/^Unknown option '--learning': did you mean --/);
  });
});

describe('--config and defaults', () => {
  const file = (content: string) => {
    const name = join(folder, `${Math.abs(content.length)}.json`);
    writeFileSync(name, content);
    return name;
  };

  it('stand below the command line, in this order', async () => {
    const config = file('{"steps": 20, "stop-after": 5, "cache": false, "set": ["layers=2"], "lr": null}');
    const defaults = () => ({ source: "preset 'p'", values: { steps: 1, stopAfter: 2, warmup: 3 } });
    const { args } = await run(['--config', config, '--steps', '30'], { defaults });
    expect(args).toMatchObject({ steps: 30, stopAfter: 5, warmup: 3, cache: false, set: ['layers=2'], lr: 1e-3 });
  });

  it('are checked like the command line', async () => {
    const unknown = file('{"stpes": 20}');
    expect((await run(['--config', unknown])).stderr).toMatch(
      /^Unknown option 'stpes' in configuration '.*': did you mean steps.*\?\n$/,
    );
    const wrong = file('{"steps": -20}');
    expect((await run(['--config', wrong])).stderr).toBe(
      `'steps' in configuration '${wrong}' must be a whole number of at least 1, not '-20'.\n`,
    );
    const nested = file('{"steps": {"a": 1}}');
    expect((await run(['--config', nested])).stderr).toContain('must be a number, a text, true, false or a list');
    expect((await run(['--config', file('[1, 2, 3, 4, 5]')])).stderr).toContain('must be a JSON object of options');
    expect((await run(['--config', file('{"steps": 3')])).stderr).toContain('is not JSON: ');
    expect((await run(['--config', join(folder, 'none.json')])).stderr).toContain('there is no such file.');
  });

  it('read back what configOf wrote', async () => {
    const first = await run(['--steps', '3', '--no-profile', '--archs', 'a,b', '--set', 'layers=2', '--prompt', '']);
    const saved = configOf(options as Options, first.args as never);
    expect(saved).not.toHaveProperty('stop-after');
    const second = await run(['--config', file(JSON.stringify(saved))]);
    expect({ ...second.args, config: undefined }).toEqual(first.args);
  });
});

describe('errors and exit codes', () => {
  const failing = (error: unknown) => ({
    handler: async () => {
      throw error;
    },
  });

  it('with --json are the one document', async () => {
    const { status, stdout, stderr } = await run(['--json'], failing(new UserError("The text 'x' is empty.")));
    expect({ status, stdout, stderr }).toEqual({
      status: 1,
      stdout: `{"error":"The text 'x' is empty."}\n`,
      stderr: "The text 'x' is empty.\n",
    });
  });

  it('name the file that the system refuses', async () => {
    const error = Object.assign(new Error('EACCES: …'), { code: 'EACCES', path: 'runs/a' });
    expect((await run([], failing(error))).stderr).toBe("Cannot use 'runs/a': permission denied (EACCES).\n");
  });

  it('call a command that prints no document, or two, a bug', async () => {
    expect((await run(['--json'])).stderr).toContain('This is a bug: no JSON document was printed');
    const twice: Partial<Command<typeof options>> = {
      handler: async (_, { out }) => {
        out.document(1);
        out.document(2);
      },
    };
    const { status, stdout } = await run(['--json'], twice);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '1\n' });
  });

  it('pass the exit code of the handler on', async () => {
    expect((await run([], { handler: async () => 1 })).status).toBe(1);
  });

  it('ask for options and folders that are needed', async () => {
    const needed = { ...options, out: path({ describe: 'the run to read', placeholder: 'DIR', required: true }) };
    expect((await run([], { options: needed as never })).stderr).toBe('--out DIR is needed: the run to read.\n');
    const positionals = { name: 'DIR', describe: 'a folder of fixtures', least: 1 };
    expect((await run([], { positionals })).stderr).toBe('DIR is needed: a folder of fixtures.\n');
    const what = { name: 'WHAT', describe: 'what to time', most: 1, choices: ['train', 'generate'] };
    expect((await run(['trian'], { positionals: what })).stderr).toBe("Unknown WHAT 'trian': did you mean train?\n");
  });
});

it('--help fits 100 columns and shows every option once', async () => {
  const examples = [['--steps 10', 'ten steps']] as const;
  const { status, stdout } = await run(['--help'], { examples });
  expect(status).toBe(0);
  expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
  expect(stdout).toMatch(/^yarn try \[options\]\n\nTries\.\n/);
  for (const name of ['--steps N ', '--no-cache ', '--profile N, --no-profile', '--kind adamw|sgd', '--json ']) {
    expect(stdout.split(`  ${name}`)).toHaveLength(2);
  }
  expect(stdout).toContain('Examples\n  yarn try --steps 10\n      ten steps\n');
});
