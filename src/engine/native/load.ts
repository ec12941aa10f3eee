// Loads TensorFlow into this process and makes it the tfjs backend.
import { createRequire } from 'node:module';
import { availableParallelism, cpus } from 'node:os';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { UserError } from '../../terms/user-error.ts';
import { driversLoaded } from '../webgpu/webgpu.ts';
import { missing } from './installed.ts';
import { quietly } from './quiet.ts';

export interface NativeState {
  /** TensorFlow's version. */
  readonly version: string;
  /** Threads that one operation may use. */
  readonly threads: number;
  /** Whether TensorFlow computes on a GPU. */
  readonly gpu: boolean;
  /** The processor's or GPU's name. */
  readonly device: string;
}

let loaded: NativeState | undefined;

/**
 * Loads the native backend and makes it the tfjs backend (named 'tensorflow' there). TensorFlow starts its threads once
 * per process: asking again with another number of threads is refused.
 * @param options.threads threads that one operation may use; default: one for each processor
 * @throws Error with the reason where the addon is missing or does not load.
 */
export async function loadNative(options: { threads?: number } = {}): Promise<NativeState> {
  if (!loaded) {
    const reason = missing();
    if (reason) throw new Error(reason);
    if (driversLoaded()) throw new Error('it must be started before webgpu in one process, and webgpu came first');
    loaded = await quietly(() => load(options.threads));
  } else if (options.threads !== undefined && options.threads !== loaded.threads) {
    throw new UserError(
      `TensorFlow already runs with ${loaded.threads} threads in this process and cannot change to ${options.threads}.`,
    );
  }
  if (!(await tf.setBackend('tensorflow'))) throw new Error('tfjs could not start its TensorFlow backend');
  return loaded;
}

function load(threads: number | undefined): NativeState {
  const environment = process.env;
  environment.TF_CPP_MIN_LOG_LEVEL ??= '2';
  // TensorFlow's own variable for the pool that its kernels share, oneDNN's included.
  if (threads !== undefined) environment.TF_NUM_INTRAOP_THREADS = String(threads);
  restoreUtil();
  // Dependencies of tfjs-node still use what newer versions of Node warn of.
  const { noDeprecation } = process;
  process.noDeprecation = true;
  try {
    createRequire(import.meta.filename)('@tensorflow/tfjs-node-gpu');
  } finally {
    process.noDeprecation = noDeprecation;
  }
  if (!tf.findBackendFactory('tensorflow')) {
    throw new Error('there are two copies of @tensorflow/tfjs-core, and TensorFlow registered with the other one');
  }
  const backend = tf.findBackend('tensorflow') as unknown as {
    binding: { TF_Version: string };
    isUsingGpuDevice: boolean;
  };
  const gpu = backend.isUsingGpuDevice;
  return {
    version: backend.binding.TF_Version,
    threads: Number(environment.TF_NUM_INTRAOP_THREADS) || availableParallelism(),
    gpu,
    device: gpu ? 'NVIDIA GPU (CUDA)' : (cpus()[0]?.model.trim() ?? process.arch),
  };
}

/** tfjs-node 4.22 calls a function that Node 23 removed. */
function restoreUtil(): void {
  const functions = util as { isNullOrUndefined?: (value: unknown) => boolean };
  functions.isNullOrUndefined ??= (value) => value === null || value === undefined;
}
