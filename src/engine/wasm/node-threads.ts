// Threads for the WebAssembly backend in Node.
import os from 'node:os';
import v8 from 'node:v8';
import workerThreads from 'node:worker_threads';
import type { Platform } from './platform.ts';

export const nodePlatform: Platform = {
  cores: os.availableParallelism(),
  mainMayWait: true,

  prepare() {
    // Fused multiply-add: on by default from Node 22, behind this flag in Node 20.
    if (Number(process.versions.node.split('.')[0]) < 22) v8.setFlagsFromString('--experimental-wasm-relaxed-simd');
  },

  replaceWorker(stand) {
    const worker = workerThreads.Worker;
    const globalWorker = Object.getOwnPropertyDescriptor(globalThis, 'Worker');
    // Emscripten also adds handlers of its own, which would turn every later uncaught error into one of theirs.
    const events = ['uncaughtException', 'unhandledRejection'] as const;
    const handlers = events.map((event) => process.rawListeners(event));
    Object.assign(workerThreads, { Worker: stand });
    return () => {
      Object.assign(workerThreads, { Worker: worker });
      if (globalWorker) Object.defineProperty(globalThis, 'Worker', globalWorker);
      else Reflect.deleteProperty(globalThis, 'Worker');
      events.forEach((event, index) => {
        for (const handler of process.rawListeners(event as 'uncaughtException')) {
          if (!handlers[index]!.includes(handler)) process.removeListener(event, handler as () => void);
        }
      });
    };
  },

  startWorker(source, task, failed) {
    const text = `(${source})(require('node:worker_threads').workerData)`;
    const worker = new workerThreads.Worker(text, { eval: true, workerData: task, execArgv: [] });
    worker.on('error', (error) => failed(error.message));
    worker.unref();
    return { terminate: () => void worker.terminate() };
  },
};
