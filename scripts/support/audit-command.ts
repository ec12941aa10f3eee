// yarn audit: what the five documents claim, each claim with the verdict that its evidence gives.
import { fileURLToPath } from 'node:url';
import { audit, countFindings } from '../../src/audit/audit.ts';
import type { AnyClaim } from '../../src/audit/claim.ts';
import type { AuditContext, CardSource } from '../../src/audit/context.ts';
import { type Kept, keptDocument, measuredFrom, parseKept } from '../../src/audit/kept.ts';
import { MEASUREMENTS } from '../../src/audit/measurements/index.ts';
import { DOCUMENTS, type DocumentName } from '../../src/audit/vocabulary.ts';
import { readJson } from '../../src/formats/json-file.ts';
import { folderOf, joinPath } from '../../src/formats/storage.ts';
import { cacheFolder } from '../../src/node/cache.ts';
import { loadModelCard } from '../../src/node/cards.ts';
import { loadHardware } from '../../src/node/hardware.ts';
import { nodeStorage } from '../../src/node/storage.ts';
import { auditDocument, auditLines, claimLines, type ShownRecord } from '../../src/report/audit.ts';
import { toJson } from '../../src/report/json.ts';
import { palette } from '../../src/report/palette.ts';
import { unknownName } from '../../src/terms/user-error.ts';
import type { Command } from './cli.ts';
import { backendOptions } from './common-options.ts';
import { choice, flag, path, text } from './options.ts';

const SHIPPED = fileURLToPath(new URL('../../docs/measurements/audit.json', import.meta.url));

const options = {
  claim: text({ describe: 'one claim with all its evidence', placeholder: 'ID', group: 'Which' }),
  document: choice({
    describe: 'the claims of one document',
    choices: Object.keys(DOCUMENTS) as DocumentName[],
    group: 'Which',
  }),
  group: text({
    describe: 'the claims whose ids begin so: P, F, M, A, D, I, H, S, T, N',
    placeholder: 'LETTER',
    group: 'Which',
  }),
  measure: flag({ describe: 'make the measured evidence again, on this machine (minutes)', group: 'Evidence' }),
  measurements: path({
    describe: 'the file that keeps this machine’s measurements (default: in the cache folder)',
    placeholder: 'FILE',
    group: 'Evidence',
  }),
  backend: backendOptions.backend,
};

/** The command, over any list of claims, so that tests can hand in wrong ones. */
export const auditCommand = (claims: readonly AnyClaim[]): Command<typeof options> => ({
  name: 'audit',
  summary: 'Checks every claim of the five documents and says which hold, which approximate, and which are wrong.',
  options,
  examples: [
    ['', 'all claims, one line each'],
    ['--claim A5', 'one claim: what is wrong, why, and the evidence'],
    ['--document decoder-only --json', 'the claims of one document for a program'],
    ['--measure', 'small runs on this machine instead of the results that ship'],
  ],
  handler: async (args, { out }) => {
    const chosen = choose(claims, args);
    const file = args.measurements ?? joinPath(cacheFolder(), 'audit.json');
    const card: CardSource = (arch, set = []) => loadModelCard({ arch, set });
    const shipped = await kept(SHIPPED);
    const examineWith = (own: Kept) => {
      const context: AuditContext = { card, hardware: loadHardware, measured: measuredFrom(own, shipped) };
      return audit(chosen, context);
    };
    let own = await kept(file);
    let findings = examineWith(own);
    if (args.measure) {
      const needed = MEASUREMENTS.filter((made) => findings.some(({ measurements }) => measurements.includes(made)));
      const { makeMeasurements } = await import('./audit-measure.ts');
      own = { ...own, ...(await makeMeasurements(needed, card, args.backend, out.note)) };
      await keep(file, own);
      findings = examineWith(own);
    }
    const counts = countFindings(findings);
    const records = (id: string): ShownRecord | undefined => {
      if (own[id]) return { ...own[id], origin: 'made here' };
      return shipped[id] && { ...shipped[id], origin: 'ships' };
    };
    const colours = palette(out.colour);
    const single = args.claim === undefined ? undefined : findings[0];
    const lines = single
      ? claimLines(single, records, colours, out.columns)
      : auditLines(findings, counts, colours, out.interactive ? out.columns : undefined);
    for (const line of lines) out.say(line);
    out.document(auditDocument(findings, counts, records));
    return findings.every(({ agrees }) => agrees) ? 0 : 1;
  },
});

interface Choice {
  readonly claim?: string | undefined;
  readonly document?: DocumentName | undefined;
  readonly group?: string | undefined;
}

function choose(claims: readonly AnyClaim[], { claim, document, group }: Choice): readonly AnyClaim[] {
  const matching = claims.filter(
    ({ id, documents }) =>
      (claim === undefined || id === claim.toUpperCase()) &&
      (document === undefined || documents.includes(document)) &&
      (group === undefined || id[0] === group.toUpperCase()),
  );
  if (matching.length > 0) return matching;
  const ids = claims.map(({ id }) => id);
  if (claim !== undefined) throw unknownName('claim', claim, ids);
  throw unknownName('group of claims', group ?? '', [...new Set(ids.map((id) => id[0]!))]);
}

async function kept(file: string): Promise<Kept> {
  return (await nodeStorage.exists(file)) ? parseKept(await readJson(nodeStorage, file), file) : {};
}

async function keep(file: string, results: Kept): Promise<void> {
  await nodeStorage.makeFolder(folderOf(file));
  await nodeStorage.write(file, new TextEncoder().encode(`${toJson(keptDocument(results), 2)}\n`));
}
