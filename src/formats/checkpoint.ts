// Checkpoints of a run: folders that are complete or absent, whatever kills the process, and that prove their own integrity.
// RUN/checkpoints/step-000120/ holds weights.safetensors, optimizer.safetensors and state.json.
import { type ModelCard, resolveModelCard } from '../cards/model-card.ts';
import { UserError } from '../terms/user-error.ts';
import {
  CHECKPOINT_FORMAT,
  CHECKPOINT_VERSION,
  type CheckpointState,
  decodeState,
  encodeState,
} from './checkpoint-state.ts';
import { openSafetensors, type SafetensorsFile, type TensorSource, writeSafetensors } from './safetensors.ts';
import { folderOf, joinPath, nameOf, type Storage } from './storage.ts';

const WEIGHTS = 'weights.safetensors';
const OPTIMIZER = 'optimizer.safetensors';
const STATE = 'state.json';
/** A finished checkpoint; `.replaced` is one that is just giving way to another of the same step. */
const CHECKPOINT_NAME = /^step-(\d+)(\.replaced)?$/;
/** What a killed process can leave behind. */
const LEFTOVER_NAME = /^\.step-\d+\.(partial|removed)$/;

/** What a checkpoint holds. Tensors are asked for one by one, and can be dropped once written. */
export interface CheckpointContent {
  /** Optimizer steps done so far. */
  step: number;
  card: ModelCard;
  /** Which program and libraries wrote it, by name. */
  versions: Record<string, string>;
  /** What else training needs to go on, as plain JSON: seeds, position in the data … */
  progress: Record<string, unknown>;
  weights: readonly TensorSource[];
  optimizer: readonly TensorSource[];
}

/** A checkpoint whose checksums were right when it was opened. */
export interface OpenCheckpoint extends Omit<CheckpointContent, 'weights' | 'optimizer'> {
  readonly path: string;
  readonly weights: SafetensorsFile;
  readonly optimizer: SafetensorsFile;
}

/** Which checkpoints stay after one more has been written. */
export interface Rotation {
  /** How many, the new one included, counting from the latest. */
  keep: number;
  /** Steps that stay beyond that, the best one's for example. */
  protect?: readonly number[];
}

/**
 * Writes a checkpoint into `RUN/checkpoints` and removes the oldest. It is written under a temporary name and renamed when complete, so
 * a process killed at any moment leaves the checkpoints before it, or this one, whole. Checkpoints of later steps are removed as well:
 * they belong to a course that was given up when training resumed from an earlier one.
 * @returns the checkpoint's folder
 */
export async function saveCheckpoint(
  storage: Storage,
  runFolder: string,
  content: CheckpointContent,
  { keep, protect = [] }: Rotation,
): Promise<string> {
  const folder = joinPath(runFolder, 'checkpoints');
  await storage.makeFolder(folder);
  await removeLeftovers(storage, folder);

  const name = stepName(content.step);
  const partial = joinPath(folder, `.${name}.partial`);
  try {
    await writeFiles(storage, partial, content);
  } catch (error) {
    await storage.remove(partial).catch(() => undefined);
    throw error;
  }
  const path = joinPath(folder, name);
  await moveIntoPlace(storage, partial, path);
  await rotate(storage, folder, content.step, keep, protect);
  return path;
}

async function writeFiles(storage: Storage, folder: string, content: CheckpointContent): Promise<void> {
  const { step, card, versions, progress } = content;
  await storage.makeFolder(folder);
  await writeSafetensors(storage, joinPath(folder, WEIGHTS), content.weights);
  await writeSafetensors(storage, joinPath(folder, OPTIMIZER), content.optimizer);
  const files: CheckpointState['files'] = {};
  for (const name of [WEIGHTS, OPTIMIZER]) {
    const file = joinPath(folder, name);
    files[name] = { bytes: await storage.size(file), sha256: await storage.sha256(file) };
  }
  const format = { format: CHECKPOINT_FORMAT, version: CHECKPOINT_VERSION } as const;
  const state = await encodeState({ ...format, step, card: { ...card }, versions, progress, files });
  await storage.write(joinPath(folder, STATE), state);
}

/** Between its two renames the old checkpoint of this step is found under its second name. */
async function moveIntoPlace(storage: Storage, partial: string, path: string): Promise<void> {
  const replaced = `${path}.replaced`;
  if (await storage.exists(path)) {
    await discard(storage, replaced);
    await storage.rename(path, replaced);
  }
  await storage.rename(partial, path);
  await discard(storage, replaced);
}

async function rotate(
  storage: Storage,
  folder: string,
  step: number,
  keep: number,
  protect: readonly number[],
): Promise<void> {
  const others = (await listCheckpoints(storage, folder)).filter((entry) => entry.step !== step);
  const earlier = others.filter((entry) => entry.step < step);
  const kept = new Set(earlier.slice(0, Math.max(0, keep - 1)).map((entry) => entry.step));
  for (const entry of others) {
    if (!kept.has(entry.step) && !protect.includes(entry.step)) await discard(storage, entry.path);
  }
}

