// yarn scale: how large a model, trained on how many tokens, by every published scaling law.
import { palette } from '../src/report/palette.ts';
import { scaleDocument, scaleLines } from '../src/report/scale.ts';
import { UserError } from '../src/terms/user-error.ts';
import { answerScaling } from '../src/theory/scaling-answer.ts';
import { runCommand } from './support/cli.ts';
import { positive } from './support/options.ts';

runCommand({
  name: 'scale',
  summary: 'Optimal parameters and tokens for a budget by each published scaling law, and the loss to expect.',
  options: {
    budget: positive({ describe: 'FLOPs to spend, such as 5.76e23', placeholder: 'C', group: 'Given' }),
    parameters: positive({ describe: 'parameters of the model, such as 70e9', placeholder: 'N', group: 'Given' }),
    tokens: positive({ describe: 'tokens to train on, such as 1.4e12', placeholder: 'D', group: 'Given' }),
  },
  examples: [
    ['--budget 5.76e23', "the best use of Gopher's budget"],
    ['--parameters 70e9', 'tokens and FLOPs for which this size is optimal'],
    ['--parameters 8e9 --tokens 15e12', 'what a choice of both is worth'],
  ],
  handler: async ({ budget, parameters, tokens }, { out }) => {
    if (budget === undefined && parameters === undefined && tokens === undefined) {
      throw new UserError('Nothing to scale: give --budget FLOPs, --parameters N or --tokens D, or two of them.');
    }
    const answer = answerScaling({ budget, parameters, tokens });
    for (const line of scaleLines(answer, palette(out.colour), out.columns)) out.say(line);
    out.document(scaleDocument(answer));
  },
});
