// Quantities as people type them: `4e6tokens`, `1000000gpu-hours`, `80GiB`, `30ms`.
import { BYTES_IN } from '../terms/quantities.ts';
import { UserError } from '../terms/user-error.ts';
import { divisibleBatch } from './problem.ts';
import type { Budget } from './run-size.ts';

const QUANTITY = /^\s*((?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*([a-z/-]*)\s*$/i;

/** Number and unit of a text, the unit in lower case. @throws UserError that begins with `label` and says what is allowed */
function quantity(text: string, label: string, allowed: string): { value: number; unit: string } {
  const match = QUANTITY.exec(text);
  const value = Number(match?.[1]);
  if (!match || !(value > 0) || !Number.isFinite(value)) {
    throw new UserError(`${label} must be ${allowed}, not '${text}'.`);
  }
  return { value, unit: match[2]!.toLowerCase() };
}

/** One of `units`, each with its factor. */
function inUnits(text: string, label: string, allowed: string, units: Readonly<Record<string, number>>): number {
  const { value, unit } = quantity(text, label, allowed);
  const factor = units[unit];
  if (factor === undefined) throw new UserError(`${label} must be ${allowed}, not '${text}'.`);
  return value * factor;
}

/**
 * `512` or `512sequences`, taken as they are; or tokens, `4e6tokens`, `4Mtokens`: about so many, in a number of sequences that
 * layouts of `gpus` divide.
 */
export function readBatch(text: string, sequence: number, gpus: number): number {
  const allowed = 'a whole number of sequences such as 512, or of tokens such as 4e6tokens';
  const { value, unit } = quantity(text, '--batch', allowed);
  const isCount = ['', 'sequences', 'sequence'].includes(unit);
  const scale = { tokens: 1, token: 1, ktokens: 1e3, mtokens: 1e6 }[unit];
  if ((!isCount && scale === undefined) || (isCount && !Number.isSafeInteger(value))) {
    throw new UserError(`--batch must be ${allowed}, not '${text}'.`);
  }
  return isCount ? value : divisibleBatch((value * scale!) / sequence, gpus);
}

/** `5.76e23` FLOPs, or `1000000gpu-hours`. */
export function readBudget(text: string): Budget {
  const allowed = 'FLOPs such as 5.76e23, or GPU-hours such as 1000000gpu-hours';
  const { value, unit } = quantity(text, '--budget', allowed);
  if (['', 'flop', 'flops'].includes(unit)) return { flops: value };
  if (['gpu-hours', 'gpu-hour', 'gpuhours', 'gpuh', 'gpu-h'].includes(unit)) return { gpuHours: value };
  throw new UserError(`--budget must be ${allowed}, not '${text}'.`);
}

/** `80GB`, `80GiB`; a number alone is in GB. */
export function readBytes(text: string, label: string): number {
  const units = Object.entries(BYTES_IN).map(([unit, bytes]) => [unit.toLowerCase(), Number(bytes)]);
  return inUnits(text, label, 'bytes such as 80GB or 80GiB', { '': 1e9, ...Object.fromEntries(units) });
}

/** `30ms`, `0.03s`; a number alone is in milliseconds. Returns seconds. */
export function readSeconds(text: string, label: string): number {
  return inUnits(text, label, 'a time such as 30ms or 0.03s', { '': 1e-3, ms: 1e-3, s: 1 });
}
