// Options that several commands share, so that they are named and explained alike everywhere.
import { UserError } from '../../src/terms/user-error.ts';
import { callerPath } from './caller-path.ts';
import { choice, list, nonNegativeInteger, path, positiveInteger, text } from './options.ts';

export const backendNames = ['auto', 'native', 'webgpu', 'wasm', 'cpu'] as const;

/** Where a model runs: `--backend`, `--threads`. */
export const backendOptions = {
  backend: choice({
    describe: 'where to run; auto takes the fastest that works and says why',
    choices: backendNames,
    default: 'auto',
    group: 'Machine',
  }),
  threads: positiveInteger({ describe: 'threads to use (default: all cores)', group: 'Machine' }),
};

/** The seed of everything random: `--seed`. */
export const seedOptions = {
  seed: nonNegativeInteger({ describe: 'seed of everything random', default: 1, group: 'Machine' }),
};

/** Which model: `--arch NAME`, `--card FILE` or `--hf PATH`, changed field by field with `--set key=value`. */
export const cardOptions = {
  arch: text({ describe: 'a model card by name (yarn list shows them)', placeholder: 'NAME', group: 'Model' }),
  card: path({ describe: 'a model card in a file of your own', placeholder: 'FILE', group: 'Model' }),
  hf: path({
    describe: 'the config.json of a Hugging Face model, or its folder (GPT-2, LLaMA, Mistral, GPT-BigCode)',
    group: 'Model',
  }),
  set: list(
    { describe: "change a card's field, such as mlp.kind=swiglu", placeholder: 'KEY=VALUE', group: 'Model' },
    (given, label) => {
      if (!/^[^=\s]+=/.test(given)) throw new UserError(`${label} must be KEY=VALUE such as layers=2, not '${given}'.`);
    },
  ),
};

/** The same choice of a card, with paths as the person who typed them meant them. */
export const cardPaths = <T extends { card?: string | undefined; hf?: string | undefined }>(args: T): T => ({
  ...args,
  card: args.card && callerPath(args.card),
  hf: args.hf && callerPath(args.hf),
});

/** `--config FILE`: all options in a JSON file. The command line wins over it. */
export const configOptions = {
  config: path({ describe: 'a JSON file of options; the command line wins', placeholder: 'FILE', group: 'Always' }),
};
