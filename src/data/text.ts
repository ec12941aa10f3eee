// From bytes to text, with a clear word about what is not text.
import { UserError } from '../terms/user-error.ts';

/** Tab, line ends, form feed, backspace and escape are seen in text files; other control characters hardly ever. */
const usualControls = new Set([8, 9, 10, 11, 12, 13, 27]);

/**
 * The text of UTF-8 bytes, without a byte order mark. `name` is what the error calls it.
 * Throws a `UserError` for an empty file, a binary one (a NUL byte, or more than 2 % control characters) and for bytes that are not
 * UTF-8, with the offset of the first.
 */
export function decodeText(bytes: Uint8Array, name: string): string {
  if (bytes.length === 0) throw new UserError(`${name} is empty: there is no text to use.`);
  const utf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  if (utf16) throw new UserError(`${name} is UTF-16: convert it to UTF-8 first (iconv -f UTF-16 -t UTF-8).`);
  const nul = bytes.indexOf(0);
  if (nul >= 0) throw new UserError(`${name} is binary, not text: it has a NUL byte at offset ${nul}.`);
  const invalid = invalidUtf8At(bytes);
  if (invalid >= 0) {
    const byte = bytes[invalid]!.toString(16).toUpperCase().padStart(2, '0');
    throw new UserError(`${name} is not UTF-8 text: the byte 0x${byte} at offset ${invalid} does not belong there.`);
  }
  let controls = 0;
  for (const byte of bytes) if (byte < 32 && !usualControls.has(byte)) controls += 1;
  if (controls > bytes.length / 50) {
    throw new UserError(
      `${name} is binary, not text: ${controls} of its ${bytes.length} bytes are control characters.`,
    );
  }
  const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  if (text === '') throw new UserError(`${name} is empty: there is no text to use.`);
  return text;
}

/** The offset of the first byte that breaks UTF-8 (the first of the sequence it stands in), or −1. Table 3-7 of the Unicode standard. */
export function invalidUtf8At(bytes: Uint8Array): number {
  let at = 0;
  while (at < bytes.length) {
    const lead = bytes[at]!;
    if (lead < 0x80) {
      at += 1;
      continue;
    }
    const length =
      lead >= 0xc2 && lead <= 0xdf ? 2 : lead >= 0xe0 && lead <= 0xef ? 3 : lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
    if (length === 0 || at + length > bytes.length) return at;
    const second = bytes[at + 1]!;
    // The second byte's narrower ranges keep out overlong forms, surrogates and what lies beyond U+10FFFF.
    const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
    if (second < low || second > high) return at;
    for (let i = 2; i < length; i++) if ((bytes[at + i]! & 0xc0) !== 0x80) return at;
    at += length;
  }
  return -1;
}

const units: Record<string, number> = { '': 1, B: 1, KB: 1e3, MB: 1e6, GB: 1e9 };

/** Bytes from `4MB`, `200KB`, `1.5 GB` or a plain number (KB = 10^3, MB = 10^6, GB = 10^9). Throws a `UserError` otherwise. */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([KMG]?B)?$/i.exec(text.trim());
  const bytes = match ? Math.round(Number(match[1]) * units[(match[2] ?? '').toUpperCase()]!) : 0;
  if (bytes < 1)
    throw new UserError(`'${text}' is not a size: write a number above zero with KB, MB or GB, as in 4MB.`);
  return bytes;
}
