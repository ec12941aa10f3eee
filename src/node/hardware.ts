// Hardware cards on disk: those that ship in hardware/, by name, and the user's own, by path.
import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type HardwareCard, resolveHardware } from '../cards/hardware.ts';
import { UserError, unknownName } from '../terms/user-error.ts';
import { readJsonFile } from './json-file.ts';

const HARDWARE = fileURLToPath(new URL('../../hardware/', import.meta.url));

/** The names of all hardware that ships, in alphabetical order. */
export function hardwareNames(): string[] {
  const files = readdirSync(HARDWARE).filter((file) => file.endsWith('.json'));
  return files.map((file) => basename(file, '.json')).sort();
}

/**
 * Reads and checks one hardware card.
 * @param name a card of hardware/ (`h100`), or the path of a JSON file (`FILE.json`)
 * @throws UserError for an unknown name, an unreadable file, or a card that the schema refuses
 */
export function loadHardware(name: string): HardwareCard {
  if (name.endsWith('.json')) return resolveHardware(readJsonFile(name, 'hardware file'), basename(name, '.json'));
  const names = hardwareNames();
  if (names.includes(name)) return resolveHardware(readJsonFile(`${HARDWARE}${name}.json`, 'hardware file'), name);
  if (name === 'this') {
    throw new UserError(
      "The hardware 'this' has no measured card yet: " +
        `name a published one (${names.join(', ')}), or give the path of a card with your own numbers, FILE.json.`,
    );
  }
  throw unknownName('hardware', name, names);
}
