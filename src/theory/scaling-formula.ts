// Formulas over real numbers with powers, such as `E + A/N^α + B/D^β`: read, evaluated, and printed with numbers in.
import type { Unit } from '../terms/quantities.ts';

/** A real quantity that can be explained: the counterpart of a term where powers are fractions and nothing is exact. */
export interface Estimate<U extends Unit | 'nats' = Unit | 'nats'> {
  readonly id: string;
  /** `nats` is a loss: nats per token. */
  readonly unit: U;
  readonly value: number;
  readonly formula: string;
  /** The formula with numbers in the places of letters. */
  readonly numbers: string;
  /** The formula with its constants in; N, D and C stay letters. */
  readonly law: string;
  readonly source: string;
}

/** What each letter stands for; a letter may carry a word below it, as in `N_c`. */
export type RealLetters = Readonly<Record<string, number>>;

const TOKEN = /\s*(?:(\d+(?:\.\d+)?)|([A-Za-zα-ω](?:_[A-Za-z]+)?)|([-+−·/^()[\]√]))/uy;

interface Token {
  readonly text: string;
  readonly kind: 'number' | 'letter' | 'sign';
}

function tokenize(formula: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < formula.length) {
    const start = TOKEN.lastIndex;
    const match = TOKEN.exec(formula);
    if (!match) throw new SyntaxError(`Formula '${formula}': '${formula.slice(start)}' is not understood.`);
    const [, number, letter, sign] = match;
    tokens.push({ text: (number ?? letter ?? sign)!, kind: number ? 'number' : letter ? 'letter' : 'sign' });
  }
  return tokens;
}

/** Recursive descent over sum → product (· and / or juxtaposition) → power (to the right) → atom. */
class Evaluation {
  private next = 0;
  private readonly tokens: readonly Token[];
  private readonly formula: string;
  private readonly letters: RealLetters;

  constructor(formula: string, letters: RealLetters) {
    this.formula = formula;
    this.letters = letters;
    this.tokens = tokenize(formula);
  }

  run(): number {
    const value = this.sum();
    if (this.next < this.tokens.length) throw this.unexpected();
    return value;
  }

  private unexpected(): SyntaxError {
    return new SyntaxError(`Formula '${this.formula}': '${this.tokens[this.next]?.text ?? 'its end'}' was unexpected.`);
  }

  private take(...signs: string[]): boolean {
    const token = this.tokens[this.next];
    const found = token?.kind === 'sign' && signs.includes(token.text);
    if (found) this.next++;
    return found;
  }

  private sum(): number {
    let total = this.product();
    for (;;) {
      if (this.take('+')) total += this.product();
      else if (this.take('-', '−')) total -= this.product();
      else return total;
    }
  }

  private product(): number {
    let result = this.power();
    for (;;) {
      const token = this.tokens[this.next];
      const joins = token !== undefined && (token.kind !== 'sign' || ['(', '[', '√'].includes(token.text));
      if (this.take('/')) result /= this.power();
      else if (this.take('·') || joins) result *= this.power();
      else return result;
    }
  }

  private power(): number {
    if (this.take('√')) return Math.sqrt(this.power());
    if (this.take('-', '−')) return -this.power();
    const base = this.atom();
    return this.take('^') ? base ** this.power() : base;
  }

  private atom(): number {
    if (this.take('(', '[')) {
      const inner = this.sum();
      if (!this.take(')', ']')) throw this.unexpected();
      return inner;
    }
    const token = this.tokens[this.next];
    if (token === undefined || token.kind === 'sign') throw this.unexpected();
    this.next++;
    if (token.kind === 'number') return Number(token.text);
    const value = this.letters[token.text];
    if (value === undefined) {
      throw new ReferenceError(`Formula '${this.formula}': the letter ${token.text} has no value here.`);
    }
    return value;
  }
}

const SUPERSCRIPTS: Record<string, string> = { '-': '⁻', '+': '', ...Object.fromEntries([...'⁰¹²³⁴⁵⁶⁷⁸⁹'].entries()) };

/** 5.76e23 → `5.76·10²³`; numbers that are easy to read stay as they are. */
function showReal(value: number, digits = 6): string {
  if (!Number.isFinite(value)) return value > 0 ? '∞' : String(value);
  if (value === 0 || (Math.abs(value) >= 1e-3 && Math.abs(value) < 1e6))
    return String(Number(value.toPrecision(digits)));
  const [mantissa, exponent] = Number(value.toPrecision(4)).toExponential().split('e') as [string, string];
  const power = `10${[...exponent].map((sign) => SUPERSCRIPTS[sign]).join('')}`;
  return mantissa === '1' ? power : `${mantissa}·${power}`;
}

const OPENING = ['(', '[', '√'];
const CLOSING = [')', ']'];
const opens = (token?: Token) => token !== undefined && (token.kind !== 'sign' || OPENING.includes(token.text));
const closes = (token?: Token) => token !== undefined && (token.kind !== 'sign' || CLOSING.includes(token.text));

/** The formula with numbers in the places of letters, except of those in `kept`. */
function withNumbers(formula: string, letters: RealLetters, kept: readonly string[] = []): string {
  const tokens = tokenize(formula);
  let text = '';
  for (const [at, token] of tokens.entries()) {
    const before = tokens[at - 1];
    const isNumber = token.kind === 'letter' && !kept.includes(token.text);
    const shown = isNumber ? showReal(letters[token.text]!, kept.length > 0 ? 4 : 6) : token.text;
    if (closes(before) && opens(token)) text += '·';
    // A number such as 5.76·10²³ needs brackets under a power and behind a bar.
    const bound = tokens[at + 1]?.text === '^' || before?.text === '/';
    if (isNumber && bound && /[·⁰¹²³⁴⁵⁶⁷⁸⁹]/.test(shown)) text += `(${shown})`;
    else text += ['+', '−', '-'].includes(shown) && closes(before) ? ` ${shown} ` : shown;
  }
  return text;
}

/**
 * An estimate whose value is what its formula says.
 * @throws SyntaxError, ReferenceError for a formula that is not one
 */
export function estimate<U extends Unit | 'nats'>(
  id: string,
  unit: U,
  formula: string,
  letters: RealLetters,
  source: string,
): Estimate<U> {
  const value = new Evaluation(formula, letters).run();
  const law = withNumbers(formula, letters, ['N', 'D', 'C']);
  return { id, unit, value, formula, numbers: withNumbers(formula, letters), law, source };
}
