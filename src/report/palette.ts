// Colours by meaning, never by taste; the words say the same without them.
import picocolors from 'picocolors';

type Paint = (text: string) => string;

export interface Palette {
  /** What a formula or a document says. */
  readonly predicted: Paint;
  /** What was counted or timed. */
  readonly measured: Paint;
  /** What is left between the two. */
  readonly difference: Paint;
  readonly warning: Paint;
  /** Beside the point: labels, formulas, axes. */
  readonly quiet: Paint;
  readonly strong: Paint;
}

/** Colours when `enabled` (a terminal, and NO_COLOR unset), plain text otherwise. */
export function palette(enabled: boolean): Palette {
  const { cyan, green, magenta, yellow, dim, bold } = picocolors.createColors(enabled);
  return { predicted: cyan, measured: green, difference: magenta, warning: yellow, quiet: dim, strong: bold };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: an escape sequence begins with the control character ESC
const escapes = /\u001b\[[0-9;]*m/g;

/** Columns that `text` takes on a terminal, escape sequences left out; every character counts as one. */
export function visibleWidth(text: string): number {
  return [...text.replace(escapes, '')].length;
}
