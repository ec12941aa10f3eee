// From an argument list to checked values: command line first, then `--config FILE`, then defaults such as a preset's.
import yargs from 'yargs';
import { readJsonFile } from '../../src/node/json-file.ts';
import { nearest, UserError, unknownName } from '../../src/terms/user-error.ts';
import { callerPath } from './caller-path.ts';
import type { Options, Values } from './options.ts';

/** What may stand without a `--` in front, such as the folders of `yarn check-golden DIR…`. */
export interface Positionals {
  readonly name: string;
  readonly describe: string;
  readonly least?: number;
  readonly most?: number;
  readonly choices?: readonly string[];
}

/** Values that stand below the command line and `--config`: a preset, or the configuration of a run to resume. */
export interface Defaults {
  /** Where they come from, for error messages: "preset 'nanogpt-cpu'". */
  readonly source: string;
  /** Option names as on the command line (`stop-after` or `stopAfter`) with their values. */
  readonly values: Readonly<Record<string, unknown>>;
}

export interface Parsed<O extends Options> {
  readonly values: Values<O>;
  readonly positionals: readonly string[];
  /** The options that the command line, `--config` or the defaults named. */
  readonly given: ReadonlySet<keyof O>;
}

type Texts = Map<string, { texts: readonly string[]; label: string }>;

export const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
const camel = (name: string) => name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** Reads `argv` (without node and script). Every refusal is a UserError of one sentence. */
export async function parseCommandLine<O extends Options>(
  argv: readonly string[],
  options: O,
  allowed: Positionals | undefined,
  defaults?: (given: Values<O>) => Defaults | undefined | Promise<Defaults | undefined>,
): Promise<Parsed<O>> {
  const raw = runYargs(argv, options);
  const texts = textsOfCommandLine(raw, argv, options);
  const positionals = checkPositionals(raw._.map(String), allowed);
  const config = texts.get('config');
  if ('config' in options && config) mergeBelow(texts, readConfig(config.texts[0]!), options);
  if (defaults) {
    const below = await defaults(read(texts, options));
    if (below) mergeBelow(texts, below, options);
  }
  for (const [name, option] of Object.entries(options)) {
    if (option.required && !texts.has(name)) {
      throw new UserError(`--${kebab(name)} ${option.placeholder ?? ''} is needed: ${option.describe}.`);
    }
  }
  return { values: read(texts, options), positionals, given: new Set(texts.keys()) };
}

/** All values as the JSON object that `--config` reads back; options named in `leaveOut` and unset ones are left out. */
export function configOf<O extends Options>(
  options: O,
  values: Values<O>,
  leaveOut: readonly (keyof O)[] = [],
): Record<string, unknown> {
  const entries = Object.keys(options)
    .filter((name) => !['config', 'json', 'debug'].includes(name) && !leaveOut.includes(name))
    .filter((name) => values[name] !== undefined)
    .map((name) => [kebab(name), values[name]]);
  return Object.fromEntries(entries);
}

function runYargs(argv: readonly string[], options: Options): { _: unknown[]; [key: string]: unknown } {
  const declared = Object.entries(options).map(([name, option]) =>
    option.placeholder === undefined
      ? [kebab(name), { type: 'boolean' as const }]
      : [kebab(name), { type: 'string' as const, nargs: 1 }],
  );
  try {
    return yargs([...argv])
      .detectLocale(false)
      .help(false)
      .version(false)
      .exitProcess(false)
      .fail(false)
      .parserConfiguration({
        'camel-case-expansion': false,
        'dot-notation': false,
        'parse-numbers': false,
        'parse-positional-numbers': false,
      })
      .options(Object.fromEntries(declared))
      .parseSync() as { _: unknown[]; [key: string]: unknown };
  } catch (error) {
    const name = /Not enough arguments following: (\S+)/.exec((error as Error).message)?.[1];
    const option = name === undefined ? undefined : options[camel(name)];
    if (!option) throw error;
    throw new UserError(
      `--${name} needs a value: write --${name} ${option.placeholder} (or --${name}=… for one that begins with a dash).`,
    );
  }
}

