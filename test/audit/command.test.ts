// `yarn audit` as a person and a program meet it.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { auditCommand } from '../../scripts/support/audit-command.ts';
import { execute } from '../../scripts/support/cli.ts';
import { audit } from '../../src/audit/audit.ts';
import { type AnyClaim, isPending } from '../../src/audit/claim.ts';
import { CLAIMS } from '../../src/audit/claims/index.ts';
import { measuredFrom, parseKept } from '../../src/audit/kept.ts';
import { loadModelCard } from '../../src/node/cards.ts';
import { loadHardware } from '../../src/node/hardware.ts';

const folder = mkdtempSync(join(tmpdir(), 'audit-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A file of this machine's measurements that is not there, so that only those that ship are used. */
const none = join(folder, 'none.json');

async function run(argv: readonly string[], claims: readonly AnyClaim[] = CLAIMS) {
  const texts = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof texts) => ({ write: (text: string) => (texts[name] += text) });
  const streams = { stdout: stream('stdout'), stderr: stream('stderr'), env: { NO_COLOR: '1' } };
  const file = argv.includes('--measurements') ? [] : ['--measurements', none];
  const code = await execute(auditCommand(claims), [...file, ...argv], streams);
  return { code, ...texts };
}

const inOneLine = (text: string) => text.replace(/\s+/g, ' ');

/** The claims with what one of them says turned around. */
const flipped = (id: string) =>
  CLAIMS.map((claim) =>
    claim.id === id
      ? {
          ...claim,
          parts: claim.parts.map((part) =>
            isPending(part) ? part : { ...part, asPrinted: (evidence: unknown) => !part.asPrinted(evidence) },
          ),
        }
      : claim,
  );

describe('yarn audit', () => {
  it('prints the counts, then one line per claim', async () => {
    const { code, stdout } = await run([]);
    expect(code).toBe(0);
    const [counts, blank, ...lines] = stdout.trimEnd().split('\n');
    expect(counts).toMatch(/^114 claims · \d+ hold · \d+ approximate · \d+ errata · \d+ conventions · \d+ pending/);
    expect(counts).not.toContain('failed');
    expect(blank).toBe('');
    expect(lines.map((line) => line.split(' ')[0])).toEqual(CLAIMS.map(({ id }) => id));
    const line = lines.find((text) => text.startsWith('A5'))!;
    expect(line).toMatch(/^A5 +erratum +decoder-only \(2\.8\) .*15AS.*should be 66D \+ 9AS.*2p \+ 1 = 9/);
  });

  it('shows one claim with parts, evidence, explanation and where the measured evidence comes from', async () => {
    const { code, stdout } = await run(['--claim', 'a5']);
    expect(code).toBe(0);
    for (const text of ['decoder-only (2.8)', 'verdict erratum', 'should be: 66D + 9AS', 'Why', 'stored, ships, 20']) {
      expect(inOneLine(stdout)).toContain(text);
    }
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
  });

  it('prints one JSON document', async () => {
    const { code, stdout } = await run(['--json', '--group', 'm']);
    expect(code).toBe(0);
    const { counts, claims } = JSON.parse(stdout);
    expect(counts.claims).toBe(13);
    expect(claims.map(({ id }: { id: string }) => id)).toEqual(Array.from({ length: 13 }, (_, at) => `M${at + 1}`));
    const gpt3 = claims.find(({ id }: { id: string }) => id === 'M8');
    expect(gpt3).toMatchObject({ verdict: 'erratum', recorded: 'erratum', agrees: true, documents: ['decoder-only'] });
    expect(gpt3.parts).toHaveLength(2);
    const measured = claims.find(({ id }: { id: string }) => id === 'M11').measurements;
    expect(measured).toEqual([
      { id: 'step-times', origin: 'ships', date: expect.any(String), machine: expect.any(String) },
    ]);
  });

  it('keeps to one document', async () => {
    const { stdout } = await run(['--json', '--document', 'transformer-math-101']);
    const { claims } = JSON.parse(stdout);
    expect(claims.length).toBeGreaterThan(5);
    for (const { documents } of claims) expect(documents).toContain('transformer-math-101');
  });
});

describe('exit code 1', () => {
  it.each(['P4', 'F1', 'M2', 'A2'])('where a predicate of %s is turned around', async (id) => {
    const { code, stdout } = await run(['--json'], flipped(id));
    expect(code).toBe(1);
    const { counts, claims } = JSON.parse(stdout);
    expect(counts.failed + counts.differ).toBe(1);
    expect(claims.filter(({ agrees }: { agrees: boolean }) => !agrees)).toMatchObject([{ id }]);
  });

  it('where a check cannot run, which is said in its line', async () => {
    const broken = CLAIMS.map((claim) =>
      claim.id === 'P5'
        ? {
            ...claim,
            evidence: () => {
              throw new Error('no evidence');
            },
          }
        : claim,
    );
    const { code, stdout } = await run([], broken);
    expect(code).toBe(1);
    expect(stdout).toContain('1 failed to run');
    expect(stdout).toMatch(/^P5 +failed .*the check failed to run/m);
  });

  it.each([
    [['--claim', 'A99'], /Unknown claim 'A99': did you mean A9/],
    [['--group', 'q'], /Unknown group of claims 'q'/],
    [['--document', 'decoder'], /decoder-only/],
    [['--measurements', join(folder, 'bad.json')], /bad\.json' cannot be read: version/],
  ])('and one sentence for %j', async (argv, sentence) => {
    writeFileSync(join(folder, 'bad.json'), '{"version": 3, "measurements": {}}');
    const { code, stderr } = await run(argv);
    expect(code).toBe(1);
    expect(stderr.trim()).toMatch(sentence);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

it('measurements of this machine win over those that ship, and are shown as such', async () => {
  const shipped = JSON.parse(readFileSync(new URL('../../docs/measurements/audit.json', import.meta.url), 'utf8'));
  const own = join(folder, 'own.json');
  const record = { ...shipped.measurements['step-times'], date: '2001-02-03' };
  writeFileSync(own, JSON.stringify({ version: 1, measurements: { 'step-times': record } }));
  const { stdout } = await run(['--claim', 'F8', '--measurements', own]);
  expect(inOneLine(stdout)).toContain('stored, made here, 2001-02-03');
  expect(inOneLine(stdout)).toContain('stored, ships, ');
});

it('all claims are examined within a second', () => {
  const shipped = JSON.parse(readFileSync(new URL('../../docs/measurements/audit.json', import.meta.url), 'utf8'));
  const context = {
    card: (arch: string, set: readonly string[] = []) => loadModelCard({ arch, set }),
    hardware: loadHardware,
    measured: measuredFrom(parseKept(shipped, 'audit.json')),
  };
  // The best of several: this says what the program needs, not what else the machine is doing.
  const times = Array.from({ length: 3 }, () => {
    const start = performance.now();
    audit(CLAIMS, context);
    return performance.now() - start;
  });
  expect(Math.min(...times)).toBeLessThan(1000);
});
