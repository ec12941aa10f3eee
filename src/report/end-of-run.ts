// The last screen of a training run: what was reached, how it got there, and where everything is.
import { bytes, duration, percent, si, thousands } from './format.ts';
import { type KeyLine, keyLines } from './key-lines.ts';
import { type LossCurve, lossCurve } from './loss-curve.ts';
import type { Palette } from './palette.ts';

export interface EndOfRun {
  readonly curve: LossCurve;
  readonly trainLoss: number;
  readonly validationLoss?: number;
  /** The lowest validation loss and the step that had it. */
  readonly best?: { readonly loss: number; readonly step: number };
  /** Texts that the model wrote. */
  readonly samples: readonly string[];
  readonly stepsDone: number;
  readonly stepsPlanned: number;
  /** Why the run ended before its last step: '--stop-after', 'Ctrl-C', '10 minutes are over'. */
  readonly endedBy?: string;
  readonly tokens: number;
  readonly seconds: number;
  readonly tokensPerSecond: number;
  readonly flopsPerSecond: number;
  readonly mfu?: number;
  readonly peakBytes?: number;
  /** The run's folder and the names of what lies in it. */
  readonly folder: string;
  readonly files: readonly string[];
  /** Command lines that make sense now. */
  readonly next: readonly string[];
}

/** Lines for the end of a run; the curve is drawn when at least two steps have a finite loss. */
export function endOfRun(run: EndOfRun, colours: Palette, width = 100): string[] {
  const drawable = run.curve.train.filter(({ loss }) => Number.isFinite(loss)).length > 1;
  const facts: KeyLine[] = [
    ...run.samples.slice(0, 1).map((text) => ({ label: 'samples', items: quoted(text), separator: ' ' })),
    ...run.samples.slice(1).map((text) => ({ label: '', items: quoted(text), separator: ' ' })),
    { label: 'speed', items: speed(run) },
    { label: 'time', items: [`${duration(run.seconds)} for ${steps(run)}`, `${thousands(run.tokens)} tokens`] },
    ...(run.peakBytes === undefined ? [] : [{ label: 'memory', items: [`${bytes(run.peakBytes)} at the peak`] }]),
  ];
  const saved: KeyLine[] = [
    { label: 'saved in', items: [`${run.folder}   ${run.files[0] ?? ''}`.trimEnd(), ...run.files.slice(1)] },
    ...run.next.map((command, at) => ({ label: at === 0 ? 'next' : '', items: [command] })),
  ];
  return [
    ...keyLines([{ label: 'loss', items: losses(run, colours) }], colours, width),
    ...(drawable ? ['', ...lossCurve(run.curve, colours, width), ''] : []),
    ...keyLines(facts, colours, width),
    '',
    ...keyLines(saved, colours, width),
  ];
}

function losses({ trainLoss, validationLoss, best, curve }: EndOfRun, colours: Palette): string[] {
  const items = [`${colours.measured(trainLoss.toFixed(3))} train`];
  if (validationLoss !== undefined) {
    const better =
      best && best.loss < validationLoss ? ` (best ${best.loss.toFixed(3)} at step ${thousands(best.step)})` : '';
    items.push(`${colours.measured(validationLoss.toFixed(3))} validation${better}`);
  }
  if (curve.floor !== undefined) items.push(`${colours.predicted(curve.floor.toFixed(3))} floor`);
  return items;
}

function speed({ tokensPerSecond, flopsPerSecond, mfu }: EndOfRun): string[] {
  const items = [`${thousands(tokensPerSecond)} tok/s`, si(flopsPerSecond, 'FLOP/s')];
  return mfu === undefined ? items : [...items, `MFU ${percent(mfu)}`];
}

function steps({ stepsDone, stepsPlanned, endedBy }: EndOfRun): string {
  if (stepsDone >= stepsPlanned) return `${thousands(stepsDone)} steps`;
  return `${thousands(stepsDone)} of ${thousands(stepsPlanned)} steps${endedBy ? `, ended by ${endedBy}` : ''}`;
}

/** A sample as words in quotation marks; line breaks show as ⏎, other control characters as ␦. */
function quoted(text: string): string[] {
  const visible = text
    .replace(/\r?\n/g, ' ⏎ ')
    .replace(/\p{Cc}/gu, '␦')
    .trim();
  return `"${visible}"`.split(/ +/);
}
