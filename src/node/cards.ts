// Model cards on disk: those that ship in models/, by name, and the user's own, by path.
import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ModelCard, resolveModelCard } from '../cards/model-card.ts';
import { applyOverrides } from '../cards/overrides.ts';
import { UserError, unknownName } from '../terms/user-error.ts';

const MODELS = fileURLToPath(new URL('../../models/', import.meta.url));

/** Which card to take, and what to change in it. `arch` names a card of models/, `card` is the path of a JSON file. */
export interface CardChoice {
  readonly arch?: string | undefined;
  readonly card?: string | undefined;
  /** Assignments such as `mlp.kind=swiglu`. */
  readonly set?: readonly string[] | undefined;
}

/** The names of all cards that ship, in alphabetical order. */
export function modelCardNames(): string[] {
  const files = readdirSync(MODELS).filter((file) => file.endsWith('.json'));
  return files.map((file) => basename(file, '.json')).sort();
}

/** The JSON of one file. @throws UserError when the file cannot be read or is not JSON */
function readJson(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UserError(`The card file '${path}' cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UserError(`The card file '${path}' is not JSON: ${(error as Error).message}.`);
  }
}

/**
 * Reads, changes, checks and completes one card.
 * @throws UserError for an unknown name, an unreadable file, or a card that its rules refuse
 */
export function loadModelCard({ arch, card, set = [] }: CardChoice): ModelCard {
  if (arch !== undefined && card !== undefined) {
    throw new UserError(`--arch ${arch} and --card ${card} were both given; give one of them.`);
  }
  if (card !== undefined) return resolveModelCard(applyOverrides(readJson(card), set), basename(card, '.json'));
  const names = modelCardNames();
  if (arch === undefined) {
    throw new UserError('No architecture was named: give --arch NAME (yarn list shows them) or --card FILE.json.');
  }
  if (!names.includes(arch)) throw unknownName('arch', arch, names);
  return resolveModelCard(applyOverrides(readJson(`${MODELS}${arch}.json`), set), arch);
}
