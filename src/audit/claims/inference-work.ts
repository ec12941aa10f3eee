// Claims I4, I6, I8: what generation computes, with and without a cache, and what it waits for.
import { documentLatency, stageTime } from '../../theory/inference.ts';
import { stageWork } from '../../theory/inference-work.ts';
import { countParameters } from '../../theory/parameters.ts';
import { type AnyClaim, claim, type PendingPart } from '../claim.ts';
import { digits, percent } from '../words.ts';

const STAGES = ['prefill', 'decode', 'naive'] as const;

const COUNTED_LATER: PendingPart = {
  says: 'The running model computes exactly so much.',
  recorded: 'pending: generation',
  missing: 'generation with a cache and without, with its FLOPs counted op by op',
};

const differences = (values: readonly bigint[]) => values.slice(1).map((value, at) => value - values[at]!);

export const inferenceWorkClaims: readonly AnyClaim[] = [
  claim({
    id: 'I4',
    documents: ['decoder-only'],
    where: '7',
    statement: 'One more token costs 2BSN FLOPs naively, and 2BN with a cache behind a prefill of 2BSN',
    kinds: ['arithmetic'],
    evidence: ({ card }) => {
      const ratios = (sequence: number) => {
        const model = card('gpt3-175b', [`context=${2 * sequence}`]);
        const request = { batch: 1, prompt: sequence, generated: 1 };
        return Object.fromEntries(
          STAGES.map((stage) => {
            const { documents, flops } = stageWork(model, stage, request);
            return [stage, Number(documents.value) / Number(flops.value)];
          }),
        );
      };
      return { short: ratios(2048), long: ratios(131_072), longest: 131_072 };
    },
    parts: [
      {
        says: 'These are the FLOPs of the three.',
        recorded: 'approximates',
        asPrinted: ({ short }) => Object.values(short).every((ratio) => ratio === 1),
        approximation: {
          ratios: ({ short }) => short,
          within: [0.9, 1.1],
          until: ({ long, longest }) =>
            `attention grows with the sequence: at ${longest} tokens of GPT-3 the rules give ${STAGES.map(
              (stage) => `${percent(long[stage]!)} (${stage})`,
            ).join(', ')}`,
        },
      },
      COUNTED_LATER,
    ],
    brief: ({ short }) =>
      `GPT-3, S = 2048, rule / exact: ${STAGES.map((stage) => `${stage} ${digits(short[stage]!, 3)}`).join(', ')}`,
  }),
  claim({
    id: 'I6',
    documents: ['decoder-only'],
    where: '7',
    statement:
      'A token takes 2BSN/λ_FLOPs naively (compute bound) and M_infer/λ_mem with a cache ("now compute bound")',
    kinds: ['arithmetic'],
    evidence: (context) => {
      const hardware = context.hardware('a100');
      const card = context.card('llama2-7b');
      const at = (batch: number) => {
        const request = { batch, prompt: 2048, generated: 1 };
        const printed = documentLatency(card, { batch, sequence: 2048 }, hardware);
        const naive = stageTime(stageWork(card, 'naive', request), hardware);
        const decode = stageTime(stageWork(card, 'decode', request), hardware);
        return { batch, printed, naive, decode };
      };
      return [1, 4, 16].map(at);
    },
    parts: [
      {
        says: 'With the cache the computation is now compute bound.',
        recorded: 'erratum',
        asPrinted: (cases) => cases.every(({ decode }) => decode.bound === 'compute'),
        corrected: (cases) =>
          cases.every(
            ({ decode, printed }) => decode.bound === 'memory' && printed.cached.value > printed.compute.value,
          ),
        shouldBe: 'memory bound, which is why the formula divides by λ_mem',
      },
      {
        says: 'Naive generation is compute bound.',
        recorded: 'holds',
        asPrinted: (cases) => cases.every(({ naive }) => naive.bound === 'compute'),
      },
      {
        says: 'The latencies are those of the two formulas.',
        recorded: 'approximates',
        asPrinted: (cases) => cases.every(({ printed, decode }) => printed.cached.value === decode.seconds.value),
        approximation: {
          ratios: (cases) =>
            Object.fromEntries(
              cases.flatMap(({ batch, printed, naive, decode }) => [
                [`naive, B = ${batch}`, printed.naive.value / naive.seconds.value],
                [`cached, B = ${batch}`, printed.cached.value / decode.seconds.value],
              ]),
            ),
          within: [0.8, 1.2],
          until: () =>
            'the batch is so large that computing takes longer than loading (I7, H4), or the sequence so long as in I4',
        },
      },
    ],
    brief: ([first]) =>
      `Llama-2 7B on an A100, B = 1: memory ${digits(1000 * first!.printed.cached.value, 3)} ms, compute ` +
      `${digits(1000 * first!.printed.compute.value, 3)} ms`,
    details: (cases) =>
      cases.map(({ batch, printed, naive, decode }) => ({
        label: `B = ${batch}, S = 2048`,
        value:
          `naive ${digits(1000 * naive.seconds.value, 3)} ms (${naive.bound}), ` +
          `cached ${digits(1000 * decode.seconds.value, 3)} ms (${decode.bound})`,
        note: `the formulas: ${digits(1000 * printed.naive.value, 3)} and ${digits(1000 * printed.cached.value, 3)} ms`,
      })),
    explanation:
      'One token per sequence takes few FLOPs but needs every weight and the whole cache, so the time goes into loading them: the step is ' +
      'memory bound. The words say compute bound, the formula beside them divides by the memory bandwidth and is right.',
  }),
  claim({
    id: 'I8',
    documents: ['decoder-only'],
    where: '6',
    statement: 'Processing the whole sequence again for each token costs ~S², with the cache it is linear in S',
    kinds: ['arithmetic'],
    evidence: ({ card }) => {
      const model = card('gpt3-175b', ['context=16384']);
      const lengths = [1024, 2048, 3072, 4096, 5120] as const;
      const flops = (stage: 'naive' | 'decode') =>
        lengths.map((prompt) => stageWork(model, stage, { batch: 1, prompt, generated: 1 }).flops.value);
      const [naive, cached] = [flops('naive'), flops('decode')];
      const linear = 2 * Number(countParameters(model).total) * lengths[0];
      return {
        naive,
        cached,
        naiveBends: differences(differences(naive)),
        cachedBends: differences(differences(cached)),
        linear,
      };
    },
    parts: [
      {
        says: 'FLOPs of one more token against S: a parabola without the cache, a straight line with it.',
        recorded: 'holds',
        asPrinted: ({ naiveBends, cachedBends, cached }) =>
          naiveBends.every((bend) => bend > 0n && bend === naiveBends[0]) &&
          cachedBends.every((bend) => bend === 0n) &&
          differences(cached).every((step) => step > 0n),
      },
      COUNTED_LATER,
    ],
    brief: ({ naive, cached }) =>
      `GPT-3, S = 1024 → 5120: naive ${digits(Number(naive.at(-1)) / Number(naive[0]), 3)}×, cached ` +
      `${digits(Number(cached.at(-1)) / Number(cached[0]), 4)}×`,
    details: ({ naive, cached, naiveBends, linear }) => [
      {
        label: 'naive, S = 1024 and 5120',
        value: `${digits(Number(naive[0]))} and ${digits(Number(naive.at(-1)))} FLOPs`,
      },
      {
        label: 'cached, S = 1024 and 5120',
        value: `${digits(Number(cached[0]))} and ${digits(Number(cached.at(-1)))} FLOPs`,
      },
      {
        label: 'second difference, naive',
        value: `${digits(Number(naiveBends[0]))} FLOPs every 1024 tokens, 0 with the cache`,
        note: `beside the linear part 2NS = ${digits(linear)}: the square is attention's only`,
      },
    ],
  }),
];
