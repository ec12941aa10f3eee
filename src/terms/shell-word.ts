// A value as a part of a command line that can be copied into a shell.

/** The text itself where a shell takes it for one word, else in single quotes. */
export function shellWord(text: string): string {
  if (/^[\p{L}\p{N}_@%+=:,./-]+$/u.test(text)) return text;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
