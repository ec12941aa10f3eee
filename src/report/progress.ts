// One line per training step: redrawn in place on a terminal, plain lines elsewhere.
import { bytes, duration, percent, rate, si, thousands } from './format.ts';
import { type Palette, palette, visibleWidth } from './palette.ts';

export interface ProgressState {
  /** Steps done, of `steps`. */
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
  /** The newest validation loss, and whether it was measured at this very step. */
  readonly validationLoss?: number;
  readonly justValidated?: boolean;
  readonly learningRate: number;
  /** Before clipping. */
  readonly gradientNorm: number;
  readonly tokensPerSecond: number;
  readonly flopsPerSecond: number;
  /** Share of the measured matmul peak, where that is known. */
  readonly mfu?: number;
  /** Live bytes of the model, its gradients, its optimizer and its activations at their peak. */
  readonly memoryBytes?: number;
  readonly secondsLeft?: number;
}

interface Field {
  readonly text: string;
  /** What goes first when the line is too long; 0 stays. */
  readonly expendable: number;
}

const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** `▕███▌              ▏` with `cells` cells between its ends. */
export function bar(share: number, cells: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * cells * 8);
  const body = '█'.repeat(Math.floor(filled / 8)) + eighths[filled % 8];
  return `▕${body.padEnd(cells)}▏`;
}

/**
 * The line of a step. With `width` it carries a bar and is made to fit: the bar shrinks, then the less important fields
 * go. Without `width` it has no bar and all fields, for a file.
 */
export function progressLine(state: ProgressState, colours: Palette, width?: number): string {
  const digits = String(state.steps).length;
  const step = `step ${String(state.step).padStart(digits)}/${state.steps}`;
  const all = fieldsOf(state, colours);
  if (width === undefined) return [step, ...all.map(({ text }) => text)].join('   ');
  const share = state.steps > 0 ? state.step / state.steps : 0;
  for (let dropped = 0; ; dropped++) {
    const fields = all.filter(({ expendable }) => expendable === 0 || expendable > dropped).map(({ text }) => text);
    for (const [cells, gap] of [
      [18, 3],
      [8, 3],
      [8, 2],
      [0, 2],
    ] as const) {
      const drawn = cells > 0 ? ` ${bar(share, cells)}` : '';
      const line = [`${step}${drawn} ${percent(share, 0).padStart(5)}`, ...fields].join(' '.repeat(gap));
      if (visibleWidth(line) <= width) return line;
    }
    if (dropped === all.length) return [...`${step}  loss ${state.loss.toFixed(3)}`].slice(0, width).join('');
  }
}

function fieldsOf(state: ProgressState, colours: Palette): Field[] {
  const fields: Field[] = [{ text: `loss ${colours.measured(state.loss.toFixed(3))}`, expendable: 0 }];
  const add = (expendable: number, text: string) => fields.push({ text, expendable });
  if (state.validationLoss !== undefined) add(7, `val ${colours.measured(state.validationLoss.toFixed(3))}`);
  add(3, `lr ${rate(state.learningRate)}`);
  add(4, `‖g‖ ${state.gradientNorm.toFixed(2)}`);
  add(6, `${thousands(state.tokensPerSecond)} tok/s`);
  add(2, si(state.flopsPerSecond, 'FLOP/s'));
  if (state.mfu !== undefined) add(5, `MFU ${percent(state.mfu)}`);
  if (state.memoryBytes !== undefined) add(1, bytes(state.memoryBytes));
  if (state.secondsLeft !== undefined) add(8, `${duration(state.secondsLeft)} left`);
  return fields;
}

export interface ProgressSettings {
  readonly write: (text: string) => void;
  /** A terminal: one line is redrawn, and a step with a validation loss leaves its line behind. */
  readonly interactive: boolean;
  readonly colour: boolean;
  /** Width of the terminal, asked at every step because a window can be resized. */
  readonly columns: () => number;
  /** Off a terminal, the first and the last step and every so many are written; a twentieth of the run unless told. */
  readonly every?: number;
}

/** Writes the progress of one run. Call `end` before anything else is written. */
export function progress({ write, interactive, colour, columns, every }: ProgressSettings) {
  const colours = palette(colour);
  let drawn = false;
  let first = true;
  const erase = '\r\u001b[K';

  /** Draws the step; on a terminal over the one before. */
  function update(state: ProgressState): void {
    if (interactive) {
      // The last column stays free: a full line would make the terminal wrap it.
      if (state.justValidated) write(`${erase}${progressLine(state, colours, columns() - 1)}\n`);
      else write(`${erase}${progressLine(state, colours, columns() - 1)}`);
      drawn = !state.justValidated;
      return;
    }
    const interval = every ?? Math.max(1, Math.round(state.steps / 20));
    const due = first || state.step === state.steps || state.step % interval === 0 || state.justValidated;
    if (due) write(`${progressLine(state, colours)}\n`);
    first = false;
  }

  /** Leaves the last line standing. */
  function end(): void {
    if (drawn) write('\n');
    drawn = false;
  }

  return { update, end };
}
