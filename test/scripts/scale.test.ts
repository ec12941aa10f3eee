// yarn scale as a person and as a program meet it.
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { palette } from '../../src/report/palette.ts';
import { scaleLines } from '../../src/report/scale.ts';
import { answerScaling } from '../../src/theory/scaling-answer.ts';

const scale = (...argv: string[]) =>
  spawnSync(process.execPath, ['--import', 'tsx', 'scripts/scale.ts', ...argv], { encoding: 'utf8' });

describe('yarn scale', () => {
  it('answers with one document: optima by law, fits, the documents’ table', () => {
    const { status, stdout, stderr } = scale('--budget', '5.76e23', '--json');
    expect(status).toBe(0);
    const document = JSON.parse(stdout);
    expect(document.given).toEqual({ budget: 5.76e23 });
    expect(Math.round(document.laws['approach-1'].parameters / 1e9)).toBe(68);
    expect(Math.round(document.laws.hoffmann.parameters / 1e9)).toBe(32);
    expect(Math.round(document.laws.besiroglu.parameters / 1e9)).toBe(72);
    expect(document.laws.besiroglu.loss.besiroglu).toBeCloseTo(1.974, 3);
    expect(document.fits.besiroglu.optimum.total.formula).toBe('E + A/N^α + B/D^β');
    expect(document.documents.table).toHaveLength(9);
    expect(document.documents.table[3]).toMatchObject({ budget: 5.76e23, parameters: 67e9, tokens: 1.5e12 });
    expect(document.isoFlop.curves.hoffmann[0].parameters).toBe(document.isoFlop.curves.besiroglu[0].parameters);
    expect(stderr).toContain('5.76e23 FLOPs = 6,667 PFLOP-days');
  });

  it('weighs a choice of both', () => {
    const document = JSON.parse(scale('--parameters', '70e9', '--tokens', '1.4e12', '--json').stdout);
    expect(document.choice).toMatchObject({ budget: 5.88e23, tokensPerParameter: 20 });
    expect(document.choice.loss.hoffmann).toBeCloseTo(1.937, 3);
  });

  it.each([
    [['--budget', '100'], 'A budget of 100 FLOPs is too small for any model'],
    [['--budget', '-1'], "--budget must be a number above 0, not '-1'."],
    [['--tokens', 'many'], "--tokens must be a number above 0, not 'many'."],
    [[], 'Nothing to scale: give --budget FLOPs, --parameters N or --tokens D, or two of them.'],
  ])('%j: one sentence', (argv, sentence) => {
    const { status, stdout, stderr } = scale(...argv);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr.startsWith(sentence)).toBe(true);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });
});

describe('on paper', () => {
  const lines = (request: Parameters<typeof answerScaling>[0]) =>
    scaleLines(answerScaling(request), palette(false), 100);

  it.each([
    { budget: 5.76e23 },
    { parameters: 4e6 },
    { tokens: 1e7 },
    { parameters: 1e3, tokens: 1e21 },
    { budget: 1e36 },
  ])('%j fits into 100 columns', (request) => {
    for (const line of lines(request)) expect(line.length, line).toBeLessThanOrEqual(100);
  });

  it('shows each law with its formula, and the row of the budget as printed', () => {
    const text = lines({ budget: 5.76e23 }).join('\n');
    expect(text).toMatch(/approach-1 +5\.76e23 +67\.8 +1,425 +21\.0 +1\.974 +0\.09916·C\^0\.4981/);
    expect(text).toMatch(/besiroglu +5\.76e23 +72\.2 +1,329 +18\.4 +1\.974 +0\.1196·\(C\/6\)\^0\.5126/);
    expect(text).toMatch(/5\.76e23 +67\.0 +1,500 +1\.047 +22\.4 +75\.9 +1,290 +32\.2 +2,982 +72\.2 +1,329/);
  });

  it('says so where a law leaves too little for a model', () => {
    expect(lines({ tokens: 1e7 }).join('\n')).toMatch(/kaplan.*—.*—[\s\S]*too little for any model/);
  });
});
