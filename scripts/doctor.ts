// `yarn doctor`: which backends work here, how fast each is, what is missing, and what to do about it.
import { choiceOfAuto, type Diagnosis, describeSurroundings, diagnose } from '../src/engine/native/doctor.ts';
import { keepThisMachine } from '../src/node/this-machine.ts';
import { bytes, bytesBinary, si } from '../src/report/format.ts';
import { palette } from '../src/report/palette.ts';
import { table } from '../src/report/table.ts';
import { runCommand } from './support/cli.ts';
import { backendOptions } from './support/common-options.ts';

const columns = [
  { title: 'backend' },
  { title: 'works' },
  { title: 'version' },
  { title: 'threads', align: 'right' },
  { title: 'matmul', align: 'right' },
  { title: 'memory', align: 'right' },
  { title: 'on' },
] as const;

runCommand({
  name: 'doctor',
  summary: 'Tries every backend, measures those that work, and says what is missing and which command fixes it.',
  options: { threads: backendOptions.threads },
  handler: async (args, { out }) => {
    const paint = palette(out.colour);
    const here = await describeSurroundings();
    out.say(
      `Node ${here.node} on ${here.system}, ${here.processors} × ${here.processor}, ${bytesBinary(here.memoryBytes)} of memory`,
    );
    const rows = await diagnose(args.threads, (row) => out.note(`tried ${row.name}`));
    const auto = choiceOfAuto(rows);
    out.say('');
    for (const line of table(columns, rows.map(cells), paint, out.columns)) out.say(line);
    out.say(paint.quiet('matmul: best float32 product, multiply-add = 2 FLOP; memory: x + y, bytes read and written'));
    out.say('');
    out.say(auto ? `--backend auto takes ${paint.strong(auto)}.` : paint.warning('No backend works here.'));
    for (const row of rows) {
      if (!row.works) out.say(`${row.name} is missing: ${row.reason}. To fix it: ${paint.strong(row.fix)}`);
    }
    for (const reason of here.missing) out.say(`\`yarn setup\` would lack this: ${reason}.`);
    out.say(paint.quiet(`TensorFlow: ${here.tensorflow ?? 'not set up by `yarn setup`'}; cache: ${here.cache}`));
    const best = rows.find((row) => row.name === auto);
    if (best?.works) {
      await keepThisMachine({
        processor: `${here.processors} × ${here.processor}`,
        backend: `${best.name} ${best.backend.version}`,
        flopsPerSecond: best.matmul.flopsPerSecond,
        bytesPerSecond: best.bandwidth.bytesPerSecond,
        memoryBytes: here.memoryBytes,
        date: new Date().toISOString().slice(0, 10),
      });
      out.say(paint.quiet('kept as --hardware this'));
    }
    out.document({ machine: here, auto: auto ?? null, backends: rows });
  },
});

function cells(row: Diagnosis): string[] {
  if (!row.works) return [row.name, 'no'];
  const { version, threads, device, remark } = row.backend;
  const flops = si(row.matmul.flopsPerSecond, 'FLOP/s');
  const speed = `${bytes(row.bandwidth.bytesPerSecond)}/s`;
  return [row.name, 'yes', version, threads?.toString() ?? '', flops, speed, remark ? `${device}: ${remark}` : device];
}
