// yarn train: the command itself is in support/train-command.ts, where tests find it too.
import { runCommand } from './support/cli.ts';
import { train } from './support/train-command.ts';

runCommand(train);
