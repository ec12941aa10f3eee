// Hardware cards on disk: those that ship in hardware/, by name, and the user's own, by path.
import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type HardwareCard, resolveHardware } from '../cards/hardware.ts';
import { UserError, unknownName } from '../terms/user-error.ts';
import { readJsonFile } from './json-file.ts';
import { thisMachine } from './this-machine.ts';

const HARDWARE = fileURLToPath(new URL('../../hardware/', import.meta.url));

/** The names of all hardware that ships, in alphabetical order. */
export function hardwareNames(): string[] {
  const files = readdirSync(HARDWARE).filter((file) => file.endsWith('.json'));
  return files.map((file) => basename(file, '.json')).sort();
}

/**
 * Reads and checks one hardware card.
 * @param name a card of hardware/ (`h100`), the path of a JSON file (`FILE.json`), or `this`: what yarn doctor measured last
 * @throws UserError for an unknown name, an unreadable file, or a card that the schema refuses
 */
export function loadHardware(name: string): HardwareCard {
  if (name.endsWith('.json')) return resolveHardware(readJsonFile(name, 'hardware file'), basename(name, '.json'));
  const names = hardwareNames();
  if (names.includes(name)) return resolveHardware(readJsonFile(`${HARDWARE}${name}.json`, 'hardware file'), name);
  if (name === 'this') {
    const card = thisMachine();
    if (card) return card;
    throw new UserError("The hardware 'this' is this machine as yarn doctor measures it: run yarn doctor once.");
  }
  throw unknownName('hardware', name, ['this', ...names]);
}
