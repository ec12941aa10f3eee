// tiny-tales: writes stories from a probabilistic grammar, gives the exact probability of any story, and the exact entropy of a story.
//
// Because every text has one derivation, −ln p(text) is the sum over the derivation's choices, and the entropy of a story is the sum of
// the choices' entropies, each times how often it is reached. Tokens are a function of the text, so no model of the tokens can have a
// lower expected loss per token than entropy / tokens, and one that knows the grammar reaches it, with two provisos: the model must see
// the story from its beginning, and a window that starts in the middle of a story (or is shorter than one) hides what was said before.
// So the loss over fixed windows ends a little above the floor.
import { uniform } from '../engine/random.ts';
import { type Grammar, tinyTales, type Words } from './tiny-tales-grammar.ts';
import {
  isRows,
  mustDiffer,
  type Option,
  optionOf,
  parseTemplate,
  type Step,
  weightsOf,
  withArticle,
} from './tiny-tales-templates.ts';

/** One story and −ln of its probability, in nats. */
export interface Tale {
  text: string;
  nats: number;
}

/** Story number `index` (from 0) under `seed`: the same text for ever, whatever else is drawn. */
export function writeTale(seed: number, index: number): Tale {
  let choices = 0;
  const walk = new Walk(grammar(), (options) => {
    let rest = uniform(seed, index, choices++);
    for (let i = 0; i < options.length - 1; i++) {
      rest -= options[i]!.probability;
      if (rest < 0) return i;
    }
    return options.length - 1;
  });
  return walk.story();
}

/** Stories 0, 1, 2 … until they fill `bytes` (two line ends between stories counted): a smaller size is a beginning of a larger one. */
export function writeTales(seed: number, bytes: number): Tale[] {
  const tales: Tale[] = [];
  // The stories are plain ASCII: one byte for each character.
  for (let written = 0; written < bytes; ) {
    const tale = writeTale(seed, tales.length);
    tales.push(tale);
    written += tale.text.length + 2;
  }
  return tales;
}

/** −ln p(text) in nats under the grammar; Infinity for a text that is no tale. The inverse of writing: choices are read off the text. */
export function scoreTale(text: string): number {
  const walk = new Walk(
    grammar(),
    (options, at) => {
      const found = options.findIndex((option) => option.starts.some((start) => text.startsWith(start, at)));
      if (found < 0) throw new NoTale();
      return found;
    },
    text,
  );
  try {
    return walk.story().nats;
  } catch (error) {
    if (error instanceof NoTale) return Infinity;
    throw error;
  }
}

/** The entropy of one story in nats: exact, from the grammar alone. */
export function taleEntropy(): number {
  return grammar().entropy('story');
}

class NoTale extends Error {}

interface Alternative {
  weight: number;
  steps: Step[];
}

const numbers = 'zero one two three four five six seven eight nine ten'.split(' ');

/** A grammar with its templates taken apart, its choices checked, and its entropies. */
export class CompiledGrammar {
  readonly rules = new Map<string, Alternative[]>();
  private readonly choices = new Map<string, Option[]>();
  private readonly entropies = new Map<string, number>();

  constructor(readonly source: Grammar) {
    for (const [name, alternatives] of Object.entries(source.rules)) {
      this.rules.set(
        name,
        alternatives.map(([weight, template]) => ({ weight, steps: parseTemplate(template) })),
      );
    }
    for (const name of this.rules.keys()) {
      if (this.alternatives(name).length > 1) mustDiffer(`rule ${name}`, this.choice(name));
    }
    for (const [name, words] of Object.entries(source.lists)) {
      for (const row of isRows(words) ? Object.values(words) : [Object.keys(weightsOf(words))]) {
        const options = (article: boolean) => row.map((word) => optionOf(word, 1, article));
        mustDiffer(`list ${name}`, options(false));
        mustDiffer(`list ${name}`, options(true));
      }
    }
  }

  alternatives(name: string): Alternative[] {
    const found = this.rules.get(name);
    if (!found) throw new Error(`The grammar has no rule <${name}>.`);
    return found;
  }

  /** The options of the choice between a rule's alternatives. */
  choice(name: string): Option[] {
    const known = this.choices.get(name);
    if (known) return known;
    const alternatives = this.alternatives(name);
    const total = alternatives.reduce((sum, alternative) => sum + alternative.weight, 0);
    const options = alternatives.map(({ weight, steps }) => ({
      starts: this.starts(steps),
      probability: weight / total,
    }));
    this.choices.set(name, options);
    return options;
  }

  /** The entropy of what a rule writes, in nats. Rules do not call themselves, so this ends. */
  entropy(name: string): number {
    const known = this.entropies.get(name);
    if (known !== undefined) return known;
    const options = this.choice(name);
    let sum = entropyOf(options.map((option) => option.probability));
    for (const [i, { steps }] of this.alternatives(name).entries()) {
      for (const step of steps) sum += options[i]!.probability * this.stepEntropy(step);
    }
    this.entropies.set(name, sum);
    return sum;
  }

