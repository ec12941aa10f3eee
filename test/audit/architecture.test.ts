// Claims T: what the figures behind the verdicts are, and that the model code does what the corrected formulas say.
import { beforeAll, describe, expect, it } from 'vitest';
import { architectureClaims } from '../../src/audit/claims/architecture.ts';
import {
  attend,
  causal,
  difference,
  maskOf,
  product,
  randomMatrix,
} from '../../src/audit/claims/architecture-matrices.ts';
import type { Bench } from '../../src/audit/context.ts';
import { type ModelCode, modelCode } from '../../src/audit/measurements/model-code.ts';
import { type Norms, norms } from '../../src/audit/measurements/norms.ts';
import { trainResiduals } from '../../src/audit/measurements/residual-runs.ts';
import type { Residuals } from '../../src/audit/measurements/residuals.ts';
import { type TokensPerWord, tokensPerWord } from '../../src/audit/measurements/tokens-per-word.ts';
import { startBackend } from '../../src/engine/backends.ts';
import { auditContext, findingsOf, partsOf } from '../support/audit.ts';
import { alive, leavesNothing } from '../support/backend.ts';

/** Results as a machine might give them. */
const madeUp: { norms: Norms; residuals: Residuals; 'tokens-per-word': TokensPerWord } = {
  residuals: {
    layers: 2,
    steps: 9,
    one: { gradients: [1, 2], first: 5, last: 2 },
    two: { gradients: [1, 2], first: 5, last: 1 },
  },
  norms: {
    rows: 8,
    hidden: 8,
    times: { layer: 7.5, rms: 5 },
    card: 'gpt-debug',
    set: [],
    steps: 2,
    placements: {
      pre: { gradients: [1, 1.1], first: 5, last: 4 },
      post: { gradients: [9, 1], first: 5, last: 3 },
    },
  },
  'tokens-per-word': { words: 100, bytes: 600, tokens: { byte: 600, r50k: 125, cl100k: 124, o200k: 126 } },
};

let code: ModelCode;
beforeAll(async () => {
  await startBackend('cpu');
  const { card } = auditContext();
  code = modelCode.schema.parse(await modelCode.run({ card } as Bench));
});

describe('claims T', () => {
  it('are twenty, and each comes to what is on record', () => {
    const findings = findingsOf(architectureClaims, { ...madeUp, 'model-code': code });
    expect(Object.keys(findings)).toEqual(Array.from({ length: 20 }, (_, at) => `T${at + 1}`));
    for (const { claim, failure, agrees } of Object.values(findings)) {
      expect({ id: claim.id, failure, agrees }).toEqual({ id: claim.id, failure: undefined, agrees: true });
    }
    expect(partsOf(findings.T7!)).toEqual(['holds', 'holds', 'erratum', 'erratum', 'erratum', 'erratum']);
    expect(partsOf(findings.T9!)).toEqual(['holds', 'holds']);
    expect(partsOf(findings.T17!)).toEqual(['holds', 'erratum']);
  });

  it.each([
    ['T1', { layerNorm: { printed: 0, corrected: 1 } }],
    ['T2', { causal: { later: 1, own: 1 } }],
    ['T4', { rmsNorm: { printed: 1, corrected: 1 } }],
    ['T6', { keyHeads: [1, 2, 1, 2, 1, 2, 1, 2] }],
    ['T7', { rotary: { shifted: 1, layouts: 0 } }],
    ['T13', { fused: 1 }],
    ['T18', { block: { printed: 0, corrected: 1 } }],
  ])('%s fails where the model code does something else', (id, wrong) => {
    const claims = architectureClaims.filter((claim) => claim.id === id);
    const finding = findingsOf(claims, { ...madeUp, 'model-code': { ...code, ...wrong } })[id]!;
    expect(finding.agrees).toBe(false);
  });

  it('T10 and T20 follow what was measured', () => {
    const slow = { ...madeUp.norms, times: { layer: 5, rms: 7 } };
    const uneven = { ...madeUp.norms.placements, pre: { gradients: [90, 1], first: 5, last: 4 } };
    const claims = architectureClaims.filter(({ id }) => id === 'T10' || id === 'T20');
    expect(findingsOf(claims, { norms: slow }).T10!.agrees).toBe(false); // slower, not faster
    expect(findingsOf(claims, { norms: { ...madeUp.norms, placements: uneven } }).T20!.agrees).toBe(false);
  });
});

describe('the model code', () => {
  it('does what the corrected formulas say', () => {
    const { layerNorm, rmsNorm, block } = code;
    for (const { printed, corrected } of [layerNorm, rmsNorm, block]) {
      expect(corrected).toBeLessThan(1e-5);
      expect(printed).toBeGreaterThan(1e-3);
    }
    expect(code.causal.later).toBe(0);
    expect(code.keyHeads).toEqual([1, 1, 1, 1, 2, 2, 2, 2]);
  });

  it('leaves nothing on the backend when it is measured again', async () => {
    const before = alive();
    await modelCode.run({ card: auditContext().card } as Bench);
    expect(alive()).toEqual(before);
  });
});

describe('measurements', () => {
  it('counts the tokens of a text: bytes as UTF-8, and fewer in every byte pair encoding', async () => {
    const { words, bytes, tokens } = await tokensPerWord.run({} as Bench);
    expect(tokens.byte).toBe(bytes);
    for (const name of ['r50k', 'cl100k', 'o200k'] as const) {
      expect(tokens[name]).toBeGreaterThan(words);
      expect(tokens[name]).toBeLessThan(bytes / 3);
    }
  });

  it.each([1, 2] as const)('of %i residual connections train, and leave nothing', async (connections) => {
    await leavesNothing(() => {
      const { gradients, first, last } = trainResiduals(connections, 2, 8);
      expect(gradients).toHaveLength(2);
      expect(last).toBeLessThan(first);
    });
  });

  it('of norms give what their schema says', () => {
    expect(norms.schema.safeParse(madeUp.norms).success).toBe(true);
    expect(norms.schema.safeParse({ ...madeUp.norms, times: { layer: 0, rms: 1 } }).success).toBe(false);
  });
});

describe('plain matrices', () => {
  it('multiply only what fits', () => {
    const x = randomMatrix('test.x', 2, 3);
    expect(() => product(x, x)).toThrow('[2, 3] cannot be multiplied by [2, 3]');
  });

  it('attend to the first token alone where nothing else is allowed', () => {
    const v = randomMatrix('test.v', 4, 2);
    const out = attend(v, v, v, maskOf(4, causal));
    expect(difference([out[0]!], [v[0]!])).toBe(0);
  });

  it('differ infinitely where their shapes do', () => {
    expect(difference([[1]], [[1, 2]])).toBe(Number.POSITIVE_INFINITY);
    expect(difference([[Number.NaN]], [[1]])).toBe(Number.POSITIVE_INFINITY);
  });
});