/** Removes a checkpoint; renamed first, so that a half-removed one is never taken for a damaged one. */
async function discard(storage: Storage, path: string): Promise<void> {
  if (!(await storage.exists(path))) return;
  const doomed = joinPath(folderOf(path), `.${nameOf(path).replace('.replaced', '')}.removed`);
  await storage.remove(doomed);
  await storage.rename(path, doomed);
  await storage.remove(doomed);
}

async function removeLeftovers(storage: Storage, folder: string): Promise<void> {
  for (const { name } of await storage.list(folder)) {
    if (LEFTOVER_NAME.test(name)) await storage.remove(joinPath(folder, name));
  }
}

const stepName = (step: number): string => `step-${String(step).padStart(6, '0')}`;

/** A checkpoint's folder, not yet opened. */
export interface CheckpointEntry {
  path: string;
  step: number;
}

/** The checkpoints in `RUN/checkpoints`, latest first; none where there is no such folder. */
export async function listCheckpoints(storage: Storage, folder: string): Promise<CheckpointEntry[]> {
  if (!(await storage.exists(folder))) return [];
  const entries: (CheckpointEntry & { isReplaced: boolean })[] = [];
  for (const { name, kind } of await storage.list(folder)) {
    const match = CHECKPOINT_NAME.exec(name);
    if (kind !== 'folder' || match === null) continue;
    entries.push({ path: joinPath(folder, name), step: Number(match[1]), isReplaced: match[2] !== undefined });
  }
  entries.sort((a, b) => b.step - a.step || Number(a.isReplaced) - Number(b.isReplaced));
  return entries.map(({ path, step }) => ({ path, step }));
}

/**
 * Opens one checkpoint's folder after comparing every file with its size and SHA-256.
 * @throws UserError with the reason, where it is damaged, of another kind or of a newer version
 */
export async function openCheckpoint(storage: Storage, path: string): Promise<OpenCheckpoint> {
  const { step, card, versions, progress, files } = await readState(storage, path);
  for (const name of [WEIGHTS, OPTIMIZER]) await verifyFile(storage, path, name, files[name]);
  return {
    path,
    step,
    card: resolveModelCard(card),
    versions,
    progress,
    weights: await openSafetensors(storage, joinPath(path, WEIGHTS)),
    optimizer: await openSafetensors(storage, joinPath(path, OPTIMIZER)),
  };
}

async function readState(storage: Storage, path: string): Promise<CheckpointState> {
  const file = joinPath(path, STATE);
  return decodeState(file, await storage.read(file));
}

async function verifyFile(
  storage: Storage,
  folder: string,
  name: string,
  recorded: CheckpointState['files'][string] | undefined,
): Promise<void> {
  const file = joinPath(folder, name);
  if (recorded === undefined) throw new UserError(`'${joinPath(folder, STATE)}' does not list '${name}'.`);
  const bytes = await storage.size(file);
  if (bytes !== recorded.bytes) {
    throw new UserError(`'${file}' has ${bytes} bytes, but ${recorded.bytes} were written.`);
  }
  const sha256 = await storage.sha256(file);
  if (sha256 === recorded.sha256) return;
  throw new UserError(
    `'${file}' was changed: its SHA-256 is ${sha256.slice(0, 12)}…, but ${recorded.sha256.slice(0, 12)}… was written.`,
  );
}

/**
 * Opens what a person means by a path: a checkpoint's own folder, a run's (its latest checkpoint), or a run's `checkpoints`.
 * @throws UserError where there is none; where the one meant is damaged, with the reason and the path of the last good one
 */
export async function findCheckpoint(storage: Storage, path: string): Promise<OpenCheckpoint> {
  if (!(await storage.exists(path))) throw new UserError(`There is no checkpoint '${path}': nothing has that name.`);
  const isOwnFolder = CHECKPOINT_NAME.test(nameOf(path)) || (await storage.exists(joinPath(path, STATE)));
  const inside = nameOf(path) === 'checkpoints' ? path : joinPath(path, 'checkpoints');
  const siblings = await listCheckpoints(storage, isOwnFolder ? folderOf(path) : inside);
  const meant = isOwnFolder ? path : siblings[0]?.path;
  if (meant === undefined) throw new UserError(`'${path}' holds no checkpoint: '${inside}/step-…' is missing.`);
  try {
    return await openCheckpoint(storage, meant);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const others = siblings.filter((entry) => nameOf(entry.path) !== nameOf(meant));
    throw new UserError(`Checkpoint '${meant}' is refused: ${error.message} ${await offer(storage, others)}`, {
      cause: error,
    });
  }
}

async function offer(storage: Storage, entries: readonly CheckpointEntry[]): Promise<string> {
  for (const { path } of entries) {
    const isGood = await openCheckpoint(storage, path).then(
      () => true,
      () => false,
    );
    if (isGood) return `The last good one is '${path}'.`;
  }
  return 'There is no other good one beside it.';
}
