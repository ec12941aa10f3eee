// Datasets by name: finds the card and fetches the documents.
import { joinPath } from '../formats/storage.ts';
import { UserError, unknownName } from '../terms/user-error.ts';
import { type DatasetCard, ownCard, parseDatasetCard } from './dataset-card.ts';
import { type DataHost, sha256 } from './host.ts';
import { decodeText, parseSize } from './text.ts';
import { taleEntropy, writeTales } from './tiny-tales.ts';

/** A dataset's text. `nats` and `entropy` only where the source's probabilities are known. */
export interface Documents {
  texts: string[];
  /** −ln of each document's probability under the source. */
  nats: number[] | null;
  /** The expected value of that, in nats for each document. */
  entropy: number | null;
}

/** A dataset that was found, and its text, fetched when asked for. */
export interface Dataset {
  /** As the user wrote it: `tiny-tales:4MB`, `file:notes.txt`. */
  name: string;
  card: DatasetCard;
  /** Changes whenever the text does; known without making the whole of a generated text. */
  identity: string;
  documents(): Documents;
}

const LARGEST_GENERATED = 1e9;

/** All dataset cards, sorted by name. */
export async function listDatasets(host: DataHost): Promise<DatasetCard[]> {
  const entries = await host.storage.list(host.datasetsFolder);
  const names = entries.map((entry) => entry.name).filter((name) => name.endsWith('.json'));
  return Promise.all(names.sort().map((name) => readCard(host, name)));
}

/**
 * Finds a dataset: a card's name, `tiny-tales:SIZE`, `tinyshakespeare:PATH`, `file:PATH` or `dir:PATH`.
 * Throws a `UserError` for an unknown name, a file that is missing, empty or no text, a download that fails.
 * `warn` hears one sentence about each thing that was mended or left out.
 */
export async function openDataset(name: string, host: DataHost, warn: (sentence: string) => void): Promise<Dataset> {
  const card = await cardOf(name, host);
  const { source } = card;
  switch (source.kind) {
    case 'generated':
      return openGenerated(name, { ...card, source });
    case 'file':
      return fromTexts(name, card, [await readText(host, source.path)]);
    case 'folder':
      return fromTexts(name, card, await readFolder(host, source.path, warn));
    case 'typescript-lib':
      return fromTexts(name, card, await readDeclarations(host));
    case 'download':
      return fromTexts(name, card, [decodeText(await fetchOnce(host, { ...card, source }, warn), card.name)]);
  }
}

/** The card of a name, with what stands after its colon filled in. */
async function cardOf(name: string, host: DataHost): Promise<DatasetCard> {
  const colon = name.indexOf(':');
  const base = colon < 0 ? name : name.slice(0, colon);
  const argument = colon < 0 ? null : name.slice(colon + 1);
  if (argument === '') throw new UserError(`'${name}' has nothing after the colon: write ${base}:${hintFor(base)}.`);
  if (base === 'file' || base === 'dir') {
    if (argument === null) throw new UserError(`'${name}' needs a path: write ${base}:${hintFor(base)}.`);
    return ownCard(base === 'file' ? 'file' : 'folder', argument);
  }
  const cards = await listDatasets(host);
  const card = cards.find((candidate) => candidate.name === base);
  if (!card) {
    const looksLikePath = await host.storage.exists(name).catch(() => false);
    if (looksLikePath) throw new UserError(`Unknown dataset '${name}': for a path write file:${name} or dir:${name}.`);
    throw unknownName('dataset', name, [...cards.map((one) => one.name), 'file:PATH', 'dir:PATH']);
  }
  if (argument === null) return card;
  if (card.source.kind === 'generated') {
    const bytes = parseSize(argument);
    if (bytes > LARGEST_GENERATED) throw new UserError(`${name} is more than the 1GB that fits in memory: take less.`);
    return { ...card, source: { ...card.source, bytes } };
  }
  if (card.source.kind === 'download') {
    const bytes = await host.storage.read(argument);
    const found = await sha256(bytes);
    if (found === card.source.sha256) return { ...card, source: { kind: 'file', path: argument } };
    throw new UserError(
      `'${argument}' is not ${card.name}: its SHA-256 is ${found}, not ${card.source.sha256}; use file:${argument} for a text of your own.`,
    );
  }
  throw new UserError(`Unknown dataset '${name}': ${card.name} takes nothing after a colon.`);
}

function hintFor(base: string): string {
  return base === 'tiny-tales' ? '4MB' : base === 'dir' ? 'FOLDER' : 'PATH';
}

