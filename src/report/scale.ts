// Scaling laws on paper: optima by law, losses part by part, the documents' tables, an iso-FLOP curve; and all of it as JSON.
import type { ScalingAnswer } from '../theory/scaling-answer.ts';
import { type FitName, PARAMETRIC_FITS } from '../theory/scaling-fits.ts';
import { LEAST_PARAMETERS } from '../theory/scaling-laws.ts';
import type { LossTerms } from '../theory/scaling-parametric.ts';
import { PFLOP_DAY } from '../theory/scaling-power.ts';
import { si, significant } from './format.ts';
import { isoFlopLines } from './iso-flop.ts';
import type { Palette } from './palette.ts';
import { table } from './table.ts';

/** Everything for a program: laws by name, fits with their constants, tables, curves. Losses are nats per token. */
export function scaleDocument(answer: ScalingAnswer): Record<string, unknown> {
  const laws = answer.laws.map(({ law, allocation, losses }) => {
    const [budget, parameters, tokens] = [allocation.budget, allocation.parameters, allocation.tokens];
    return [
      law.name,
      {
        title: law.title,
        counts: law.counts,
        source: law.source,
        budget: budget.value,
        parameters: parameters.value,
        tokens: tokens.value,
        tokensPerParameter: tokens.value / parameters.value,
        loss: totals(losses),
        terms: { budget, parameters, tokens },
      },
    ];
  });
  const fits = Object.values(PARAMETRIC_FITS).map((fit) => [fit.name, { ...fit, optimum: ownLoss(answer, fit.name) }]);
  const { choice, table: rows, models, isoFlop, notes } = answer;
  return {
    given: answer.question,
    conventions: { flops: '6ND', loss: 'nats per token' },
    laws: Object.fromEntries(laws),
    fits: Object.fromEntries(fits),
    ...(choice && { choice: { ...choice, loss: totals(choice.losses) } }),
    documents: { table: rows, models },
    isoFlop,
    notes,
  };
}

/** The loss that a fit expects at its own optimum, part by part. */
const ownLoss = ({ laws }: ScalingAnswer, name: FitName) => laws.find(({ law }) => law.name === name)!.losses[name];

const totals = (losses: Record<string, LossTerms>) =>
  Object.fromEntries(Object.entries(losses).map(([fit, terms]) => [fit, terms.total.value]));

/** The answer for people: lines of text. */
export function scaleLines(answer: ScalingAnswer, palette: Palette, width = 100): string[] {
  const section = (title: string, lines: readonly string[]) => ['', palette.strong(title), ...lines];
  return [
    palette.strong(headline(answer)),
    ...(answer.choice ? section('Your choice', choiceLines(answer, palette, width)) : []),
    ...section(optimaTitle(answer), optimaLines(answer, palette, width)),
    ...section('Expected loss at the optimum of each fit, in nats per token', lossLines(answer, palette, width)),
    ...section(
      `Loss of models that cost ${flops(answer.isoFlop.budget)} FLOPs each, against their parameters`,
      isoFlopLines(answer.isoFlop.curves, palette, width),
    ),
    ...section(
      'The table of llm-pretraining (Hoffmann et al. 2022, table 3), beside the optima of the fits',
      tableLines(answer, palette, width),
    ),
    ...section('The models of training-llms', modelLines(answer, palette, width)),
    '',
    ...answer.notes.flatMap((note) => wrapped(note, width)).map(palette.warning),
    palette.quiet(
      'C = 6ND FLOPs · N parameters with embeddings (kaplan: without) · D tokens · losses in nats per token',
    ),
  ];
}

/** A sentence on as many lines as it needs. */
function wrapped(sentence: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of sentence.split(' ')) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** 5.76e23 as the papers write it. */
const flops = (value: number) => {
  const [digits, exponent] = value.toExponential(2).split('e+') as [string, string];
  return `${Number(digits)}e${exponent}`;
};
const right = (title: string) => ({ title, align: 'right' as const });
const billions = (value: number) => significant(value / 1e9, 3);

/** The unit in which a number of parameters or tokens is read most easily. */
function unitOf(value: number): { word: string; size: number } {
  if (value >= 1e9) return { word: 'billion', size: 1e9 };
  return value >= 1e6 ? { word: 'million', size: 1e6 } : { word: 'thousand', size: 1e3 };
}

function inWords(value: number): string {
  const { word, size } = unitOf(value);
  return `${significant(value / size, 3)} ${word}`;
}

const nats = (value: number) => value.toFixed(3);

function headline({ question }: ScalingAnswer): string {
  if ('parameters' in question) return `${inWords(question.parameters)} parameters`;
  if ('tokens' in question) return `${inWords(question.tokens)} tokens`;
  const { budget } = question;
  return `${flops(budget)} FLOPs${budget > PFLOP_DAY ? ` = ${significant(budget / PFLOP_DAY, 3)} PFLOP-days` : ''}`;
}

function optimaTitle({ question }: ScalingAnswer): string {
  const loss = "the loss is besiroglu's";
  if ('parameters' in question) return `The budget for which this size is optimal, by each law; ${loss}`;
  if ('tokens' in question) return `The budget for which this text is optimal, by each law; ${loss}`;
  return `Optimal parameters and tokens for the budget, by each law; ${loss}`;
}

