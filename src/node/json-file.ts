// A JSON file that a person named, read at once.
import { readFileSync } from 'node:fs';
import { UserError } from '../terms/user-error.ts';

const REASONS: Record<string, string> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EISDIR: 'it is a folder, not a file',
  EACCES: 'this user has no permission to read it',
};

/**
 * The JSON of one file.
 * @param kind what the file is, for the error: 'model card'
 * @throws UserError where the file cannot be read or is not JSON
 */
export function readJsonFile(path: string, kind: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw new UserError(`The ${kind} '${path}' cannot be read: ${REASONS[code] ?? message}.`, { cause: error });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UserError(`The ${kind} '${path}' is not JSON: ${(error as Error).message}.`, { cause: error });
  }
}