  private stepEntropy(step: Step): number {
    if (step.kind === 'rule') return this.entropy(step.name);
    if (step.kind === 'among') return Math.log(step.variables.length);
    if (step.kind !== 'draw') return 0;
    const words = this.list(step.list);
    if (isRows(words)) return entropyOf(this.source.rowWeights);
    // Without the excepted words, all of them different (the walk checks it), a uniform list stays uniform.
    if (step.except.length > 0 && !Array.isArray(words)) {
      throw new Error(`[${step.variable}:${step.list}] excludes words from a list with weights.`);
    }
    if (step.except.length > 0) return Math.log(Object.keys(weightsOf(words)).length - step.except.length);
    return entropyOf(Object.values(weightsOf(words)));
  }

  list(name: string): Words {
    const words = this.source.lists[name];
    if (!words) throw new Error(`The grammar has no list '${name}'.`);
    return words;
  }

  private starts(steps: readonly Step[]): string[] {
    const first = steps[0];
    if (first?.kind === 'text') return [first.text];
    if (first?.kind === 'rule') return this.choice(first.name).flatMap((option) => option.starts);
    return [''];
  }
}

/** One derivation from left to right. `choose` picks an option; with `given`, what is written must be what stands there. */
class Walk {
  private readonly memory = new Map<string, string>();
  private text = '';
  private nats = 0;

  constructor(
    private readonly grammar: CompiledGrammar,
    private readonly choose: (options: Option[], at: number) => number,
    private readonly given: string | null = null,
  ) {}

  story(): Tale {
    this.rule('story');
    if (this.given !== null && this.text.length !== this.given.length) throw new NoTale();
    return { text: this.text, nats: this.nats };
  }

  private rule(name: string): void {
    const chosen = this.pick(this.grammar.choice(name));
    for (const step of this.grammar.alternatives(name)[chosen]!.steps) this.step(step);
  }

  private step(step: Step): void {
    switch (step.kind) {
      case 'text':
        this.write(step.text);
        break;
      case 'rule':
        this.rule(step.name);
        break;
      case 'draw':
        this.remember(step.variable, this.wordsFor(step), step.article);
        break;
      case 'among':
        this.remember(
          step.variable,
          step.variables.map((variable) => [this.recall(variable), 1]),
          false,
        );
        break;
      case 'recall':
        this.write(this.inForm(this.recall(step.variable), step.form));
        break;
      case 'number':
        this.write(this.sum(step));
        break;
      case 'count':
        this.write(this.countTo(step.variable));
        break;
    }
  }

  /** The words a draw chooses from, with their weights. */
  private wordsFor(step: Extract<Step, { kind: 'draw' }>): [string, number][] {
    const words = this.grammar.list(step.list);
    if (isRows(words)) {
      return words[this.recall(step.by!)]!.map((word, i) => [word, this.grammar.source.rowWeights[i]!]);
    }
    const except = new Set(step.except.map((variable) => this.recall(variable)));
    const all = Object.entries(weightsOf(words));
    const left = all.filter(([word]) => !except.has(word));
    if (left.length !== all.length - step.except.length) {
      throw new Error(`[${step.variable}:${step.list}] excludes words that are equal or not in the list.`);
    }
    return left;
  }

  private remember(variable: string, words: readonly [string, number][], article: boolean): void {
    const total = words.reduce((sum, [, weight]) => sum + weight, 0);
    const word = words[this.pick(words.map(([word, weight]) => optionOf(word, weight / total, article)))]![0];
    this.memory.set(variable, word);
    this.write(article ? withArticle(word) : word);
  }

  private pick(options: Option[]): number {
    if (options.length === 1) return 0;
    const chosen = this.choose(options, this.text.length);
    this.nats -= Math.log(options[chosen]!.probability);
    return chosen;
  }

  private write(text: string): void {
    if (this.given !== null && !this.given.startsWith(text, this.text.length)) throw new NoTale();
    this.text += text;
  }

  private recall(variable: string): string {
    const word = this.memory.get(variable);
    if (word === undefined) throw new Error(`The grammar uses {${variable}} before it is drawn.`);
    return word;
  }

  private inForm(word: string, form: string): string {
    if (form === '') return word;
    if (form === 'a') return withArticle(word);
    const woman = this.grammar.source.women.has(word);
    const forms: Record<string, [string, string]> = {
      he: ['she', 'he'],
      He: ['She', 'He'],
      him: ['her', 'him'],
      his: ['her', 'his'],
    };
    return forms[form]![woman ? 0 : 1];
  }

  private countTo(variable: string): string {
    const count = numbers.slice(1, numbers.indexOf(this.recall(variable)) + 1).join(', ');
    return count.charAt(0).toUpperCase() + count.slice(1);
  }

  private sum({ left, sign, right }: Extract<Step, { kind: 'number' }>): string {
    const [x, y] = [numbers.indexOf(this.recall(left)), numbers.indexOf(this.recall(right))];
    return numbers[sign === '+' ? x + y : x - y]!;
  }
}

let compiled: CompiledGrammar | undefined;

function grammar(): CompiledGrammar {
  compiled ??= new CompiledGrammar(tinyTales);
  return compiled;
}

function entropyOf(weights: readonly number[]): number {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.reduce((sum, weight) => sum - (weight / total) * Math.log(weight / total), 0);
}
