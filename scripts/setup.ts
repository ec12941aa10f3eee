// `yarn setup`: TensorFlow's C library and the addon of the native backend.
import { type SetupResult, setUpNative } from '../src/engine/native/setup.ts';
import { runCommand } from './support/cli.ts';
import { flag, path } from './support/options.ts';
import type { Output } from './support/output.ts';

runCommand({
  name: 'setup',
  summary:
    'Sets up the native backend: fetches TensorFlow’s C library and builds the addon. `yarn install` runs it by itself; ' +
    'it does nothing where all is in place, and may be interrupted and run again.',
  options: {
    from: path({ describe: 'a wheel, an unpacked folder or an archive of the C library', placeholder: 'PATH|URL' }),
    cuda: flag({ describe: 'take the CUDA build even if no NVIDIA GPU is seen' }),
    verify: flag({ describe: 'compare every kept file with its checksum and repair what differs' }),
    postinstall: flag({ describe: 'say little and never fail: for `yarn install`' }),
  },
  examples: [
    ['', 'make the native backend ready'],
    ['--from ~/Downloads/tensorflow_cpu-2.21.0-cp312-cp312-manylinux_2_27_x86_64.whl', 'without the network'],
    ['--verify', 'check what is installed, byte for byte'],
  ],
  handler: async (args, { out }) => {
    const begin = performance.now();
    const log = (line: string) => out.note(`native backend: ${line}`);
    const result = await setUpNative({ from: args.from, cuda: args.cuda || undefined, verify: args.verify, log });
    out.document(result);
    tell(result, (performance.now() - begin) / 1000, out);
    return result.ready || args.postinstall ? 0 : 1;
  },
});

function tell(result: SetupResult, seconds: number, out: Output): void {
  if (!result.ready) {
    out.say(`native backend: not set up, because ${result.reasons.join('; and ')}.`);
    out.say('Training goes on with the wasm backend, only slower; `yarn setup` tries again (docs/installation.md).');
    return;
  }
  const { version, cuda, tensorflow } = result.installation;
  for (const warning of result.warnings) out.note(`native backend: ${warning}; went on with the next source`);
  const what = `TensorFlow ${version}${cuda ? ' with CUDA' : ''} in ${tensorflow.folder}`;
  out.say(`native backend: ${result.changed ? 'ready' : 'already in place'}, ${what} (${seconds.toFixed(1)} s)`);
}
