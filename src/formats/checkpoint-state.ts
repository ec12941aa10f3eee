// state.json of a checkpoint: what is in the folder, with checksums, the state's own included.
import { z } from 'zod';
import { UserError } from '../terms/user-error.ts';
import { sha256Of } from './storage.ts';

export const CHECKPOINT_FORMAT = 'transformer-ledger checkpoint';
/** Raised by one whenever older programs would misread the files. */
export const CHECKPOINT_VERSION = 1;

const stateSchema = z.strictObject({
  format: z.literal(CHECKPOINT_FORMAT),
  version: z.literal(CHECKPOINT_VERSION),
  step: z.int().min(0),
  /** The model card as JSON. */
  card: z.record(z.string(), z.unknown()),
  /** Which program and libraries wrote it, by name. */
  versions: z.record(z.string(), z.string()),
  /** What training needs to go on, beside weights and optimizer: seeds, position in the data … */
  progress: z.record(z.string(), z.unknown()),
  /** Every other file of the folder. */
  files: z.record(z.string(), z.strictObject({ bytes: z.int().min(0), sha256: z.string().length(64) })),
});

export type CheckpointState = z.output<typeof stateSchema>;

/** The text of state.json: the state, and the checksum of its own text. */
export async function encodeState(state: CheckpointState): Promise<Uint8Array> {
  const text = JSON.stringify(state);
  return new TextEncoder().encode(`${JSON.stringify({ ...state, sha256: await textChecksum(text) }, null, 2)}\n`);
}

/**
 * Reads the text of state.json back.
 * @param path the file, for errors
 * @throws UserError where it is damaged, of another kind or of a newer version
 */
export async function decodeState(path: string, bytes: Uint8Array): Promise<CheckpointState> {
  const json = parseObject(path, bytes);
  const { format, version } = json;
  if (format !== CHECKPOINT_FORMAT) {
    const found = format === undefined ? 'names no format' : `has the format ${JSON.stringify(format)}`;
    throw new UserError(`'${path}' ${found}; expected is '${CHECKPOINT_FORMAT}'.`);
  }
  if (version !== CHECKPOINT_VERSION) {
    const writer = Number(version) > CHECKPOINT_VERSION ? ', so a newer program wrote it' : '';
    throw new UserError(
      `'${path}' has format version ${JSON.stringify(version)}${writer}; this program reads version ${CHECKPOINT_VERSION}.`,
    );
  }
  const { sha256, ...rest } = json;
  if (sha256 !== (await textChecksum(JSON.stringify(rest)))) {
    throw new UserError(`'${path}' does not match its own checksum.`);
  }
  const state = stateSchema.safeParse(rest);
  if (!state.success) throw new UserError(`'${path}' has no valid '${state.error.issues[0]!.path.join('.')}'.`);
  return state.data;
}

function parseObject(path: string, bytes: Uint8Array): Record<string, unknown> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    throw new UserError(`'${path}' is not a JSON object.`);
  }
}

const textChecksum = (text: string): Promise<string> => sha256Of(new TextEncoder().encode(text));
