// Changes to a card from the command line: `--set mlp.kind=swiglu` walks from one architecture to the next.
import { UserError } from '../terms/user-error.ts';
import { modelCardSchema } from './card-schema.ts';
import { schemaKeys, unknownKeySentence } from './schema-errors.ts';

type JsonObject = Record<string, unknown>;

const KEYS = schemaKeys(modelCardSchema);

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Reads numbers, true, false and null as JSON; anything else is text. */
function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function parseAssignment(assignment: string): { key: string; value: unknown } {
  const equals = assignment.indexOf('=');
  if (equals < 1) {
    throw new UserError(`--set '${assignment}' is not of the form key=value, as in --set mlp.kind=swiglu.`);
  }
  const key = assignment.slice(0, equals).trim();
  const text = assignment.slice(equals + 1).trim();
  if (!KEYS.includes(key)) throw new UserError(`--set ${assignment}: ${unknownKeySentence(modelCardSchema, key)}`);
  if (text === '') throw new UserError(`--set ${assignment}: the value of '${key}' is missing.`);
  const value = parseValue(text);
  const parts = KEYS.filter((candidate) => candidate.startsWith(`${key}.`));
  if (parts.length > 0 && value !== null && !isObject(value)) {
    throw new UserError(`--set ${assignment}: '${key}' has parts, so set one of ${parts.join(', ')}.`);
  }
  return { key, value };
}

/** A copy of `object` in which `path` holds `value`; objects on the way are made where there are none. */
function withValue(object: unknown, [key, ...rest]: readonly string[], value: unknown): JsonObject {
  const base = isObject(object) ? object : {};
  return { ...base, [key!]: rest.length === 0 ? value : withValue(base[key!], rest, value) };
}

/**
 * Applies `key=value` assignments to a card's JSON, in order. Defaults are filled in afterwards, so what the card leaves
 * out (headSize, kvHeads, mlp.width) follows a changed `hidden` or `heads`. A changed card no longer carries what was
 * published about the original.
 * @throws UserError for a malformed assignment or a key that cards do not have
 */
export function applyOverrides(json: unknown, assignments: readonly string[]): unknown {
  if (assignments.length === 0) return json;
  const { published: _published, ...card } = isObject(json) ? json : {};
  return assignments
    .map(parseAssignment)
    .reduce((result, { key, value }) => withValue(result, key.split('.'), value), card);
}
