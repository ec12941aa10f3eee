// Numbers as people read them: thousands separated, one SI prefix, units named, GB and GiB never mixed up.

/** 3819776 → '3,819,776'. Exact for any bigint; a number is rounded to `decimals`. */
export function thousands(value: bigint | number, decimals = 0): string {
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  const plain = typeof value === 'bigint' ? value.toString() : value.toFixed(decimals);
  const [whole, rest] = plain.split('.') as [string, string | undefined];
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return rest === undefined ? grouped : `${grouped}.${rest}`;
}

const decimalPrefixes = ['', 'k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'];
const binaryPrefixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei', 'Zi', 'Yi'];

/** `value` with `digits` significant digits, at least to the unit: 26.05, 158, 1,234. Never in scientific notation. */
export function significant(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return '0';
  const rounded = roundTo(value, digits);
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(rounded))));
  return thousands(rounded, decimals);
}

/** To `digits` significant digits, but no coarser than to the unit. */
function roundTo(value: number, digits: number): number {
  return Math.abs(value) >= 10 ** (digits - 1) ? Math.round(value) : Number(value.toPrecision(digits));
}

/** The power of 1000 (or 1024) by which `value` is divided so that 1 ≤ it < 1000 after rounding to `digits`. */
function prefixPower(value: number, digits: number, base: number, prefixes: readonly string[]): number {
  const size = Math.abs(value);
  let power = 0;
  while (power < prefixes.length - 1 && roundTo(size / base ** power, digits) >= base) power++;
  return power;
}

/** 26_050_000, 'FLOP' → '26.1 MFLOP'. Whole values below 1,000 keep all their digits: 640 → '640 FLOP'. */
export function si(value: bigint | number, unit = '', digits = 3): string {
  return prefixed(Number(value), unit, digits, 1000, decimalPrefixes);
}

/** Bytes by powers of ten: 15_279_104 → '15.3 MB'. */
export function bytes(value: bigint | number, digits = 3): string {
  return prefixed(Number(value), 'B', digits, 1000, decimalPrefixes);
}

/** Bytes by powers of two: 2 ** 30 → '1.00 GiB'. */
export function bytesBinary(value: bigint | number, digits = 3): string {
  return prefixed(Number(value), 'B', digits, 1024, binaryPrefixes);
}

function prefixed(value: number, unit: string, digits: number, base: number, prefixes: readonly string[]): string {
  if (!Number.isFinite(value)) return `${value} ${unit}`.trimEnd();
  const power = prefixPower(value, digits, base, prefixes);
  const scaled = value / base ** power;
  const shown = power === 0 && Number.isInteger(value) ? thousands(value) : significant(scaled, digits);
  return `${shown} ${prefixes[power]}${unit}`.trimEnd();
}

/**
 * Several values in the one unit that suits the largest, with equal decimals so that they line up in a column:
 * [15_279_104, 92_160], 'B' → { unit: 'MB', texts: ['15.3', '0.1'] }. A value that would round to 0 is shown as '<0.1'.
 */
export function inOneUnit(values: readonly (bigint | number)[], unit: string, digits = 3) {
  const numbers = values.map(Number);
  const largest = Math.max(0, ...numbers.map(Math.abs).filter(Number.isFinite));
  const power = prefixPower(largest, digits, 1000, decimalPrefixes);
  const whole = power === 0 && numbers.every(Number.isInteger);
  const top = roundTo(largest / 1000 ** power, digits);
  const decimals = whole || top === 0 ? 0 : Math.max(0, digits - 1 - Math.floor(Math.log10(top)));
  const least = 10 ** -decimals;
  const texts = numbers.map((value) => {
    const scaled = value / 1000 ** power;
    if (value !== 0 && Math.abs(scaled) < least / 2) return `${value < 0 ? '>-' : '<'}${least.toFixed(decimals)}`;
    return thousands(scaled, decimals);
  });
  return { unit: `${decimalPrefixes[power]}${unit}`, texts };
}

/** 0.5209 → '52.1 %'. */
export function percent(share: number, decimals = 1): string {
  return `${thousands(share * 100, decimals)} %`;
}

/** Seconds: '85 ms', '1.3 s', '41 s', '2 min 41 s', '3 h 05 min', '2 d 04 h'. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return String(seconds);
  if (seconds < 0) return `-${duration(-seconds)}`;
  if (seconds === 0) return '0 s';
  if (seconds < 0.9995) return `${significant(seconds * 1000, seconds < 0.0995 ? 2 : 3)} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const pad = (value: number) => String(value).padStart(2, '0');
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`;
  const hours = Math.round(seconds / 3600);
  return `${thousands(Math.floor(hours / 24))} d ${pad(hours % 24)} h`;
}

/** A small rate such as a learning rate: 0.00098 → '9.8e-4', 0.1 → '0.1', 0 → '0'. */
export function rate(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  if (Math.abs(value) >= 0.01 && Math.abs(value) < 1000) return String(Number(value.toPrecision(3)));
  return value.toExponential(1);
}
