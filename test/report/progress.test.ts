// The progress line: made to fit, redrawn on a terminal, written now and then elsewhere.
import { describe, expect, it } from 'vitest';
import { palette, visibleWidth } from '../../src/report/palette.ts';
import { bar, type ProgressState, progress, progressLine } from '../../src/report/progress.ts';

const state: ProgressState = {
  step: 120,
  steps: 1000,
  loss: 2.9131,
  validationLoss: 2.954,
  learningRate: 9.8e-4,
  gradientNorm: 0.71,
  tokensPerSecond: 7512.3,
  flopsPerSecond: 1.58e11,
  mfu: 0.521,
  memoryBytes: 175e6,
  secondsLeft: 161,
};
const plain = palette(false);

describe('the line', () => {
  it('has everything where there is room', () => {
    expect(progressLine(state, plain, 160)).toBe(
      'step  120/1000 ▕██▏               ▏  12 %   loss 2.913   val 2.954   lr 9.8e-4   ‖g‖ 0.71   7,512 tok/s   ' +
        '158 GFLOP/s   MFU 52.1 %   175 MB   2 min 41 s left',
    );
  });

  it('has no bar in a file', () => {
    expect(progressLine({ ...state, validationLoss: undefined, mfu: undefined, secondsLeft: undefined }, plain)).toBe(
      'step  120/1000   loss 2.913   lr 9.8e-4   ‖g‖ 0.71   7,512 tok/s   158 GFLOP/s   175 MB',
    );
  });

  it('gives up the bar, then what matters least', () => {
    expect(progressLine(state, plain, 100)).toBe(
      'step  120/1000  12 %  loss 2.913  val 2.954  ‖g‖ 0.71  7,512 tok/s  MFU 52.1 %  2 min 41 s left',
    );
    expect(progressLine(state, plain, 60)).toBe('step  120/1000  12 %  loss 2.913  val 2.954  2 min 41 s left');
    expect(progressLine(state, plain, 36)).toBe('step  120/1000  12 %  loss 2.913');
  });

  it('never exceeds its width, coloured or not', () => {
    for (let width = 1; width <= 170; width++) {
      expect(visibleWidth(progressLine(state, plain, width))).toBeLessThanOrEqual(width);
      expect(visibleWidth(progressLine(state, palette(true), width))).toBeLessThanOrEqual(width);
    }
  });

  it('draws eighths of a cell', () => {
    expect([bar(0, 4), bar(0.28125, 4), bar(0.5, 4), bar(1, 4), bar(7, 4)]).toEqual([
      '▕    ▏',
      '▕█▏  ▏',
      '▕██  ▏',
      '▕████▏',
      '▕████▏',
    ]);
  });

  it('shows a loss that is not a number', () => {
    expect(progressLine({ ...state, loss: Number.NaN }, plain, 100)).toContain('loss NaN');
  });
});

describe('the writer', () => {
  const record = (interactive: boolean, every?: number) => {
    const written: string[] = [];
    const write = (text: string) => void written.push(text);
    return { written, ...progress({ write, interactive, colour: false, columns: () => 80, every }) };
  };

  it('redraws on a terminal, and leaves lines with a validation loss behind', () => {
    const { written, update, end } = record(true);
    update({ ...state, step: 1 });
    update({ ...state, step: 2, justValidated: true });
    update({ ...state, step: 3 });
    end();
    end();
    expect(written.map((text) => text.replace(/(step +\d).*/, '$1'))).toEqual([
      '\r\u001b[Kstep    1',
      '\r\u001b[Kstep    2\n',
      '\r\u001b[Kstep    3',
      '\n',
    ]);
    expect(visibleWidth(written[0]!.slice(4))).toBeLessThan(80);
  });

  it('writes the first, the last and every so many steps elsewhere', () => {
    const { written, update, end } = record(false, 4);
    for (let step = 1; step <= 10; step++) update({ ...state, step, steps: 10, justValidated: step === 6 });
    end();
    expect(written.map((text) => /^step +(\d+)/.exec(text)![1])).toEqual(['1', '4', '6', '8', '10']);
    expect(written.every((text) => text.endsWith('left\n') && !text.includes('\r'))).toBe(true);
  });

  it('writes about twenty lines unless told', () => {
    const { written, update } = record(false);
    for (let step = 1; step <= 1000; step++) update({ ...state, step });
    expect(written).toHaveLength(21);
  });
});
