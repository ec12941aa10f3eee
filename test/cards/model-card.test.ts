// Cards: defaults, the rules between fields, and the one sentence that a bad card is answered with.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolveModelCard } from '../../src/cards/model-card.ts';
import { applyOverrides } from '../../src/cards/overrides.ts';
import { UserError } from '../../src/terms/user-error.ts';
import { anyCard, minimalCard } from '../support/cards.ts';

const withSet = (...set: string[]) => resolveModelCard(applyOverrides(minimalCard, set), 'mini');

describe('a resolved card', () => {
  it('has every default', () => {
    expect(resolveModelCard(minimalCard, 'mini')).toEqual({
      ...minimalCard,
      name: 'mini',
      title: '',
      kvHeads: 2,
      headSize: 4,
      layout: 'sequential',
      mlp: { kind: 'gelu', width: 32 },
      norm: { kind: 'layer', epsilon: 1e-5, placement: 'pre', bias: true, perBlock: 2 },
      positions: { kind: 'learned', theta: 10_000, scaling: null },
      bias: { qkv: false, projection: false, mlp: false, head: false },
      attention: { mask: 'causal' },
      dropout: { embedding: 0, attention: 0, residual: 0 },
      initialization: { deviation: 0.02, residualScaling: true },
    });
  });

  it('resolves to itself when written out and read again', () => {
    fc.assert(
      fc.property(anyCard, (card) => {
        expect(resolveModelCard(JSON.parse(JSON.stringify(card)))).toEqual(card);
      }),
      { numRuns: 50 },
    );
  });
});

describe('--set', () => {
  it('lets defaults follow what they depend on', () => {
    expect(withSet('hidden=16')).toMatchObject({ hidden: 16, headSize: 8, mlp: { width: 64 } });
    expect(withSet('heads=4')).toMatchObject({ heads: 4, kvHeads: 4, headSize: 2 });
    expect(withSet('hidden=16', 'heads=8').headSize).toBe(2);
  });

  it('keeps what was set on purpose', () => {
    expect(withSet('headSize=6', 'hidden=20')).toMatchObject({ hidden: 20, headSize: 6, heads: 2 });
    expect(withSet('mlp.width=21', 'hidden=20').mlp.width).toBe(21);
  });

  it('swaps parts one at a time', () => {
    expect(withSet('mlp.kind=swiglu').mlp).toEqual({ kind: 'swiglu', width: 32 });
    expect(withSet('norm.kind=rms').norm).toMatchObject({ kind: 'rms', bias: false });
    expect(withSet('norm.kind=rms', 'norm.bias=true').norm.bias).toBe(false);
    expect(withSet('positions.kind=rope').positions).toEqual({ kind: 'rope', theta: 10_000, scaling: null });
    expect(withSet('positions.kind=rope', 'positions.theta=5e5').positions.theta).toBe(500_000);
    expect(withSet('positions.theta=5e5').positions.theta).toBe(10_000);
    expect(withSet('kvHeads=1').kvHeads).toBe(1);
    expect(withSet('tied=false').tied).toBe(false);
    expect(withSet('mlp={"kind":"relu"}').mlp).toEqual({ kind: 'relu', width: 32 });
  });

  it('applies in order, the last one wins, and the original is left alone', () => {
    const before = JSON.stringify(minimalCard);
    expect(withSet('layers=3', 'layers=5').layers).toBe(5);
    expect(JSON.stringify(minimalCard)).toBe(before);
  });

  it('drops what was published about the original', () => {
    const published = { ...minimalCard, published: { parameters: 7 } };
    expect(resolveModelCard(published).published).toEqual({ parameters: 7 });
    expect(resolveModelCard(applyOverrides(published, ['layers=1'])).published).toBeUndefined();
  });

  it.each([
    ['layers', /not of the form key=value/],
    ['=3', /not of the form key=value/],
    ['layers=', /value of 'layers' is missing/],
    ['mlp.knd=relu', /no key 'mlp.knd'; did you mean 'mlp.kind'/],
    ['kv_heads=1', /no key 'kv_heads'; did you mean 'kvHeads'/],
    ['__proto__.x=1', /no key '__proto__.x'/],
    ['mlp=swiglu', /'mlp' has parts, so set one of mlp.kind, mlp.width/],
    ['dropout=0.1', /'dropout' has parts, so set one of dropout.embedding, dropout.attention, dropout.residual/],
  ])('refuses %s', (assignment, sentence) => {
    expect(() => withSet(assignment)).toThrow(sentence);
    expect(() => withSet(assignment)).toThrow(UserError);
  });
});

describe('a bad card is answered with one sentence that names the field', () => {
  it.each([
    ['heads=3', /hidden 8 does not divide by heads 3; choose heads among 1, 2, 4/],
    ['heads=6 headSize=4 kvHeads=4', /heads 6 does not divide by kvHeads 4; .* among .*3/],
    ['kvHeads=4', /heads 2 does not divide by kvHeads 4/],
    ['positions.kind=rope headSize=3', /headSize 3 is odd/],
    ['positions.kind=sinusoidal hidden=9 headSize=4', /hidden 9 is odd/],
    ['norm.perBlock=1', /norm.perBlock is 1 but layout is 'sequential'/],
    ['layout=parallel norm.placement=post', /norm.placement is 'post'/],
    ['layers=0', /'layers' is 0 and must be a whole number from 1 to 10000\./],
    ['layers=-2', /'layers' is -2 and must be/],
    ['layers=1.5', /'layers' is 1.5 and must be a whole number/],
    ['layers=NaN', /'layers' is 'NaN' and must be a whole number/],
    ['hidden=1e999', /'hidden' is .* and must be a whole number/],
    ['hidden=null', /'hidden' is null and must be a whole number/],
    ['tied=1', /'tied' is 1 and must be true or false\./],
    ['mlp.kind=swigul', /'mlp.kind' is 'swigul' and must be gelu, gelu-tanh, relu or swiglu; did you mean 'swiglu'\?/],
    ['norm.perBlock=3', /'norm.perBlock' is 3 and must be 1 or 2\./],
    ['dropout.residual=1', /'dropout.residual' is 1 and must be a number at least 0 and less than 1\./],
    ['norm.epsilon=0', /'norm.epsilon' is 0 and must be a number greater than 0 and less than 1\./],
    ['positions.scaling.factor=8', /'positions.scaling.kind' is missing; it must be llama3\./],
  ])('%s', (assignments, sentence) => {
    const change = () => withSet(...assignments.split(' '));
    expect(change).toThrow(sentence);
    expect(change).toThrow(/^Model card 'mini': [^\n]*[.?]$/);
    expect(change).toThrow(UserError);
  });

  it.each([
    [{ ...minimalCard, layres: 3 }, /no key 'layres'; did you mean 'layers'/],
    [{ ...minimalCard, mlp: { kind: 'relu', witdh: 3 } }, /no key 'mlp.witdh'; did you mean 'mlp.width'/],
    [{ ...minimalCard, hidden: undefined }, /'hidden' is missing/],
    [{ ...minimalCard, mlp: undefined }, /'mlp' is missing; it must be an object with kind, width/],
    [{ ...minimalCard, mlp: 'relu' }, /'mlp' is 'relu' and must be an object with kind, width/],
    [[], /it is \[\] and must be an object with/],
    [null, /it is null and must be an object with/],
    ['gpt2', /it is 'gpt2' and must be an object with/],
  ])('%j', (json, sentence) => {
    expect(() => resolveModelCard(json, 'mini')).toThrow(sentence);
    expect(() => resolveModelCard(json, 'mini')).toThrow(UserError);
  });
});
