// yarn check-golden: whether our models compute what PyTorch computed, for folders of golden results.
import { useBackend } from '../src/engine/backends.ts';
import { checkGolden, exponential, type GoldenResult, tolerancesOn } from '../src/golden/check.ts';
import { nodeStorage } from '../src/node/storage.ts';
import { thousands } from '../src/report/format.ts';
import { type Palette, palette } from '../src/report/palette.ts';
import { table } from '../src/report/table.ts';
import { callerPath } from './support/caller-path.ts';
import { runCommand } from './support/cli.ts';
import { backendOptions } from './support/common-options.ts';
import { errorSentence } from './support/error-sentence.ts';

type Row = { ok: boolean; folder: string } & (GoldenResult | { error: string });

const columns = [
  { title: 'folder' },
  { title: '' },
  { title: 'logits', align: 'right' },
  { title: 'loss', align: 'right' },
  { title: 'AdamW', align: 'right' },
  { title: 'greedy' },
  { title: 'parameters', align: 'right' },
  { title: 'gradient', align: 'right' },
  { title: 'worst' },
] as const;

runCommand({
  name: 'check-golden',
  summary:
    'Compares models with what PyTorch computed for them: logits, loss, gradients, AdamW steps and greedy tokens.',
  options: { ...backendOptions },
  positionals: {
    name: 'DIR',
    describe: 'folders with config.json, model.safetensors, expected.json and expected.safetensors',
    least: 1,
  },
  examples: [
    ['test/fixtures/*', 'the models that ship with the tests'],
    ['test/fixtures/gpt2-tiny --backend wasm', 'one of them in WebAssembly, with tolerances five times wider'],
  ],
  handler: async (args, { out, positionals }) => {
    const backend = await useBackend(args.backend, args);
    const tolerances = tolerancesOn(backend.name);
    const rows: Row[] = [];
    for (const folder of positionals) {
      try {
        const result = await checkGolden(nodeStorage, callerPath(folder), tolerances);
        rows.push({ ok: result.failures.length === 0, ...result, folder });
      } catch (error) {
        // The other folders are still checked.
        rows.push({ ok: false, folder, error: errorSentence(error) });
        if (args.debug && error instanceof Error) out.note(error.stack ?? '');
      }
    }
    const paint = palette(out.colour);
    for (const line of table(
      columns,
      rows.map((row) => cells(row, paint)),
      paint,
      Number.POSITIVE_INFINITY, // names of folders and tensors stay whole
    ))
      out.say(line);
    for (const row of rows) {
      if ('error' in row) out.say(`${row.folder}: ${row.error}`);
      else if (!row.ok) out.say(`${row.folder}: ${row.failures.join(', ')}.`);
    }
    const { logits, loss, gradient, adamw } = tolerances;
    out.say(
      paint.quiet(
        `on ${backend.name}: logits within ${exponential(logits)}, loss ${exponential(loss)}, AdamW losses ${exponential(adamw)} (max |difference|), gradients ${exponential(gradient)} (max |difference| / max |reference|)`,
      ),
    );
    const ok = rows.every((row) => row.ok);
    out.document({ ok, backend: backend.name, tolerances, folders: rows });
    return ok ? 0 : 1;
  },
});

function cells(row: Row, paint: Palette): string[] {
  const verdict = row.ok ? paint.measured('ok') : paint.warning('FAILED');
  if ('error' in row) return [row.folder, verdict];
  const { logits, loss, adamw, greedy, parameters, gradient } = row;
  return [
    row.folder,
    verdict,
    exponential(logits),
    exponential(loss),
    exponential(adamw.difference),
    greedy === null ? '–' : greedy.reproduced ? 'yes' : 'no',
    `${thousands(parameters.found)}${parameters.found === BigInt(parameters.expected) ? '' : ' ≠'}`,
    exponential(gradient.error),
    gradient.name,
  ];
}
