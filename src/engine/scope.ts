// Scopes: whose work a kernel is. Each kernel event carries the phase, the module path and the term that were entered last.
import type { Phase } from '../terms/vocabulary.ts';

/** Where in a step the program is. Empty strings: nothing was entered. */
export interface Scope {
  readonly phase: Phase | '';
  /** `blocks.3.attention`, `embedding`, `head` … */
  readonly module: string;
  /** `attention.scores`, `mlp.up/dw` … */
  readonly term: string;
}

const outside: Scope = { phase: '', module: '', term: '' };
let current: Scope = outside;

/** The scope that a kernel run now would belong to. */
export const currentScope = (): Scope => current;

/** Whether phase, module and term are all named, as every kernel of ours must have them. */
export const isComplete = ({ phase, module, term }: Scope): boolean => phase !== '' && module !== '' && term !== '';

/** Runs `body` inside `scope`; fields that are left out stay as they are. Scopes end with the call, also when it throws. */
export function withScope<T>(scope: Partial<Scope>, body: () => T): T {
  const outer = current;
  current = { ...outer, ...scope };
  try {
    return body();
  } finally {
    current = outer;
  }
}

/** Runs `body` one level deeper in the module path: `attention` inside `blocks.3` is `blocks.3.attention`. */
export function inModule<T>(name: string, body: () => T): T {
  return withScope({ module: current.module === '' ? name : `${current.module}.${name}` }, body);
}

/** Runs `body` as work of a term. */
export const inTerm = <T>(term: string, body: () => T): T => withScope({ term }, body);
