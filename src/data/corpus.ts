// A dataset as token ids: read, split, encoded, cached.
import { UserError } from '../terms/user-error.ts';
import {
  type CorpusHeader,
  corpusPath,
  readCorpus,
  type StoredCorpus,
  type TokenArray,
  writeCorpus,
} from './corpus-cache.ts';
import { type DatasetCard, defaultTokenizer } from './dataset-card.ts';
import { type Dataset, openDataset } from './datasets.ts';
import { type DataHost, sha256 } from './host.ts';
import { type Part, splitDocuments } from './split.ts';
import { canonicalTokenizer, createTokenizer, tokenizerFromJSON } from './tokenizers/create.ts';
import type { Tokenizer } from './tokenizers/tokenizer.ts';

export interface Corpus {
  /** The dataset as it was asked for. */
  name: string;
  card: DatasetCard;
  tokenizer: Tokenizer;
  /** Documents one after the other, each with its end token (where the tokenizer has one). */
  train: TokenArray;
  validation: TokenArray;
  /** UTF-8 bytes of each part's text. */
  bytes: { train: number; validation: number };
  documents: number;
  /** SHA-256 that changes with the text, the split, the tokenizer. A run keeps it, to know its data again. */
  identity: string;
  /** The best loss that is reachable; null where nobody knows (all real text). */
  floor: LossFloor | null;
}

/**
 * What the text itself costs, in nats per token. A model that starts each window in the middle of a story does not know what was said
 * before, so that its loss over fixed windows stays a little above (see tiny-tales.ts).
 */
export interface LossFloor {
  /** The source's entropy for a document, divided by this corpus's mean number of tokens in one: what to expect of fresh text. */
  expected: number;
  /** −ln of the probability of the very text of the part, divided by its tokens. */
  train: number;
  validation: number;
}

export interface CorpusOptions {
  /** `tiny-tales`, `tiny-tales:4MB`, `tinyshakespeare`, `typescript-lib`, `file:PATH`, `dir:PATH`. */
  dataset: string;
  host: DataHost;
  /** A name, or a tokenizer that exists already (a checkpoint's). Default: the dataset card's. */
  tokenizer?: string | Tokenizer;
  /** The model card's vocabulary: limits the default tokenizer's. */
  vocabulary?: number;
  /** Hears one sentence about each thing that was mended or left out. */
  warn?: (sentence: string) => void;
}

const FORMAT = 1;

/**
 * Loads a corpus, from the cache if it is there. A damaged cache file is reported through `warn` and made again.
 * Throws a `UserError` for an unknown dataset or tokenizer and for text that cannot be used.
 */
export async function loadCorpus(options: CorpusOptions): Promise<Corpus> {
  const warn = options.warn ?? (() => undefined);
  const { storage, cacheFolder } = options.host;
  const dataset = await openDataset(options.dataset, options.host, warn);
  const wanted = options.tokenizer ?? defaultTokenizer(dataset.card, options.vocabulary);
  const tokenizer = typeof wanted === 'string' ? canonicalTokenizer(wanted) : wanted;
  const key = await sha256(
    JSON.stringify([
      FORMAT,
      dataset.identity,
      dataset.card.split,
      typeof tokenizer === 'string' ? tokenizer : tokenizer.toJSON(),
    ]),
  );
  const path = corpusPath(cacheFolder, key);
  const stored = await readCorpus(storage, path, key);
  if (stored !== null && typeof stored !== 'string') {
    const restored = typeof tokenizer === 'string' ? await tokenizerFromJSON(stored.header.tokenizer) : tokenizer;
    return corpusOf(dataset, stored, restored);
  }
  if (typeof stored === 'string') warn(`The cached tokens of ${dataset.name} in '${path}' are made again: ${stored}.`);
  const documents = dataset.documents();
  const used = typeof tokenizer === 'string' ? await createTokenizer(tokenizer, documents.texts) : tokenizer;
  const fresh = await encodeCorpus(dataset, documents, used, key);
  try {
    await writeCorpus(storage, path, fresh);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    warn(`The tokens of ${dataset.name} could not be kept for the next time: ${error.message}`);
  }
  return corpusOf(dataset, fresh, used);
}

/** UTF-8 bytes of text for each token, over the whole corpus. */
export function bytesPerToken(corpus: Corpus): number {
  return (corpus.bytes.train + corpus.bytes.validation) / (corpus.train.length + corpus.validation.length);
}

async function encodeCorpus(
  dataset: Dataset,
  { texts, nats, entropy }: ReturnType<Dataset['documents']>,
  tokenizer: Tokenizer,
  key: string,
): Promise<StoredCorpus> {
  const { train, validation, documents } = splitDocuments(texts, dataset.card.split);
  const parts = [await encodePart(train, tokenizer), await encodePart(validation, tokenizer)] as const;
  const [trainTokens, validationTokens] = parts.map((part) => part.tokens) as [TokenArray, TokenArray];
  // Two tokens make the shortest text in which one can be predicted from another.
  if (trainTokens.length < 2 || validationTokens.length < 2) {
    const characters = texts.reduce((sum, text) => sum + text.length, 0);
    throw new UserError(
      `The text of ${dataset.name} is too short to be split: ${characters} characters give ${trainTokens.length} training and ${validationTokens.length} validation tokens, and each part needs 2 or more.`,
    );
  }
  // A cut inside a document leaves the probabilities of its halves unknown.
  const known = nats !== null && train.complete ? nats : null;
  const header: CorpusHeader = {
    key,
    width: trainTokens.BYTES_PER_ELEMENT as 2 | 4,
    tokenizer: tokenizer.toJSON(),
    documents: texts.length,
    entropy: known && entropy,
    train: { tokens: trainTokens.length, bytes: parts[0].bytes, nats: known && sum(known.slice(0, documents)) },
    validation: { tokens: validationTokens.length, bytes: parts[1].bytes, nats: known && sum(known.slice(documents)) },
  };
  return { header, train: trainTokens, validation: validationTokens };
}

async function encodePart(part: Part, tokenizer: Tokenizer): Promise<{ tokens: TokenArray; bytes: number }> {
  const pieces: Int32Array[] = [];
  const end = tokenizer.endToken === null ? new Int32Array(0) : Int32Array.of(tokenizer.endToken);
  const utf8 = new TextEncoder();
  let bytes = 0;
  for (const [i, text] of part.texts.entries()) {
    pieces.push(await tokenizer.encode(text));
    if (part.complete || i < part.texts.length - 1) pieces.push(end);
    bytes += utf8.encode(text).length;
  }
  const length = sum(pieces.map((piece) => piece.length));
  const tokens = tokenizer.vocabulary <= 65_536 ? new Uint16Array(length) : new Int32Array(length);
  let at = 0;
  for (const piece of pieces) {
    tokens.set(piece, at);
    at += piece.length;
  }
  return { tokens, bytes };
}

function corpusOf(dataset: Dataset, { header, train, validation }: StoredCorpus, tokenizer: Tokenizer): Corpus {
  const { entropy, documents } = header;
  const known = entropy !== null && header.train.nats !== null && header.validation.nats !== null;
  return {
    name: dataset.name,
    card: dataset.card,
    tokenizer,
    train,
    validation,
    bytes: { train: header.train.bytes, validation: header.validation.bytes },
    documents,
    identity: header.key,
    floor: known
      ? {
          expected: (entropy * documents) / (train.length + validation.length),
          train: header.train.nats! / train.length,
          validation: header.validation.nats! / validation.length,
        }
      : null,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
