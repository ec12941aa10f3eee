// Claims D6, D7, D9: collectives, played on virtual workers and counted.
import { ALGORITHMS, type Algorithm, collectiveCost } from '../../theory/collectives.ts';
import { type AnyClaim, claim } from '../claim.ts';
import { digits, isNear, thousands } from '../words.ts';
import { allReduceAroundRing, allReduceThroughChief, shardMlp } from './parallelism-workers.ts';

const EXACT = 1e-12;
const BYTES_PER_NUMBER = 4;
const PLAYED = { naive: allReduceThroughChief, ring: allReduceAroundRing } as const;

/** An AllReduce of 960 numbers, played and by formula. */
function played(algorithm: Algorithm, workers: number) {
  const length = 960;
  const cost = (collective: 'AllReduce' | 'ReduceScatter' | 'AllGather' | 'Reduce' | 'Broadcast') =>
    Number(collectiveCost(collective, algorithm, workers, BigInt(BYTES_PER_NUMBER * length)).total.value);
  const run = PLAYED[algorithm](workers, length);
  const formula = collectiveCost('AllReduce', algorithm, workers, BigInt(BYTES_PER_NUMBER * length));
  return {
    algorithm,
    workers,
    error: run.error,
    busiest: BYTES_PER_NUMBER * run.busiest,
    total: BYTES_PER_NUMBER * run.total,
    busiestByFormula: Number(formula.sent.value),
    totalByFormula: Number(formula.total.value),
    scatterAndGather: cost('ReduceScatter') + cost('AllGather'),
    reduceAndBroadcast: cost('Reduce') + cost('Broadcast'),
  };
}

/** Bytes that a worker sends in a step for N parameters of `bytes` each, around a ring of `workers`. */
function zeroBytes(stage: 0 | 1 | 2 | 3, workers: number, parameters: bigint): number {
  const sent = (collective: 'AllReduce' | 'ReduceScatter' | 'AllGather') =>
    Number(collectiveCost(collective, 'ring', workers, 2n * parameters).sent.value);
  if (stage === 0) return sent('AllReduce');
  // The gradients of a worker's share are summed, and the updated shares go back to all; stage 3 keeps shares only, and
  // gathers parameters before the forward and before the backward pass.
  return sent('ReduceScatter') + (stage === 3 ? 2 : 1) * sent('AllGather');
}

export const collectiveClaims: readonly AnyClaim[] = [
  claim({
    id: 'D6',
    documents: ['decoder-only'],
    where: 'B, footnote 34',
    statement:
      'AllReduce = Reduce + Broadcast = ReduceScatter + AllGather; the first costs in proportion to the workers, the ring (nearly) nothing more for more',
    kinds: ['arithmetic'],
    evidence: () => ALGORITHMS.flatMap((algorithm) => [2, 4, 8, 16].map((workers) => played(algorithm, workers))),
    parts: [
      {
        says: 'Both ways give every worker the sum, and cost what their halves cost.',
        recorded: 'holds',
        asPrinted: (runs) =>
          runs.every(
            ({
              algorithm,
              error,
              busiest,
              total,
              busiestByFormula,
              totalByFormula,
              scatterAndGather,
              reduceAndBroadcast,
            }) =>
              error < EXACT &&
              busiest === busiestByFormula &&
              total === totalByFormula &&
              total === (algorithm === 'ring' ? scatterAndGather : reduceAndBroadcast),
          ),
      },
      {
        says: 'Through the chief the busiest worker sends in proportion to the others; around the ring at most 2x, whatever their number.',
        recorded: 'holds',
        asPrinted: (runs) =>
          runs.every(({ algorithm, workers, busiest }) => {
            const tensor = 960 * BYTES_PER_NUMBER;
            return algorithm === 'naive'
              ? busiest === (workers - 1) * tensor
              : busiest >= tensor && busiest < 2 * tensor;
          }),
      },
    ],
    brief: (runs) =>
      ALGORITHMS.map((algorithm) => {
        const sent = runs.filter((run) => run.algorithm === algorithm).map(({ busiest }) => digits(busiest / 3840, 3));
        return `${algorithm}: ${sent.join(', ')}`;
      })
        .join('; ')
        .concat(' tensors sent by the busiest of 2, 4, 8, 16 workers'),
    details: (runs) =>
      runs.map(({ algorithm, workers, busiest, total }) => ({
        label: `${algorithm}, ${workers} workers`,
        value: `busiest sends ${thousands(busiest)} bytes, all ${thousands(total)}`,
        note: 'a tensor of 3,840 bytes on virtual workers',
      })),
  }),
  claim({
    id: 'D7',
    documents: ['decoder-only'],
    where: '2.2, (2.10), figure 2',
    statement: 'No AllReduce in the backward pass of the second MLP matrix; one before the first matrix',
    kinds: ['arithmetic'],
    evidence: () => [2, 4, 8].map(shardMlp),
    parts: [
      {
        says: 'One AllReduce forward (behind the second matrix), one backward (before the first), and all gradients are right.',
        recorded: 'holds',
        asPrinted: (runs) =>
          runs.every(
            ({ allReduces, output, gradients }) =>
              output < EXACT &&
              gradients < EXACT &&
              allReduces.filter((where) => where.startsWith('backward')).every((where) => where.includes('first')) &&
              allReduces.length === 2,
          ),
      },
    ],
    brief: (runs) =>
      `${runs[0]!.allReduces.length} AllReduce: ${runs[0]!.allReduces.join('; ')}; gradients differ by ` +
      `${digits(Math.max(...runs.map(({ gradients }) => gradients)), 2)}`,
    details: (runs) =>
      runs.map(({ workers, gradients, output }) => ({
        label: `T = ${workers}, virtual workers`,
        value: `output differs by ${digits(output, 2)}, gradients by ${digits(gradients, 2)}`,
      })),
  }),
  claim({
    id: 'D9',
    documents: ['training-llms'],
    where: 'Distributed training',
    statement: 'Sharded optimizers (ZeRO) need little extra communication',
    kinds: ['arithmetic', 'published'],
    evidence: () => {
      const stages = [0, 1, 2, 3] as const;
      const parameters = 7_500_000_000n;
      const bytes = stages.map((stage) => zeroBytes(stage, 64, parameters));
      return { bytes, ratios: bytes.map((sent) => sent / bytes[0]!) };
    },
    parts: [
      {
        says: 'Sharding optimizer states (stage 1), and gradients with them (stage 2), sends no byte more than plain data parallelism.',
        recorded: 'holds',
        asPrinted: ({ ratios }) => isNear(ratios[1]!, 1, 1e-9) && isNear(ratios[2]!, 1, 1e-9),
      },
      {
        says: 'Sharding the parameters too (stage 3) sends half as much again, as the ZeRO paper says: 3 tensors for 2.',
        recorded: 'holds',
        asPrinted: ({ ratios }) => isNear(ratios[3]!, 1.5, 1e-6),
      },
    ],
    brief: ({ ratios }) =>
      `stages 0 to 3: ${ratios.map((ratio) => digits(ratio, 3)).join(', ')} of plain data parallelism`,
    details: ({ bytes }) =>
      bytes.map((sent, stage) => ({
        label: `ZeRO ${stage}, 7.5 B parameters, 64 workers`,
        value: `${digits(sent / 1e9)} GB sent per worker and step`,
        note: '16-bit gradients and parameters around a ring, one micro-batch',
      })),
  }),
];
