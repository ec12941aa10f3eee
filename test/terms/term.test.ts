// Terms: a value is what its formula says, and a total whose formula disagrees with its parts is a bug.
import { describe, expect, it } from 'vitest';
import { term, totalTerm } from '../../src/terms/term.ts';

const letters = { B: 2n, D: 8n };
const parts = [term('a', 'bytes', 'B·D', letters, 'here'), term('b', 'bytes', '3D', letters, 'here')];

describe('terms', () => {
  it('carry value, formula, numbers, unit and source', () => {
    expect(parts[1]).toEqual({ id: 'b', unit: 'bytes', value: 24n, formula: '3D', numbers: '3·8', source: 'here' });
  });

  it('add up under a formula of their own', () => {
    expect(totalTerm('both', parts, 'bytes', 'D(B + 3)', letters, 'here').value).toBe(40n);
  });

  it('refuse a formula that does not say their sum', () => {
    expect(() => totalTerm('both', parts, 'bytes', 'D(B + 4)', letters, 'here')).toThrow('= 48, but a + b = 40');
  });
});
