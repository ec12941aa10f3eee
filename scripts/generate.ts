// yarn generate: text from a trained model, shown while it is made.

import { createTokenizer } from '../src/data/tokenizers/create.ts';
import type { Tokenizer } from '../src/data/tokenizers/tokenizer.ts';
import { useBackend } from '../src/engine/backends.ts';
import { uncachedDecoder } from '../src/inference/decoder.ts';
import { checkPrompt, generate, type StopReason } from '../src/inference/generate.ts';
import { checkTokenizer, openModel } from '../src/inference/open-model.ts';
import { TextStream } from '../src/inference/text-stream.ts';
import { nodeStorage } from '../src/node/storage.ts';
import { duration, significant } from '../src/report/format.ts';
import { palette } from '../src/report/palette.ts';
import { UserError } from '../src/terms/user-error.ts';
import { callerPath } from './support/caller-path.ts';
import { runCommand } from './support/cli.ts';
import { backendOptions, seedOptions } from './support/common-options.ts';
import { choice, names, nonNegative, path, positiveInteger, text } from './support/options.ts';

runCommand({
  name: 'generate',
  summary: 'Writes on from a prompt, with a model that was trained here or a Hugging Face folder.',
  options: {
    checkpoint: path({
      describe: 'a run, one of its checkpoints, or a folder with config.json and model.safetensors',
      placeholder: 'DIR',
      required: true,
      group: 'Model',
    }),
    tokenizer: choice({
      describe: 'for a folder that has no tokenizer of ours',
      choices: ['byte', 'r50k', 'cl100k', 'o200k'],
      group: 'Model',
    }),
    prompt: text({ describe: 'the text to go on from', group: 'Text' }),
    promptIds: names({ describe: 'token ids instead of a text', placeholder: 'ID,…', group: 'Text' }),
    tokens: positiveInteger({ describe: 'at most so many tokens', default: 200, group: 'Text' }),
    temperature: nonNegative({
      describe: '0 takes the likeliest token each time; 1 follows the model',
      default: 0.8,
      group: 'Text',
    }),
    topK: positiveInteger({ describe: 'draw from the K likeliest tokens only', placeholder: 'K', group: 'Text' }),
    ...seedOptions,
    ...backendOptions,
  },
  examples: [
    ['--checkpoint runs/shakespeare --prompt "ROMEO:"', 'a text'],
    ['--checkpoint runs/shakespeare --prompt "ROMEO:" --temperature 0', 'the likeliest one: always the same'],
    ['--checkpoint test/fixtures/gpt2-tiny --prompt-ids 95,24,45', 'ids, where there is no tokenizer'],
  ],
  handler: async (args, { out }) => {
    const { tokens, temperature, topK, seed } = args;
    const given = oneOf(args.prompt, args.promptIds);
    const backend = await useBackend(args.backend, args);
    const opened = await openModel(nodeStorage, callerPath(args.checkpoint));
    const tokenizer = args.tokenizer ? await createTokenizer(args.tokenizer, []) : opened.tokenizer;
    if (tokenizer) checkTokenizer(tokenizer, opened.model);
    const prompt = typeof given === 'string' ? await encode(given, tokenizer, opened.path) : given;
    const decoder = uncachedDecoder(opened.model);
    checkPrompt(prompt, decoder);

    const { step } = opened;
    out.note(`${opened.path}${step === undefined ? '' : ` (step ${step})`} on ${backend.name}`);
    const shown = tokenizer ? new TextStream(tokenizer) : undefined;
    const paint = palette(out.colour);
    out.write(paint.quiet(tokenizer ? tokenizer.decode(prompt) : prompt.join(' ')));
    const ids: number[] = [];
    let continuation = '';
    let stopped: StopReason = 'tokens';
    const started = performance.now();
    const settings = { tokens, temperature, seed, ...(topK !== undefined && { topK }), breathe };
    const endings = tokenizer ? { endToken: tokenizer.endToken, vocabulary: tokenizer.vocabulary } : {};
    for await (const { id, stop } of generate(decoder, prompt, { ...settings, ...endings })) {
      ids.push(id);
      const part = shown ? shown.push(id) : ` ${id}`;
      continuation += part;
      out.write(part);
      if (stop) stopped = stop;
    }
    out.write('\n');
    const seconds = (performance.now() - started) / 1000;
    if (shown?.end().unfinished) out.note('The last bytes only begin a character and are left out.');
    out.note(sentences[stopped](ids.length, opened.model.card.context));
    out.note(`${ids.length} tokens in ${duration(seconds)}, ${significant(ids.length / seconds)} tokens/s`);
    out.document({
      checkpoint: opened.path,
      step: step ?? null,
      backend: backend.name,
      settings: { tokens, temperature, topK: topK ?? null, seed },
      prompt: { text: tokenizer ? tokenizer.decode(prompt) : null, ids: prompt },
      text: shown ? continuation : null,
      ids,
      stopped,
      seconds,
    });
    opened.model.dispose();
  },
});

const sentences: Record<StopReason, (made: number, context: number) => string> = {
  end: () => 'Stopped at the end token.',
  tokens: (made) => `Stopped after ${made} tokens, as asked for with --tokens.`,
  context: (_, context) => `Stopped because the context is full: the model reads ${context} tokens at most.`,
};

/** A turn of the event loop, so that what was written is shown and signals are heard. */
const breathe = () => new Promise<void>((resolve) => setImmediate(resolve));

function oneOf(prompt: string | undefined, promptIds: readonly string[] | undefined): string | number[] {
  if (prompt !== undefined && promptIds !== undefined) {
    throw new UserError('--prompt and --prompt-ids exclude each other: give one of them.');
  }
  if (promptIds !== undefined) return promptIds.map(idOf);
  if (prompt === undefined) throw new UserError('--prompt TEXT is needed (or --prompt-ids 1,2,3): what to go on from.');
  if (prompt === '') throw new UserError('--prompt is empty: generation needs at least one character to go on from.');
  return prompt;
}

function idOf(part: string): number {
  if (/^\d+$/.test(part)) return Number(part);
  throw new UserError(`--prompt-ids must be token ids separated by commas such as 1,2,3, not '${part}'.`);
}

async function encode(prompt: string, tokenizer: Tokenizer | undefined, folder: string): Promise<number[]> {
  if (tokenizer) return [...(await tokenizer.encode(prompt))];
  throw new UserError(
    `'${folder}' has no tokenizer: name one with --tokenizer (byte, r50k, cl100k, o200k), or give token ids with --prompt-ids 1,2,3.`,
  );
}
