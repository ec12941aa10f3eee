// Checks of plain numbers that people give: one sentence with the value and what is allowed.
import { UserError } from '../terms/user-error.ts';

/** @throws UserError unless `value` is a whole number from `least` to `most` */
export function checkWhole(what: string, value: number, least = 1, most = 1e12): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  throw new UserError(`The ${what} is ${value} and must be a whole number from ${least} to ${most}.`);
}

/** @throws UserError unless `value` is greater than 0 and at most `most` */
export function checkPositive(what: string, value: number, most = Number.MAX_VALUE): void {
  if (value > 0 && value <= most) return;
  const bounds = most === Number.MAX_VALUE ? 'a finite number greater than 0' : `greater than 0 and at most ${most}`;
  throw new UserError(`The ${what} is ${value} and must be ${bounds}.`);
}

/** @throws UserError unless `value` is from 0 to 1 */
export function checkShare(what: string, value: number): void {
  if (value >= 0 && value <= 1) return;
  throw new UserError(`The ${what} is ${value} and must be from 0 to 1.`);
}
