// The words of the audit: documents, kinds of evidence, verdicts, groups of claims.

/** The five documents, by the short names used everywhere. */
export const DOCUMENTS = {
  'training-llms': 'slides "The Math Behind Transformer: Training Transformer LLMs"',
  'transformer-math-101': 'notes "Transformer Math 101"',
  'lecture-compute-memory': 'slides on compute, number formats and memory',
  'decoder-only': 'notes "Decoder-Only Transformers"',
  'llm-pretraining': 'slides "LLM Pretraining"',
} as const;
export type DocumentName = keyof typeof DOCUMENTS;

/**
 * What a statement is checked against: `arithmetic`, recomputed from the document's own inputs; `traced`, the model code run
 * for its shapes; `measured`, the model code run on a real backend; `published`, another published figure.
 */
export const EVIDENCE_KINDS = ['arithmetic', 'traced', 'measured', 'published'] as const;
export type EvidenceKind = (typeof EVIDENCE_KINDS)[number];

/** The verdicts, the weightiest first. */
export const VERDICTS = ['erratum', 'convention', 'approximates', 'holds'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** What a statement may be waiting for. */
export const PENDING = ['ledger', 'generation', 'ranks', 'sweeps'] as const;
export type Pending = `pending: ${(typeof PENDING)[number]}`;

/** Groups of claims, by the letter of their ids. */
export const GROUPS = {
  P: 'parameters',
  F: 'FLOPs',
  M: 'memory: states',
  A: 'memory: activations',
  D: 'parallelism',
  I: 'inference',
  H: 'intensity and hardware',
  S: 'scaling',
  T: 'architecture and objective',
  N: 'numbers',
} as const;
export type Group = keyof typeof GROUPS;

/** The group of a claim. */
export const groupOf = (id: string): Group => id[0] as Group;
