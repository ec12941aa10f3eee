// Runs measurements in processes of their own: ours in a Node that knows one backend only, the peer in Python.
import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { TrainingJob, TrainingMeasurement } from '../../src/bench/measurement.ts';
import { peerWarmupSteps, readPeerAnswer } from '../../src/bench/pytorch-peer.ts';
import { type Runner, Unavailable } from '../../src/bench/rows.ts';
import { complaint, runProgram } from '../../src/engine/native/run-program.ts';
import { UserError } from '../../src/terms/user-error.ts';
import type { WorkerAnswer, WorkerJob } from './bench-worker.ts';

export interface RunnerSettings extends Pick<TrainingJob, 'seed' | 'kernels'> {
  readonly threads: number | undefined;
  readonly onlyRealGpu: boolean;
  /** The Python that has PyTorch; undefined where no peer runs. */
  readonly python: string | undefined;
  /** Threads of the peer where the backend has none of its own (a GPU). */
  readonly cores: number;
}

const peerScript = join(import.meta.dirname, '..', 'peers', 'pytorch_train.py');

/** A runner that starts one process a run. */
export function processRunner({ threads, onlyRealGpu, python, cores, seed, kernels }: RunnerSettings): Runner {
  return {
    ours: ({ card, batch, sequence }, backend, steps) => {
      const limits = { ...(steps !== undefined && { steps }), ...(threads !== undefined && { threads }) };
      const job = { card, batch, sequence, seed, kernels, ...limits };
      return measureInProcess({ backend, onlyRealGpu, job });
    },
    peer: async (flags, steps, peerThreads = cores) => {
      const limits = ['--steps', String(steps + peerWarmupSteps), '--threads', String(peerThreads)];
      const finished = await runProgram(python!, [peerScript, ...flags, ...limits]);
      if (finished.status !== 0) throw new Error(`the PyTorch peer failed: ${complaint(finished)}`);
      return readPeerAnswer(finished.stdout);
    },
  };
}

function measureInProcess(work: WorkerJob): Promise<TrainingMeasurement> {
  return new Promise((resolve, reject) => {
    const child = fork(join(import.meta.dirname, 'bench-worker.ts'), [], {
      execArgv: ['--import', import.meta.resolve('tsx')],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let answer: WorkerAnswer | undefined;
    let words = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      words += text;
    });
    child.on('message', (message) => {
      answer = message as WorkerAnswer;
    });
    child.on('error', reject);
    child.on('close', (status, signal) => {
      if (answer?.kind === 'measured') return resolve(answer.measurement);
      if (answer?.kind === 'unavailable') return reject(new Unavailable(answer.reason));
      const lastWords = words.trim().split('\n').at(-1);
      const end = `its process ended with ${signal ?? `status ${status}`}${lastWords ? `: ${lastWords}` : ''}`;
      const error = new Error(answer?.reason ?? end);
      if (answer?.stack !== undefined) error.stack = answer.stack;
      reject(error);
    });
    child.send(work);
  });
}

/** The environment variable that names the Python of the peer. */
export const pythonVariable = 'TRANSFORMER_LEDGER_TORCH_PYTHON';

/** A Python with PyTorch: the one named, else the variable's, else python3. @throws UserError that says how to get one */
export async function requireTorch(named: string | undefined): Promise<string> {
  const python = named ?? process.env[pythonVariable] ?? 'python3';
  const finished = await runProgram(python, ['-c', 'import torch']);
  if (finished.status === 0) return python;
  throw new UserError(
    `No PyTorch in '${python}' (${complaint(finished)}): make a virtual environment outside the repository ` +
      `(python3 -m venv DIR && DIR/bin/pip install torch numpy) and name it with --python DIR/bin/python or ${pythonVariable}.`,
  );
}
