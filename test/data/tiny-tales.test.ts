// tiny-tales: the entropy is exact, a text has one derivation, and the shipped sample is what the generator writes.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CompiledGrammar, scoreTale, taleEntropy, writeTale, writeTales } from '../../src/data/tiny-tales.ts';
import { type Grammar, tinyTales } from '../../src/data/tiny-tales-grammar.ts';

/** A grammar small enough to list every story it can tell. */
const small: Grammar = {
  rules: {
    story: [[1, 'A <who> saw [x:few], then [y:few-x].<more>']],
    who: [
      [3, 'cat'],
      [1, 'dog named [n:names]'],
    ],
    more: [
      [2, ' The end.'],
      [1, ' {x} and {y} ate [f:foods/x].'],
      [1, '<last>'],
    ],
    last: [[1, ' So [z:=x,y] won [a p:prizes].']],
  },
  lists: {
    few: ['two', 'three', 'four'],
    names: { Rex: 3, Bo: 1 },
    foods: { two: ['hay', 'oats'], three: ['rye', 'jam'], four: ['figs', 'nuts'] },
    prizes: { apple: 1, kite: 4 },
  },
  rowWeights: [0.75, 0.25],
  women: new Set(),
};

/** Every story of the small grammar with its probability, written down by hand in plain loops. */
function everySmallStory(): Map<string, number> {
  const stories = new Map<string, number>();
  const few = ['two', 'three', 'four'];
  const foods: Record<string, string[]> = { two: ['hay', 'oats'], three: ['rye', 'jam'], four: ['figs', 'nuts'] };
  for (const [who, p1] of [
    ['cat', 3 / 4],
    ['dog named Rex', 3 / 16],
    ['dog named Bo', 1 / 16],
  ] as const) {
    for (const x of few) {
      for (const y of few.filter((word) => word !== x)) {
        const start = `A ${who} saw ${x}, then ${y}.`;
        const p = p1 / 6;
        stories.set(`${start} The end.`, p / 2);
        stories.set(`${start} ${x} and ${y} ate ${foods[x]![0]}.`, (p / 4) * 0.75);
        stories.set(`${start} ${x} and ${y} ate ${foods[x]![1]}.`, (p / 4) * 0.25);
        for (const z of [x, y]) {
          stories.set(`${start} So ${z} won an apple.`, (p / 8) * 0.2);
          stories.set(`${start} So ${z} won a kite.`, (p / 8) * 0.8);
        }
      }
    }
  }
  return stories;
}

describe('the entropy', () => {
  it('is that of the whole distribution, for a grammar whose stories can be listed', () => {
    // ' {x}' and ' The' both start with a blank: the alternatives must be told apart sooner.
    expect(() => new CompiledGrammar(small)).toThrow(/rule more.*must tell them apart/);
    const rules = {
      ...small.rules,
      more: small.rules.more!.map(([w, t]) => [w, t.replace(' {x}', ' Both {x}')] as const),
    };
    const compiled = new CompiledGrammar({ ...small, rules });
    const stories = everySmallStory();
    const total = [...stories.values()].reduce((sum, p) => sum + p, 0);
    const entropy = [...stories.values()].reduce((sum, p) => sum - p * Math.log(p), 0);
    expect(total).toBeCloseTo(1, 12);
    expect(compiled.entropy('story')).toBeCloseTo(entropy, 12);
  });

  it('is the mean of −ln p over many stories, within four standard errors', () => {
    const nats = Array.from({ length: 4000 }, (_, i) => writeTale(11, i).nats);
    const mean = nats.reduce((sum, value) => sum + value, 0) / nats.length;
    const deviation = Math.sqrt(nats.reduce((sum, value) => sum + (value - mean) ** 2, 0) / nats.length);
    expect(Math.abs(mean - taleEntropy())).toBeLessThan((4 * deviation) / Math.sqrt(nats.length));
  });

  it('refuses grammars in which a text could have two derivations', () => {
    const twins = { ...tinyTales, lists: { ...tinyTales.lists, colours: ['red', 'reddish'] } };
    expect(() => new CompiledGrammar(twins)).toThrow("'reddish' begins with 'red'");
  });
});

describe('scoring', () => {
  it('reads off a text the very probability that it was written with', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(100_000), (seed, index) => {
        const tale = writeTale(seed, index);
        expect(scoreTale(tale.text)).toBeCloseTo(tale.nats, 9);
      }),
      { numRuns: 200 },
    );
  });

  it('gives a text that is no tale the probability zero', () => {
    const { text } = writeTale(1, 0);
    expect(scoreTale('')).toBe(Infinity);
    expect(scoreTale(text.slice(0, -1))).toBe(Infinity);
    expect(scoreTale(`${text} `)).toBe(Infinity);
    expect(scoreTale(text.replace(/lived/, 'slept'))).toBe(Infinity);
  });

  it('knows the sums: a tale with a wrong one is no tale', () => {
    const index = Array.from({ length: 100 }, (_, i) => i).find((i) =>
      writeTale(1, i).text.includes('That makes seven'),
    )!;
    const { text } = writeTale(1, index);
    expect(scoreTale(text.replace('That makes seven', 'That makes eight'))).toBe(Infinity);
  });
});

describe('the text', () => {
  it('is the shipped sample, byte for byte', () => {
    const shipped = readFileSync(new URL('../../datasets/tiny-tales.txt', import.meta.url), 'utf8');
    const written = writeTales(1, 100_000).map((tale) => tale.text);
    expect(`${written.join('\n\n')}\n`).toBe(shipped);
    expect(shipped.length).toBeLessThan(200_000);
  });

  it('is the beginning of a larger size', () => {
    const few = writeTales(5, 3000);
    expect(writeTales(5, 9000).slice(0, few.length)).toEqual(few);
    expect(few.reduce((sum, tale) => sum + tale.text.length + 2, 0)).toBeGreaterThanOrEqual(3000);
  });

  it('lets pronouns agree with names and brings the treasure back at the end', () => {
    for (let i = 0; i < 200; i++) {
      const { text } = writeTale(3, i);
      const [, name, pronoun, treasure] = /named (\w+) lived .*\. (She|He) had an? (\w+ \w+) and/.exec(text)!;
      expect(pronoun).toBe(tinyTales.women.has(name!) ? 'She' : 'He');
      expect(text.split('\n').at(-1)).toContain(`${pronoun === 'She' ? 'her' : 'his'} ${treasure}`);
      expect(text).toMatch(/^[\x20-\x7e\n]+$/);
      expect(text).not.toMatch(/undefined|[{}<>[\]]/);
    }
  });
});
