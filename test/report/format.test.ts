// Numbers as people read them.
import { describe, expect, it } from 'vitest';
import {
  bytes,
  bytesBinary,
  duration,
  inOneUnit,
  percent,
  rate,
  si,
  significant,
  thousands,
} from '../../src/report/format.ts';
import { toJson } from '../../src/report/json.ts';
import { jsonLine } from '../../src/report/jsonl.ts';

describe('thousands', () => {
  it.each([
    [3_819_776, 0, '3,819,776'],
    [999, 0, '999'],
    [-1234.5, 1, '-1,234.5'],
    [21_500_000_000_000_000_001n, 0, '21,500,000,000,000,000,001'],
    [Number.NaN, 0, 'NaN'],
  ])('%s with %i decimals is %s', (value, decimals, text) => expect(thousands(value, decimals)).toBe(text));
});

describe('significant', () => {
  it.each([
    [26.05, 4, '26.05'],
    [0.5, 3, '0.500'],
    [9.996, 3, '10.0'],
    [1234.4, 3, '1,234'],
    [0, 3, '0'],
  ])('%s to %i digits is %s', (value, digits, text) => expect(significant(value, digits)).toBe(text));
});

describe('prefixes', () => {
  it.each([
    [si(26_050_000, 'FLOP', 4), '26.05 MFLOP'],
    [si(53_352_595_456n, 'FLOP'), '53.4 GFLOP'],
    [si(640, 'FLOP'), '640 FLOP'],
    [si(999_600), '1.00 M'],
    [si(999_400), '999 k'],
    [si(3e30, 'FLOP'), '3,000,000 YFLOP'],
    [si(Number.NaN, 'FLOP/s'), 'NaN FLOP/s'],
    [bytes(15_279_104), '15.3 MB'],
    [bytes(2n ** 30n), '1.07 GB'],
    [bytesBinary(2 ** 30), '1.00 GiB'],
    [bytesBinary(1023.9 * 2 ** 20), '1.00 GiB'],
    [bytesBinary(1000 * 2 ** 20), '1,000 MiB'],
  ])('%s', (text, expected) => expect(text).toBe(expected));
});

describe('one unit down a column', () => {
  it('suits the largest value, with equal decimals', () => {
    expect(inOneUnit([15_279_104, 92_160n, 3, 0, -3], 'B')).toEqual({
      unit: 'MB',
      texts: ['15.3', '0.1', '<0.1', '0.0', '>-0.1'],
    });
    expect(inOneUnit([640, 7], 'FLOP')).toEqual({ unit: 'FLOP', texts: ['640', '7'] });
    expect(inOneUnit([], 'B')).toEqual({ unit: 'B', texts: [] });
    expect(inOneUnit([999_960, 1000], 'B')).toEqual({ unit: 'MB', texts: ['1.00', '<0.01'] });
  });
});

describe('duration', () => {
  it.each([
    [0, '0 s'],
    [0.000_085, '0.085 ms'],
    [0.085, '85 ms'],
    [0.271, '271 ms'],
    [0.9999, '1.0 s'],
    [9.97, '10 s'],
    [59.7, '1 min 00 s'],
    [161, '2 min 41 s'],
    [3599.7, '1 h 00 min'],
    [11_111, '3 h 05 min'],
    [86_399, '1 d 00 h'],
    [188_000, '2 d 04 h'],
    [-41, '-41 s'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
  ])('%s is %s', (seconds, text) => expect(duration(seconds)).toBe(text));
});

it('shares and rates', () => {
  expect([percent(0.5209), percent(0.12, 0)]).toEqual(['52.1 %', '12 %']);
  expect([rate(0.00098), rate(0.1), rate(0), rate(6e-4)]).toEqual(['9.8e-4', '0.1', '0', '6.0e-4']);
});

describe('JSON', () => {
  const value = {
    big: 21_500_000_000_000_000_001n,
    nan: Number.NaN,
    low: Number.NEGATIVE_INFINITY,
    text: 'a "b"\n',
    left: undefined,
    list: [1, undefined, 2n],
    empty: [],
    inner: { none: {}, map: new Map([['a', 1]]), floats: new Float32Array([0.5, 2]) },
  };

  it('loses nothing on one line', () => {
    expect(toJson(value)).toBe(
      '{"big":21500000000000000001,"nan":"NaN","low":"-Infinity","text":"a \\"b\\"\\n","list":[1,null,2],' +
        '"empty":[],"inner":{"none":{},"map":{"a":1},"floats":[0.5,2]}}',
    );
    expect(jsonLine({ step: 1, loss: Number.NaN })).toBe('{"step":1,"loss":"NaN"}\n');
  });

  it('says the same when indented', () => {
    expect(JSON.parse(toJson(value, 2))).toEqual(JSON.parse(toJson(value)));
    expect(toJson({ a: [1, 2], b: ['x'] }, 2)).toBe('{\n  "a": [1, 2],\n  "b": [\n    "x"\n  ]\n}');
  });
});
