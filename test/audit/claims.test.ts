// Every claim of the five documents, with the verdict that was found: written down here apart from the program.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type AnyClaim, isPending, type Part } from '../../src/audit/claim.ts';
import { CLAIMS } from '../../src/audit/claims/index.ts';
import type { AuditContext } from '../../src/audit/context.ts';
import { measuredFrom, parseKept } from '../../src/audit/kept.ts';
import { MEASUREMENTS } from '../../src/audit/measurements/index.ts';
import { examine } from '../../src/audit/verdict.ts';
import { DOCUMENTS, EVIDENCE_KINDS, GROUPS, groupOf } from '../../src/audit/vocabulary.ts';
import { loadModelCard } from '../../src/node/cards.ts';
import { loadHardware } from '../../src/node/hardware.ts';

/** h holds, a approximates, e erratum, c convention, l, g, r, s pending: ledger, generation, ranks, sweeps. */
const VERDICTS: Readonly<Record<keyof typeof GROUPS, string>> = {
  P: 'a e e e h a h a e e',
  F: 'a h h e h a a a e h e e e',
  M: 'h c c h c e h e c a c l g',
  A: 'c h e e e h e h h h h h',
  D: 'e a h h e h h h h h e',
  I: 'h a e a h e e h e h h',
  H: 'e e h a a a',
  S: 'a h a h e a a h c s e c s',
  T: 'e e e e e e e e h a h h h h a h e e e h',
  N: 'h h e h e',
};
const LETTERS: Readonly<Record<string, string>> = {
  h: 'holds',
  a: 'approximates',
  e: 'erratum',
  c: 'convention',
  l: 'pending: ledger',
  g: 'pending: generation',
  r: 'pending: ranks',
  s: 'pending: sweeps',
};
const expected = Object.entries(VERDICTS).flatMap(([group, letters]) =>
  letters.split(' ').map((letter, at) => [`${group}${at + 1}`, LETTERS[letter]!] as const),
);

const file = new URL('../../docs/measurements/audit.json', import.meta.url);
const shipped = parseKept(JSON.parse(readFileSync(file, 'utf8')), 'audit.json');
const context: AuditContext = {
  card: (arch, set = []) => loadModelCard({ arch, set }),
  hardware: loadHardware,
  measured: measuredFrom(shipped),
};
const byId = (id: string) => CLAIMS.find((claim) => claim.id === id)!;
const errata = CLAIMS.filter((claim) => claim.parts.some(({ recorded }) => recorded === 'erratum'));

describe('the list of claims', () => {
  it('has every claim exactly once', () => {
    expect(CLAIMS.map(({ id }) => id).sort()).toEqual(expected.map(([id]) => id).sort());
    expect(CLAIMS).toHaveLength(114);
  });

  it.each(CLAIMS.map((claim) => [claim.id, claim] as const))(
    '%s says where it stands and what it states',
    (id, claim) => {
      expect(Object.keys(GROUPS)).toContain(groupOf(id));
      expect(claim.documents.length).toBeGreaterThan(0);
      for (const document of claim.documents) expect(Object.keys(DOCUMENTS)).toContain(document);
      for (const kind of claim.kinds) expect(EVIDENCE_KINDS).toContain(kind);
      expect(claim.where).not.toBe('');
      expect(claim.statement.length).toBeGreaterThan(15);
      expect(claim.parts.length).toBeGreaterThan(0);
      for (const { says } of claim.parts) expect(says).not.toBe('');
    },
  );
});

describe('verdicts', () => {
  it.each(expected)('%s: %s', (id, verdict) => {
    const finding = examine(byId(id), context);
    expect(finding.failure).toBeUndefined();
    expect(finding).toMatchObject({ verdict, recorded: verdict, agrees: true });
    for (const { because } of finding.parts) for (const line of because) expect(line.value).not.toBe('');
    if (!verdict.startsWith('pending')) expect(finding.brief).not.toBe('');
    for (const text of [finding.brief, ...finding.details.map(({ value }) => value)]) {
      expect(text).not.toMatch(/undefined|\[object|(NaN|Infinity)[ ×·%]/);
    }
  });

  it('follow from the predicates: whichever is flipped, the check no longer agrees', () => {
    for (const claim of CLAIMS) {
      claim.parts.forEach((part, at) => {
        if (isPending(part)) return;
        const flipped = { ...part, asPrinted: (evidence: unknown) => !part.asPrinted(evidence) };
        expect(examine(withPart(claim, at, flipped), context).agrees, `${claim.id}: ${part.says}`).toBe(false);
      });
    }
  });
});

const withPart = (claim: AnyClaim, at: number, part: Part<unknown>): AnyClaim => ({
  ...claim,
  parts: claim.parts.map((other, index) => (index === at ? part : other)),
});

describe('errata', () => {
  it.each(errata.map((claim) => [claim.id, claim] as const))('%s has a correction that is evaluated', (_, claim) => {
    claim.parts.forEach((part, at) => {
      if (isPending(part) || part.recorded !== 'erratum') return;
      expect(part.shouldBe, part.says).toBeTruthy();
      const asked: string[] = [];
      const spied: Part<unknown> = {
        ...part,
        asPrinted: (evidence) => {
          asked.push('printed');
          return part.asPrinted(evidence);
        },
        corrected: (evidence) => {
          asked.push('corrected');
          return part.corrected!(evidence);
        },
      };
      expect(examine(withPart(claim, at, spied), context).agrees).toBe(true);
      expect(asked).toEqual(['printed', 'corrected']);
      const wrong = { ...part, corrected: (evidence: unknown) => !part.corrected!(evidence) };
      expect(examine(withPart(claim, at, wrong), context).agrees).toBe(false);
    });
  });

  it.each(errata.map((claim) => [claim.id, claim] as const))(
    '%s is explained in two sentences',
    (_, { explanation }) => {
      expect(explanation).toBeDefined();
      expect(explanation!.match(/[.?!](?= |$)/g)).toHaveLength(2);
      expect(explanation!.length).toBeLessThan(400);
    },
  );
});

describe('pending parts', () => {
  it('say what is missing', () => {
    const missing = CLAIMS.flatMap(({ id, parts }) => parts.filter(isPending).map((part) => ({ id, ...part })));
    for (const part of missing) expect(part.missing.length, part.id).toBeGreaterThan(15);
  });
});

describe('the measurements that ship', () => {
  it('are all there, and each is asked for by a claim', () => {
    expect(Object.keys(shipped).sort()).toEqual(MEASUREMENTS.map(({ id }) => id).sort());
    const asked = new Set<string>();
    const measured: AuditContext['measured'] = (measurement) => {
      asked.add(measurement.id);
      return context.measured(measurement);
    };
    for (const claim of CLAIMS) examine(claim, { ...context, measured });
    expect([...asked].sort()).toEqual(Object.keys(shipped).sort());
  });

  it('name a kind of machine, and no machine', () => {
    for (const { machine, backend } of Object.values(shipped)) {
      expect(`${machine} ${backend}`).not.toMatch(/\/|localhost|@/);
    }
  });
});
