// Lines of "label, content, formula": the label in a column of its own, the formula at the right edge.
import { type Palette, visibleWidth } from './palette.ts';

export interface KeyLine {
  readonly label: string;
  /** Pieces that are never broken apart. */
  readonly items: readonly string[];
  /** What stands between two pieces; ' · ' unless told. */
  readonly separator?: string;
  /** How the content was computed, in letters. */
  readonly formula?: string;
}

const labelWidth = 13;
const gap = 2;

/** The lines, at most `width` columns wide where no single piece is wider. */
export function keyLines(entries: readonly KeyLine[], palette: Palette, width = 100): string[] {
  const column = Math.max(labelWidth, ...entries.map(({ label }) => visibleWidth(label))) + gap;
  return entries.flatMap(({ label, items, separator = ' · ', formula }) => {
    const content = wrapItems(items, separator, width - column);
    const lines = content.map((text, at) => (at === 0 ? label.padEnd(column) : ' '.repeat(column)) + text);
    return formula === undefined ? lines : withFormula(lines, formula, column, palette, width);
  });
}

/** Joins `items` by `separator` into lines of at most `width` columns; a broken line keeps its separator at the end. */
export function wrapItems(items: readonly string[], separator: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  items.forEach((item, at) => {
    const piece = at < items.length - 1 ? item + separator.trimEnd() : item;
    const glue = line === '' ? '' : separator.match(/\s*$/)![0];
    if (line !== '' && visibleWidth(line + glue + piece) > width) {
      lines.push(line);
      line = piece;
    } else {
      line += glue + piece;
    }
  });
  return [...lines, line];
}

/** The formula ends at the right edge of the last line, or of lines of its own where there is no room. */
function withFormula(lines: string[], formula: string, column: number, palette: Palette, width: number): string[] {
  const last = lines.at(-1)!;
  const room = width - visibleWidth(last) - gap;
  if (visibleWidth(formula) <= room) {
    const space = ' '.repeat(width - visibleWidth(last) - visibleWidth(formula));
    return [...lines.slice(0, -1), last + space + palette.quiet(formula)];
  }
  const parts = wrapItems(formula.split(' + '), ' + ', width - column);
  return [
    ...lines,
    ...parts.map((part) => ' '.repeat(Math.max(column, width - visibleWidth(part))) + palette.quiet(part)),
  ];
}
