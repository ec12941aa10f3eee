// What set-up has put into the tfjs-node-gpu package, read by whoever loads it or compiles against it.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Tensorflow } from './provision.ts';

/** Set-up's note beside the addon. */
export interface Installation {
  /** The addon's content key: another key means that it must be built again. */
  readonly key: string;
  readonly tensorflow: Tensorflow;
  /** As TensorFlow itself says, such as 2.21.0. */
  readonly version: string;
  readonly cuda: boolean;
  /** Whether an NVIDIA GPU was seen then; a GPU that appears later is a reason to look again. */
  readonly gpuSeen: boolean;
  /** The path or URL that the user named. */
  readonly from?: string;
  readonly addon: { readonly bytes: number; readonly sha256: string };
  readonly libraries: readonly { readonly path: string; readonly bytes: number }[];
}

/** The places in the tfjs-node-gpu package that matter here. */
export interface AddonPlaces {
  readonly package: string;
  readonly addon: string;
  /** Silences start-up chatter; of our own making, see quiet.cc. */
  readonly quiet: string;
  readonly note: string;
}

/** Where the addon belongs in an installed tfjs-node-gpu; `from` is a file or folder of the project that has it. */
export function addonPlaces(from: string = import.meta.filename): AddonPlaces {
  const folder = dirname(createRequire(from).resolve('@tensorflow/tfjs-node-gpu/package.json'));
  const lib = join(folder, 'lib', 'napi-v8');
  return {
    package: folder,
    addon: join(lib, 'tfjs_binding.node'),
    quiet: join(lib, 'quiet.node'),
    note: join(lib, 'transformer-ledger.json'),
  };
}

/** Set-up's note, where set-up has run. */
export function readInstallation(places: AddonPlaces = addonPlaces()): Installation | undefined {
  try {
    return JSON.parse(readFileSync(places.note, 'utf8')) as Installation;
  } catch {
    return undefined;
  }
}

/** TensorFlow's headers and libraries that the addon was built with, for compiling kernels of our own. */
export function installedTensorflow(places: AddonPlaces = addonPlaces()): Tensorflow | undefined {
  return readInstallation(places)?.tensorflow;
}

/** Why the addon cannot be loaded, as far as files tell; undefined where nothing is known to be wrong. */
export function missing(places: AddonPlaces = addonPlaces()): string | undefined {
  if (!existsSync(places.addon)) return 'the addon is not built';
  for (const { path, bytes } of readInstallation(places)?.libraries ?? []) {
    const found = statSync(path, { throwIfNoEntry: false });
    if (!found) return `TensorFlow's library ${path} is gone`;
    if (found.size !== bytes) return `TensorFlow's library ${path} is damaged`;
  }
  return undefined;
}
