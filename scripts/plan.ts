// yarn plan: which division among how many GPUs trains a model fastest, what it costs, or what a budget buys.
import { loadModelCard } from '../src/node/cards.ts';
import { hardwareNames, loadHardware } from '../src/node/hardware.ts';
import { DEFAULT_EFFICIENCY, DEFAULT_RESERVE } from '../src/planner/problem.ts';
import { readBatch, readBudget, readBytes, readSeconds } from '../src/planner/read-quantities.ts';
import { planRequest } from '../src/planner/request.ts';
import { palette } from '../src/report/palette.ts';
import { planLines } from '../src/report/plan.ts';
import { planDocument } from '../src/report/plan-document.ts';
import { UserError } from '../src/terms/user-error.ts';
import type { ZeroStage } from '../src/theory/parallelism.ts';
import { OPTIMIZER_KINDS, PRECISIONS, STATE_CONVENTIONS, TRAINING_PRECISIONS } from '../src/theory/precision.ts';
import { ATTENTION_KINDS, RECOMPUTATIONS } from '../src/theory/recompute.ts';
import { SCALING_LAWS } from '../src/theory/scaling-laws.ts';
import { callerPath } from './support/caller-path.ts';
import { runCommand } from './support/cli.ts';
import { cardOptions, cardPaths } from './support/common-options.ts';
import { choice, fraction, nonNegative, positive, positiveInteger, text } from './support/options.ts';

const machine = 'Machine';
const run = 'Run';
const step = 'Step';
const pins = 'Layout (found where it is not given)';
const inference = 'What inference may cost';

