// The loss curve as a picture: an SVG file that needs nothing else and suits light and dark pages.
import { lossRange, type Point, tickDecimals, ticks } from './axis.ts';
import { thousands } from './format.ts';
import type { LossCurve } from './loss-curve.ts';

const width = 960;
const height = 480;
const plot = { left: 72, right: 936, top: 72, bottom: 424 };
/** Points beyond this number are averaged in groups: more cannot be seen. */
const mostPoints = 1200;

// Colours by meaning, as in the terminal: measured green, predicted blue; validation stands out by its shape too.
const style = `
  svg { font: 14px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
  .paper { fill: #ffffff; } text { fill: #3d4451; } .title { fill: #14181f; font-size: 17px; font-weight: 600; }
  .grid { stroke: #e4e7ec; } .axis { stroke: #9aa3b2; }
  .raw { stroke: #1a7f4b; stroke-opacity: 0.28; fill: none; } .train { stroke: #1a7f4b; stroke-width: 2; fill: none; }
  .validation { stroke: #b3470f; stroke-width: 1.5; fill: none; } .point { fill: #b3470f; stroke: #ffffff; }
  .floor { stroke: #1f5fbf; stroke-width: 2; stroke-dasharray: 2 5; stroke-linecap: round; }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #14181f; } text { fill: #b6bdc9; } .title { fill: #f0f2f5; }
    .grid { stroke: #2a303b; } .axis { stroke: #697386; }
    .raw { stroke: #4cc38a; } .train { stroke: #4cc38a; }
    .validation { stroke: #f0904f; } .point { fill: #f0904f; stroke: #14181f; }
    .floor { stroke: #70a5f5; }
  }`;

/**
 * An SVG document: training loss faint and smoothed, validation as points, the floor dotted, against steps.
 * @param title what the picture shows, such as the name of the run; any text
 */
