// The text of `--help`: usage, summary, options under their headings, examples; at most 100 columns wide.
import { kebab, type Positionals } from './command-line.ts';
import type { Option, Options } from './options.ts';

const width = 100;

export interface Described {
  readonly name: string;
  readonly summary: string;
  readonly options: Options;
  readonly positionals?: Positionals;
  /** Command lines without `yarn NAME`, each with what it does. */
  readonly examples?: readonly (readonly [line: string, meaning: string])[];
}

/** The whole help text, ending in a newline. */
export function helpText(command: Described): string {
  const { positionals } = command;
  const several = positionals && (positionals.most ?? 2) > 1 ? '…' : '';
  const operand = positionals
    ? ` ${(positionals.least ?? 0) > 0 ? positionals.name : `[${positionals.name}]`}${several}`
    : '';
  const lines = [`yarn ${command.name}${operand} [options]`, '', ...wrap(command.summary, width)];
  if (positionals) {
    const choices = positionals.choices ? `: ${positionals.choices.join(', ')}` : '';
    lines.push('', ...rows([[positionals.name, positionals.describe + choices]]));
  }
  for (const [group, members] of grouped(command.options)) {
    lines.push('', group, ...rows(members.map(([name, option]) => [spelling(name, option), meaning(option)])));
  }
  if (command.examples?.length) {
    lines.push('', 'Examples');
    for (const [line, what] of command.examples) {
      lines.push(`  yarn ${command.name} ${line}`.trimEnd(), ...wrap(what, width - 6).map((part) => `      ${part}`));
    }
  }
  return `${lines.join('\n')}\n`;
}

function grouped(options: Options): Map<string, [string, Option<unknown>][]> {
  const groups = new Map<string, [string, Option<unknown>][]>();
  for (const [name, option] of Object.entries(options)) {
    const group = option.group ?? 'Options';
    groups.set(group, [...(groups.get(group) ?? []), [name, option]]);
  }
  return groups;
}

function spelling(name: string, option: Option<unknown>): string {
  if (option.placeholder === undefined) return option.absent === true ? `--no-${kebab(name)}` : `--${kebab(name)}`;
  const on = `--${kebab(name)} ${option.placeholder}`;
  return option.negatable ? `${on}, --no-${kebab(name)}` : on;
}

function meaning(option: Option<unknown>): string {
  const notes = [
    option.repeats ? 'may be repeated' : '',
    option.required ? 'needed' : '',
    option.placeholder !== undefined && option.absent !== undefined && !option.repeats
      ? `default: ${option.absent}`
      : '',
  ].filter((note) => note !== '');
  return notes.length > 0 ? `${option.describe} (${notes.join(', ')})` : option.describe;
}

/** Two columns: the left one as wide as it must be (a long entry takes a line of its own), the right one wrapped. */
function rows(entries: readonly (readonly [string, string])[]): string[] {
  const left = Math.min(28, Math.max(...entries.map(([name]) => name.length)));
  const indent = ' '.repeat(left + 4);
  return entries.flatMap(([name, what]) => {
    const text = wrap(what, width - left - 4);
    if (name.length > left) return [`  ${name}`, ...text.map((line) => indent + line)];
    return text.map((line, at) => (at === 0 ? `  ${name.padEnd(left)}  ${line}` : indent + line));
  });
}

/** Breaks a text at spaces into lines of at most `columns`. */
function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
