// Where the cache folder is, and how a download fails.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listDatasets } from '../../src/data/datasets.ts';
import { cacheFolder } from '../../src/node/cache.ts';
import { nodeDataHost } from '../../src/node/data-host.ts';
import { download } from '../../src/node/download.ts';

describe('cacheFolder', () => {
  it.each([
    [{ TRANSFORMER_LEDGER_CACHE: '/data/own', XDG_CACHE_HOME: '/x' }, 'linux', '/data/own'],
    [{ XDG_CACHE_HOME: '/x/' }, 'linux', '/x/transformer-ledger'],
    [{ XDG_CACHE_HOME: 'relative' }, 'linux', '/home/a/.cache/transformer-ledger'],
    [{ XDG_CACHE_HOME: '' }, 'linux', '/home/a/.cache/transformer-ledger'],
    [{}, 'darwin', '/home/a/Library/Caches/transformer-ledger'],
    [{ LOCALAPPDATA: 'C:\\Users\\a\\Local' }, 'win32', 'C:/Users/a/Local/transformer-ledger'],
  ])('%j on %s', (environment, platform, expected) => {
    expect(cacheFolder(environment, platform, '/home/a')).toBe(expected);
  });
});

describe('nodeDataHost', () => {
  it('finds the cards and the TypeScript package', async () => {
    const host = nodeDataHost();
    expect((await listDatasets(host)).map((card) => card.name)).toEqual([
      'tiny-tales',
      'tinyshakespeare',
      'typescript-lib',
    ]);
    expect(await host.storage.exists(`${host.typescriptLib()}/lib.es5.d.ts`)).toBe(true);
  });
});

describe('download', () => {
  let server: Server;
  let base = '';

  beforeAll(async () => {
    server = createServer((request, response) => {
      response.statusCode = request.url === '/there' ? 200 : 404;
      response.end('text');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterAll(() => {
    server.close();
  });

  it('gives the bytes, or the reason in a sentence', async () => {
    expect(new TextDecoder().decode(await download(`${base}/there`))).toBe('text');
    await expect(download(`${base}/missing`)).rejects.toThrow(`${base}/missing answered 404`);
    await expect(download('http://127.0.0.1:1/x', 5)).rejects.toThrow('127.0.0.1:1 is not reachable');
  });
});
