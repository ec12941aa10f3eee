// Builds tfjs-node-gpu's addon against a TensorFlow, keeps the result in the cache, and puts it where it is looked for.
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { requireCompiler } from './compiler.ts';
import { type AddonPlaces, type Installation, missing, readInstallation } from './installed.ts';
import type { Machine } from './platform.ts';
import { removeLeftovers, sha256Of, type Tensorflow } from './provision.ts';
import { complaint, runProgram } from './run-program.ts';
import type { Surroundings } from './sources.ts';

/** Bump when the way of building changes: cached addons are then built again. */
const recipe = 1;

/** The two addons, as sources and as results. */
const addons = { binding: 'tfjs_binding.node', quiet: 'quiet.node' };

/** What a freshly loaded addon says of itself. */
export interface Tried {
  readonly version: string;
  /** Whether it computes on a GPU. */
  readonly gpu: boolean;
}

/** Changes with the addon's sources, TensorFlow's place and content, and the recipe. */
export async function addonKey(places: AddonPlaces, tensorflow: Tensorflow, machine: Machine): Promise<string> {
  const hash = createHash('sha256').update(`${recipe} ${machine.platform}-${machine.arch}\n`);
  for (const source of [...(await bindingSources(places)), quietSource()]) hash.update(await readFile(source));
  for (const path of tensorflow.libraries) hash.update(`${path} ${(await stat(path)).size}\n`);
  return hash.digest('hex').slice(0, 16);
}

/** Whether what lies in the package is what set-up put there, whole. */
export async function isInstalled(places: AddonPlaces, thorough: boolean): Promise<Installation | undefined> {
  const note = readInstallation(places);
  if (!note || missing(places)) return undefined;
  const { size } = await stat(places.addon);
  if (size !== note.addon.bytes || (thorough && (await sha256Of(places.addon)) !== note.addon.sha256)) return undefined;
  return note;
}

/**
 * The folder in the cache with the addons for `key`: built now unless it is there. A build is loaded in a process of
 * its own before it is kept.
 * @throws Error that says what is missing or what the compiler or the loader complains about.
 */
export async function buildAddon(
  key: string,
  places: AddonPlaces,
  tensorflow: Tensorflow,
  around: Surroundings,
): Promise<string> {
  const folder = join(around.cache, 'addons', key);
  if (await isWhole(folder)) return folder;
  await mkdir(dirname(folder), { recursive: true });
  await removeLeftovers(folder);
  const partial = `${folder}.partial-${process.pid}`;
  await mkdir(partial, { recursive: true });
  try {
    around.log('compiling the addon');
    const compiler = requireCompiler(around.environment);
    await compile(compiler, await bindingSources(places), join(partial, addons.binding), tensorflow, around);
    await compile(compiler, [quietSource()], join(partial, addons.quiet), undefined, around);
    const tried = await tryAddon(join(partial, addons.binding), around.environment);
    const sums = { binding: await sha256Of(join(partial, addons.binding)), ...tried };
    await writeFile(join(partial, 'manifest.json'), JSON.stringify(sums));
    await rm(folder, { recursive: true, force: true });
    await rename(partial, folder);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  return folder;
}

/** Puts the addons of a cache folder and set-up's note into the package; each file appears whole or not at all. */
export async function placeAddon(
  folder: string,
  places: AddonPlaces,
  note: Omit<Installation, 'addon' | 'version' | 'libraries'>,
): Promise<Installation> {
  const { version } = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as Tried;
  const libraries = note.tensorflow.libraries.map(async (path) => ({ path, bytes: (await stat(path)).size }));
  const binding = join(folder, addons.binding);
  const installation: Installation = {
    ...note,
    version,
    addon: { bytes: (await stat(binding)).size, sha256: await sha256Of(binding) },
    libraries: await Promise.all(libraries),
  };
  await mkdir(dirname(places.addon), { recursive: true });
  await placeFile(places.quiet, (path) => copyFile(join(folder, addons.quiet), path));
  await placeFile(places.addon, (path) => copyFile(binding, path));
  await placeFile(places.note, (path) => writeFile(path, `${JSON.stringify(installation, null, 2)}\n`));
  return installation;
}

/**
 * Loads an addon in a process of its own, where a crash does no harm.
 * @throws Error with the loader's complaint.
 */
export async function tryAddon(addon: string, environment: NodeJS.ProcessEnv): Promise<Tried> {
  const script = `const addon = require(${JSON.stringify(addon)});
    process.stdout.write(JSON.stringify({ version: addon.TF_Version, gpu: addon.isUsingGpuDevice() }))`;
  const finished = await runProgram(process.execPath, ['-e', script], {
    environment: { ...environment, NODE_OPTIONS: '', TF_CPP_MIN_LOG_LEVEL: '2' },
    limit: 120,
  });
  if (finished.status === 0) return JSON.parse(finished.stdout) as Tried;
  const illegal = finished.signal === 'SIGILL' ? ': this processor lacks instructions that TensorFlow uses' : '';
  throw new Error(`the addon does not load (${complaint(finished)}${illegal})`);
}

async function compile(
  compiler: string,
  sources: readonly string[],
  output: string,
  tensorflow: Tensorflow | undefined,
  around: Surroundings,
): Promise<void> {
  const headers = join(
    dirname(createRequire(import.meta.filename).resolve('node-api-headers/package.json')),
    'include',
  );
  const defines = ['-DNAPI_VERSION=8', '-DBUILDING_NODE_EXTENSION', '-DNODE_GYP_MODULE_NAME=tfjs_binding'];
  const include = [headers, ...(tensorflow ? [tensorflow.include] : [])].flatMap((path) => ['-I', path]);
  const libraries = tensorflow ? [...tensorflow.libraries, `-Wl,-rpath,${tensorflow.folder}`] : [];
  // On macOS the functions of Node are found when the addon is loaded; Linux needs no word for that.
  const late = around.machine.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : [];
  const flags = ['-std=c++17', '-O2', '-fPIC', '-shared', ...defines];
  const args = [...flags, ...include, ...sources, '-o', output, ...libraries, ...late];
  const finished = await runProgram(compiler, args, { environment: around.environment, limit: 600 });
  if (finished.status !== 0) throw new Error(`the addon does not compile (${complaint(finished)})`);
}

async function bindingSources(places: AddonPlaces): Promise<string[]> {
  const folder = join(places.package, 'binding');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.cc'));
  return names.sort().map((name) => join(folder, name));
}

function quietSource(): string {
  return join(import.meta.dirname, 'quiet.cc');
}

async function isWhole(folder: string): Promise<boolean> {
  try {
    const { binding } = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as { binding: string };
    await stat(join(folder, addons.quiet));
    return (await sha256Of(join(folder, addons.binding))) === binding;
  } catch {
    return false;
  }
}

async function placeFile(path: string, write: (path: string) => Promise<void>): Promise<void> {
  const partial = `${path}.partial-${process.pid}`;
  await write(partial);
  await rename(partial, path);
}
