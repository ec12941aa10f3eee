// yarn predict: what the formulas say about a model, before anything runs.
import { loadModelCard } from '../src/node/cards.ts';
import { palette } from '../src/report/palette.ts';
import { predictionDocument, predictionLines } from '../src/report/prediction.ts';
import { predict } from '../src/theory/prediction.ts';
import { runCommand } from './support/cli.ts';
import { cardOptions } from './support/common-options.ts';
import { choice, positiveInteger } from './support/options.ts';

runCommand({
  name: 'predict',
  summary: 'Parameters, FLOPs and memory of a model by the formulas of the documents, without building it.',
  options: {
    ...cardOptions,
    batch: positiveInteger({ describe: 'sequences in a batch', default: 1, group: 'Shape' }),
    seq: positiveInteger({ describe: "tokens in a sequence (default: the card's context)", group: 'Shape' }),
    optimizer: choice({
      describe: 'what keeps state beside the parameters',
      choices: ['adamw', 'sgd-momentum', 'sgd'],
      default: 'adamw',
      group: 'Shape',
    }),
  },
  examples: [
    ['--arch llama3-small --batch 8', 'a model to train here'],
    ['--arch gpt2 --set mlp.kind=swiglu --set mlp.width=2048', 'one swap on the way from GPT-2 to LLaMA-3'],
    ['--arch llama3-405b --seq 8192 --json', 'every number for a program'],
  ],
  handler: async (args, { out }) => {
    const card = loadModelCard(args);
    const prediction = predict(card, { batch: args.batch, sequence: args.seq ?? card.context }, args.optimizer);
    for (const line of predictionLines(prediction, palette(out.colour), out.columns)) out.say(line);
    out.document(predictionDocument(prediction));
  },
});
