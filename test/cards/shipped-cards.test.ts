// The cards in models/: all are valid, ours compare, and files of the user's own load like them.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeCard } from '../../src/cards/description.ts';
import { loadModelCard, modelCardNames } from '../../src/node/cards.ts';
import { UserError } from '../../src/terms/user-error.ts';
import { countParameters } from '../../src/theory/parameters.ts';
import { minimalCard } from '../support/cards.ts';

describe('models/', () => {
  it('has every card that was promised', () => {
    expect(modelCardNames()).toEqual(
      expect.arrayContaining([
        ...['gpt', 'llama3', 'mqa'].flatMap((kind) => [`${kind}-debug`, `${kind}-small`, `${kind}-medium`]),
        ...['gpt2', 'gpt2-medium', 'gpt2-large', 'gpt2-xl', 'gpt3-small', 'gpt3-medium', 'gpt3-large', 'gpt3-xl'],
        ...['gpt3-2.7b', 'gpt3-6.7b', 'gpt3-13b', 'gpt3-175b', 'llama2-7b', 'llama2-13b', 'llama2-70b', 'llama3-8b'],
        ...['llama3-70b', 'llama3-405b', 'llama3.2-1b', 'starcoder', 'falcon-40b', 'chinchilla-70b', 'gopher-280b'],
        'nanogpt-char',
      ]),
    );
  });

  it.each(modelCardNames())('%s is valid, has a title, and says where it was published', (name) => {
    const card = loadModelCard({ arch: name });
    expect(card.name).toBe(name);
    expect(card.title).not.toBe('');
    if (card.published) expect(card.published.source).toBeTruthy();
  });

  it.each(['debug', 'small', 'medium'])(
    'gpt, llama3 and mqa of size %s have the same layers, width and context',
    (size) => {
      const cards = ['gpt', 'llama3', 'mqa'].map((kind) => loadModelCard({ arch: `${kind}-${size}` }));
      const shape = ({
        layers,
        hidden,
        heads,
        headSize,
        context,
        vocabulary,
        tied,
        dropout,
        initialization,
      }: (typeof cards)[0]) => ({
        ...{ layers, hidden, heads, headSize, context, vocabulary, tied, dropout, initialization },
      });
      expect(shape(cards[1]!)).toEqual(shape(cards[0]!));
      expect(shape(cards[2]!)).toEqual(shape(cards[0]!));
    },
  );

  it('gpt-small becomes llama3-small one swap at a time', () => {
    const swaps = [
      ...['norm.kind=rms', 'positions.kind=rope', 'positions.theta=500000', 'mlp.kind=swiglu', 'mlp.width=688'],
      ...['kvHeads=2', 'bias.qkv=false', 'bias.projection=false', 'bias.mlp=false'],
    ];
    const { name: _name, title: _title, ...walked } = loadModelCard({ arch: 'gpt-small', set: swaps });
    expect(loadModelCard({ arch: 'llama3-small' })).toMatchObject(walked);
  });

  it('describes a card in one line', () => {
    expect(describeCard(loadModelCard({ arch: 'llama3-small' }))).toBe(
      '4 layers · hidden 256 · 8 heads over 2 KV heads of 32 · SwiGLU 688 · RMSNorm · RoPE 500,000 · vocabulary 4,096, tied · context 256',
    );
    expect(
      describeCard(loadModelCard({ arch: 'mqa-debug', set: ['tied=false', 'bias.mlp=false', 'layout=parallel'] })),
    ).toBe(
      '2 layers · hidden 32 · 4 heads over 1 KV head of 8 · attention beside MLP · GELU (tanh) 128 · LayerNorm · ' +
        'learned positions · biases on qkv, projection · vocabulary 256 · context 32',
    );
  });
});

describe('loadModelCard', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'cards-'));
    writeFileSync(join(folder, 'mine.json'), JSON.stringify(minimalCard));
    writeFileSync(join(folder, 'broken.json'), '{"layers": 2,');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('reads a file of the user and applies changes', () => {
    const card = loadModelCard({ card: join(folder, 'mine.json'), set: ['layers=7'] });
    expect(card).toMatchObject({ name: 'mine', layers: 7, hidden: 8 });
    expect(countParameters(card).total).toBeGreaterThan(0n);
  });

  it('says what is wrong with a choice', () => {
    const refusals = [
      [{ arch: 'gtp-small' }, /Unknown arch 'gtp-small': did you mean gpt-small/],
      [{}, /give --arch NAME .* --card FILE/],
      [{ arch: 'gpt2', card: 'x.json' }, /both given/],
      [{ card: join(folder, 'none.json') }, /none.json' cannot be read: there is no such file/],
      [{ card: folder }, /cannot be read: it is a folder/],
      [{ card: join(folder, 'broken.json') }, /broken.json' is not JSON/],
      [{ arch: '../package' }, /Unknown arch/],
    ] as const;
    for (const [choice, sentence] of refusals) {
      expect(() => loadModelCard(choice)).toThrow(sentence);
      expect(() => loadModelCard(choice)).toThrow(UserError);
    }
  });
});
