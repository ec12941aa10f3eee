// yarn audit: the command itself is in support/audit-command.ts, where tests find it too.
import { CLAIMS } from '../src/audit/claims/index.ts';
import { auditCommand } from './support/audit-command.ts';
import { runCommand } from './support/cli.ts';

runCommand(auditCommand(CLAIMS));
