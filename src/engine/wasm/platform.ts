// What the WebAssembly backend needs from Node or from a browser: threads, and a way to keep tfjs from starting its own.

/** What a worker thread is started with. */
export interface WorkerTask {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  /** Address of the thread's own working area. */
  scratch: number;
  /** Int32: the words of the job (thread-pool.ts). */
  control: SharedArrayBuffer;
  /** Float64: the arguments of the job. */
  values: SharedArrayBuffer;
}

export interface Platform {
  /** Threads that can run at once. */
  cores: number;
  /** Why there can be no second thread, if there cannot. */
  threadsMissing?: string;
  /** Whether the main thread may sleep in Atomics.wait: in a browser it may not. */
  mainMayWait: boolean;
  /** Switches on what the engine has but hides behind a flag. */
  prepare(): void;
  /** Makes tfjs see this class as Worker; returns what undoes it. */
  replaceWorker(stand: new () => unknown): () => void;
  /** Starts a thread that runs `source`, the text of a function, on `task`; it never keeps the process alive. */
  startWorker(source: string, task: WorkerTask, failed: (reason: string) => void): { terminate(): void };
}