runCommand({
  name: 'plan',
  summary: 'Finds the layouts (tensor, sequence, pipeline, context, data, ZeRO) that fit, ranked by predicted time.',
  options: {
    ...cardOptions,
    hardware: text({
      describe: `${hardwareNames().join(', ')}, or a card of your own, FILE.json`,
      placeholder: 'NAME',
      required: true,
      group: machine,
    }),
    gpus: positiveInteger({ describe: 'how many of them', required: true, group: machine }),
    efficiency: fraction({
      describe: 'share of the peak that matrix products reach',
      above: 0,
      default: DEFAULT_EFFICIENCY,
      group: machine,
    }),
    reserve: fraction({
      describe: 'share of the memory to keep free',
      below: 1,
      default: DEFAULT_RESERVE,
      group: machine,
    }),
    price: nonNegative({ describe: "dollars for one GPU and hour (default: the hardware card's)", group: machine }),
    tokens: positive({ describe: 'tokens to train on', group: run }),
    budget: text({
      describe: 'FLOPs (5.76e23) or GPU-hours (1000000gpu-hours) that choose what is open of model and tokens',
      placeholder: 'C',
      group: run,
    }),
    law: choice({
      describe: 'the scaling law that divides a budget',
      choices: SCALING_LAWS.map(({ name }) => name),
      default: 'besiroglu',
      group: run,
    }),
    family: text({
      describe: 'the architecture that a budget scales when no model is named',
      placeholder: 'NAME',
      default: 'llama3-8b',
      group: run,
    }),
    batch: text({
      describe: 'a step of all GPUs, 512 sequences, or about 4e6tokens (default: about 4 Mi tokens)',
      placeholder: 'N',
      group: step,
    }),
    seq: positiveInteger({ describe: "tokens in a sequence (default: the card's context)", group: step }),
    precision: choice({
      describe: 'of training',
      choices: TRAINING_PRECISIONS,
      default: 'mixed',
      group: step,
    }),
    optimizer: choice({ describe: 'what keeps state', choices: OPTIMIZER_KINDS, default: 'adamw', group: step }),
    states: choice({
      describe: 'the document that counts master copy and gradients of mixed precision',
      choices: STATE_CONVENTIONS,
      default: 'decoder-only',
      group: step,
    }),
    attention: choice({
      describe: 'whether the matrix of scores is stored',
      choices: ATTENTION_KINDS,
      default: 'flash',
      group: step,
    }),
    tensor: positiveInteger({ describe: 'tensor parallelism', group: pins }),
    pipeline: positiveInteger({ describe: 'pipeline stages', group: pins }),
    interleave: positiveInteger({ describe: 'pieces of a stage', group: pins }),
    context: positiveInteger({ describe: 'context parallelism', group: pins }),
    data: positiveInteger({ describe: 'data-parallel replicas', group: pins }),
    zero: choice({ describe: 'ZeRO stage', choices: ['0', '1', '2', '3'], group: pins }),
    microBatch: positiveInteger({ describe: 'sequences of a micro-batch', group: pins }),
    recompute: choice({ describe: 'what backward computes again', choices: RECOMPUTATIONS, group: pins }),
    maxLatency: text({ describe: 'a token at most, such as 30ms', placeholder: 'TIME', group: inference }),
    maxMemory: text({ describe: 'weights and cache at most, such as 80GB', placeholder: 'BYTES', group: inference }),
    costPerMillionTokens: positive({ describe: 'dollars for a million generated tokens at most', group: inference }),
    serveGpus: positiveInteger({ describe: 'GPUs that serve it (default: the fewest that hold it)', group: inference }),
    servePrecision: choice({ describe: 'of serving', choices: PRECISIONS, default: 'mixed', group: inference }),
    show: positiveInteger({ describe: 'how many layouts to show', default: 8, group: 'Always' }),
  },
  examples: [
    ['--arch llama3-70b --hardware h100 --gpus 512 --tokens 1.4e12', 'how, how long and at what price'],
    ['--hardware h100 --gpus 1024 --budget 5.76e23', 'the best model for Chinchilla’s budget'],
    ['--hardware a100 --gpus 256 --budget 1000000gpu-hours --max-latency 20ms', 'the best that stays fast'],
    ['--arch gpt3-175b --hardware a100 --gpus 1024 --tensor 8 --pipeline 8 --zero 1 --json', 'one layout in numbers'],
  ],
  handler: async (args, { out }) => {
    const named = [args.arch, args.card, args.hf].some((name) => name !== undefined);
    if (!named && args.set.length > 0) {
      throw new UserError(`--set ${args.set[0]} changes a model, and none is named: give --arch, --card or --hf.`);
    }
    const shipped = loadHardware(args.hardware.endsWith('.json') ? callerPath(args.hardware) : args.hardware);
    const own = args.price !== undefined && { pricePerHour: { dollars: args.price, source: 'given', date: 'now' } };
    const hardware = own ? { ...shipped, ...own } : shipped;
    const { batch, maxLatency, maxMemory, costPerMillionTokens, zero } = args;
    const answer = planRequest({
      hardware,
      gpus: args.gpus,
      states: { precision: args.precision, optimizer: args.optimizer, convention: args.states },
      attention: args.attention,
      efficiency: args.efficiency,
      reserve: args.reserve,
      most: args.show,
      pins: {
        tensor: args.tensor,
        pipeline: args.pipeline,
        interleave: args.interleave,
        context: args.context,
        data: args.data,
        zero: zero === undefined ? undefined : (Number(zero) as ZeroStage),
        microBatch: args.microBatch,
        recompute: args.recompute,
      },
      sequence: args.seq,
      batch: batch === undefined ? undefined : (sequence) => readBatch(batch, sequence, args.gpus),
      run: {
        card: named ? loadModelCard(cardPaths(args)) : undefined,
        family: loadModelCard({ arch: args.family }),
        tokens: args.tokens,
        budget: args.budget === undefined ? undefined : readBudget(args.budget),
        law: args.law,
        limits: {
          maxLatencySeconds: maxLatency === undefined ? undefined : readSeconds(maxLatency, '--max-latency'),
          maxMemoryBytes: maxMemory === undefined ? undefined : readBytes(maxMemory, '--max-memory'),
          maxDollarsPerMillionTokens: costPerMillionTokens,
        },
        serving: { hardware, precision: args.servePrecision, devices: args.serveGpus },
      },
    });
    for (const line of planLines(answer, palette(out.colour), out.columns)) out.say(line);
    out.document(planDocument(answer));
  },
});
