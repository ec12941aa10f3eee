// Downloads of small files: with fetch, or with curl where fetch cannot get out (it knows proxies that fetch does not).
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { UserError } from '../terms/user-error.ts';

const LARGEST = 1e9;

/** The whole body of a URL, in memory. Throws a `UserError` with the reason where neither fetch nor curl gets it in `seconds`. */
export async function download(url: string, seconds = 60): Promise<Uint8Array> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(seconds * 1000) });
    if (response.ok) return new Uint8Array(await response.arrayBuffer());
    throw new UserError(`${url} answered ${response.status} ${response.statusText}.`);
  } catch (error) {
    if (error instanceof UserError) throw error;
    const byCurl = await downloadWithCurl(url, seconds);
    if (byCurl) return byCurl;
    throw new UserError(`${new URL(url).host} is not reachable: ${reasonOf(error)}.`);
  }
}

async function downloadWithCurl(url: string, seconds: number): Promise<Uint8Array | null> {
  const flags = ['--fail', '--silent', '--location', '--max-time', String(seconds), url];
  try {
    const { stdout } = await promisify(execFile)('curl', flags, { encoding: 'buffer', maxBuffer: LARGEST });
    return new Uint8Array(stdout);
  } catch {
    // No curl, or no way out for it either: the reason fetch gave is the one to tell.
    return null;
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? error.cause.message : '';
  return cause || error.message;
}
