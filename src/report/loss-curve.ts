// The loss curve in twelve lines of a terminal: training loss in braille dots, validation as diamonds, the floor dotted.
import { lossRange, type Point, tickDecimals, ticks } from './axis.ts';
import { thousands } from './format.ts';
import type { Palette } from './palette.ts';

export interface LossCurve {
  readonly train: readonly Point[];
  readonly validation: readonly Point[];
  /** The best reachable loss, where it is known. */
  readonly floor?: number;
}

const rows = 10;
// Bits of the eight dots of a braille character, [column][row] from the top left.
const dots = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
];

/** Ten lines of plot, the axis of steps, and a line that says what the marks mean. Losses that are not finite are left out. */
export function lossCurve(curve: LossCurve, colours: Palette, width = 100): string[] {
  const train = curve.train.filter(({ loss }) => Number.isFinite(loss));
  const validation = curve.validation.filter(({ loss }) => Number.isFinite(loss));
  const points = [...train, ...validation];
  const [low, high] = lossRange(points, curve.floor);
  const values = ticks(low, high, 4);
  const decimals = tickDecimals(values);
  const labelWidth = Math.max(...values.map((value) => value.toFixed(decimals).length));
  const columns = Math.max(20, width - labelWidth - 2);
  const lastStep = points.reduce((last, { step }) => Math.max(last, step), 1);
  const rowOf = (loss: number) => Math.min(rows * 4 - 1, Math.floor(((high - loss) / (high - low)) * rows * 4));
  const columnOf = (step: number, cells: number) =>
    Math.min(cells - 1, Math.floor((step / lastStep) * (cells - 1) + 0.5));

  const braille = drawLine(train, columns, (step) => columnOf(step, columns * 2), rowOf);
  const diamonds = new Set(
    validation.map(({ step, loss }) => `${Math.floor(rowOf(loss) / 4)},${columnOf(step, columns)}`),
  );
  const floorRow = curve.floor === undefined ? -1 : Math.floor(rowOf(curve.floor) / 4);
  const labels = new Map(values.map((value) => [Math.floor(rowOf(value) / 4), value.toFixed(decimals)]));

  const plot = braille.map((cells, row) => {
    const label = labels.get(row);
    const body = runs(
      cells.map((bits, column) => {
        if (diamonds.has(`${row},${column}`)) return ['strong', '◆'];
        if (bits > 0) return ['measured', String.fromCodePoint(0x2800 + bits)];
        if (row === floorRow) return ['predicted', '┈'];
        return ['', ' '];
      }),
      colours,
    );
    return `${colours.quiet(`${(label ?? '').padStart(labelWidth)} ${label === undefined ? '│' : '┤'}`)}${body}`.trimEnd();
  });
  return [
    ...plot,
    ' '.repeat(labelWidth + 1) + colours.quiet(stepAxis(lastStep, columns)),
    legend(curve, labelWidth, colours),
  ];
}

/** Means per half cell, joined by vertical strokes: [rows][columns] of braille bits. */
function drawLine(
  points: readonly Point[],
  columns: number,
  columnOf: (step: number) => number,
  rowOf: (loss: number) => number,
): number[][] {
  const sums = new Map<number, { sum: number; count: number }>();
  for (const { step, loss } of points) {
    const entry = sums.get(columnOf(step)) ?? { sum: 0, count: 0 };
    sums.set(columnOf(step), { sum: entry.sum + loss, count: entry.count + 1 });
  }
  const grid = Array.from({ length: rows }, () => new Array<number>(columns).fill(0));
  const set = (column: number, row: number) => {
    grid[Math.floor(row / 4)]![Math.floor(column / 2)]! |= dots[column % 2]![row % 4]!;
  };
  let before: { column: number; row: number } | undefined;
  for (const [column, { sum, count }] of [...sums].sort(([a], [b]) => a - b)) {
    const row = rowOf(sum / count);
    const from = before ?? { column, row };
    const reach = Math.max(column - from.column, Math.abs(row - from.row), 1);
    for (let at = 0; at <= reach; at++) {
      const share = at / reach;
      set(Math.round(from.column + (column - from.column) * share), Math.round(from.row + (row - from.row) * share));
    }
    before = { column, row };
  }
  return grid;
}

/** Neighbouring cells of one meaning share one escape sequence. */
function runs(cells: readonly (readonly string[])[], colours: Palette): string {
  let text = '';
  for (let at = 0; at < cells.length; ) {
    const kind = cells[at]![0]!;
    let run = '';
    for (; at < cells.length && cells[at]![0] === kind; at++) run += cells[at]![1];
    text += kind === '' ? run : colours[kind as keyof Palette](run);
  }
  return text;
}

/** `└──────── 250 ──────── 500 … steps`: the numbers stand in the axis itself. */
function stepAxis(lastStep: number, columns: number): string {
  const axis = [...`└${'─'.repeat(columns)}`];
  for (const value of ticks(0, lastStep, Math.max(1, Math.floor(columns / 16)))) {
    if (!Number.isInteger(value) || value === 0) continue;
    const text = ` ${thousands(value)}${value === lastStep ? ' steps' : ''} `;
    const centre = 1 + Math.round((value / lastStep) * (columns - 1));
    const start = Math.max(1, Math.min(columns + 1 - text.length, centre - Math.floor(text.length / 2)));
    axis.splice(start, text.length, ...text);
  }
  return axis.join('').trimEnd();
}

function legend(curve: LossCurve, labelWidth: number, colours: Palette): string {
  const entries = [
    ...(curve.train.length > 0 ? [`${colours.measured('⣀⠤⠒')} training loss`] : []),
    ...(curve.validation.length > 0 ? [`${colours.strong('◆')} validation`] : []),
    ...(curve.floor === undefined ? [] : [`${colours.predicted('┈┈')} floor ${curve.floor.toFixed(3)}`]),
    'against steps',
  ];
  return ' '.repeat(labelWidth + 2) + entries.join('   ');
}
