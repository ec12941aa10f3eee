// Iso-FLOP curves in ten lines of a terminal: loss against parameters on a logarithmic axis, one mark per fit.
import { lossRange, tickDecimals, ticks } from './axis.ts';
import { si } from './format.ts';
import type { Palette } from './palette.ts';

interface CurvePoint {
  readonly parameters: number;
  readonly loss: number;
}

const ROWS = 10;
const MARKS = ['●', '○'] as const;

/**
 * The curves with the same parameters on the horizontal axis, a diamond at each minimum, and a legend. What rises more
 * than twice as high as the lower half of the points is cut off, so that the valley can be seen.
 */
export function isoFlopLines(
  curves: Readonly<Record<string, readonly CurvePoint[]>>,
  palette: Palette,
  width = 100,
): string[] {
  const names = Object.keys(curves);
  const all = Object.values(curves).flat();
  const sorted = all.map(({ loss }) => loss).sort((a, b) => a - b);
  const lowest = sorted[0]!;
  const ceiling = lowest + 2 * (sorted[Math.floor(sorted.length / 2)]! - lowest);
  const shown = all.filter(({ loss }) => loss <= ceiling);
  const [low, high] = lossRange(shown.map(({ loss }) => ({ step: 0, loss })));
  const values = ticks(low, high, 4);
  const decimals = tickDecimals(values);
  const labelWidth = Math.max(...values.map((value) => value.toFixed(decimals).length));
  const columns = Math.max(20, Math.min(width, 100) - labelWidth - 3);
  const rowOf = (loss: number) => Math.min(ROWS - 1, Math.floor(((high - loss) / (high - low)) * ROWS));
  const grid = Array.from({ length: ROWS }, () => new Array<string>(columns).fill(' '));
  for (const [at, name] of names.entries()) {
    const points = curves[name]!;
    const least = points.reduce((best, point) => (point.loss < best.loss ? point : best));
    for (const [index, point] of points.entries()) {
      if (point.loss > ceiling) continue;
      const column = Math.round((index / Math.max(1, points.length - 1)) * (columns - 1));
      grid[rowOf(point.loss)]![column] = point === least ? '◆' : MARKS[at % MARKS.length]!;
    }
  }
  const labels = new Map(values.map((value) => [rowOf(value), value.toFixed(decimals)]));
  const paint = (text: string) => palette.predicted(text);
  return [
    ...grid.map((cells, row) => {
      const label = labels.get(row);
      const axis = palette.quiet(`${(label ?? '').padStart(labelWidth)} ${label === undefined ? '│' : '┤'}`);
      return `${axis}${paint(cells.join('').trimEnd())}`;
    }),
    `${' '.repeat(labelWidth + 1)}${palette.quiet(sizeAxis(curves[names[0]!]!, columns))}`,
    `${' '.repeat(labelWidth + 2)}${names.map((name, at) => `${MARKS[at % MARKS.length]} ${name}`).join('   ')}   ◆ least   against parameters`,
  ];
}

/** `└── 1.44 ──── 14.4 ──── 72.2 …`: sizes at regular places of a logarithmic axis. */
function sizeAxis(points: readonly CurvePoint[], columns: number): string {
  const axis = [...`└${'─'.repeat(columns)}`];
  const places = 6;
  for (let place = 0; place <= places; place++) {
    const share = place / places;
    const { parameters } = points[Math.round(share * (points.length - 1))]!;
    const text = ` ${si(parameters)} `;
    const centre = 1 + Math.round(share * (columns - 1));
    const start = Math.max(1, Math.min(columns + 1 - text.length, centre - Math.floor(text.length / 2)));
    axis.splice(start, text.length, ...text);
  }
  return axis.join('');
}
