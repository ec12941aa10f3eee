// The screen before training: every derived quantity with its formula, so that a doubt can be checked by hand.
import { describeCard } from '../cards/description.ts';
import type { ModelCard } from '../cards/model-card.ts';
import { bytes, duration, inOneUnit, percent, rate, si, significant, thousands } from './format.ts';
import { type KeyLine, keyLines } from './key-lines.ts';
import type { Palette } from './palette.ts';

/** A summand of a total: a parameter group, a category of memory. */
export interface Part {
  readonly name: string;
  readonly value: bigint | number;
  /** In the documents' letters; the formulas of the parts add up to the formula of the total. */
  readonly formula?: string;
}

export interface TextFacts {
  readonly name: string;
  readonly tokenizer: string;
  readonly trainTokens: number;
  readonly validationTokens: number;
  readonly bytesPerToken: number;
  /** The best reachable loss in nats per token, where it is known, and why. */
  readonly floor?: { readonly loss: number; readonly because: string };
}

export interface BackendFacts {
  readonly name: string;
  /** What runs there: 'TensorFlow 2.21.0, 2 threads'. */
  readonly detail: string;
  /** Measured peaks in FLOP/s and bytes per second. */
  readonly peakFlops?: number;
  readonly bandwidth?: number;
  /** Other backends that work here. */
  readonly others: readonly string[];
  /** Further remarks: a precision, a warning. */
  readonly notes?: readonly string[];
}

export interface StepFacts {
  /** Sequences in one forward pass; `accumulation` passes make one step. */
  readonly batch: number;
  readonly accumulation: number;
  readonly sequence: number;
  /** Steps that this run will take. */
  readonly steps: number;
  /** FLOPs of a whole step (forward and backward), and what 6N would say per token. */
  readonly flops: bigint;
  readonly sixN: bigint | number;
  readonly formula: string;
}

export interface BeforeFirstStep {
  readonly card: ModelCard;
  readonly text: TextFacts;
  readonly backend: BackendFacts;
  readonly parameters: { readonly total: bigint; readonly groups: readonly Part[]; readonly tied: boolean };
  readonly step: StepFacts;
  /** Expected bytes by category. */
  readonly memory: readonly Part[];
}

/** Lines for the screen before the first step. */
export function beforeFirstStep(info: BeforeFirstStep, palette: Palette, width = 100): string[] {
  return [
    ...keyLines([cardLine(info.card), textLine(info.text), backendLine(info.backend)], palette, width),
    '',
    ...keyLines([parametersLine(info.parameters), stepLine(info.step), memoryLine(info.memory)], palette, width),
  ];
}

/** The line that follows once the warm-up steps are timed. */
export function timeLines(
  time: { secondsPerStep: number; steps: number; warmupSteps: number; flopsPerStep: bigint; peakFlops?: number },
  palette: Palette,
  width = 100,
): string[] {
  const speed = Number(time.flopsPerStep) / time.secondsPerStep;
  const items = [
    `${duration(time.secondsPerStep)} per step → ${thousands(time.steps)} steps in ${duration(time.secondsPerStep * time.steps)}`,
    si(speed, 'FLOP/s'),
  ];
  if (time.peakFlops !== undefined) items.push(`${percent(speed / time.peakFlops)} of the measured peak`);
  items.push(`from ${time.warmupSteps} warm-up steps`);
  return keyLines([{ label: 'time', items }], palette, width);
}

function cardLine(card: ModelCard): KeyLine {
  const items = describeCard(card).split(' · ');
  const { embedding, attention, residual } = card.dropout;
  if (embedding > 0 || attention > 0 || residual > 0) {
    const same = embedding === attention && attention === residual;
    items.push(`dropout ${same ? rate(residual) : [embedding, attention, residual].map(rate).join('/')}`);
  }
  return { label: card.name, items };
}

function textLine(text: TextFacts): KeyLine {
  const items = [
    text.name,
    `tokens of ${text.tokenizer}`,
    `${thousands(text.trainTokens)} train, ${thousands(text.validationTokens)} validation`,
    `${significant(text.bytesPerToken)} bytes per token`,
  ];
  if (text.floor) items.push(`loss floor ${text.floor.loss.toFixed(3)} nats (${text.floor.because})`);
  return { label: 'text', items };
}

function backendLine(backend: BackendFacts): KeyLine {
  const items = [`${backend.name} (${backend.detail})`];
  const peaks = [
    backend.peakFlops === undefined ? '' : si(backend.peakFlops, 'FLOP/s'),
    backend.bandwidth === undefined ? '' : si(backend.bandwidth, 'B/s'),
  ].filter((peak) => peak !== '');
  if (peaks.length > 0) items.push(`peak ${peaks.join(', ')} measured`);
  items.push(...(backend.notes ?? []));
  if (backend.others.length > 0)
    items.push(`${backend.others.join(', ')} also ${backend.others.length > 1 ? 'work' : 'works'}`);
  return { label: 'backend', items };
}

function parametersLine({ total, groups, tied }: BeforeFirstStep['parameters']): KeyLine {
  const present = groups.filter(({ value }) => Number(value) > 0);
  const items = present.map(({ name, value }) => `${name} ${thousands(value)}`);
  if (tied) items.push('head tied');
  return {
    label: 'parameters',
    items: [`${thousands(total)} = ${items[0]}`, ...items.slice(1)],
    formula: sumOf(present),
  };
}

function stepLine(step: StepFacts): KeyLine {
  const tokens = step.accumulation * step.batch * step.sequence;
  const factors = [...(step.accumulation > 1 ? [step.accumulation] : []), step.batch, step.sequence].map((n) =>
    thousands(n),
  );
  const perToken = inOneUnit([Number(step.flops) / tokens, step.sixN], 'FLOP', 4);
  const items = [
    `${factors.join(' × ')} = ${thousands(tokens)} tokens`,
    `${perToken.texts[0]} ${perToken.unit} a token (6N says ${perToken.texts[1]})`,
    si(step.flops, 'FLOP'),
    `${si(step.flops * BigInt(step.steps), 'FLOP')} in ${thousands(step.steps)} steps`,
  ];
  return { label: 'per step', items, formula: step.formula };
}

function memoryLine(parts: readonly Part[]): KeyLine {
  const present = parts.filter(({ value }) => Number(value) > 0);
  const total = present.reduce((sum, { value }) => sum + Number(value), 0);
  const { unit, texts } = inOneUnit([total, ...present.map(({ value }) => value)], 'B', 4);
  const items = present.map(({ name }, at) => `${name} ${texts[at + 1]}`);
  if (items.length === 0) return { label: 'memory', items: [bytes(total)] };
  const first = `${texts[0]} ${unit} = ${items[0]}`;
  return { label: 'memory', items: [first, ...items.slice(1)], separator: ' + ', formula: sumOf(present) };
}

/** The formulas of the parts as one sum; nothing where a part has none. */
function sumOf(parts: readonly Part[]): string | undefined {
  const formulas = parts.map(({ formula }) => formula);
  return formulas.includes(undefined) || formulas.length === 0 ? undefined : formulas.join(' + ');
}
