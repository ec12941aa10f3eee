// Formulas in the documents' letters, such as `12BDLS(S + (2 + E)D)`: read once, then evaluated exactly and printed with numbers.

/** An exact fraction, for letters such as E = F / D that need not be whole. */
export interface Fraction {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** What each letter of a formula stands for. */
export type Letters = Readonly<Record<string, bigint | Fraction>>;

const SUPERSCRIPTS: Record<string, bigint> = { '²': 2n, '³': 3n };
const TOKEN = /\s*(?:(\d+)|([A-Za-z])|([²³])|([+\-−·/()]))/y;

interface Token {
  readonly kind: 'number' | 'letter' | 'power' | 'sign';
  readonly text: string;
}

const fraction = (numerator: bigint, denominator = 1n): Fraction => ({ numerator, denominator });

function tokenize(formula: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < formula.length) {
    const start = TOKEN.lastIndex;
    const match = TOKEN.exec(formula);
    if (!match) throw new SyntaxError(`Formula '${formula}': '${formula.slice(start)}' is not understood.`);
    const [, number, letter, power, sign] = match;
    if (number) tokens.push({ kind: 'number', text: number });
    if (letter) tokens.push({ kind: 'letter', text: letter });
    if (power) tokens.push({ kind: 'power', text: power });
    if (sign) tokens.push({ kind: 'sign', text: sign === '−' ? '-' : sign });
  }
  return tokens;
}

function letterValue(letter: string, letters: Letters, formula: string): Fraction {
  const value = letters[letter];
  if (value === undefined) throw new ReferenceError(`Formula '${formula}': the letter ${letter} has no value here.`);
  return typeof value === 'bigint' ? fraction(value) : value;
}

/** Recursive descent over sum → product (· and / or juxtaposition, left to right) → power → atom. */
class Evaluation {
  private next = 0;
  private readonly tokens: readonly Token[];
  private readonly formula: string;
  private readonly letters: Letters;

  constructor(formula: string, letters: Letters) {
    this.formula = formula;
    this.letters = letters;
    this.tokens = tokenize(formula);
  }

  run(): Fraction {
    const value = this.sum();
    if (this.next < this.tokens.length) throw this.unexpected();
    return value;
  }

  private unexpected(): SyntaxError {
    return new SyntaxError(
      `Formula '${this.formula}': '${this.tokens[this.next]?.text ?? 'its end'}' was not expected.`,
    );
  }

  private takeSign(sign: string): boolean {
    const token = this.tokens[this.next];
    const found = token?.kind === 'sign' && token.text === sign;
    if (found) this.next++;
    return found;
  }

  private sum(): Fraction {
    let total = this.product();
    for (;;) {
      const sign = this.takeSign('+') ? 1n : this.takeSign('-') ? -1n : 0n;
      if (sign === 0n) return total;
      const term = this.product();
      total = fraction(
        total.numerator * term.denominator + sign * term.numerator * total.denominator,
        total.denominator * term.denominator,
      );
    }
  }

  private product(): Fraction {
    let result = this.power();
    for (;;) {
      if (this.takeSign('/')) {
        const divisor = this.power();
        result = fraction(result.numerator * divisor.denominator, result.denominator * divisor.numerator);
      } else if (this.takeSign('·') || this.startsAtom()) {
        const factor = this.power();
        result = fraction(result.numerator * factor.numerator, result.denominator * factor.denominator);
      } else {
        return result;
      }
    }
  }

  private startsAtom(): boolean {
    const token = this.tokens[this.next];
    return token !== undefined && (token.kind === 'number' || token.kind === 'letter' || token.text === '(');
  }

  private power(): Fraction {
    if (this.takeSign('-')) {
      const { numerator, denominator } = this.power();
      return fraction(-numerator, denominator);
    }
    const base = this.atom();
    const token = this.tokens[this.next];
    if (token?.kind !== 'power') return base;
    this.next++;
    const exponent = SUPERSCRIPTS[token.text]!;
    return fraction(base.numerator ** exponent, base.denominator ** exponent);
  }

  private atom(): Fraction {
    if (this.takeSign('(')) {
      const inner = this.sum();
      if (!this.takeSign(')')) throw this.unexpected();
      return inner;
    }
    const token = this.tokens[this.next];
    if (token?.kind !== 'number' && token?.kind !== 'letter') throw this.unexpected();
    this.next++;
    return token.kind === 'number' ? fraction(BigInt(token.text)) : letterValue(token.text, this.letters, this.formula);
  }
}

/**
 * The exact value of a formula.
 * @throws SyntaxError, ReferenceError for a formula that is not one; RangeError when its value is not whole
 */
export function evaluateFormula(formula: string, letters: Letters): bigint {
  const { numerator, denominator } = new Evaluation(formula, letters).run();
  if (denominator === 0n || numerator % denominator !== 0n) {
    throw new RangeError(`Formula '${formula}' gives ${numerator}/${denominator}, which is not a whole number.`);
  }
  return numerator / denominator;
}

const grouped = (value: bigint) => value.toLocaleString('en-US');

function showNumber(value: Fraction): string {
  if (value.numerator % value.denominator === 0n) return grouped(value.numerator / value.denominator);
  return String(Number((Number(value.numerator) / Number(value.denominator)).toPrecision(6)));
}

/** The formula with numbers in the places of letters: `2·8·256·4,096`. */
export function formulaWithNumbers(formula: string, letters: Letters): string {
  let text = '';
  let joins = false;
  for (const { kind, text: token } of tokenize(formula)) {
    const opens = kind === 'number' || kind === 'letter' || token === '(';
    if (joins && opens) text += '·';
    if (kind === 'letter') text += showNumber(letterValue(token, letters, formula));
    else if (kind === 'number') text += grouped(BigInt(token));
    else if (token === '-' && !joins) text += '−';
    else text += token === '+' || token === '-' ? ` ${token === '-' ? '−' : token} ` : token;
    joins = kind === 'number' || kind === 'letter' || kind === 'power' || token === ')';
  }
  return text;
}
