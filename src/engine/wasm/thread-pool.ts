// Runs one WebAssembly function over a range of work items on several threads that share one memory.
import type { Platform, WorkerTask } from './platform.ts';

/** The words of the control block. */
const word = {
  generation: 0,
  open: 1,
  next: 2,
  active: 3,
  function: 4,
  count: 5,
  total: 6,
  grain: 7,
  failed: 8,
  ready: 9,
  stop: 10,
};
const words = 16;
const mostValues = 32;
/** Looks at the control block before going to sleep: a few tens of microseconds, longer than the pause between two kernels. */
const idleSpins = 4000;

/**
 * What a worker runs, as text because it is loaded outside the module system. A worker announces itself in `active` before it looks at `open`,
 * and the main thread changes a job only while `open` is 0 and `active` was seen to be 0 afterwards: nobody reads half a job.
 */
const workerSource = `({ module, memory, scratch, control, values }) => {
  const word = ${JSON.stringify(word)};
  const state = new Int32Array(control);
  const numbers = new Float64Array(values);
  const functions = Object.values(new WebAssembly.Instance(module, { backend: { memory, scratch } }).exports);
  Atomics.add(state, word.ready, 1);
  let seen = 0;
  for (;;) {
    for (let spin = 0; spin < ${idleSpins} && Atomics.load(state, word.generation) === seen; spin++);
    Atomics.wait(state, word.generation, seen);
    seen = Atomics.load(state, word.generation);
    if (Atomics.load(state, word.stop) === 1) return;
    Atomics.add(state, word.active, 1);
    if (Atomics.load(state, word.open) === 1) {
      const run = functions[state[word.function]];
      const given = numbers.slice(0, state[word.count]);
      const total = state[word.total];
      const grain = state[word.grain];
      try {
        for (;;) {
          const from = Atomics.add(state, word.next, grain);
          if (from >= total) break;
          run(...given, from, Math.min(total, from + grain));
        }
      } catch {
        Atomics.store(state, word.failed, 1);
      }
    }
    Atomics.sub(state, word.active, 1);
    Atomics.notify(state, word.active);
  }
}`;

export type KernelFunction = (...values: number[]) => void;

export class ThreadPool {
  // Made with the first worker: a page that is not isolated has no SharedArrayBuffer, and no worker either.
  private state: Int32Array = new Int32Array(0);
  private values: Float64Array = new Float64Array(0);
  private workers: { terminate(): void }[] = [];

  constructor(
    private readonly functions: readonly KernelFunction[],
    private readonly platform: Platform,
  ) {}

  /** Threads that work, the main thread among them. */
  get threads(): number {
    return this.workers.length + 1;
  }

  /**
   * Starts one worker for each working area.
   * @throws Error if a worker fails to start within ten seconds
   */
  async start(module: WebAssembly.Module, memory: WebAssembly.Memory, scratches: readonly number[]): Promise<void> {
    let failure: string | undefined;
    const [control, values] = [new SharedArrayBuffer(words * 4), new SharedArrayBuffer(mostValues * 8)];
    this.state = new Int32Array(control);
    this.values = new Float64Array(values);
    for (const scratch of scratches) {
      const task: WorkerTask = { module, memory, scratch, control, values };
      this.workers.push(this.platform.startWorker(workerSource, task, (reason) => (failure ??= reason)));
    }
    for (let tries = 0; Atomics.load(this.state, word.ready) < scratches.length; tries++) {
      if (tries === 5000) failure ??= 'a worker thread did not start within ten seconds';
      if (failure !== undefined) {
        this.stop();
        throw new Error(failure);
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  /** Calls function number `index` with `values`, from and to, so that the ranges cover 0 … total in pieces of `grain`. */
  run(index: number, values: readonly number[], total: number, grain: number): void {
    const run = this.functions[index]!;
    if (this.workers.length === 0 || total <= grain) {
      if (total > 0) run(...values, 0, total);
      return;
    }
    const { state } = this;
    state[word.function] = index;
    state[word.count] = values.length;
    state[word.total] = total;
    state[word.grain] = grain;
    this.values.set(values);
    Atomics.store(state, word.next, 0);
    Atomics.store(state, word.open, 1);
    Atomics.add(state, word.generation, 1);
    Atomics.notify(state, word.generation);
    try {
      for (;;) {
        const from = Atomics.add(state, word.next, grain);
        if (from >= total) break;
        run(...values, from, Math.min(total, from + grain));
      }
    } finally {
      Atomics.store(state, word.open, 0);
      this.awaitWorkers();
    }
    if (Atomics.exchange(state, word.failed, 0) === 1)
      throw new Error('A WebAssembly kernel failed on a worker thread.');
  }

  private awaitWorkers(): void {
    for (let spin = 0; ; spin++) {
      const active = Atomics.load(this.state, word.active);
      if (active === 0) return;
      if (spin > idleSpins && this.platform.mainMayWait) Atomics.wait(this.state, word.active, active, 10);
    }
  }

  stop(): void {
    if (this.workers.length === 0) return;
    Atomics.store(this.state, word.stop, 1);
    Atomics.add(this.state, word.generation, 1);
    Atomics.notify(this.state, word.generation);
    for (const worker of this.workers) worker.terminate();
    this.workers = [];
  }
}
