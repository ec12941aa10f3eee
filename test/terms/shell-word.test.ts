// Values in command lines that people copy.
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { shellWord } from '../../src/terms/shell-word.ts';

describe('a word for the shell', () => {
  it.each(['runs/gpt-small', './läufe/a_1.5', 'file:book.txt'])('leaves %s as it is', (text) => {
    expect(shellWord(text)).toBe(text);
  });

  it.each(['my run', "it's", 'a "b" $HOME `x` \\', '', '*', 'two\nlines'])('gives %j back from the shell', (text) => {
    expect(execFileSync('sh', ['-c', `printf %s ${shellWord(text)}`], { encoding: 'utf8' })).toBe(text);
  });
});
