// What the data code needs from where it runs: files, folders, the network. Node's is src/node/data-host.ts.
import { type Storage, sha256Of } from '../formats/storage.ts';

export interface DataHost {
  storage: Storage;
  /** The folder of the dataset cards. */
  datasetsFolder: string;
  /** A folder outside the repository for downloads and encoded corpora; made when first needed. */
  cacheFolder: string;
  /** The folder with the `.d.ts` files of the installed TypeScript package. Throws a `UserError` where it is not installed. */
  typescriptLib(): string;
  /** The whole body of a URL. Throws a `UserError` with the reason where it cannot be had. */
  download(url: string): Promise<Uint8Array>;
}

/** SHA-256 of bytes, or of a text's UTF-8, as lower-case hexadecimal. */
export function sha256(data: Uint8Array | string): Promise<string> {
  return sha256Of((typeof data === 'string' ? new TextEncoder().encode(data) : data) as Uint8Array<ArrayBuffer>);
}