export function lossSvg(title: string, curve: LossCurve): string {
  const raw = thinned(curve.train.filter(({ loss }) => Number.isFinite(loss)));
  const smooth = smoothed(raw, Math.max(1, raw.length / 100));
  const validation = curve.validation.filter(({ loss }) => Number.isFinite(loss));
  const [low, high] = lossRange([...raw, ...validation], curve.floor);
  const lastStep = [...raw, ...validation].reduce((last, { step }) => Math.max(last, step), 1);
  const x = (step: number) => plot.left + (step / lastStep) * (plot.right - plot.left);
  const y = (loss: number) => plot.top + ((high - loss) / (high - low)) * (plot.bottom - plot.top);
  const path = (points: readonly Point[]) =>
    points.map(({ step, loss }, at) => `${at === 0 ? 'M' : 'L'}${x(step).toFixed(1)} ${y(loss).toFixed(1)}`).join('');

  const parts = [
    `<rect class="paper" width="${width}" height="${height}"/>`,
    `<text class="title" x="${plot.left}" y="28">${escaped(shortened(title))}</text>`,
    ...lossAxis(low, high, y),
    ...stepAxis(lastStep, x),
  ];
  if (curve.floor !== undefined) {
    parts.push(`<path class="floor" d="M${plot.left} ${y(curve.floor).toFixed(1)}H${plot.right}"/>`);
  }
  if (raw.length > 1) parts.push(`<path class="raw" d="${path(raw)}"/>`, `<path class="train" d="${path(smooth)}"/>`);
  if (validation.length > 1) parts.push(`<path class="validation" d="${path(validation)}"/>`);
  for (const { step, loss } of thinned(validation)) {
    parts.push(`<circle class="point" cx="${x(step).toFixed(1)}" cy="${y(loss).toFixed(1)}" r="4"/>`);
  }
  parts.push(...legend(curve));
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`;
  return `${head}\n<title>${escaped(title)}</title>\n<style>${style}\n</style>\n${parts.join('\n')}\n</svg>\n`;
}

function lossAxis(low: number, high: number, y: (loss: number) => number): string[] {
  const values = ticks(low, high, 6);
  const decimals = tickDecimals(values);
  const lines = values.map((value) => {
    const at = y(value).toFixed(1);
    const grid = `<path class="grid" d="M${plot.left} ${at}H${plot.right}"/>`;
    return `${grid}<text x="${plot.left - 10}" y="${at}" dy="5" text-anchor="end">${value.toFixed(decimals)}</text>`;
  });
  const middle = (plot.top + plot.bottom) / 2;
  const name = `<text x="20" y="${middle}" text-anchor="middle" transform="rotate(-90 20 ${middle})">loss, nats per token</text>`;
  return [...lines, name];
}

function stepAxis(lastStep: number, x: (step: number) => number): string[] {
  const lines = ticks(0, lastStep, 8)
    .filter(Number.isInteger)
    .map((value) => {
      const at = x(value).toFixed(1);
      const mark = `<path class="axis" d="M${at} ${plot.bottom}v6"/>`;
      return `${mark}<text x="${at}" y="${plot.bottom + 23}" text-anchor="middle">${thousands(value)}</text>`;
    });
  const name = `<text x="${(plot.left + plot.right) / 2}" y="${plot.bottom + 46}" text-anchor="middle">steps</text>`;
  return [`<path class="axis" d="M${plot.left} ${plot.bottom}H${plot.right}"/>`, ...lines, name];
}

/** Under the title, each mark beside its word. */
function legend(curve: LossCurve): string[] {
  const entries: [mark: (x: number) => string, word: string][] = [];
  const line = (name: string, x: number) => `<path class="${name}" d="M${x} 50h24"/>`;
  const point = (x: number) => `<circle class="point" cx="${x + 12}" cy="50" r="4"/>`;
  if (curve.train.length > 0) entries.push([(x) => line('train', x), 'training, smoothed']);
  if (curve.validation.length > 0) entries.push([(x) => line('validation', x) + point(x), 'validation']);
  if (curve.floor !== undefined) entries.push([(x) => line('floor', x), `floor ${curve.floor.toFixed(3)}`]);
  let left = plot.left;
  return entries.map(([mark, word]) => {
    const start = left;
    // About 8 units a letter in the usual fonts at this size.
    left += 32 + word.length * 8 + 16;
    return `${mark(start)}<text x="${start + 32}" y="55">${word}</text>`;
  });
}

/** Averages of groups of neighbours, so that at most `mostPoints` are left. */
function thinned(points: readonly Point[]): readonly Point[] {
  const size = Math.ceil(points.length / mostPoints);
  if (size <= 1) return points;
  return Array.from({ length: Math.ceil(points.length / size) }, (_, group) => {
    const members = points.slice(group * size, (group + 1) * size);
    const mean = (of: (point: Point) => number) => members.reduce((sum, point) => sum + of(point), 0) / members.length;
    return { step: mean(({ step }) => step), loss: mean(({ loss }) => loss) };
  });
}

/** Each point among its neighbours, nearer ones counting more: half as much for every `halfLife` points away. */
export function smoothed(points: readonly Point[], halfLife: number): Point[] {
  const keep = 0.5 ** (1 / halfLife);
  const before = decayingSums(points, keep);
  const after = decayingSums(points.toReversed(), keep).reverse();
  return points.map(({ step, loss }, at) => {
    // The point itself is in both sums.
    const sum = before[at]!.sum + after[at]!.sum - loss;
    return { step, loss: sum / (before[at]!.weight + after[at]!.weight - 1) };
  });
}

function decayingSums(points: readonly Point[], keep: number): { sum: number; weight: number }[] {
  let sum = 0;
  let weight = 0;
  return points.map(({ loss }) => {
    sum = keep * sum + loss;
    weight = keep * weight + 1;
    return { sum, weight };
  });
}

const shortened = (title: string) => (title.length > 100 ? `${title.slice(0, 99)}…` : title);

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Text that XML allows: markup escaped, control characters left out. */
function escaped(text: string): string {
  return text.replace(/[\p{Cc}\uFFFE\uFFFF]/gu, ' ').replace(/[&<>"]/g, (sign) => entities[sign]!);
}
