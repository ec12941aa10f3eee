// Claims I10, I11: greedy choice against the most probable sequence, and inference cost as the bound of a model's size.

import { passedLimit } from '../../planner/serving.ts';
import { countParameters } from '../../theory/parameters.ts';
import { type AnyClaim, claim } from '../claim.ts';
import { percent, short } from '../words.ts';

/** What the tiny model is trained on: the counts of its pairs of words are its maximum likelihood. */
const TEXT =
  'the cat sat on the mat and the rat sat on the cat and a dog saw the rat and a dog ran to the man and a bird saw a dog';
const LENGTH = 4;
/** Seconds a token. */
const LATENCY = 10e-3;

/** p(next | word), from counts. */
type Model = ReadonlyMap<string, ReadonlyMap<string, number>>;

function train(text: string): Model {
  const words = text.split(' ');
  const counts = new Map<string, Map<string, number>>();
  for (const [at, word] of words.slice(0, -1).entries()) {
    const following = counts.get(word) ?? new Map<string, number>();
    following.set(words[at + 1]!, (following.get(words[at + 1]!) ?? 0) + 1);
    counts.set(word, following);
  }
  return new Map(
    [...counts].map(([word, following]) => {
      const total = [...following.values()].reduce((sum, count) => sum + count, 0);
      return [word, new Map([...following].map(([next, count]) => [next, count / total]))];
    }),
  );
}

interface Sequence {
  readonly words: readonly string[];
  readonly probability: number;
}

/** The most probable continuation when only the best `width` beginnings are kept; with width ∞ all are. */
function search(model: Model, start: string, width: number): Sequence {
  let beam: Sequence[] = [{ words: [start], probability: 1 }];
  for (let step = 0; step < LENGTH; step++) {
    const longer = beam.flatMap(({ words, probability }) =>
      [...(model.get(words.at(-1)!) ?? [])].map(([next, p]) => ({
        words: [...words, next],
        probability: probability * p,
      })),
    );
    beam = longer.sort((a, b) => b.probability - a.probability).slice(0, width);
  }
  return beam[0] ?? { words: [start], probability: 0 };
}

export const searchClaims: readonly AnyClaim[] = [
  claim({
    id: 'I10',
    documents: ['decoder-only'],
    where: '5',
    statement: 'The most probable token at each step does not guarantee the most probable sequence',
    kinds: ['arithmetic'],
    evidence: () => {
      const model = train(TEXT);
      return [...model.keys()].map((start) => ({
        start,
        greedy: search(model, start, 1),
        beam: search(model, start, 3),
        best: search(model, start, Number.POSITIVE_INFINITY),
      }));
    },
    parts: [
      {
        says: 'A trained model has beginnings where greedy choice misses the best sequence, and none where it beats it.',
        recorded: 'holds',
        asPrinted: (runs) =>
          runs.some(({ greedy, best }) => greedy.probability < best.probability) &&
          runs.every(
            ({ greedy, beam, best }) => greedy.probability <= best.probability && beam.probability <= best.probability,
          ),
      },
    ],
    brief: (runs) => {
      const missed = runs.filter(({ greedy, best }) => greedy.probability < best.probability);
      const { greedy, best } = missed[0]!;
      return (
        `${missed.length} of ${runs.length} beginnings: '${greedy.words.join(' ')}' ${percent(greedy.probability)}, ` +
        `best '${best.words.join(' ')}' ${percent(best.probability)}`
      );
    },
    details: (runs) =>
      runs.map(({ start, greedy, beam, best }) => ({
        label: start,
        value: `greedy ${percent(greedy.probability)}, beam of 3 ${percent(beam.probability)}, exhaustive ${percent(best.probability)}`,
        note: best.words.join(' '),
      })),
  }),
  claim({
    id: 'I11',
    documents: ['training-llms', 'lecture-compute-memory', 'transformer-math-101'],
    where: 'Parameter vs dataset; Compute requirements',
    statement: 'First determine the upmost inference cost, then train the biggest model within that boundary',
    kinds: ['arithmetic'],
    evidence: ({ card, hardware }) => {
      const place = { hardware: hardware('a100'), precision: 'mixed', devices: 1, sequence: 2048 } as const;
      return ['llama3.2-1b', 'llama3-8b', 'llama2-13b'].map((name) => ({
        name,
        parameters: Number(countParameters(card(name)).total),
        passed: passedLimit(card(name), { maxLatencySeconds: LATENCY }, place),
      }));
    },
    parts: [
      {
        says: 'A limit of the latency bounds N: smaller models stay within it, larger ones pass it, and the planner says which.',
        recorded: 'holds',
        asPrinted: (models) => {
          const sizes = (passes: boolean) =>
            models.filter(({ passed }) => (passed !== undefined) === passes).map(({ parameters }) => parameters);
          return sizes(true).length > 0 && Math.max(...sizes(false)) < Math.min(...sizes(true));
        },
      },
    ],
    brief: (models) =>
      `${1000 * LATENCY} ms a token on one A100: ${models
        .map(({ name, passed }) => `${name} ${passed === undefined ? 'may be served' : 'may not'}`)
        .join(', ')}`,
    details: (models) =>
      models.map(({ name, parameters, passed }) => ({
        label: `${name}, ${short(parameters)} parameters`,
        value: passed ?? 'within the limit',
        note: 'what --max-latency of yarn plan asks for',
      })),
  }),
];
