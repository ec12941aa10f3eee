// Encoded corpora as files in the cache folder, keyed by content. A file that is not whole is never used.
//
// Layout, little-endian: the 8 bytes TLCORPUS, the header's length (uint32), the header (JSON, padded with spaces so that the tokens are
// aligned), the training tokens, the validation tokens (uint16, or int32 where the header's `width` is 4), and SHA-256 of all before.
import { z } from 'zod';
import { joinPath, type Storage } from '../formats/storage.ts';
import { UserError } from '../terms/user-error.ts';
import { sha256 } from './host.ts';

/** Token ids: two bytes each where the vocabulary allows it. */
export type TokenArray = Uint16Array | Int32Array;

const part = z.object({ tokens: z.int().min(0), bytes: z.int().min(0), nats: z.number().nullable() });
const headerSchema = z.object({
  key: z.string(),
  width: z.union([z.literal(2), z.literal(4)]),
  tokenizer: z.looseObject({ kind: z.string() }),
  documents: z.int().min(1),
  entropy: z.number().nullable(),
  train: part,
  validation: part,
});

/** What is stored beside the tokens. `nats`: −ln of the part's probability under its source, where known. */
export type CorpusHeader = z.infer<typeof headerSchema>;

export interface StoredCorpus {
  header: CorpusHeader;
  train: TokenArray;
  validation: TokenArray;
}

const MAGIC = new TextEncoder().encode('TLCORPUS');
const PREFIX = MAGIC.length + 4;
const DIGEST = 32;

/** Where a corpus with this key is kept. */
export function corpusPath(cacheFolder: string, key: string): string {
  return joinPath(cacheFolder, 'corpora', `${key.slice(0, 32)}.bin`);
}

/** The stored corpus; null where there is none; the reason as a string where the file is damaged or unreadable. */
export async function readCorpus(storage: Storage, path: string, key: string): Promise<StoredCorpus | string | null> {
  try {
    if (!(await storage.exists(path))) return null;
    return await parseCorpus(await storage.read(path), key);
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

/** Writes the corpus, atomically. Throws a `UserError` where the folder cannot be written. */
export async function writeCorpus(storage: Storage, path: string, corpus: StoredCorpus): Promise<void> {
  await storage.makeFolder(path.slice(0, path.lastIndexOf('/')));
  await storage.write(path, await serializeCorpus(corpus));
}

async function serializeCorpus({ header, train, validation }: StoredCorpus): Promise<Uint8Array> {
  const json = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil((PREFIX + json.length) / 4) * 4;
  const body = new Uint8Array(padded + train.byteLength + validation.byteLength).fill(32, 0, padded);
  body.set(MAGIC);
  new DataView(body.buffer).setUint32(MAGIC.length, padded - PREFIX, true);
  body.set(json, PREFIX);
  body.set(new Uint8Array(train.buffer, train.byteOffset, train.byteLength), padded);
  body.set(new Uint8Array(validation.buffer, validation.byteOffset, validation.byteLength), padded + train.byteLength);
  const file = new Uint8Array(body.length + DIGEST);
  file.set(body);
  file.set(fromHex(await sha256(body)), body.length);
  return file;
}

async function parseCorpus(file: Uint8Array<ArrayBuffer>, key: string): Promise<StoredCorpus | string> {
  if (file.length < PREFIX + DIGEST || MAGIC.some((byte, i) => file[i] !== byte)) return 'it is not an encoded corpus';
  const end = file.length - DIGEST;
  const digest = fromHex(await sha256(file.subarray(0, end)));
  if (digest.some((byte, i) => file[end + i] !== byte)) return 'its checksum does not fit its content';
  const view = new DataView(file.buffer, file.byteOffset);
  const tokensAt = PREFIX + view.getUint32(MAGIC.length, true);
  // The checksum fits, so that what follows is as it was written; another version's header is refused all the same.
  const parsed = headerSchema.safeParse(JSON.parse(new TextDecoder().decode(file.subarray(PREFIX, tokensAt))));
  if (!parsed.success) return 'it was written by another version';
  const header = parsed.data;
  if (header.key !== key) return 'it belongs to another text';
  const split = tokensAt + header.train.tokens * header.width;
  if (split + header.validation.tokens * header.width !== end) return 'its length does not fit its header';
  return {
    header,
    train: tokensIn(file, tokensAt, split, header.width),
    validation: tokensIn(file, split, end, header.width),
  };
}

function tokensIn(file: Uint8Array, from: number, to: number, width: 2 | 4): TokenArray {
  const { buffer } = file.slice(from, to);
  return width === 2 ? new Uint16Array(buffer) : new Int32Array(buffer);
}

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
