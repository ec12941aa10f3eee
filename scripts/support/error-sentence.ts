// One sentence for whatever was thrown: bad input as it stands, the system's refusals in words, anything else as a bug.

const refusals: Record<string, string> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a part of the path is not a folder',
  EISDIR: 'it is a folder',
  EEXIST: 'it already exists',
  ENOSPC: 'no space is left on the disk',
  EMFILE: 'too many files are open',
};

interface Thrown {
  name?: string;
  message?: string;
  code?: string;
  path?: string;
  issues?: { path: PropertyKey[]; message: string }[];
}

/** A sentence without a stack trace. Knows UserError, zod's errors and the file system's; all others are called bugs. */
export function errorSentence(error: unknown): string {
  const { name, message, code, path, issues } = (error ?? {}) as Thrown;
  if (name === 'UserError' && message) return message;
  if (name === 'ZodError' && issues?.[0]) {
    const field = issues[0].path.map(String).join('.');
    return `${field === '' ? 'The input' : `'${field}'`} is not valid: ${issues[0].message}.`;
  }
  if (code !== undefined && path !== undefined && Object.hasOwn(refusals, code)) {
    return `Cannot use '${path}': ${refusals[code]} (${code}).`;
  }
  const first = String(message ?? error)
    .split('\n')[0]!
    .replace(/[.\s]+$/, '');
  return `This is a bug: ${first}; run again with --debug for the stack trace.`;
}
