// Threads for the WebAssembly backend in a browser: they need a page that is cross-origin isolated.
import type { Platform } from './platform.ts';

export const browserPlatform: Platform = {
  cores: globalThis.navigator?.hardwareConcurrency ?? 1,
  ...(globalThis.crossOriginIsolated ? {} : { threadsMissing: 'the page is not cross-origin isolated' }),
  mainMayWait: false,

  prepare() {},

  replaceWorker(stand) {
    const worker = globalThis.Worker;
    Object.assign(globalThis, { Worker: stand });
    return () => void Object.assign(globalThis, { Worker: worker });
  },

  startWorker(source, task, failed) {
    const text = `onmessage = (event) => (${source})(event.data);`;
    const url = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
    const worker = new Worker(url);
    worker.onerror = (event) => failed(event.message);
    worker.postMessage(task);
    return { terminate: () => worker.terminate() };
  },
};
