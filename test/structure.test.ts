// The arrows between modules are really checked: a small tree with one offence per rule is cruised, and each is found.
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

const repository = resolve(import.meta.dirname, '..');
const configuration = '.dependency-cruiser.cjs';
// TypeScript-only syntax throughout: a parser that falls back to JavaScript would see no imports.
const typed = 'export const value: number = 1 as number;\n';
const imports = (path: string) =>
  `import { value } from '${path}';\nexport const again: number = value satisfies number;\n`;
const importsType = (path: string) => `import type { value } from '${path}';\nexport type Again = typeof value;\n`;

/** Files of the tree, and the rule that each breaks. */
const tree: Record<string, { text: string; breaks?: string }> = {
  'src/terms/word.ts': { text: typed },
  'src/cards/card.ts': { text: imports('../terms/word.ts') },
  'src/ops/fine.ts': { text: imports('../engine/fine.ts') },
  'src/engine/fine.ts': { text: typed + importsType('../terms/word.ts') },
  'src/engine/native/fine.ts': {
    text: `import { cpus } from 'node:os';\nexport const count: number = cpus().length;\n`,
  },
  'src/engine/wasm/node-threads.ts': {
    text: `import { cpus } from 'node:os';\nexport const count: number = cpus().length;\n`,
  },
  'src/terms/upward.ts': { text: imports('../cards/above.ts'), breaks: 'arrow-terms' },
  'src/cards/above.ts': { text: typed },
  'src/theory/upward.ts': { text: importsType('../ops/fine-too.ts'), breaks: 'arrow-theory' },
  'src/ops/fine-too.ts': { text: typed },
  'src/engine/upward.ts': { text: imports('../ops/fine-too.ts'), breaks: 'arrow-engine' },
  'src/data/upward.ts': { text: imports('../training/loop.ts'), breaks: 'arrow-data' },
  'src/formats/upward.ts': { text: imports('../report/words.ts'), breaks: 'arrow-formats' },
  'src/report/sideways.ts': { text: imports('../training/loop.ts'), breaks: 'arrow-report' },
  'src/report/types.ts': { text: importsType('../engine/fine.ts') },
  'src/report/values.ts': { text: imports('../engine/fine.ts'), breaks: 'arrow-report' },
  'src/report/above.ts': { text: importsType('../training/loop.ts'), breaks: 'arrow-report-types' },
  'src/report/words.ts': { text: typed },
  'src/training/loop.ts': { text: typed },
  'src/theory/tensors.ts': { text: imports('@tensorflow/tfjs-core'), breaks: 'no-tensor-library' },
  'src/ops/files.ts': {
    text: `import { readFileSync } from 'node:fs';\nexport const read: unknown = readFileSync;\n`,
    breaks: 'node-only-where-allowed',
  },
  'src/engine/wasm/other.ts': {
    text: `export const read: unknown = import('node:fs');\n`,
    breaks: 'node-only-where-allowed',
  },
  'src/layers/one.ts': {
    text: `import { two } from './two.ts';\nexport const one: unknown = () => two;\n`,
    breaks: 'no-cycles',
  },
  // A cycle is reported once, at the first of its files.
  'src/layers/two.ts': {
    text: `import { one } from './one.ts';\nexport const two: unknown = () => one;\n`,
  },
  'src/inference/command.ts': { text: imports('../../scripts/tool.ts'), breaks: 'src-imports-no-scripts' },
  'scripts/tool.ts': { text: typed },
  'src/kernels/alone.ts': { text: typed, breaks: 'no-orphans' },
  'src/kernels/nowhere.ts': { text: imports('./missing.ts'), breaks: 'resolvable' },
  'src/inference/undeclared.ts': {
    text: `import { run } from 'vitest';\nexport const it: unknown = run;\n`,
    breaks: 'declared',
  },
};

let folder = '';
let found = new Map<string, Set<string>>();

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'structure-')));
  for (const [path, { text }] of Object.entries(tree)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  for (const file of [configuration, 'package.json', 'tsconfig.json'])
    copyFileSync(join(repository, file), join(folder, file));
  symlinkSync(join(repository, 'node_modules'), join(folder, 'node_modules'));
  const program = join(repository, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const argv = [program, '--config', configuration, '--output-type', 'json', 'src', 'scripts'];
  const { stdout, stderr } = spawnSync(process.execPath, argv, { cwd: folder, encoding: 'utf8', maxBuffer: 1e9 });
  if (!stdout.startsWith('{')) throw new Error(stderr || stdout);
  const { violations } = JSON.parse(stdout).summary as { violations: { from: string; rule: { name: string } }[] };
  found = new Map();
  for (const { from, rule } of violations) found.set(from, (found.get(from) ?? new Set()).add(rule.name));
});
afterAll(() => rmSync(folder, { recursive: true }));

it.each(Object.entries(tree).filter(([, { breaks }]) => breaks))('%s is refused', (path, { breaks }) => {
  expect([...(found.get(path) ?? [])]).toContain(breaks);
});

it('files that keep the rules are not refused', () => {
  const offenders = Object.keys(tree).filter((path) => tree[path]!.breaks);
  expect([...found.keys()].filter((path) => !offenders.includes(path))).toEqual([]);
});

it('every folder of src has a rule of its own', () => {
  const { forbidden } = createRequire(import.meta.url)(join(repository, configuration)) as {
    forbidden: { name: string }[];
  };
  const names = new Set(forbidden.map(({ name }) => name));
  const folders = readdirSync(join(repository, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(folders.map(({ name }) => name).filter((name) => !names.has(`arrow-${name}`))).toEqual([]);
});
