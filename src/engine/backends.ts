// Which backend runs: a named one, or the fastest that works here, with the reasons against the others.
import * as tf from '@tensorflow/tfjs-core';
import { UserError, unknownName } from '../terms/user-error.ts';

/** Those that compute, fastest first: the order in which `auto` tries them. */
export const backendNames = ['native', 'webgpu', 'wasm', 'cpu'] as const;
/** `meta` knows shapes and no numbers; only who asks for it gets it. */
export type BackendName = (typeof backendNames)[number] | 'meta';
export type BackendChoice = BackendName | 'auto';
export const backendChoices: readonly BackendChoice[] = ['auto', ...backendNames, 'meta'];

/** A backend that runs. */
export interface RunningBackend {
  readonly name: BackendName;
  /** What tfjs calls it. */
  readonly tfjs: string;
  /** Of TensorFlow, or of the tfjs package. */
  readonly version: string;
  /** The processor or GPU it computes on. */
  readonly device: string;
  /** Threads that compute; undefined on a GPU. */
  readonly threads?: number;
  /** Computes on a GPU. */
  readonly gpu: boolean;
  /** Anything else worth a line: why there are fewer threads than asked for, that the GPU is imitated. */
  readonly remark?: string;
}

export interface BackendReport extends RunningBackend {
  readonly choice: BackendChoice;
  /** Why this one, in a few words. */
  readonly why: string;
  /** The backends that were not taken, each with the reason. */
  readonly others: readonly { readonly name: BackendName; readonly why: string }[];
}

export interface BackendOptions {
  /** Threads that compute, where the backend has a say; default: all. */
  readonly threads?: number;
  /** Which backend `meta` mimics; default: native where it is installed, else wasm. */
  readonly lowering?: string;
}

interface Backend {
  readonly what: string;
  /** Makes it the tfjs backend, or throws an Error with the reason. */
  readonly start: (options: BackendOptions) => Promise<RunningBackend>;
  /** A reason against `auto` taking it, although it may well start. */
  readonly unfit?: () => Promise<string | undefined>;
  /** The command that makes it work. */
  readonly fix: string;
}

const backends: Readonly<Record<BackendName, Backend>> = {
  native: {
    what: 'TensorFlow’s C library: all cores with oneDNN, or CUDA',
    start: async (options) => {
      if (!inNode()) throw new Error('it needs Node');
      const { loadNative } = await import('./native/load.ts');
      const { gpu, threads, ...state } = await loadNative(options);
      return { name: 'native', tfjs: 'tensorflow', gpu, ...(gpu ? {} : { threads }), ...state };
    },
    fix: 'yarn setup',
  },
  webgpu: {
    what: 'a GPU through WebGPU',
    start: async () => {
      const { initialiseWebgpu } = await import('./webgpu/webgpu.ts');
      const { device, software } = await initialiseWebgpu();
      const remark = software ? { remark: 'the GPU is imitated by the processor: for tests, not for speed' } : {};
      return { name: 'webgpu', tfjs: 'webgpu', version: tf.version_core, device, gpu: !software, ...remark };
    },
    unfit: async () => {
      const { findAdapter } = await import('./webgpu/webgpu.ts');
      const { device, software } = await findAdapter();
      return software ? `its only adapter imitates a GPU (${device})` : undefined;
    },
    fix: 'install a Vulkan driver for your GPU, or Mesa for tests (apt-get install libegl1 libgl1-mesa-dri)',
  },
  wasm: {
    what: 'WebAssembly: vector instructions and threads, without any set-up',
    start: async ({ threads: wanted }) => {
      const { initialiseWasm } = await import('./wasm/wasm.ts');
      const { threads, reason } = await initialiseWasm(wanted === undefined ? {} : { threads: wanted });
      const remark = reason === undefined ? {} : { remark: reason };
      return { name: 'wasm', tfjs: 'wasm', version: tf.version_core, device: engine(), threads, gpu: false, ...remark };
    },
    fix: 'a newer Node or browser',
  },
  cpu: {
    what: 'plain JavaScript, for comparison only',
    start: async () => {
      await import('@tensorflow/tfjs-backend-cpu');
      if (!(await tf.setBackend('cpu'))) throw new Error('tfjs could not start it');
      // Else its first tensor prints an advertisement for tfjs-node.
      (tf.backend() as unknown as { firstUse: boolean }).firstUse = false;
      return { name: 'cpu', tfjs: 'cpu', version: tf.version_core, device: engine(), threads: 1, gpu: false };
    },
    fix: 'yarn install',
  },
  meta: {
    what: 'shapes without numbers: counts what another backend would do, for models of any size',
    start: async ({ lowering: wanted }) => {
      const { useMeta } = await import('./meta/meta.ts');
      const { lowering } = await useMeta({
        lowering: wanted ?? ((await whyNotNative()) === undefined ? 'native' : 'wasm'),
      });
      return {
        name: 'meta',
        tfjs: 'meta',
        version: tf.version_core,
        device: engine(),
        gpu: false,
        remark: `counts what ${lowering} would run, and computes nothing`,
      };
    },
    fix: 'yarn install',
  },
};

