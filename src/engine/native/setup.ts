// Sets up the native backend: TensorFlow's C library from the first source that works, and the addon built against it.
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { addonKey, buildAddon, isInstalled, placeAddon } from './addon.ts';
import { type AddonPlaces, addonPlaces, type Installation } from './installed.ts';
import { withLock } from './lock.ts';
import { cacheFolder, type Machine, type Target, targetFor, thisMachine } from './platform.ts';
import type { Tensorflow } from './provision.ts';
import { findProgram, runProgram } from './run-program.ts';
import { fromArchive, fromNamed, fromWheel, type Surroundings } from './sources.ts';

export interface SetupOptions {
  /** A path or URL: a wheel, an unpacked folder, or an archive of the C library. Default: TRANSFORMER_LEDGER_TENSORFLOW. */
  readonly from?: string;
  /** Whether to take the CUDA build. Default: where an NVIDIA GPU answers. */
  readonly cuda?: boolean;
  /** Compare every kept file with its checksum; what differs is fetched or built again. */
  readonly verify?: boolean;
  readonly environment?: NodeJS.ProcessEnv;
  readonly machine?: Machine;
  readonly places?: AddonPlaces;
  /** Told in a few words what happens. */
  readonly log?: (line: string) => void;
}

export type SetupResult =
  | {
      readonly ready: true;
      /** False where everything was in place already. */
      readonly changed: boolean;
      readonly installation: Installation;
      /** What the sources that failed before the one that worked had to say. */
      readonly warnings: readonly string[];
    }
  | { readonly ready: false; readonly reasons: readonly string[] };

/**
 * Makes the native backend ready. Does nothing where it already is; may be interrupted and run again at any time, also
 * twice at once. Never throws: what stands in the way comes back as reasons, one for each source tried.
 */
export async function setUpNative(options: SetupOptions = {}): Promise<SetupResult> {
  try {
    return await attempt(options);
  } catch (error) {
    return { ready: false, reasons: [(error as Error).message] };
  }
}

async function attempt(options: SetupOptions): Promise<SetupResult> {
  const environment = options.environment ?? process.env;
  const machine = options.machine ?? thisMachine();
  const places = options.places ?? addonPlaces();
  let worked = false;
  const log = (line: string) => {
    worked = true;
    options.log?.(line);
  };
  const from = options.from ?? (environment.TRANSFORMER_LEDGER_TENSORFLOW || undefined);
  const thorough = options.verify ?? false;
  const gpuSeen = await seesNvidiaGpu(environment);
  const cuda = options.cuda ?? gpuSeen;

  const target = targetFor(machine, cuda);
  const fallback = cuda && options.cuda === undefined ? targetFor(machine, false) : undefined;
  const candidates = [target, fallback].filter((one): one is Target => typeof one === 'object');
  if (candidates.length === 0) return { ready: false, reasons: [String(target)] };

  const installed = await isInstalled(places, thorough);
  if (installed && !thorough) {
    const sameSource = from === undefined || installed.from === from;
    // Where the CUDA build was not to be had, the next install does not try again by itself; `yarn setup --cuda` does.
    const sameBuild = installed.cuda === cuda || (options.cuda === undefined && installed.gpuSeen === gpuSeen);
    const current = installed.key === (await addonKey(places, installed.tensorflow, machine));
    if (sameSource && sameBuild && current)
      return { ready: true, changed: false, installation: installed, warnings: [] };
  }

  const cache = resolve(cacheFolder(environment, machine.platform));
  await mkdir(cache, { recursive: true }).catch((error: Error) => {
    throw new Error(
      `the cache folder ${cache} cannot be made (${error.message}): TRANSFORMER_LEDGER_CACHE names another`,
    );
  });
  const waiting = (holder: string) => options.log?.(`waiting for another set-up (${holder}) that uses ${cache}`);
  return withLock(join(cache, 'setup.lock'), waiting, async () => {
    const reasons: string[] = [];
    for (const candidate of candidates) {
      const around: Surroundings = { machine, target: candidate, cache, environment, thorough, log };
      for (const source of sourcesFor(from, candidate, reasons.length === 0)) {
        try {
          const tensorflow = await source.provide(around);
          const key = await addonKey(places, tensorflow, machine);
          const folder = await buildAddon(key, places, tensorflow, around);
          const note = { key, tensorflow, cuda: candidate.cuda, gpuSeen, from: source.named };
          const installation = await placeAddon(folder, places, note);
          return { ready: true, changed: worked || installed?.key !== key, installation, warnings: reasons };
        } catch (error) {
          reasons.push((error as Error).message);
        }
      }
    }
    return { ready: false, reasons: [...new Set(reasons)] };
  });
}

interface Source {
  /** The place, where the user named it. */
  readonly named?: string;
  readonly provide: (around: Surroundings) => Promise<Tensorflow>;
}

function sourcesFor(from: string | undefined, target: Target, first: boolean): Source[] {
  const named: Source[] =
    from !== undefined && first ? [{ named: from, provide: (around) => fromNamed(from, around) }] : [];
  return [...named, { provide: fromWheel }, ...(target.archive ? [{ provide: fromArchive }] : [])];
}

async function seesNvidiaGpu(environment: NodeJS.ProcessEnv): Promise<boolean> {
  const program = findProgram(['nvidia-smi'], environment);
  if (!program) return false;
  const finished = await runProgram(program, ['-L'], { environment, limit: 20 });
  return finished.status === 0 && finished.stdout.includes('GPU');
}
