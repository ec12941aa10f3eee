// Plain tables: a line of titles, rows below, numbers to the right, no frame.
import CliTable from 'cli-table3';
import { type Palette, visibleWidth } from './palette.ts';

export interface Column {
  readonly title: string;
  /** Numbers stand right, words left (the default). */
  readonly align?: 'left' | 'right';
}

const gap = 2;
const noFrame = Object.fromEntries(
  // biome-ignore format: one line reads better
  ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right', 'left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle']
    .map((part) => [part, '']),
);

/**
 * The table as lines without a newline at the end. Where it is wider than `width`, its last left-aligned column is
 * wrapped at spaces. A row may have fewer cells than there are columns.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  palette: Palette,
  width = 100,
): string[] {
  const natural = columns.map(({ title }, at) => Math.max(...[title, ...rows.map((row) => row[at] ?? '')].map(widest)));
  const widths = narrowed(natural, columns, width);
  const drawn = new CliTable({
    chars: noFrame,
    colAligns: columns.map(({ align }) => align ?? 'left'),
    colWidths: widths.map((column, at) => column + (at === columns.length - 1 ? 0 : gap)),
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
    wordWrap: true,
  });
  // The gap is part of the cell: right-aligned cells carry it themselves, so that columns end where their titles end.
  const cell = (text: string, at: number) =>
    columns[at]!.align === 'right' && at < columns.length - 1 ? `${text}${' '.repeat(gap)}` : text;
  drawn.push(columns.map(({ title }, at) => cell(palette.quiet(title), at)));
  for (const row of rows) drawn.push(columns.map((_, at) => cell(row[at] ?? '', at)));
  return drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}

const widest = (text: string) => Math.max(...text.split('\n').map(visibleWidth));

/** The widths, with the last left-aligned column made narrower where the whole does not fit. */
function narrowed(natural: readonly number[], columns: readonly Column[], width: number): number[] {
  const total = natural.reduce((sum, column) => sum + column, 0) + gap * (natural.length - 1);
  if (total <= width) return [...natural];
  const last = columns.findLastIndex(({ align }) => align !== 'right');
  return natural.map((column, at) => (at === last ? Math.max(16, column - (total - width)) : column));
}
