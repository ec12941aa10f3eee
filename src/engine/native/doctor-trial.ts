// The process that `diagnose` starts for one backend: starts it, measures it, sends the result, ends.
import { type BackendName, startBackend } from '../backends.ts';
import { probeBandwidth, probeMatmul } from '../probe.ts';
import type { Trial } from './doctor.ts';

const [name, threads] = process.argv.slice(2);
const now = () => performance.now();

async function trial(): Promise<Trial> {
  try {
    const backend = await startBackend(name as BackendName, threads === undefined ? {} : { threads: Number(threads) });
    return { works: true, backend, matmul: await probeMatmul(now), bandwidth: await probeBandwidth(now) };
  } catch (error) {
    return { works: false, reason: (error as Error).message };
  }
}

process.send?.(await trial(), () => process.exit());
