// JSON files read through a Storage.
import { UserError } from '../terms/user-error.ts';
import type { Storage } from './storage.ts';

/** The parsed content of a file; throws a UserError that names the file where it is missing or no JSON text. */
export async function readJson(storage: Storage, path: string): Promise<unknown> {
  const text = new TextDecoder().decode(await storage.read(path));
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UserError(`'${path}' is not JSON text.`, { cause: error });
  }
}
