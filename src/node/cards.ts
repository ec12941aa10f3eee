// Model cards on disk: those that ship in models/, by name, the user's own, by path, and configs of Hugging Face's.
import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ModelCard, resolveModelCard } from '../cards/model-card.ts';
import { applyOverrides } from '../cards/overrides.ts';
import { parseHuggingFaceConfig } from '../formats/hugging-face-config.ts';
import { UserError, unknownName } from '../terms/user-error.ts';
import { readJsonFile } from './json-file.ts';

const MODELS = fileURLToPath(new URL('../../models/', import.meta.url));

/**
 * Which card to take, and what to change in it. `arch` names a card of models/, `card` is the path of a JSON file, `hf` that of
 * a Hugging Face config.json or of its folder.
 */
export interface CardChoice {
  readonly arch?: string | undefined;
  readonly card?: string | undefined;
  readonly hf?: string | undefined;
  /** Assignments such as `mlp.kind=swiglu`. */
  readonly set?: readonly string[] | undefined;
}

/** The names of all cards that ship, in alphabetical order. */
export function modelCardNames(): string[] {
  const files = readdirSync(MODELS).filter((file) => file.endsWith('.json'));
  return files.map((file) => basename(file, '.json')).sort();
}

/** The card that a config describes, named after its folder, or after a file with a name of its own. */
function readHuggingFaceCard(path: string): ModelCard {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  const file = isFolder ? join(path, 'config.json') : path;
  const own = basename(file, '.json');
  const name = own === 'config' ? basename(dirname(resolve(file))) : own;
  return parseHuggingFaceConfig(readJsonFile(file, 'Hugging Face config'), file, name).card;
}

/**
 * Reads, changes, checks and completes one card.
 * @throws UserError for an unknown name, an unreadable file, or a card that its rules refuse
 */
export function loadModelCard({ arch, card, hf, set = [] }: CardChoice): ModelCard {
  const given = Object.entries({ arch, card, hf }).filter(([, value]) => value !== undefined);
  if (given.length > 1) {
    const options = given.map(([option, value]) => `--${option} ${value}`).join(' and ');
    throw new UserError(`${options} were ${given.length === 2 ? 'both' : 'all'} given; give one of them.`);
  }
  if (card !== undefined)
    return resolveModelCard(applyOverrides(readJsonFile(card, 'card file'), set), basename(card, '.json'));
  if (hf !== undefined) {
    const read = readHuggingFaceCard(hf);
    return resolveModelCard(applyOverrides(read, set), read.name);
  }
  const names = modelCardNames();
  if (arch === undefined) {
    throw new UserError(
      'No architecture was named: give --arch NAME (yarn list shows them), --card FILE.json or --hf config.json.',
    );
  }
  if (!names.includes(arch)) throw unknownName('arch', arch, names);
  return resolveModelCard(applyOverrides(readJsonFile(`${MODELS}${arch}.json`, 'card file'), set), arch);
}
