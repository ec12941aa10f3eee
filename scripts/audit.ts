// yarn audit: the command itself is in support/audit-command.ts, where tests find it too.
import { auditCommand } from './support/audit-command.ts';
import { runCommand } from './support/cli.ts';

runCommand(auditCommand());
