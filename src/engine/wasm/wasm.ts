// The WebAssembly backend: tfjs's own, with threads and with our kernels where the shipped ones are missing, slow or wrong.
import { type BackendWasm, setThreadsCount } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { overrides } from './kernels/all.ts';
import type { Platform } from './platform.ts';
import { Runtime } from './runtime.ts';

export interface WasmState {
  /** Threads that compute, the calling one among them. */
  threads: number;
  /** Whether vector instructions are used. */
  simd: boolean;
  /** Whether a·b + c is one instruction. */
  fused: boolean;
  /** Why there are fewer threads than asked for. */
  reason?: string;
}

let current:
  | { wanted: number; runtime: Runtime; state: WasmState; factory: ReturnType<typeof tf.findBackendFactory> }
  | undefined;

async function platformHere(): Promise<Platform> {
  if (typeof process !== 'undefined' && process.versions?.node) return (await import('./node-threads.ts')).nodePlatform;
  return (await import('./browser-threads.ts')).browserPlatform;
}

/**
 * Stands in for the threads that the tfjs backend starts (eight, whatever is asked for): it claims to be ready, keeps the shared memory it is handed,
 * and never runs anything. Our own threads do the work, for all our kernels and not only for the few products that XNNPACK takes.
 */
function standIn(received: (memory: WebAssembly.Memory) => void): new () => unknown {
  return class {
    onmessage: ((event: { data: unknown }) => void) | undefined;
    postMessage(message: { cmd: string; wasmMemory: WebAssembly.Memory }) {
      if (message.cmd !== 'load') throw new Error('The wasm backend tried to start a thread of its own.');
      received(message.wasmMemory);
      queueMicrotask(() => this.onmessage?.({ data: { cmd: 'loaded' } }));
    }
    on() {}
    unref() {}
    terminate() {}
  };
}

/** Makes tfjs load its backend; the memory is shared when `shared` is set. */
async function loadBackend(platform: Platform, shared: boolean): Promise<WebAssembly.Memory> {
  let memory: WebAssembly.Memory | undefined;
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', shared);
  setThreadsCount(1);
  const restore = platform.replaceWorker(standIn((received) => (memory = received)));
  try {
    if (!(await tf.setBackend('wasm'))) throw new Error('tfjs could not initialise its wasm backend.');
  } finally {
    restore();
  }
  const { wasm } = tf.backend() as BackendWasm;
  memory ??= (wasm as unknown as { asm: { memory?: WebAssembly.Memory } }).asm.memory;
  if (!memory) throw new Error('The memory of the wasm backend is out of reach.');
  return memory;
}

function registerOverrides(runtime: Runtime): void {
  for (const override of overrides) {
    for (const kernelName of override.kernels) {
      const stock = stockKernels.get(kernelName) ?? tf.getKernel(kernelName, 'wasm');
      if (stock) {
        stockKernels.set(kernelName, stock);
        tf.unregisterKernel(kernelName, 'wasm');
      }
      const kernelFunc = override.kernel(kernelName, runtime, stock?.kernelFunc);
      // The set-up of the stock kernel stays, so that it works again after the backend was removed and loaded anew.
      tf.registerKernel({ ...stock, kernelName, backendName: 'wasm', kernelFunc });
    }
  }
}

const stockKernels = new Map<string, tf.KernelConfig>();

/**
 * Loads the wasm backend, makes it the tfjs backend, and replaces its kernels.
 * @param options.threads how many threads shall compute; default: as many as there are cores
 * @throws Error if the backend cannot be loaded or there are no vector instructions. Where threads cannot be had, one computes and `reason` says why.
 */
export async function initialiseWasm(options: { threads?: number } = {}): Promise<WasmState> {
  if (!(await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT')))
    throw new Error('WebAssembly has no vector instructions (SIMD) here.');
  const platform = await platformHere();
  const wanted = Math.max(1, Math.floor(options.threads ?? platform.cores));
  if (current?.wanted === wanted) {
    await tf.setBackend('wasm');
    return current.state;
  }
  if (current) shutdownWasm();
  platform.prepare();
  let reason = wanted > 1 ? platform.threadsMissing : undefined;
  const memory = await loadBackend(platform, wanted > 1 && reason === undefined);
  const runtime = new Runtime(tf.backend() as BackendWasm, memory, platform, overrides);
  registerOverrides(runtime);
  if (wanted > 1 && reason === undefined) {
    await runtime.startThreads(wanted).catch((error: Error) => {
      reason = error.message;
    });
  }
  const state: WasmState = {
    threads: runtime.threads,
    simd: true,
    fused: runtime.fused,
    ...(reason === undefined ? {} : { reason }),
  };
  current = { wanted, runtime, state, factory: tf.findBackendFactory('wasm') };
  return state;
}

/** Ends the threads and removes the backend with all tensors on it; initialiseWasm loads it anew. Not needed to end the process. */
export function shutdownWasm(): void {
  if (!current) return;
  const { runtime, factory } = current;
  current = undefined;
  runtime.stopThreads();
  tf.removeBackend('wasm');
  tf.registerBackend('wasm', factory, 2);
}
