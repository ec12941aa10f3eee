// yarn predict: what the formulas say about a model, before anything runs.
import { loadModelCard } from '../src/node/cards.ts';
import { hardwareNames, loadHardware } from '../src/node/hardware.ts';
import { palette } from '../src/report/palette.ts';
import { predictionDocument, predictionLines } from '../src/report/prediction.ts';
import { UserError } from '../src/terms/user-error.ts';
import { OPTIMIZER_KINDS, PRECISIONS, STATE_CONVENTIONS } from '../src/theory/precision.ts';
import { predict } from '../src/theory/prediction.ts';
import { ATTENTION_KINDS, RECOMPUTATIONS } from '../src/theory/recompute.ts';
import { callerPath } from './support/caller-path.ts';
import { runCommand } from './support/cli.ts';
import { cardOptions, cardPaths } from './support/common-options.ts';
import { choice, fraction, positiveInteger, text } from './support/options.ts';

const step = 'Step';
const machine = 'Hardware';

runCommand({
  name: 'predict',
  summary: 'Parameters, FLOPs, memory and time of a model by the formulas of the documents, without building it.',
  options: {
    ...cardOptions,
    batch: positiveInteger({ describe: 'sequences in a batch', default: 1, group: step }),
    seq: positiveInteger({ describe: "tokens in a sequence (default: the card's context)", group: step }),
    precision: choice({
      describe: 'fp32, mixed (16 bits with a float32 master copy) or int8 (inference)',
      choices: PRECISIONS,
      default: 'fp32',
      group: step,
    }),
    optimizer: choice({
      describe: 'what keeps state beside the parameters',
      choices: OPTIMIZER_KINDS,
      default: 'adamw',
      group: step,
    }),
    recompute: choice({
      describe:
        'what the backward pass computes again: nothing, the core of attention, whole blocks (default: as yarn train)',
      choices: RECOMPUTATIONS,
      group: step,
    }),
    attention: choice({
      describe: 'whether the matrix of scores is stored',
      choices: ATTENTION_KINDS,
      default: 'materialized',
      group: step,
    }),
    states: choice({
      describe: 'the document that counts master copy and gradients of mixed precision',
      choices: STATE_CONVENTIONS,
      default: 'decoder-only',
      group: step,
    }),
    hardware: text({
      describe: `what fits and how long it takes there: ${hardwareNames().join(', ')}, or a card of your own, FILE.json`,
      placeholder: 'NAME',
      group: machine,
    }),
    mfu: fraction({
      describe: 'share of the peak that a step without recomputation reaches (default: 0.4)',
      above: 0,
      group: machine,
    }),
  },
  examples: [
    ['--arch llama3-small --batch 8', 'a model to train here'],
    ['--arch llama3-8b --seq 8192 --precision mixed --recompute selective --hardware h100', 'on one GPU'],
    ['--arch gpt2 --set mlp.kind=swiglu --set mlp.width=2048', 'one swap on the way from GPT-2 to LLaMA-3'],
    ['--hf models/Mistral-7B-v0.1/config.json --precision int8', 'a model of Hugging Face’s, to run it'],
    ['--arch llama3-405b --seq 8192 --json', 'every number for a program'],
  ],
  handler: async (args, { out, given }) => {
    const { precision, optimizer, recompute, attention, states, hardware: name, mfu } = args;
    if (precision === 'int8') {
      const training = (['recompute', 'optimizer', 'states'] as const).find((option) => given.has(option));
      if (training) {
        throw new UserError(
          `--precision int8 is for inference, which has no --${training}: leave it out, or train with --precision mixed or fp32.`,
        );
      }
    }
    if (mfu !== undefined && name === undefined) {
      throw new UserError(`--mfu ${mfu} is a share of some hardware's peak: name it, as in --hardware h100.`);
    }
    const card = loadModelCard(cardPaths(args));
    const hardware = name === undefined ? undefined : loadHardware(name.endsWith('.json') ? callerPath(name) : name);
    const prediction = predict(
      card,
      { batch: args.batch, sequence: args.seq ?? card.context },
      { precision, optimizer, attention, states, ...(recompute && { keeps: recompute }) },
      hardware && { hardware, mfu },
    );
    for (const line of predictionLines(prediction, palette(out.colour), out.columns)) out.say(line);
    out.document(predictionDocument(prediction));
  },
});
