// The audit for people: one line per claim under its counts, or everything about one claim; and the same for machines.
import type { AuditCounts, Audited } from '../audit/audit.ts';
import type { EvidenceLine } from '../audit/claim.ts';
import type { KeptRecord } from '../audit/kept.ts';
import { type Palette, visibleWidth } from './palette.ts';

/** The result of a measurement as kept, and whether it ships or was made here. */
export interface ShownRecord extends KeptRecord {
  readonly origin: 'ships' | 'made here';
}

/** Finds the record that a measurement's result came from. */
export type Records = (id: string) => ShownRecord | undefined;

/** `114 claims · 40 hold · 20 approximate · …`. */
export function countsLine(counts: AuditCounts): string {
  const { claims, holds, approximates, erratum, convention, pending, partlyPending, failed, differ } = counts;
  const parts = [
    `${claims} claims`,
    `${holds} hold`,
    `${approximates} approximate`,
    `${erratum} errata`,
    `${convention} conventions`,
    `${pending} pending${partlyPending > 0 ? ` (and parts of ${partlyPending} more)` : ''}`,
  ];
  if (failed > 0) parts.push(`${failed} failed to run`);
  if (differ > 0) parts.push(`${differ} differ from the record`);
  return parts.join(' · ');
}

/** Where a claim stands: `decoder-only (2.8)`. */
const place = ({ claim }: Audited) => `${claim.documents.join(', ')} ${claim.where}`.trim();

const verdictText = ({ verdict }: Audited) => verdict ?? 'failed';

/** What speaks for the verdict, in a few words. */
function evidenceText({ parts, brief, failure, recorded, verdict, agrees }: Audited): string {
  if (failure !== undefined) return `the check failed to run: ${failure}`;
  const corrections = parts.filter((part) => part.verdict === 'erratum').map(({ because }) => because[0]!.value);
  const main = parts[0]!;
  const differs = `DIFFERS from the record${recorded === verdict ? '' : `, ${recorded}`}`;
  return [
    ...(agrees ? [] : [differs]),
    ...(main.verdict.startsWith('pending') ? [`missing: ${main.because[0]!.value}`] : []),
    ...(corrections.length > 0 ? [`should be ${corrections.join('; ')}`] : []),
    ...(brief === '' ? [] : [brief]),
  ].join(' · ');
}

function painted(finding: Audited, palette: Palette, text: string): string {
  if (finding.failure !== undefined || !finding.agrees) return palette.warning(text);
  if (finding.verdict === 'erratum') return palette.difference(text);
  return finding.verdict?.startsWith('pending') ? palette.quiet(text) : text;
}

/**
 * The counts, then one line per claim: id, document, verdict, statement, evidence.
 * @param width where lines are to be broken; undefined for one line each, however long (files, pipes)
 */
export function auditLines(
  findings: readonly Audited[],
  counts: AuditCounts,
  palette: Palette,
  width: number | undefined,
): string[] {
  const widest = (texts: readonly string[]) => Math.max(0, ...texts.map(visibleWidth));
  const verdicts = Math.max(10, widest(findings.map(verdictText)));
  const places = Math.min(34, widest(findings.map(place)));
  const rows = findings.flatMap((finding) => {
    const head = `${finding.claim.id.padEnd(3)}  ${painted(finding, palette, verdictText(finding).padEnd(verdicts))}  `;
    const evidence = palette.quiet(evidenceText(finding));
    if (width === undefined)
      return [`${head}${place(finding).padEnd(places)}  ${finding.claim.statement}   ${evidence}`];
    const margin = ' '.repeat(visibleWidth(head));
    const first = `${place(finding)}: ${finding.claim.statement}`;
    return [
      ...wrapped(first, width - margin.length).map((line, at) => `${at === 0 ? head : margin}${line}`),
      ...wrapped(evidenceText(finding), width - margin.length).map((line) => `${margin}${palette.quiet(line)}`),
    ];
  });
  return [palette.strong(countsLine(counts)), '', ...rows];
}