function optimaLines({ question, laws }: ScalingAnswer, palette: Palette, width: number): string[] {
  const formulaOf = 'parameters' in question ? 'tokens' : 'parameters';
  const sizes = laws.map(({ allocation }) => allocation.parameters.value).sort((a, b) => a - b);
  const { word, size } = unitOf(sizes[Math.floor(sizes.length / 2)]!);
  return table(
    [
      { title: 'law' },
      ...['C, FLOPs', `N, ${word}`, `D, ${word}`, 'D/N', 'loss'].map(right),
      { title: `${formulaOf === 'tokens' ? 'D' : 'N'} by this law` },
    ],
    laws.map(({ law, allocation, losses }) => {
      const [parameters, tokens] = [allocation.parameters.value, allocation.tokens.value];
      const said = `${allocation[formulaOf].law}\n${palette.quiet(law.title)}`;
      if (parameters < LEAST_PARAMETERS) {
        return [law.name, flops(allocation.budget.value), '—', '—', '—', '—', `${said}\ntoo little for any model`];
      }
      return [
        law.name,
        flops(allocation.budget.value),
        significant(parameters / size, 3),
        significant(tokens / size, 3),
        significant(tokens / parameters, 3),
        nats(losses.besiroglu.total.value),
        said,
      ];
    }),
    palette,
    width,
  );
}

function lossLines(answer: ScalingAnswer, palette: Palette, width: number): string[] {
  const rows = Object.values(PARAMETRIC_FITS).map((fit) => {
    const { entropy, parameters, tokens, total } = ownLoss(answer, fit.name);
    return [fit.name, ...[entropy, parameters, tokens, total].map(({ value }) => nats(value)), total.numbers];
  });
  return table(
    [
      { title: 'fit' },
      { title: 'E', align: 'right' },
      { title: 'A/N^α', align: 'right' },
      { title: 'B/D^β', align: 'right' },
      { title: 'loss', align: 'right' },
      { title: 'E + A/N^α + B/D^β' },
    ],
    rows,
    palette,
    width,
  );
}

function choiceLines(answer: ScalingAnswer, palette: Palette, width: number): string[] {
  const { choice } = answer;
  if (!choice) return [];
  const { losses } = choice;
  const fits = Object.values(PARAMETRIC_FITS).map(({ name }) => {
    const best = ownLoss(answer, name).total.value;
    return [`loss by ${name}`, nats(losses[name].total.value), `least for the same FLOPs ${nats(best)}`];
  });
  return table(
    [{ title: '' }, { title: '', align: 'right' }, { title: '' }],
    [
      ['parameters', inWords(choice.parameters)],
      ['tokens', inWords(choice.tokens), `${significant(choice.tokensPerParameter, 3)} a parameter`],
      ['FLOPs', flops(choice.budget), '6ND'],
      ...fits,
      ['loss by kaplan', nats(choice.kaplan.loss.value), choice.kaplan.loss.formula],
      [
        'overfitting',
        `${significant(choice.kaplan.overfitting * 100, 2)} %`,
        `of the loss, by L(N, D)/L(N, ∞) − 1; small from D = 5·10³·N^0.74 = ${inWords(choice.tokensAgainstOverfitting.value)}`,
      ],
      [
        'critical batch',
        si(choice.criticalBatch.value),
        `tokens: ${choice.criticalBatch.numbers}, with besiroglu's loss`,
      ],
    ],
    palette,
    width,
  ).slice(1);
}

function tableLines({ table: rows, question }: ScalingAnswer, palette: Palette, width: number): string[] {
  const pair = ({ parameters, tokens }: { parameters: number; tokens: number }) => [
    billions(parameters),
    billions(tokens),
  ];
  const lines = table(
    [
      right('C, FLOPs'),
      ...['N, 10⁹', 'D, 10⁹', '6ND/C', 'D/N', '0.1·√C', '1.7·√C'].map(right),
      ...['hoffmann N', 'D', 'besiroglu N', 'D'].map(right),
    ],
    rows.map((row) => [
      flops(row.budget),
      ...pair(row),
      row.spent.toFixed(3),
      significant(row.tokensPerParameter, 3),
      ...pair(row.rule),
      ...pair(row.minimised.hoffmann),
      ...pair(row.minimised.besiroglu),
    ]),
    palette,
    width,
  );
  const asked = rows.findIndex((row) => 'budget' in question && row.budget === question.budget);
  return lines.map((line, at) => (at === asked + 1 && asked >= 0 ? palette.strong(line) : line));
}

function modelLines({ models }: ScalingAnswer, palette: Palette, width: number): string[] {
  return table(
    [
      { title: 'model' },
      ...['N, billion', 'D, billion', 'D/N', '6ND, FLOPs', 'loss by besiroglu', 'least for these FLOPs'].map(right),
    ],
    models.map((model) => [
      model.name,
      billions(model.parameters),
      billions(model.tokens),
      significant(model.tokensPerParameter, 3),
      flops(model.budget),
      nats(model.loss),
      nats(model.leastLoss),
    ]),
    palette,
    width,
  );
}
