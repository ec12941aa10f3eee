// Typed options of a command: what each accepts, and the one sentence that says so when it is given something else.
import { UserError, unknownName } from '../../src/terms/user-error.ts';

/** One `--option` of a command; `T` is what the handler receives. */
export interface Option<T> {
  /** One line for `--help`. */
  readonly describe: string;
  /** What stands for the value in `--help`; absent for a flag without value. */
  readonly placeholder?: string;
  /** Heading under which `--help` lists the option. */
  readonly group?: string;
  /** May be given several times. */
  readonly repeats: boolean;
  /** `--no-NAME` is allowed, and is passed to `parse` as the text 'false'. */
  readonly negatable: boolean;
  readonly required: boolean;
  /** What the handler receives when nobody gave the option. */
  readonly absent: T;
  /** Turns the texts given (one, unless `repeats`) into the value, or throws a UserError that begins with `label`. */
  parse(texts: readonly string[], label: string): T;
}

// biome-ignore lint/suspicious/noExplicitAny: the value's type differs from option to option
export type Options = Record<string, Option<any>>;
export type Values<O extends Options> = { [K in keyof O]: O[K] extends Option<infer T> ? T : never };

export interface Settings<T> {
  describe: string;
  placeholder?: string;
  group?: string;
  default?: T;
  required?: true;
}
type Given<T, S> = S extends { default: T } | { required: true } ? T : T | undefined;

/** A value read by `read`, which throws a sentence when the text is not acceptable. */
function value<T, S extends Settings<T>>(
  settings: S,
  placeholder: string,
  read: (text: string, label: string) => T,
): Option<Given<T, S>> {
  return {
    describe: settings.describe,
    placeholder: settings.placeholder ?? placeholder,
    group: settings.group,
    repeats: false,
    negatable: false,
    required: settings.required ?? false,
    absent: settings.default as Given<T, S>,
    parse: (texts, label) => read(texts[0]!, label) as Given<T, S>,
  };
}

const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function number(allowed: string, accepts: (x: number) => boolean) {
  return (text: string, label: string): number => {
    const x = decimal.test(text.trim()) ? Number(text) : Number.NaN;
    if (!Number.isFinite(x) || !accepts(x)) throw new UserError(`${label} must be ${allowed}, not '${text}'.`);
    return x;
  };
}

/** 1, 2, 3, … ; `1e6` is fine, `1.5` is not. */
export function positiveInteger<const S extends Settings<number>>(settings: S) {
  const read = number('a whole number of at least 1', (x) => Number.isSafeInteger(x) && x >= 1);
  return value<number, S>(settings, 'N', read);
}

/** 0, 1, 2, … */
export function nonNegativeInteger<const S extends Settings<number>>(settings: S) {
  const read = number('a whole number of at least 0', (x) => Number.isSafeInteger(x) && x >= 0);
  return value<number, S>(settings, 'N', read);
}

/** A number above 0. */
export function positive<const S extends Settings<number>>(settings: S) {
  return value<number, S>(
    settings,
    'X',
    number('a number above 0', (x) => x > 0),
  );
}

/** A number of at least 0. */
export function nonNegative<const S extends Settings<number>>(settings: S) {
  return value<number, S>(
    settings,
    'X',
    number('a number of at least 0', (x) => x >= 0),
  );
}

/** A share between 0 and 1, both included; `below: 1` leaves 1 out, `above: 0` leaves 0 out. */
export function fraction<const S extends Settings<number> & { above?: 0; below?: 1 }>(settings: S) {
  const allowed = `a number ${settings.above === 0 ? 'above 0' : 'of at least 0'} and ${settings.below === 1 ? 'below 1' : 'at most 1'}`;
  const accepts = (x: number) => x >= 0 && x <= 1 && x !== settings.above && x !== settings.below;
  return value<number, S>(settings, 'X', number(allowed, accepts));
}

/** Any number that is not NaN and not infinite. */
export function finite<const S extends Settings<number>>(settings: S) {
  return value<number, S>(
    settings,
    'X',
    number('a finite number', () => true),
  );
}

/** Any text. */
export function text<const S extends Settings<string>>(settings: S) {
  return value<string, S>(settings, 'TEXT', (given) => given);
}

/** The path of a file or folder; empty is refused. */
export function path<const S extends Settings<string>>(settings: S) {
  return value<string, S>(settings, 'PATH', (given, label) => {
    if (given === '') throw new UserError(`${label} needs a path, and the one given is empty.`);
    return given;
  });
}

/** One of `choices`; anything else is answered with the nearest ones. */
export function choice<const C extends string, const S extends Settings<C> & { choices: readonly C[] }>(
  settings: S & { choices: readonly C[] },
) {
  return value<C, S>(settings, settings.choices.join('|'), (given, label) => {
    if (!(settings.choices as readonly string[]).includes(given)) {
      throw unknownName(label, given, settings.choices);
    }
    return given as C;
  });
}

/** Several names in one value, separated by commas: `--archs gpt-small,llama3-small`. */
export function names<const S extends Settings<readonly string[]>>(settings: S) {
  const option = value<readonly string[], S>(settings, 'NAME,…', () => []);
  return {
    ...option,
    parse: (texts: readonly string[], label: string) => {
      const parts = texts.flatMap((part) => part.split(',')).map((part) => part.trim());
      if (parts.includes(''))
        throw new UserError(`${label} needs names separated by commas, not '${texts.join(',')}'.`);
      return parts as Given<readonly string[], S>;
    },
  } satisfies Option<Given<readonly string[], S>>;
}

/** May be given several times; `check` may refuse a text with a sentence. */
export function list(
  settings: Omit<Settings<never>, 'default' | 'required'>,
  check: (text: string, label: string) => void = () => {},
): Option<readonly string[]> {
  return {
    describe: settings.describe,
    placeholder: settings.placeholder ?? 'TEXT',
    group: settings.group,
    repeats: true,
    negatable: false,
    required: false,
    absent: [],
    parse: (texts, label) => {
      for (const given of texts) check(given, label);
      return texts;
    },
  };
}

/** Yes or no; with `default: true` the option is switched off by `--no-NAME`. */
export function flag(settings: { describe: string; group?: string; default?: boolean }): Option<boolean> {
  return {
    describe: settings.describe,
    group: settings.group,
    repeats: false,
    negatable: true,
    required: false,
    absent: settings.default ?? false,
    parse: ([given], label) => {
      if (given === 'true') return true;
      if (given === 'false') return false;
      throw new UserError(`${label} is a switch and takes true or false, not '${given}'.`);
    },
  };
}

/** The same option, which `--no-NAME` also switches off; the handler then receives `false`. */
export function orOff<T>(option: Option<T>): Option<T | false> {
  return {
    ...option,
    negatable: true,
    parse: (texts, label) => (texts.length === 1 && texts[0] === 'false' ? false : option.parse(texts, label)),
  };
}
