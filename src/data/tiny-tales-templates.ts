// How a template of the tiny-tales grammar is taken apart into steps, and what a list of words can be.
import type { Words } from './tiny-tales-grammar.ts';

/** One piece of a template: something to write, to draw or to repeat. */
export type Step =
  | { kind: 'text'; text: string }
  | { kind: 'rule'; name: string }
  | { kind: 'draw'; variable: string; article: boolean; list: string; except: string[]; by: string | null }
  | { kind: 'among'; variable: string; variables: string[] }
  | { kind: 'recall'; variable: string; form: string }
  | { kind: 'number'; left: string; sign: '+' | '-'; right: string }
  | { kind: 'count'; variable: string };

/** One way to go on at a choice: how its text can start, and how likely it is. */
export interface Option {
  starts: readonly string[];
  probability: number;
}

// In this order: <rule>, [x:=y,z], [a x:list-y/z], {..x}, {x+y}, {x} with an article or a form.
const part =
  /<(\w+)>|\[(a )?(\w+):=([\w,]+)\]|\[(a )?(\w+):(\w+)((?:-\w+)*)(?:\/(\w+))?\]|\{\.\.(\w+)\}|\{(\w+)([+-])(\w+)\}|\{(a )?(\w+)(?:\.(\w+))?\}/g;

/** The steps of a template, in order. The syntax is at the head of tiny-tales-grammar.ts. */
export function parseTemplate(template: string): Step[] {
  const steps: Step[] = [];
  let end = 0;
  for (const match of template.matchAll(part)) {
    if (match.index > end) steps.push({ kind: 'text', text: template.slice(end, match.index) });
    end = match.index + match[0].length;
    steps.push(stepOf(match));
  }
  if (end < template.length) steps.push({ kind: 'text', text: template.slice(end) });
  return steps;
}

function stepOf(match: RegExpMatchArray): Step {
  const [, rule, , among, variables, article, drawn, list, except, by, counted, left, sign, right, an, recalled, form] =
    match;
  if (rule !== undefined) return { kind: 'rule', name: rule };
  if (among !== undefined) return { kind: 'among', variable: among, variables: variables!.split(',') };
  if (drawn !== undefined) {
    const names = except!.split('-').slice(1);
    return {
      kind: 'draw',
      variable: drawn,
      article: article !== undefined,
      list: list!,
      except: names,
      by: by ?? null,
    };
  }
  if (counted !== undefined) return { kind: 'count', variable: counted };
  if (left !== undefined) return { kind: 'number', left, sign: sign as '+' | '-', right: right! };
  return { kind: 'recall', variable: recalled!, form: an === undefined ? (form ?? '') : 'a' };
}

/** Whether the list has one row of words for each word of another list. */
export function isRows(words: Words): words is Readonly<Record<string, readonly string[]>> {
  return !Array.isArray(words) && Object.values(words).every((row) => Array.isArray(row));
}

/** Word and weight, for a list that has no rows. */
export function weightsOf(words: Words): Record<string, number> {
  if (Array.isArray(words)) return Object.fromEntries(words.map((word) => [word, 1]));
  return words as Record<string, number>;
}

/** The word with "a" or "an" before it. */
export function withArticle(word: string): string {
  return /^[aeiou]/.test(word) ? `an ${word}` : `a ${word}`;
}

/** A word as an option of a draw. */
export function optionOf(word: string, probability: number, article: boolean): Option {
  return { starts: [article ? withArticle(word) : word], probability };
}

/** Throws unless the text alone tells the options apart, whichever way it goes on. */
export function mustDiffer(where: string, options: readonly Option[]): void {
  for (const [i, one] of options.entries()) {
    for (const [j, other] of options.entries()) {
      if (i === j) continue;
      const pair = one.starts
        .flatMap((a) => other.starts.map((b) => [a, b] as const))
        .find(([a, b]) => b.startsWith(a));
      if (pair)
        throw new Error(
          `In the grammar's ${where}, '${pair[1]}' begins with '${pair[0]}': a text must tell them apart.`,
        );
    }
  }
}
