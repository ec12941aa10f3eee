// The WebGPU backend: the browser's own, or Dawn in Node through the npm package `webgpu`, on a GPU or Mesa's software.
import * as tf from '@tensorflow/tfjs-core';

export interface WebgpuState {
  /** The adapter's name, as the driver gives it. */
  readonly device: string;
  /** Whether a processor only imitates a GPU: right results, slowly. */
  readonly software: boolean;
}

/** The little of WebGPU's interface that is used here. */
interface Gpu {
  requestAdapter(options?: object): Promise<Adapter | null>;
}
interface Adapter {
  readonly info: { vendor: string; architecture: string; device: string; description: string };
  readonly isFallbackAdapter?: boolean;
  requestDevice(descriptor: { requiredFeatures?: unknown[] }): Promise<unknown>;
}

const softwareNames = /llvmpipe|softpipe|lavapipe|swiftshader|basic render/i;

let found: Promise<{ gpu: Gpu; options: object; state: WebgpuState }> | undefined;

/** Whether GPU drivers were loaded into this process. Those bring an LLVM of their own, which TensorFlow's does not survive. */
export function driversLoaded(): boolean {
  return found !== undefined;
}

/**
 * The adapter that the backend would use; nothing is registered yet.
 * @throws Error with the reason where there is none.
 */
export async function findAdapter(): Promise<WebgpuState> {
  found ??= search();
  return (await found).state;
}

/**
 * Makes WebGPU the tfjs backend.
 * @throws Error with the reason where there is no adapter or the device does not start.
 */
export async function initialiseWebgpu(): Promise<WebgpuState> {
  await findAdapter();
  const { gpu, options, state } = await found!;
  // tfjs asks for an adapter in its own words, without a feature level; it gets the one found above.
  exposeGpu({ requestAdapter: async (wanted) => flattened(await gpu.requestAdapter({ ...wanted, ...options })) });
  await import('@tensorflow/tfjs-backend-webgpu');
  const works = await quietlyInNode(() => tf.setBackend('webgpu'));
  if (!works) throw new Error(`the device ${state.device} does not start`);
  return state;
}

async function search(): Promise<{ gpu: Gpu; options: object; state: WebgpuState }> {
  const ofBrowser = (globalThis.navigator as { gpu?: Gpu } | undefined)?.gpu;
  const attempts = ofBrowser ? [{ gpu: () => ofBrowser, options: {} }] : await attemptsInNode();
  for (const { gpu: make, options } of attempts) {
    const gpu = make();
    const adapter = await quietlyInNode(() => gpu.requestAdapter(options).catch(() => null));
    if (adapter) return { gpu, options, state: describe(adapter) };
  }
  throw new Error('no GPU adapter is there (a GPU with its Vulkan driver, or Mesa’s OpenGL)');
}

/** Dawn on a real GPU first, then on OpenGL, where Mesa's software renderer counts too. */
async function attemptsInNode(): Promise<{ gpu: () => Gpu; options: object }[]> {
  const dawn = await import('webgpu').catch((error: Error) => {
    throw new Error(`the package webgpu does not load (${error.message.split('\n')[0]})`);
  });
  for (const [name, value] of Object.entries(dawn.globals)) {
    if (!(name in globalThis)) Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  // Without a screen Mesa needs to be told that no window is wanted.
  if (!process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) process.env.EGL_PLATFORM ??= 'surfaceless';
  const create = dawn.create as (options: string[]) => Gpu;
  return [
    { gpu: () => create([]), options: { powerPreference: 'high-performance' } },
    { gpu: () => create(['backend=opengl']), options: { featureLevel: 'compatibility' } },
  ];
}

function describe(adapter: Adapter): WebgpuState {
  const { vendor, architecture, device, description } = adapter.info;
  const words = [device, description].filter((word) => word !== '');
  const name = words.length > 0 ? words.join(', ') : `${vendor} ${architecture}`.trim();
  return {
    device: name,
    software: adapter.isFallbackAdapter === true || softwareNames.test(`${name} ${architecture}`),
  };
}

/** tfjs puts a list within the list of features, which browsers forgive and Dawn does not. */
function flattened(adapter: Adapter | null): Adapter | null {
  if (!adapter) return null;
  const requestDevice = adapter.requestDevice.bind(adapter);
  adapter.requestDevice = (descriptor) =>
    requestDevice({ ...descriptor, requiredFeatures: descriptor.requiredFeatures?.flat() ?? [] });
  return adapter;
}

function exposeGpu(gpu: Gpu): void {
  const navigator = globalThis.navigator ?? {};
  Object.defineProperty(navigator, 'gpu', { value: gpu, configurable: true });
  if (globalThis.navigator !== navigator) {
    Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true, writable: true });
  }
}

/** Dawn tells every limit that it lowers, straight to standard error. */
async function quietlyInNode<T>(work: () => Promise<T>): Promise<T> {
  if (typeof process === 'undefined' || !process.versions?.node) return work();
  const { quietly } = await import('../native/quiet.ts');
  return quietly(work);
}
