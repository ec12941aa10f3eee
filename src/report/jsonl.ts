// A log of JSON lines: one record, one line.
import { toJson } from './json.ts';

/**
 * `record` as one line that ends in a newline. Numbers that JSON does not have (NaN, Infinity) are written as the texts
 * "NaN", "Infinity" and "-Infinity"; a bigint is written as a plain integer literal.
 */
export function jsonLine(record: Readonly<Record<string, unknown>>): string {
  return `${toJson(record)}\n`;
}
