// yarn bench: how fast this machine trains, by backend and beside PyTorch.
import { availableParallelism, cpus, totalmem } from 'node:os';
import { chooseBackends, defaultArchs, subjectOf } from '../src/bench/request.ts';
import { type Row, rowsOf, Unavailable } from '../src/bench/rows.ts';
import { type Missing, trainingDocument, trainingLines } from '../src/bench/training-report.ts';
import { loadModelCard } from '../src/node/cards.ts';
import { thousands } from '../src/report/format.ts';
import { palette } from '../src/report/palette.ts';
import { UserError } from '../src/terms/user-error.ts';
import { processRunner, pythonVariable, requireTorch } from './support/bench-processes.ts';
import { runCommand } from './support/cli.ts';
import { backendOptions, cardOptions, seedOptions } from './support/common-options.ts';
import { flag, names, path, positiveInteger } from './support/options.ts';

const comparing = 'Comparing';

runCommand({
  name: 'bench',
  summary:
    'Times real training steps (forward, backward, clip, AdamW, the loss read) of the small models on every backend, each in a process of its own.',
  positionals: { name: 'WHAT', describe: 'what to time', least: 1, most: 1, choices: ['train'] },
  options: {
    archs: names({ describe: 'model cards (yarn list shows them)', default: defaultArchs, group: 'Model' }),
    set: cardOptions.set,
    batch: positiveInteger({ describe: 'sequences in a step', default: 8, group: 'Model' }),
    seq: positiveInteger({ describe: "tokens in a sequence (default: the card's context)", group: 'Model' }),
    backends: names({ describe: 'where to run (default: all that work here but cpu)', group: 'Machine' }),
    threads: backendOptions.threads,
    ...seedOptions,
    steps: positiveInteger({ describe: 'steps to time (default: about ten seconds)', group: 'Timing' }),
    repeats: positiveInteger({
      describe: 'runs of each row, of which the middle one is shown (default: 1, or 3 when comparing)',
      group: 'Timing',
    }),
    kernels: flag({ describe: 'also show which kernels take the time', group: 'Timing' }),
    peer: flag({ describe: 'alternate with PyTorch at the same shapes and threads', group: comparing }),
    python: path({ describe: `the Python that has PyTorch (default: $${pythonVariable}, python3)`, group: comparing }),
    stock: flag({ describe: 'alternate wasm with the backend as tfjs ships it, one thread', group: comparing }),
  },
  examples: [
    ['train', 'the three small models on all backends'],
    ['train --archs gpt-small --backends native --kernels', 'where the time of a step goes'],
    ['train --backends native --peer --python DIR/bin/python', 'beside PyTorch, three pairs of runs'],
    [
      'train --archs gpt-small --set vocabulary=2048 --set context=128 --backends wasm --stock',
      'what our wasm kernels gain',
    ],
  ],
  handler: async (args, { out }) => {
    const backends = chooseBackends(args.backends);
    const available = process.availableMemory() * 0.9;
    const subjects = args.archs.map((arch) =>
      subjectOf(loadModelCard({ arch, set: args.set }), args.batch, args.seq, available),
    );
    if (args.python !== undefined && !args.peer)
      throw new UserError('--python names the Python of the peer: add --peer.');
    if (args.stock && !backends.names.includes('wasm')) {
      throw new UserError('--stock compares with our wasm backend: add wasm to --backends.');
    }
    const python = args.peer ? await requireTorch(args.python) : undefined;
    const { threads, seed, kernels, stock, peer } = args;
    const cores = availableParallelism();
    const runner = processRunner({ threads, seed, kernels, python, cores, onlyRealGpu: backends.byDefault });
    const options = {
      repeats: args.repeats ?? (peer || stock ? 3 : 1),
      peer,
      stock,
      ...(args.steps !== undefined && { steps: args.steps }),
    };

    const rows: Row[] = [];
    const missing: Missing[] = [];
    let failed = false;
    for (const backend of backends.names) {
      for (const subject of subjects) {
        const arch = subject.card.name;
        try {
          const done = await rowsOf(subject, backend, options, runner);
          rows.push(...done);
          for (const row of done) {
            out.note(`${arch} on ${row.backend}: ${thousands(row.measurement.tokensPerSecond)} tokens/s`);
          }
        } catch (error) {
          const reason = (error as Error).message;
          if (error instanceof Unavailable) {
            if (!backends.byDefault) {
              throw new UserError(`The backend '${backend}' does not work here: ${reason}; 'yarn doctor' says more.`);
            }
            missing.push({ backend, reason });
            break;
          }
          failed = true;
          missing.push({ arch, backend, reason });
          out.note(args.debug ? (error as Error).stack! : `${arch} on ${backend} failed: ${reason}`);
        }
      }
    }
    for (const line of trainingLines(rows, missing, palette(out.colour), out.columns)) out.say(line);
    const processor = cpus()[0]?.model.trim() ?? process.arch;
    const machine = { node: process.version, processor, processors: cores, memoryBytes: totalmem() };
    out.document(trainingDocument(rows, missing, machine));
    return failed || rows.length === 0 ? 1 : 0;
  },
});
