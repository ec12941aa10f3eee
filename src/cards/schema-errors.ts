// Turns the first complaint of a zod schema into one sentence that names the field, its value, and what is allowed.
import { z } from 'zod';
import { nearest, UserError } from '../terms/user-error.ts';

type Path = readonly PropertyKey[];

const dotted = (path: Path) => path.map(String).join('.');

/** The value found at `path` inside parsed JSON; undefined where the path leads nowhere. */
function valueAt(json: unknown, path: Path): unknown {
  let value = json;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

const show = (value: unknown) => (typeof value === 'string' ? `'${value}'` : (JSON.stringify(value) ?? String(value)));

/** Removes defaults, optionals and nulls around a schema, so that the object below is visible. */
function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  let inner = schema;
  while (
    inner instanceof z.ZodOptional ||
    inner instanceof z.ZodNullable ||
    inner instanceof z.ZodDefault ||
    inner instanceof z.ZodPrefault
  ) {
    inner = inner.unwrap();
  }
  return inner;
}

/** Every dotted key that a schema of nested objects accepts, in the order of the schema: `layers`, `mlp`, `mlp.kind`, … */
export function schemaKeys(schema: z.core.$ZodType, prefix: Path = []): string[] {
  const object = unwrap(schema);
  if (!(object instanceof z.ZodObject)) return [];
  return Object.entries(object.shape as Record<string, z.core.$ZodType>).flatMap(([key, child]) => [
    dotted([...prefix, key]),
    ...schemaKeys(child, [...prefix, key]),
  ]);
}

/** The schema of a field, by its path; undefined where there is none. */
function fieldAt(schema: z.core.$ZodType, path: Path): z.core.$ZodType | undefined {
  let field: z.core.$ZodType | undefined = unwrap(schema);
  for (const key of path) {
    if (!(field instanceof z.ZodObject)) return undefined;
    const child: z.core.$ZodType | undefined = (field.shape as Record<PropertyKey, z.core.$ZodType>)[key];
    field = child && unwrap(child);
  }
  return field;
}

/** What a field accepts, in words: "a whole number from 1 to 16777216", "gelu, gelu-tanh, relu or swiglu". */
function allowed(field: z.core.$ZodType | undefined): string {
  if (field instanceof z.ZodEnum || field instanceof z.ZodLiteral) {
    const options = field instanceof z.ZodEnum ? field.options : [...field.values];
    const words = options.map(String);
    return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
  }
  if (field instanceof z.ZodBoolean) return 'true or false';
  if (field instanceof z.ZodString) return 'a text that is not empty';
  if (field instanceof z.ZodObject) return `an object with ${Object.keys(field.shape).join(', ')}`;
  if (field instanceof z.ZodNumber) return allowedNumber(field);
  return 'another value';
}

function allowedNumber(field: z.ZodNumber): string {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = z.toJSONSchema(
    field,
  ) as z.core.JSONSchema.BaseSchema;
  const kind = field.format === 'safeint' ? 'a whole number' : 'a number';
  if (minimum !== undefined && maximum !== undefined) return `${kind} from ${minimum} to ${maximum}`;
  const bounds = [
    minimum !== undefined && `at least ${minimum}`,
    exclusiveMinimum !== undefined && `greater than ${exclusiveMinimum}`,
    maximum !== undefined && `at most ${maximum}`,
    exclusiveMaximum !== undefined && `less than ${exclusiveMaximum}`,
  ].filter(Boolean);
  return [kind, bounds.join(' and ')].filter(Boolean).join(' ');
}

/** The sentence about a key that no schema has: "has no key 'mpl.kind'; did you mean 'mlp.kind'?". */
export function unknownKeySentence(schema: z.core.$ZodType, key: string): string {
  const near = nearest(key, schemaKeys(schema), 2).map((candidate) => `'${candidate}'`);
  return `there is no key '${key}'; did you mean ${near.join(' or ')}?`;
}

/**
 * Throws the first issue of a failed parse as one sentence.
 * @param subject what was being read: "Model card 'gpt2'"
 */
export function throwFirstIssue(
  subject: string,
  schema: z.core.$ZodType,
  json: unknown,
  error: z.core.$ZodError,
): never {
  // A key that no schema has is a better clue than the one that is missing because of it.
  const issue = error.issues.find(({ code }) => code === 'unrecognized_keys') ?? error.issues[0]!;
  if (issue.code === 'unrecognized_keys') {
    throw new UserError(`${subject}: ${unknownKeySentence(schema, dotted([...issue.path, issue.keys[0]!]))}`);
  }
  const value = valueAt(json, issue.path);
  const field = fieldAt(schema, issue.path);
  if (issue.path.length === 0) throw new UserError(`${subject}: it is ${show(value)} and must be ${allowed(field)}.`);
  const path = dotted(issue.path);
  if (value === undefined) throw new UserError(`${subject}: '${path}' is missing; it must be ${allowed(field)}.`);
  const isName = typeof value === 'string' && field instanceof z.ZodEnum;
  const hint = isName ? `; did you mean '${nearest(value, field.options.map(String), 1)[0]}'?` : '.';
  throw new UserError(`${subject}: '${path}' is ${show(value)} and must be ${allowed(field)}${hint}`);
}