/** Words on as many lines as they need. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Everything about one claim: its parts with what decides them, the evidence, the explanation, the measurements. */
export function claimLines(finding: Audited, records: Records, palette: Palette, width = 100): string[] {
  const { claim, recorded, parts, details, failure } = finding;
  const indented = (text: string, by = 2) => wrapped(text, width - by).map((line) => `${' '.repeat(by)}${line}`);
  const section = (title: string, lines: readonly string[]) =>
    lines.length > 0 ? ['', palette.strong(title), ...lines] : [];
  return [
    `${palette.strong(claim.id)}  ${place(finding)}`,
    ...indented(claim.statement),
    '',
    `verdict  ${painted(finding, palette, verdictText(finding))}${finding.agrees ? '' : palette.warning(` (on record: ${recorded})`)}`,
    ...(failure === undefined ? [] : [palette.warning(`the check failed to run: ${failure}`)]),
    ...section(
      parts.length > 1 ? 'Parts' : 'Because',
      parts.flatMap(({ says, verdict, because, recorded: onRecord }) => [
        ...indented(`${verdict}${onRecord === verdict ? '' : ` (on record: ${onRecord})`}: ${says}`),
        ...because.flatMap((line) => indented(lineText(line), 4)),
      ]),
    ),
    ...section('Evidence', evidenceRows(details, palette, width)),
    ...section('Why', claim.explanation === undefined ? [] : indented(claim.explanation)),
    ...section(
      'Measured',
      finding.measurements.flatMap(({ id, title }) => indented(`${id}: ${title}; ${recordText(records(id))}`)),
    ),
    '',
    palette.quiet(`evidence: ${claim.kinds.join(', ')}`),
  ];
}

const lineText = ({ label, value, note }: EvidenceLine) => `${label}: ${value}${note ? ` (${note})` : ''}`;

const recordText = (record: ShownRecord | undefined) =>
  record ? `stored, ${record.origin}, ${record.date}, ${record.machine}, ${record.backend}` : 'never made';

function evidenceRows(details: readonly EvidenceLine[], palette: Palette, width: number): string[] {
  const longest = (of: (line: EvidenceLine) => string) => Math.max(0, ...details.map((line) => of(line).length));
  const labels = longest(({ label }) => label);
  const values = longest(({ value }) => value);
  const room = width - 2 - labels - 2;
  if (values > room) return details.flatMap((line) => wrapped(lineText(line), width - 2).map((text) => `  ${text}`));
  const right = isNumeric(details);
  return details.flatMap(({ label, value, note = '' }) => {
    const row = `  ${label.padEnd(labels)}  ${right ? value.padStart(values) : value}`;
    if (row.length + 2 + note.length <= width) return [note ? `${row}  ${palette.quiet(note)}` : row];
    const margin = ' '.repeat(labels + 4);
    return [row, ...wrapped(note, width - margin.length).map((line) => `${margin}${palette.quiet(line)}`)];
  });
}

/** Whether the values are numbers that should line up at their right ends. */
const isNumeric = (details: readonly EvidenceLine[]) =>
  details.every(({ value }) => /^[−-]?[\d.,]+\D{0,8}$/.test(value));

/** The audit as one document. */
export function auditDocument(
  findings: readonly Audited[],
  counts: AuditCounts,
  records: Records,
): Record<string, unknown> {
  return {
    counts,
    claims: findings.map(({ claim, verdict, recorded, agrees, failure, parts, brief, details, measurements }) => ({
      id: claim.id,
      documents: claim.documents,
      where: claim.where,
      statement: claim.statement,
      verdict: verdict ?? null,
      recorded,
      agrees,
      ...(failure === undefined ? {} : { failure }),
      kinds: claim.kinds,
      evidence: brief,
      parts,
      details,
      ...(claim.explanation === undefined ? {} : { explanation: claim.explanation }),
      measurements: measurements.map(({ id }) => {
        const record = records(id);
        return { id, ...(record && { origin: record.origin, date: record.date, machine: record.machine }) };
      }),
    })),
  };
}
