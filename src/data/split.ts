// Train and validation parts of a text, by position.
import type { DatasetCard } from './dataset-card.ts';

/** One part: pieces of text, and whether the last of them ends where its document ends. */
export interface Part {
  texts: string[];
  complete: boolean;
}

/**
 * Cuts the last `split.validation` of all characters (UTF-16 units) off. With `at: 'character'` the cut falls at that very position (as
 * nanoGPT cuts), inside a document if need be, but never inside a surrogate pair; with `at: 'document'` at the end of the document the
 * position lies in. Where that would leave nothing for validation the cut falls at the character. `documents` tells how many
 * documents lie wholly in the training part.
 */
export function splitDocuments(
  texts: readonly string[],
  split: DatasetCard['split'],
): { train: Part; validation: Part; documents: number } {
  const total = texts.reduce((sum, text) => sum + text.length, 0);
  const cut = Math.floor(total * (1 - split.validation));
  let before = 0;
  let index = 0;
  while (index < texts.length - 1 && before + texts[index]!.length <= cut) before += texts[index++]!.length;
  if (split.at === 'document' && index + 1 < texts.length) {
    return {
      train: { texts: texts.slice(0, index + 1), complete: true },
      validation: { texts: texts.slice(index + 1), complete: true },
      documents: index + 1,
    };
  }
  const text = texts[index]!;
  let at = cut - before;
  const unit = text.charCodeAt(at);
  if (at > 0 && unit >= 0xdc00 && unit <= 0xdfff) at -= 1;
  const head = at > 0 ? [text.slice(0, at)] : [];
  return {
    train: { texts: [...texts.slice(0, index), ...head], complete: head.length === 0 },
    validation: { texts: [text.slice(at), ...texts.slice(index + 1)], complete: true },
    documents: index,
  };
}