/** What a backend is, in a few words, for lists. */
export function backendSummary(name: BackendName): string {
  return backends[name].what;
}

/** The command or step that makes a backend work. */
export function backendFix(name: BackendName): string {
  return backends[name].fix;
}

/**
 * Makes the named backend the one that tfjs uses.
 * @throws Error whose message is the reason where it does not work here.
 */
export async function startBackend(name: BackendName, options: BackendOptions = {}): Promise<RunningBackend> {
  return backends[name].start(options);
}

/**
 * Makes a backend the one that tfjs uses and says which it is and why. `auto` takes the first of `backendNames` that
 * works, but WebGPU only on a real GPU.
 * @throws UserError for an unknown choice, and where the named backend does not work here.
 */
export async function useBackend(choice: string = 'auto', options: BackendOptions = {}): Promise<BackendReport> {
  if (!isChoice(choice)) throw unknownName('backend', choice, backendChoices);
  return choice === 'auto' ? useFastest(options) : useNamed(choice, options);
}

export interface BackendAvailability {
  readonly name: BackendName;
  readonly what: string;
  readonly available: boolean;
  /** Why not, and what to do about it; undefined where it is available. */
  readonly reason?: string;
  readonly fix?: string;
}

/** All backends that compute, each with whether it can be expected to work, judged without starting any (`yarn doctor` does that). The look
 * for a GPU loads drivers, after which native can no longer start in this process. */
export async function listBackends(): Promise<BackendAvailability[]> {
  const reasons: Record<(typeof backendNames)[number], () => Promise<string | undefined>> = {
    native: whyNotNative,
    webgpu: () => import('./webgpu/webgpu.ts').then((module) => reasonOf(module.findAdapter())),
    wasm: async () => (typeof WebAssembly === 'undefined' ? 'there is no WebAssembly here' : undefined),
    cpu: async () => undefined,
  };
  const rows: BackendAvailability[] = [];
  for (const name of backendNames) {
    const { what, fix } = backends[name];
    const reason = await reasons[name]();
    rows.push({ name, what, available: reason === undefined, ...(reason === undefined ? {} : { reason, fix }) });
  }
  return rows;
}

async function useNamed(choice: BackendName, options: BackendOptions): Promise<BackendReport> {
  try {
    const running = await backends[choice].start(options);
    const others = backendNames.filter((name) => name !== choice);
    return { ...running, choice, why: 'asked for', others: others.map((name) => ({ name, why: 'not asked for' })) };
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(
      `The backend '${choice}' does not work here: ${(error as Error).message}; ` +
        `'${backends[choice].fix}' may help, and 'yarn doctor' shows what works.`,
    );
  }
}

async function useFastest(options: BackendOptions): Promise<BackendReport> {
  const others: { name: BackendName; why: string }[] = [];
  for (const [index, name] of backendNames.entries()) {
    const { start, unfit } = backends[name];
    try {
      const reason = await unfit?.();
      if (reason !== undefined) throw new Error(reason);
      const running = await start(options);
      for (const slower of backendNames.slice(index + 1)) others.push({ name: slower, why: `slower than ${name}` });
      return { ...running, choice: 'auto', why: 'the fastest that works here', others };
    } catch (error) {
      if (error instanceof UserError) throw error;
      others.push({ name, why: (error as Error).message });
    }
  }
  const reasons = others.map(({ name, why }) => `${name}: ${why}`).join('; ');
  throw new UserError(`No backend works here (${reasons}): 'yarn doctor' shows what is missing.`);
}

function isChoice(choice: string): choice is BackendChoice {
  return (backendChoices as readonly string[]).includes(choice);
}

const whyNotNative = async (): Promise<string | undefined> =>
  inNode() ? (await import('./native/installed.ts')).missing() : 'it needs Node';

async function reasonOf(attempt: Promise<unknown>): Promise<string | undefined> {
  try {
    await attempt;
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function inNode(): boolean {
  return typeof process !== 'undefined' && process.versions?.node !== undefined;
}

/** What runs the JavaScript. */
function engine(): string {
  return inNode() ? `Node ${process.version}` : (globalThis.navigator?.userAgent ?? 'JavaScript');
}