function textsOfCommandLine(raw: Record<string, unknown>, argv: readonly string[], options: Options): Texts {
  const unknown = Object.keys(raw).filter((key) => key !== '_' && key !== '$0' && !(camel(key) in options));
  if (unknown.length > 0) {
    // One mistake can leave several keys behind (`-1e-3` reads as -1 -e); the one that was typed with two dashes is meant.
    const typed = unknown.find((key) => argv.some((arg) => arg === `--${key}` || arg.startsWith(`--${key}=`)));
    const name = typed ?? unknown[0]!;
    throw unknownName('option', name.length > 1 ? `--${name}` : `-${name}`, flagsOf(options));
  }
  const texts: Texts = new Map();
  for (const [name, option] of Object.entries(options)) {
    const label = `--${kebab(name)}`;
    const value = raw[kebab(name)];
    if (value === undefined) continue;
    const all = (Array.isArray(value) ? value : [value]).map(String);
    const switches = switchesOf(argv, label, option.placeholder === undefined);
    const times = option.placeholder === undefined ? switches.length : all.length;
    if (times > 1 && !option.repeats) {
      throw new UserError(
        `${label} is given ${times} times (${(switches.length > 1 ? switches : all).join(', ')}): give it once.`,
      );
    }
    if (value === false && !option.negatable) {
      throw new UserError(
        `${label} cannot be switched off by --no-${kebab(name)}: it needs a value, ${label} ${option.placeholder}.`,
      );
    }
    const spelled = switches[0]?.split('=')[1];
    texts.set(name, { texts: spelled === undefined ? all : [spelled], label });
  }
  return texts;
}

/** How a switch was spelled each time (`--cache`, `--no-cache`, `--cache=maybe`); yargs keeps only the last and drops bad values. */
function switchesOf(argv: readonly string[], label: string, isSwitch: boolean): string[] {
  if (!isSwitch) return [];
  const off = label.replace('--', '--no-');
  const end = argv.indexOf('--');
  const before = end < 0 ? argv : argv.slice(0, end);
  return before.filter((arg) => arg === label || arg === off || arg.startsWith(`${label}=`));
}

function checkPositionals(given: readonly string[], allowed: Positionals | undefined): readonly string[] {
  const most = allowed === undefined ? 0 : (allowed.most ?? Number.POSITIVE_INFINITY);
  if (given.length > most) {
    const hint = allowed ? `at most ${most} ${allowed.name} is taken` : 'every value follows its --option';
    throw new UserError(`Unexpected '${given[most]}': ${hint} (--help lists them).`);
  }
  if (allowed && given.length < (allowed.least ?? 0)) {
    throw new UserError(`${allowed.name} is needed: ${allowed.describe}.`);
  }
  for (const value of given) {
    if (allowed?.choices && !allowed.choices.includes(value)) throw unknownName(allowed.name, value, allowed.choices);
  }
  return given;
}

function readConfig(file: string): Defaults {
  const content = readJsonFile(callerPath(file), 'configuration');
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new UserError(`The configuration '${file}' must be a JSON object of options, such as {"steps": 100}.`);
  }
  return { source: `configuration '${file}'`, values: content as Record<string, unknown> };
}

/** Adds to `texts` what it does not yet have. `null` means "not set". */
function mergeBelow(texts: Texts, below: Defaults, options: Options): void {
  for (const [key, value] of Object.entries(below.values)) {
    const name = camel(key);
    if (!Object.hasOwn(options, name) || name === 'config') {
      const valid = Object.keys(options).filter((other) => other !== 'config');
      const candidates = nearest(key, valid.map(kebab)).join(', ');
      throw new UserError(`Unknown option '${key}' in ${below.source}: did you mean ${candidates}?`);
    }
    if (value === null || texts.has(name)) continue;
    const label = `'${key}' in ${below.source}`;
    const all = Array.isArray(value) ? value : [value];
    if (all.some((part) => typeof part === 'object' && part !== null)) {
      throw new UserError(`${label} must be a number, a text, true, false or a list of texts.`);
    }
    if (all.length !== 1 && !options[name]!.repeats) {
      texts.set(name, { texts: [all.join(',')], label });
    } else {
      texts.set(name, { texts: all.map(String), label });
    }
  }
}

function read<O extends Options>(texts: Texts, options: O): Values<O> {
  const values = Object.entries(options).map(([name, option]) => {
    const found = texts.get(name);
    return [name, found ? option.parse(found.texts, found.label) : option.absent];
  });
  return Object.fromEntries(values) as Values<O>;
}

function flagsOf(options: Options): string[] {
  return Object.entries(options).map(([name, option]) => {
    const off = option.placeholder === undefined && option.absent === true;
    return off ? `--no-${kebab(name)}` : `--${kebab(name)}`;
  });
}
