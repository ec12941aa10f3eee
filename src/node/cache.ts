// Where downloads and encoded corpora are kept: a folder of this user's, outside the repository.
import { homedir } from 'node:os';
import { isAbsolute } from 'node:path';
import { joinPath } from '../formats/storage.ts';

/**
 * The cache folder: TRANSFORMER_LEDGER_CACHE where it is set; else the subfolder transformer-ledger of XDG_CACHE_HOME, of
 * ~/Library/Caches (macOS), of LOCALAPPDATA (Windows) or of ~/.cache. It may not exist yet.
 */
export function cacheFolder(
  environment: Record<string, string | undefined> = process.env,
  platform: string = process.platform,
  home: string = homedir(),
): string {
  const own = environment.TRANSFORMER_LEDGER_CACHE;
  if (own) return slashes(own);
  return joinPath(slashes(systemCache(environment, platform, home)), 'transformer-ledger');
}

function systemCache(environment: Record<string, string | undefined>, platform: string, home: string): string {
  const xdg = environment.XDG_CACHE_HOME;
  // The XDG specification has relative paths ignored.
  if (xdg && isAbsolute(xdg)) return xdg;
  if (platform === 'darwin') return `${home}/Library/Caches`;
  if (platform === 'win32') return environment.LOCALAPPDATA || `${home}/AppData/Local`;
  return `${home}/.cache`;
}

function slashes(path: string): string {
  return path.replaceAll('\\', '/');
}
