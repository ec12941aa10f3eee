// Where a command writes: words and one JSON document, never mixed.
import { toJson } from '../../src/report/json.ts';

/** The part of a Node stream that a command needs. */
export interface Stream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** With `--json`, words go to stderr and stdout holds exactly one document. */
export interface Output {
  readonly json: boolean;
  /** The words go to a terminal: lines may be redrawn in place. */
  readonly interactive: boolean;
  /** The words may be coloured: a terminal, and NO_COLOR is unset. */
  readonly colour: boolean;
  /** Width of the terminal in columns; 100 where there is none, or one that does not know (0). */
  readonly columns: number;
  /** One or more lines of the command's answer, for people. */
  say(text: string): void;
  /** Text as it is, without a newline: progress lines, streamed text. */
  write(text: string): void;
  /** A line beside the answer (what is being done, a warning): stderr. */
  note(text: string): void;
  /** The answer for machines: printed with `--json`, ignored without. Call it once. */
  document(value: unknown): void;
  /** Whether `document` printed something. */
  readonly documented: boolean;
  /** The cursor stands behind a text without newline, such as a progress line. */
  readonly midLine: boolean;
}

export function output(json: boolean, stdout: Stream, stderr: Stream, environment: NodeJS.ProcessEnv): Output {
  const words = json ? stderr : stdout;
  const interactive = words.isTTY === true && environment.TERM !== 'dumb';
  let documented = false;
  let midLine = false;
  return {
    json,
    interactive,
    colour: interactive && !environment.NO_COLOR,
    columns: (interactive && words.columns) || 100,
    say: (text) => {
      midLine = false;
      words.write(`${text}\n`);
    },
    write: (text) => {
      midLine = text !== '' && !text.endsWith('\n');
      words.write(text);
    },
    note: (text) => void stderr.write(`${text}\n`),
    document: (value) => {
      if (!json) return;
      if (documented) throw new Error('a command printed two JSON documents');
      documented = true;
      stdout.write(`${toJson(value, 2)}\n`);
    },
    get documented() {
      return documented;
    },
    get midLine() {
      return midLine;
    },
  };
}
