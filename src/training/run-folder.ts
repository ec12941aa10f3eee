// The folder of a run: run.json says everything needed to repeat it and to go on; beside it config, tokenizer, log, picture, checkpoints.
import { z } from 'zod';
import { type ModelCard, resolveModelCard } from '../cards/model-card.ts';
import type { Tokenizer } from '../data/tokenizers/tokenizer.ts';
import { listCheckpoints } from '../formats/checkpoint.ts';
import { readJson } from '../formats/json-file.ts';
import { folderOf, joinPath, nameOf, type Storage } from '../formats/storage.ts';
import { shellWord } from '../terms/shell-word.ts';
import { UserError } from '../terms/user-error.ts';
import type { TrainingSettings } from './settings.ts';

export const RUN_FILES = {
  run: 'run.json',
  config: 'config.json',
  tokenizer: 'tokenizer.json',
  log: 'log.jsonl',
  curve: 'loss.svg',
} as const;

const FORMAT = 'transformer-ledger run';

/** Option names as on the command line, with their values. */
export type RunOptions = Readonly<Record<string, unknown>>;

/** One `--resume`: where it went on, with what, and which options were changed. */
export interface Continuation {
  readonly step: number;
  readonly backend: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly changed: RunOptions;
}

/** What run.json holds. */
export interface RunDescription {
  readonly card: ModelCard;
  readonly dataset: string;
  /** SHA-256 of text, split and tokenizer */
  readonly corpus: string;
  readonly tokenizer: string;
  readonly settings: TrainingSettings;
  /** all options that the run began with; config.json repeats them for `--config` */
  readonly options: RunOptions;
  readonly backend: string;
  readonly versions: Readonly<Record<string, string>>;
  /** the checkpoint whose weights it started from */
  readonly initialisedFrom?: string;
  readonly continuations: readonly Continuation[];
}

const texts = z.record(z.string(), z.string());
const schema = z.looseObject({
  format: z.literal(FORMAT),
  card: z.record(z.string(), z.unknown()),
  dataset: z.string(),
  corpus: z.string(),
  tokenizer: z.string(),
  settings: z.record(z.string(), z.unknown()),
  options: z.record(z.string(), z.unknown()),
  backend: z.string(),
  versions: texts,
  initialisedFrom: z.string().optional(),
  continuations: z.array(
    z.looseObject({
      step: z.int().min(0),
      backend: z.string(),
      versions: texts,
      changed: z.record(z.string(), z.unknown()),
    }),
  ),
});

const encode = (value: unknown) => new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);

/**
 * Refuses a folder that a new run cannot have: one that something else lives in, one that cannot be made or written.
 * Makes nothing; writes one empty file into the deepest folder that is there, and removes it.
 */
export async function refuseUnfitFolder(storage: Storage, folder: string): Promise<void> {
  await refuseForeignFolder(storage, folder);
  let existing = folder;
  while (!(await storage.exists(existing)) && folderOf(existing) !== existing) existing = folderOf(existing);
  const trial = joinPath(existing, '.transformer-ledger-writes-here');
  try {
    await storage.write(trial, new Uint8Array(0));
    await storage.remove(trial);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const reason = error.message.replace(/^.*?': /, '');
    throw new UserError(
      `The run's folder '${folder}' cannot be written in '${existing}': ${reason.replace(/\.$/, '')}; give another --out.`,
    );
  }
}

/** An absent or empty folder is fine; so is one in which a killed process was about to write run.json. */
async function refuseForeignFolder(storage: Storage, folder: string): Promise<void> {
  if (!(await storage.exists(folder))) return;
  const entries = (await storage.list(folder)).filter(({ name }) => !/^\.run\.json\..*tmp$/.test(name));
  if (entries.length === 0) return;
  if (entries.some(({ name }) => name === RUN_FILES.run)) {
    const { card } = await readRun(storage, folder);
    throw new UserError(
      `'${folder}' already holds a run of ${card.name}: give --resume ${shellWord(folder)} to go on with it, or another --out.`,
    );
  }
  throw new UserError(
    `'${folder}' is not empty and holds no run ('${entries[0]!.name}' lies there): give another --out.`,
  );
}

/** Makes the folder and writes what describes the run; run.json comes first, because it alone makes the folder a run that can go on. */
export async function createRun(
  storage: Storage,
  folder: string,
  description: RunDescription,
  tokenizer: Tokenizer,
): Promise<void> {
  await refuseForeignFolder(storage, folder);
  await storage.makeFolder(folder);
  await writeRun(storage, folder, description);
  await completeRun(storage, folder, description, tokenizer);
}

/**
 * Notes in run.json that the run goes on, and writes what a kill right after run.json left out. Continuations that came to nothing (they
 * began at this step or later) give way to this one, which takes over what they changed.
 */
export async function continueRun(
  storage: Storage,
  folder: string,
  description: RunDescription,
  continuation: Continuation,
  tokenizer: Tokenizer,
): Promise<void> {
  const { step } = continuation;
  const kept = description.continuations.filter((earlier) => earlier.step < step);
  const lost = description.continuations.filter((earlier) => earlier.step >= step);
  const changed = Object.assign({}, ...lost.map((given) => given.changed), continuation.changed);
  await writeRun(storage, folder, { ...description, continuations: [...kept, { ...continuation, changed }] });
  await completeRun(storage, folder, description, tokenizer);
}

const writeRun = (storage: Storage, folder: string, description: RunDescription): Promise<void> =>
  storage.write(joinPath(folder, RUN_FILES.run), encode({ format: FORMAT, ...description }));

async function completeRun(
  storage: Storage,
  folder: string,
  { options }: RunDescription,
  tokenizer: Tokenizer,
): Promise<void> {
  for (const [name, content] of [
    [RUN_FILES.tokenizer, tokenizer.toJSON()],
    [RUN_FILES.config, options],
  ] as const) {
    const path = joinPath(folder, name);
    if (!(await storage.exists(path))) await storage.write(path, encode(content));
  }
}

/** run.json. @throws UserError where the folder holds no run, or a damaged one */
export async function readRun(storage: Storage, folder: string): Promise<RunDescription> {
  const path = joinPath(folder, RUN_FILES.run);
  if (!(await storage.exists(path))) throw new UserError(`'${folder}' holds no run: '${path}' is missing.`);
  const run = schema.safeParse(await readJson(storage, path));
  if (!run.success) {
    const field = run.error.issues[0]!.path.join('.');
    throw new UserError(
      `'${path}' does not describe a run of this program: ${field === '' ? 'it is no object' : `'${field}' is not valid`}.`,
    );
  }
  const { format: _, ...description } = run.data;
  return { ...description, card: resolveModelCard(description.card) } as unknown as RunDescription;
}

/** The options that a run has by now: those it began with, and what was changed when it went on. */
export const optionsOf = ({ options, continuations }: RunDescription): RunOptions =>
  Object.assign({}, options, ...continuations.map(({ changed }) => changed));

/** The run that a path belongs to: the path itself, or the run whose checkpoint it is. */
export async function runFolderOf(storage: Storage, path: string): Promise<string> {
  if (await storage.exists(joinPath(path, RUN_FILES.run))) return path;
  if (nameOf(path) === 'checkpoints') return folderOf(path);
  return nameOf(folderOf(path)) === 'checkpoints' ? folderOf(folderOf(path)) : path;
}

/** Whether the run was ended before it wrote a checkpoint. */
export async function isWithoutCheckpoint(storage: Storage, folder: string): Promise<boolean> {
  return (await listCheckpoints(storage, joinPath(folder, 'checkpoints'))).length === 0;
}
