// The loss curve, in a terminal and as SVG.
import { describe, expect, it } from 'vitest';
import { lossRange, tickDecimals, ticks } from '../../src/report/axis.ts';
import { lossCurve } from '../../src/report/loss-curve.ts';
import { palette, visibleWidth } from '../../src/report/palette.ts';
import { lossSvg, smoothed } from '../../src/report/svg.ts';

const plain = palette(false);
const train = Array.from({ length: 100 }, (_, at) => ({ step: at + 1, loss: 2 + 6 * Math.exp(-at / 15) }));
const validation = [50, 100].map((step) => ({ step, loss: 3 }));

describe('axes', () => {
  it('have round ticks within their range', () => {
    expect(ticks(1.7, 8.6, 4)).toEqual([2, 4, 6, 8]);
    expect(ticks(0.11, 0.19, 4)).toEqual([0.12, 0.14, 0.16, 0.18]);
    expect(ticks(0, 1000, 5)).toEqual([0, 200, 400, 600, 800, 1000]);
    expect(ticks(3, 3, 4)).toEqual([3]);
    expect([tickDecimals([2, 4]), tickDecimals([0.12, 0.14]), tickDecimals([0.5, 1])]).toEqual([0, 2, 1]);
  });

  it('hold every finite loss and the floor', () => {
    const [low, high] = lossRange([...train, { step: 5, loss: Number.POSITIVE_INFINITY }], 1);
    expect(low).toBeLessThan(1);
    expect(high).toBeGreaterThan(8);
    expect(high).toBeLessThan(8.5);
    expect(lossRange([{ step: 1, loss: Number.NaN }])).toEqual([0, 1]);
    const flat = lossRange([{ step: 1, loss: 2 }]);
    expect(flat[0] < 2 && flat[1] > 2).toBe(true);
  });
});

describe('in a terminal', () => {
  it('takes twelve lines', () => {
    expect(lossCurve({ train, validation, floor: 1 }, plain, 44)).toEqual([
      '8 ┤⠰⡀',
      '  │ ⠱⡀',
      '6 ┤  ⠱⡀',
      '  │   ⠱⡀',
      '  │    ⠈⢢',
      '4 ┤      ⠑⢄',
      '  │        ⠉⠢⢄⡀',
      '  │           ⠈⠑⠒⠤⠤⢄⣀⣀⡀◆                   ◆',
      '2 ┤                   ⠈⠉⠉⠉⠉⠉⠉⠑⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒',
      '  │┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈',
      '  └────────────────── 50 ──────── 100 steps',
      '   ⣀⠤⠒ training loss   ◆ validation   ┈┈ floor 1.000   against steps',
    ]);
  });

  it('leaves out what is not finite, and keeps its width under colours', () => {
    const broken = [...train, { step: 101, loss: Number.NaN }, { step: 102, loss: Number.POSITIVE_INFINITY }];
    expect(lossCurve({ train: broken, validation }, plain)).toEqual(lossCurve({ train, validation }, plain));
    const coloured = lossCurve({ train, validation, floor: 1 }, palette(true)).map(visibleWidth);
    expect(coloured).toEqual(lossCurve({ train, validation, floor: 1 }, plain).map(visibleWidth));
    expect(Math.max(...coloured)).toBeLessThanOrEqual(100);
  });

  it('copes with long runs and with a single point', () => {
    const long = Array.from({ length: 300_000 }, (_, at) => ({ step: at + 1, loss: 3 }));
    expect(lossCurve({ train: long, validation: [] }, plain)).toHaveLength(12);
    expect(lossCurve({ train: [{ step: 1, loss: 3 }], validation: [] }, plain)).toHaveLength(12);
  });
});

describe('as SVG', () => {
  it('escapes its title and draws each series with its mark', () => {
    const svg = lossSvg('a <b> & "c"\u0000', { train, validation, floor: 1 });
    expect(svg).toContain('<title>a &lt;b&gt; &amp; &quot;c&quot; </title>');
    const series = [...svg.matchAll(/<path class="(raw|train|validation|floor)" d="M[\d.]+ [\d.]+[LH]/g)].map(
      ([, name]) => name,
    );
    expect(series).toEqual(['floor', 'raw', 'train', 'validation']);
    expect(svg.match(/<circle/g)).toHaveLength(2 + 1);
    expect(svg).toContain('floor 1.000');
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('stays small and finite for long, broken and empty runs', () => {
    const long = Array.from({ length: 300_000 }, (_, at) => ({ step: at + 1, loss: at % 7 === 0 ? Number.NaN : 3 }));
    const svg = lossSvg('long', { train: long, validation: [] });
    expect(svg.length).toBeLessThan(60_000);
    expect(svg).not.toMatch(/NaN|Infinity/);
    expect(lossSvg('empty', { train: [], validation: [] })).not.toMatch(/NaN|Infinity|<circle/);
  });

  it('smooths without lag and keeps constants', () => {
    const line = Array.from({ length: 101 }, (_, at) => ({ step: at, loss: at }));
    expect(smoothed(line, 5)[50]!.loss).toBeCloseTo(50, 6);
    expect(
      smoothed(
        line.map(({ step }) => ({ step, loss: 2 })),
        5,
      ).every(({ loss }) => Math.abs(loss - 2) < 1e-12),
    ).toBe(true);
  });
});
