// Runs one command: reads the arguments, calls the handler, and turns whatever happens into words and an exit code.
import { toJson } from '../../src/report/json.ts';
import { type Defaults, type Positionals, parseCommandLine } from './command-line.ts';
import { errorSentence } from './error-sentence.ts';
import { helpText } from './help.ts';
import { flag, type Options, type Values } from './options.ts';
import { type Output, output, type Stream } from './output.ts';

const always = {
  json: flag({ describe: 'print one JSON document on stdout, words on stderr', group: 'Always' }),
  debug: flag({ describe: 'show stack traces', group: 'Always' }),
  help: flag({ describe: 'show this', group: 'Always' }),
};

export type Arguments<O extends Options> = Values<O> & { json: boolean; debug: boolean };

export interface Call<O extends Options> {
  readonly out: Output;
  readonly positionals: readonly string[];
  /** Options that were given rather than left at their default. */
  readonly given: ReadonlySet<keyof O | 'json' | 'debug'>;
}

export interface Command<O extends Options> {
  /** As in `yarn NAME`. */
  readonly name: string;
  readonly summary: string;
  readonly options: O;
  readonly positionals?: Positionals;
  /** Command lines without `yarn NAME`, each with what it does. */
  readonly examples?: readonly (readonly [line: string, meaning: string])[];
  /** Values below the command line and `--config`, from what was given: a preset, a run to resume. */
  readonly defaults?: (given: Values<O>) => Defaults | undefined | Promise<Defaults | undefined>;
  /** Does the work; a returned number is the exit code. */
  readonly handler: (args: Arguments<O>, call: Call<O>) => Promise<number | undefined> | Promise<void>;
}

/** Runs the command on this process's arguments and ends the process. The last statement of every script. */
export function runCommand<O extends Options>(command: Command<O>): void {
  for (const stream of [process.stdout, process.stderr]) {
    // The reader went away (`| head`): stop as any tool does on SIGPIPE.
    stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 141 : 1));
  }
  // A library that prints must not spoil the document.
  if (process.argv.includes('--json')) console.log = console.info = console.debug = console.error;
  execute(command, process.argv.slice(2), process).then((code) => {
    // Worker threads and native handles would keep the process alive; what was written is flushed first.
    process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
  });
}

/** The command without the process: arguments in, exit code out. */
export async function execute<O extends Options>(
  command: Command<O>,
  argv: readonly string[],
  streams: { stdout: Stream; stderr: Stream; env: NodeJS.ProcessEnv },
): Promise<number> {
  const options = { ...command.options, ...always };
  const json = argv.includes('--json');
  let out = output(json, streams.stdout, streams.stderr, streams.env);
  let debug = argv.includes('--debug');
  try {
    if (argv.includes('--help') || argv.includes('-h')) {
      streams.stdout.write(helpText({ ...command, options }));
      return 0;
    }
    const parsed = await parseCommandLine(argv, options, command.positionals, command.defaults as never);
    const args = parsed.values as Arguments<O>;
    debug = args.debug;
    if (args.json !== json) out = output(args.json, streams.stdout, streams.stderr, streams.env);
    const code = await command.handler(args, { out, positionals: parsed.positionals, given: parsed.given as never });
    if (out.json && !out.documented) throw new Error('no JSON document was printed');
    return code ?? 0;
  } catch (error) {
    const sentence = errorSentence(error);
    if (out.json && !out.documented) streams.stdout.write(`${toJson({ error: sentence })}\n`);
    const trace = debug && error instanceof Error && error.stack ? `\n${error.stack}` : '';
    streams.stderr.write(`${out.midLine ? '\n' : ''}${sentence}${trace}\n`);
    return 1;
  }
}
