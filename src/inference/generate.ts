// Generation: tokens after a prompt, one at a time, so that text can be shown while it is made.
import { uniform } from '../engine/random.ts';
import { UserError } from '../terms/user-error.ts';
import type { Decoder } from './decoder.ts';
import { nextToken, type SamplingSettings } from './sampling.ts';

export interface GenerationSettings extends SamplingSettings {
  /** At most so many tokens. */
  readonly tokens: number;
  /** The same seed and settings give the same tokens. */
  readonly seed: number;
  /** The token that ends a text; without one nothing but `tokens` and the context does. */
  readonly endToken?: number | null;
  /** Only ids below it are taken, where the tokenizer has fewer tokens than the model. */
  readonly vocabulary?: number;
  /** Lets other work happen between two tokens: signals, drawing. */
  readonly breathe?: () => Promise<void>;
}

/** Why generation stopped: the end token came, as many tokens as asked for are there, or the model can read no more. */
export type StopReason = 'end' | 'tokens' | 'context';

export interface GeneratedToken {
  readonly id: number;
  /** Set on the last one. */
  readonly stop?: StopReason;
}

/**
 * Tokens that follow the prompt. An end token is the last one where it comes. The last token may stand just behind the context: it
 * is predicted from a full one, and not read again.
 * @param decoder at the beginning of a sequence; disposed at the end, also when the caller stops early
 * @throws UserError as `checkPrompt` does
 */
export async function* generate(
  decoder: Decoder,
  prompt: readonly number[],
  settings: GenerationSettings,
): AsyncGenerator<GeneratedToken, void> {
  try {
    checkPrompt(prompt, decoder);
    let unread = prompt;
    let read = 0;
    for (let index = 0; index < settings.tokens; index++) {
      const logits = await decoder.read(unread);
      read += unread.length;
      const allowed = logits.subarray(0, settings.vocabulary);
      const id = nextToken(allowed, settings, uniform(settings.seed, 'sample', index));
      const stop = stopReason(id, index, read, decoder.context, settings);
      yield { id, ...(stop && { stop }) };
      if (stop) return;
      unread = [id];
      await settings.breathe?.();
    }
  } finally {
    decoder.dispose();
  }
}

function stopReason(
  id: number,
  index: number,
  read: number,
  context: number,
  { endToken, tokens }: GenerationSettings,
): StopReason | undefined {
  if (id === endToken) return 'end';
  if (index === tokens - 1) return 'tokens';
  return read === context ? 'context' : undefined;
}

/** @throws UserError where the prompt is empty, longer than the context, or has an id that the model does not have */
export function checkPrompt(
  prompt: readonly number[],
  { context, vocabulary }: Pick<Decoder, 'context' | 'vocabulary'>,
): void {
  if (prompt.length === 0)
    throw new UserError('The prompt is empty: generation needs at least one token to go on from.');
  const wrong = prompt.find((id) => !(Number.isInteger(id) && id >= 0 && id < vocabulary));
  if (wrong !== undefined) {
    throw new UserError(`The prompt has token ${wrong}, but the model's tokens are 0 to ${vocabulary - 1}.`);
  }
  if (prompt.length <= context) return;
  throw new UserError(
    `The prompt has ${prompt.length} tokens, more than the model's context of ${context}: shorten it to ${context} at most.`,
  );
}