async function readCard(host: DataHost, file: string): Promise<DatasetCard> {
  const path = joinPath(host.datasetsFolder, file);
  const text = decodeText(await host.storage.read(path), `The dataset card ${file}`);
  try {
    return parseDatasetCard(JSON.parse(text), file);
  } catch (error) {
    if (error instanceof SyntaxError) throw new UserError(`The dataset card ${file} is not JSON: ${error.message}.`);
    throw error;
  }
}

async function fromTexts(name: string, card: DatasetCard, texts: string[]): Promise<Dataset> {
  const hashes = await Promise.all(texts.map((text) => sha256(text)));
  const identity = await sha256(hashes.join('\n'));
  return { name, card, identity, documents: () => ({ texts, nats: null, entropy: null }) };
}

const SAMPLE = 65_536;

async function openGenerated(
  name: string,
  card: DatasetCard & { source: Extract<DatasetCard['source'], { kind: 'generated' }> },
): Promise<Dataset> {
  const { seed, bytes } = card.source;
  // A sample stands for the generator: a changed grammar changes it, and with it the cache's key.
  const sample = writeTales(seed, Math.min(bytes, SAMPLE)).map((tale) => tale.text);
  const identity = await sha256([`${seed} ${bytes}`, ...sample].join('\n\n'));
  const documents = () => {
    const tales = writeTales(seed, bytes);
    return { texts: tales.map((tale) => tale.text), nats: tales.map((tale) => tale.nats), entropy: taleEntropy() };
  };
  return { name, card, identity, documents };
}

async function readText(host: DataHost, path: string): Promise<string> {
  return decodeText(await host.storage.read(path), `'${path}'`);
}

async function readDeclarations(host: DataHost): Promise<string[]> {
  const folder = host.typescriptLib();
  const entries = await host.storage.list(folder);
  const names = entries.map((entry) => entry.name).filter((name) => name.endsWith('.d.ts'));
  if (names.length === 0)
    throw new UserError(`There are no .d.ts files in '${folder}': install the typescript package.`);
  return Promise.all(names.sort().map((name) => readText(host, joinPath(folder, name))));
}

const DEEPEST = 32;

/** Every text file below a folder, sorted by path; hidden ones and node_modules are passed over, files that are no text with a warning. */
async function readFolder(host: DataHost, folder: string, warn: (sentence: string) => void): Promise<string[]> {
  const texts: string[] = [];
  const refused: string[] = [];
  const visit = async (path: string, depth: number): Promise<void> => {
    if (depth > DEEPEST) throw new UserError(`'${path}' lies more than ${DEEPEST} folders below '${folder}'.`);
    for (const { name, kind } of await host.storage.list(path)) {
      if (name.startsWith('.') || name === 'node_modules') continue;
      const child = joinPath(path, name);
      if (kind === 'folder') {
        await visit(child, depth + 1);
        continue;
      }
      const bytes = await host.storage.read(child);
      try {
        texts.push(decodeText(bytes, `'${child}'`));
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        refused.push(error.message);
      }
    }
  };
  await visit(folder, 0);
  if (texts.length === 0) {
    throw new UserError(`There is no text below '${folder}'${refused[0] ? `: ${refused[0]}` : ': it holds no files.'}`);
  }
  if (refused.length > 0) {
    warn(`${refused.length} of ${refused.length + texts.length} files below '${folder}' are left out: ${refused[0]}`);
  }
  return texts;
}

/** The bytes of a download, from the cache folder where they are there and whole. */
async function fetchOnce(
  host: DataHost,
  card: DatasetCard & { source: Extract<DatasetCard['source'], { kind: 'download' }> },
  warn: (sentence: string) => void,
): Promise<Uint8Array> {
  const { url, sha256: expected, bytes: size } = card.source;
  const folder = joinPath(host.cacheFolder, 'datasets');
  const path = joinPath(folder, `${card.name}.txt`);
  if (await host.storage.exists(path)) {
    const bytes = await host.storage.read(path);
    if ((await sha256(bytes)) === expected) return bytes;
    warn(`The cached copy of ${card.name} is damaged and is downloaded again.`);
  }
  const bytes = await host.download(url).catch((error: unknown) => {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(
      `Could not download ${card.name} (${error.message.replace(/\.$/, '')}): give a copy with --dataset ${card.name}:PATH or a text of your own with --dataset file:PATH.`,
    );
  });
  const found = await sha256(bytes);
  if (found !== expected) {
    throw new UserError(
      `What ${url} sent is not ${card.name}: ${bytes.length} bytes with SHA-256 ${found}, not ${size} with ${expected}; give a copy with --dataset ${card.name}:PATH.`,
    );
  }
  try {
    await host.storage.makeFolder(folder);
    await host.storage.write(path, bytes);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    warn(`${card.name} could not be kept for the next time: ${error.message}`);
  }
  return bytes;
}
