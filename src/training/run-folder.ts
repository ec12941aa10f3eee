// The folder of a run: run.json says everything needed to repeat it, beside it config, tokenizer, log, picture and checkpoints.
import type { ModelCard } from '../cards/model-card.ts';
import type { Tokenizer, TokenizerJSON } from '../data/tokenizers/tokenizer.ts';
import { folderOf, joinPath, nameOf, type Storage } from '../formats/storage.ts';
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

/** What run.json holds. */
export interface RunDescription {
  readonly format: typeof FORMAT;
  readonly card: ModelCard;
  readonly dataset: string;
  /** SHA-256 of text, split and tokenizer */
  readonly corpus: string;
  readonly tokenizer: string;
  readonly settings: TrainingSettings;
  readonly backend: string;
  readonly versions: Readonly<Record<string, string>>;
  /** path of the run or checkpoint whose weights it started from */
  readonly initialisedFrom?: string;
}

const encode = (value: unknown) => new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);

/** Refuses a folder that something else lives in. An absent or empty one is fine. */
export async function refuseForeignFolder(storage: Storage, folder: string): Promise<void> {
  if (!(await storage.exists(folder))) return;
  const entries = await storage.list(folder);
  if (entries.length === 0) return;
  if (entries.some(({ name }) => name === RUN_FILES.run)) {
    const { card } = await readRun(storage, folder);
    throw new UserError(
      `'${folder}' already holds a run of ${card.name}: give --resume ${folder} to go on with it, or another --out.`,
    );
  }
  throw new UserError(
    `'${folder}' is not empty and holds no run ('${entries[0]!.name}' lies there): give another --out.`,
  );
}

/** Makes the folder and writes what describes the run. */
export async function createRun(
  storage: Storage,
  folder: string,
  description: Omit<RunDescription, 'format'>,
  config: Record<string, unknown>,
  tokenizer: Tokenizer,
): Promise<void> {
  await refuseForeignFolder(storage, folder);
  await storage.makeFolder(folder);
  await storage.write(joinPath(folder, RUN_FILES.tokenizer), encode(tokenizer.toJSON()));
  await storage.write(joinPath(folder, RUN_FILES.config), encode(config));
  await storage.write(joinPath(folder, RUN_FILES.run), encode({ format: FORMAT, ...description }));
}

async function readJson(storage: Storage, path: string): Promise<unknown> {
  const text = new TextDecoder().decode(await storage.read(path));
  try {
    return JSON.parse(text);
  } catch {
    throw new UserError(`'${path}' is damaged: it is not JSON text.`);
  }
}

/** run.json. @throws UserError where the folder holds no run */
export async function readRun(storage: Storage, folder: string): Promise<RunDescription> {
  const path = joinPath(folder, RUN_FILES.run);
  if (!(await storage.exists(path))) throw new UserError(`'${folder}' holds no run: '${path}' is missing.`);
  const run = (await readJson(storage, path)) as RunDescription;
  if (run?.format !== FORMAT) throw new UserError(`'${path}' does not describe a run of this program.`);
  return run;
}

/** config.json: the command-line options of the run. */
export async function readConfig(storage: Storage, folder: string): Promise<Record<string, unknown>> {
  await readRun(storage, folder);
  return (await readJson(storage, joinPath(folder, RUN_FILES.config))) as Record<string, unknown>;
}

export async function readTokenizer(storage: Storage, folder: string): Promise<TokenizerJSON> {
  return (await readJson(storage, joinPath(folder, RUN_FILES.tokenizer))) as TokenizerJSON;
}

/** The run that a path belongs to: the path itself, or the run whose checkpoint it is. */
export async function runFolderOf(storage: Storage, path: string): Promise<string> {
  const isRun = await storage.exists(joinPath(path, RUN_FILES.run));
  if (isRun) return path;
  if (nameOf(path) === 'checkpoints') return folderOf(path);
  return nameOf(folderOf(path)) === 'checkpoints' ? folderOf(folderOf(path)) : path;
}

export interface LogRecord {
  readonly kind: string;
  readonly step: number;
  readonly [key: string]: unknown;
}

/** The records of a run's log up to a step; a last line that a crash cut off is left out. */
export async function readLog(storage: Storage, folder: string, upTo: number): Promise<LogRecord[]> {
  const path = joinPath(folder, RUN_FILES.log);
  if (!(await storage.exists(path))) return [];
  const lines = new TextDecoder().decode(await storage.read(path)).split('\n');
  return lines.flatMap((line) => {
    try {
      const record = JSON.parse(line) as LogRecord;
      return record.step <= upTo ? [record] : [];
    } catch {
      return [];
    }
  });
}
