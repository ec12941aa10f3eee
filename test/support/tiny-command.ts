// A small command that the command-line tests spawn: it shows what its arguments became, or fails as asked.
import { runCommand } from '../../scripts/support/cli.ts';
import { backendOptions, cardOptions, configOptions, seedOptions } from '../../scripts/support/common-options.ts';
import { flag, fraction, nonNegative, orOff, positiveInteger, text } from '../../scripts/support/options.ts';
import { UserError } from '../../src/terms/user-error.ts';

runCommand({
  name: 'tiny',
  summary: 'Shows what its arguments became.',
  options: {
    ...cardOptions,
    steps: positiveInteger({ describe: 'how many steps', default: 1000, group: 'Training' }),
    stopAfter: positiveInteger({ describe: 'end early, keep the schedule', group: 'Training' }),
    lr: nonNegative({ describe: 'peak learning rate', default: 1e-3, group: 'Training' }),
    dropout: fraction({ describe: 'share that is dropped', default: 0, below: 1, group: 'Training' }),
    profile: orOff(positiveInteger({ describe: 'steps to profile', default: 1, placeholder: 'STEPS' })),
    cache: flag({ describe: 'do not use the cache', default: true }),
    preset: text({ describe: 'a named set of options', placeholder: 'NAME' }),
    fail: text({ describe: 'how to fail: user, bug, file' }),
    lines: positiveInteger({ describe: 'print so many lines' }),
    ...backendOptions,
    ...seedOptions,
    ...configOptions,
  },
  positionals: { name: 'DIR', describe: 'folders to look at', most: 2 },
  examples: [['--steps 10', 'ten steps']],
  defaults: ({ preset }) => {
    if (preset === undefined) return undefined;
    return {
      source: `preset '${preset}'`,
      values: preset === 'broken' ? { stpes: 3 } : { steps: 7, lr: 0.5, seed: 3 },
    };
  },
  async handler(args, { out, positionals, given }) {
    if (args.fail === 'user') throw new UserError("The text 'x' is empty.");
    if (args.fail === 'bug') throw new TypeError('x is not a function');
    if (args.fail === 'file') throw Object.assign(new Error('EACCES'), { code: 'EACCES', path: 'runs/a' });
    for (let line = 0; line < (args.lines ?? 0); line++) out.say(`line ${line}`);
    console.log('a library speaks');
    out.document({ ...args, positionals, given: [...given], big: 21_500_000_000_000_000_001n });
    if (args.lines === undefined) out.say(`steps ${args.steps}`);
    return args.fail === 'check' ? 1 : 0;
  },
});
