// What is text and what is not, and sizes.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeText, invalidUtf8At, parseSize } from '../../src/data/text.ts';
import { UserError } from '../../src/terms/user-error.ts';

const utf8 = new TextEncoder();

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

describe('decodeText', () => {
  it.each([
    ['nothing', [], 'notes.txt is empty'],
    ['only a byte order mark', [0xef, 0xbb, 0xbf], 'notes.txt is empty'],
    ['a NUL byte', [104, 105, 0, 33], 'notes.txt is binary, not text: it has a NUL byte at offset 2.'],
    ['Latin-1', [...utf8.encode('caf'), 0xe9, 32], 'the byte 0xE9 at offset 3 does not belong there'],
    ['half a character at the end', [97, 0xe2, 0x82], 'offset 1'],
    ['UTF-16', [0xff, 0xfe, 104, 0], 'UTF-16: convert it to UTF-8'],
    [
      'control characters',
      Array.from({ length: 50 }, (_, i) => (i % 10 === 0 ? 1 : 97)),
      '5 of its 50 bytes are control',
    ],
  ])('refuses %s', (_, bytes, message) => {
    const decode = () => decodeText(Uint8Array.from(bytes), 'notes.txt');
    expect(decode).toThrow(UserError);
    expect(decode).toThrow(message);
  });

  it('keeps text as it is, without a byte order mark at the start', () => {
    const text = 'Grüße,\r\n\t👍 \u001b[1mbold\u001b[0m';
    expect(decodeText(utf8.encode(`\ufeff${text}`), 'x')).toBe(text);
  });
});

describe('invalidUtf8At', () => {
  it('agrees with the platform about what is UTF-8, and everything before the offset is', () => {
    const pieces = fc.array(
      fc.oneof(
        fc.string({ unit: 'binary' }).map((s) => [...utf8.encode(s)]),
        fc.array(fc.nat(255), { maxLength: 3 }),
      ),
    );
    fc.assert(
      fc.property(pieces, (parts) => {
        const bytes = Uint8Array.from(parts.flat());
        const at = invalidUtf8At(bytes);
        expect(at < 0).toBe(isUtf8(bytes));
        if (at >= 0) {
          expect(isUtf8(bytes.subarray(0, at))).toBe(true);
          const longer = [1, 2, 3, 4].filter((n) => at + n <= bytes.length);
          expect(longer.some((n) => isUtf8(bytes.subarray(0, at + n)))).toBe(false);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('parseSize', () => {
  it.each([
    ['4MB', 4e6],
    ['200KB', 2e5],
    ['1.5 GB', 1.5e9],
    ['123', 123],
    ['7b', 7],
  ])('%s', (text, bytes) => expect(parseSize(text)).toBe(bytes));

  it.each(['', 'MB', '-4MB', '4TB', '0', '0.1', 'NaN', '4 M'])('%j is refused', (text) => {
    expect(() => parseSize(text)).toThrow('is not a size');
  });
});
