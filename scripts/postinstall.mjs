// Runs after `yarn install`: sets up the native backend. Whatever happens, the install succeeds.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

if (process.env.TRANSFORMER_LEDGER_SKIP_NATIVE) {
  console.log('native backend: skipped, because TRANSFORMER_LEDGER_SKIP_NATIVE is set; `yarn setup` makes up for it.');
} else {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const args = ['--import', 'tsx', 'scripts/setup.ts', '--postinstall'];
  const { status, signal, error } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) {
    console.log(
      `native backend: not set up, because set-up ended with ${error?.message ?? signal ?? `status ${status}`}.`,
    );
    console.log(
      'Training goes on with the wasm backend, only slower; `yarn setup` tries again (docs/installation.md).',
    );
  }
}
