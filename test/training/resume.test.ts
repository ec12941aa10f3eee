// Checkpoints and logs of a run in a storage that can break: what was saved goes on bit for bit, what was half written is not seen.
import { describe, expect, it } from 'vitest';
import { findCheckpoint, listCheckpoints } from '../../src/formats/checkpoint.ts';
import { MemoryStorage } from '../../src/formats/memory-storage.ts';
import type { RunPlan } from '../../src/training/plan.ts';
import { carryOut, type RunEvent } from '../../src/training/run.ts';
import { RunLog } from '../../src/training/run-log.ts';
import { openSession, type Session } from '../../src/training/session.ts';
import type { TrainingSettings } from '../../src/training/settings.ts';
import { leavesNothing, onBackend, onEveryBackend } from '../support/backend.ts';
import { atOnce, collected, stateOf, tickingClock, tinyPlan } from '../support/training.ts';

const toLine = (record: object) => `${JSON.stringify(record)}\n`;
const sgd = { optimizer: { ...tinyPlan().settings.optimizer, kind: 'sgd' as const } };

/** Carries a plan out, from its latest checkpoint if there is one. */
async function carriedOut(
  storage: MemoryStorage,
  plan: RunPlan,
  inspect: (session: Session) => void = () => undefined,
): Promise<RunEvent[]> {
  const there = (await listCheckpoints(storage, 'run/checkpoints')).length > 0;
  const resumed = there && { run: undefined as never, checkpoint: await findCheckpoint(storage, 'run') };
  const whole: RunPlan = { ...plan, ...(resumed && { resumed }) };
  const session = await openSession(whole);
  try {
    await storage.makeFolder('run');
    const log = await RunLog.open(storage, 'run', session.trainer.step, toLine);
    const services = {
      storage,
      now: tickingClock(1),
      breathe: atOnce,
      interrupted: () => undefined,
      memory: () => 0,
      peakFlops: 1e9,
      versions: {},
      keep: 2,
    };
    return await collected(carryOut(whole, session, log, services));
  } finally {
    inspect(session);
    session.dispose();
  }
}

const recordsIn = async (storage: MemoryStorage) => {
  const lines = new TextDecoder()
    .decode(await storage.read('run/log.jsonl'))
    .trimEnd()
    .split('\n');
  return lines.map((line) => JSON.parse(line) as { kind: string; step: number; loss?: number });
};
const lossesIn = async (storage: MemoryStorage) =>
  (await recordsIn(storage)).filter(({ kind }) => kind === 'step').map(({ step, loss }) => [step, loss]);

/** Losses by step, and weights and optimizer at the end. */
async function courseOf(storage: MemoryStorage, plan: RunPlan) {
  let state: Record<string, number[]> = {};
  await carriedOut(storage, plan, (session) => {
    state = stateOf(session);
  });
  return { losses: await lossesIn(storage), state };
}

onEveryBackend(() => {
  describe('six steps equal three and three', () => {
    it.each<[string, Partial<TrainingSettings>]>([
      ['with dropout and accumulation', { accumulation: 2 }],
      ['with momentum', sgd],
    ])('%s', async (_, changed) => {
      const whole = await courseOf(new MemoryStorage(), tinyPlan(changed));
      const storage = new MemoryStorage();
      await courseOf(storage, tinyPlan({ ...changed, stopAfter: 3 }));
      expect(await courseOf(storage, tinyPlan(changed))).toEqual(whole);
    });
  });
});

onBackend('cpu', () => {
  it('a process killed at any change of a file goes on as if nothing had been', async () => {
    const settings = { steps: 3, saveEvery: 1, sequence: 2 };
    const whole = await courseOf(new MemoryStorage(), tinyPlan(settings));
    const counting = new MemoryStorage();
    await carriedOut(counting, tinyPlan(settings));
    for (let change = 2; change < counting.changes; change += 5) {
      const storage = new MemoryStorage();
      storage.breakAfter(change);
      await expect(carriedOut(storage, tinyPlan(settings))).rejects.toThrow('the disk is full');
      storage.repair();
      expect(await courseOf(storage, tinyPlan(settings)), `change ${change}`).toEqual(whole);
    }
  });

  it('a full disk is one sentence, leaves the last good checkpoint, and nothing alive', async () => {
    const plan = tinyPlan({ steps: 4, saveEvery: 2 });
    const storage = new MemoryStorage();
    await carriedOut(storage, { ...plan, settings: { ...plan.settings, stopAfter: 2 } });
    const sentence =
      /^Cannot write 'run\/checkpoints\/\.step-000004\.partial\/.*': the disk is full; --resume run goes on from step 2\.$/;
    await leavesNothing(async () => {
      storage.breakAfter(9);
      await expect(carriedOut(storage, plan)).rejects.toThrow(sentence);
      storage.repair();
    });
    expect((await findCheckpoint(storage, 'run')).step).toBe(2);
  });

  it('a log holds each step once, whatever was cut off or given up', async () => {
    const storage = new MemoryStorage();
    const plan = tinyPlan({ steps: 6, saveEvery: 2 });
    await carriedOut(storage, { ...plan, settings: { ...plan.settings, stopAfter: 4 } });
    const step = { kind: 'step', step: 5, loss: 1 };
    await storage.append('run/log.jsonl', `${toLine(step)}${toLine({ ...step, step: 6 })}null\n{"kind":"st`);
    await carriedOut(storage, plan);
    expect((await lossesIn(storage)).map(([at]) => at)).toEqual([1, 2, 3, 4, 5, 6]);
    expect((await recordsIn(storage)).map(({ kind }) => kind)).not.toContain(undefined);
  });

  it('a run that diverges notes why in its log, and says where it can go on', async () => {
    const storage = new MemoryStorage();
    const plan = tinyPlan({ steps: 6, saveEvery: 1, learningRate: 1000, minLearningRate: 0, warmup: 2, clip: false });
    const failed = carriedOut(storage, plan);
    await expect(failed).rejects.toThrow(/^Step \d: .*; --resume run goes on from step \d\.$/);
    const last = (await recordsIn(storage)).at(-1)!;
    expect(last).toMatchObject({ kind: 'failure', reason: expect.stringMatching(/^Step/) });
    expect((await findCheckpoint(storage, 'run')).step).toBe(last.step - 1);
  });

  describe('a checkpoint is refused', () => {
    it.each<[string, Partial<RunPlan>, RegExp]>([
      [
        'by another optimizer',
        { settings: tinyPlan(sgd).settings },
        /has the state of optimizer adamw, which sgd cannot go on from/,
      ],
      ['by another seed', { settings: tinyPlan({ seed: 2 }).settings }, /was trained with --seed 1, not 2/],
      [
        'by another model',
        { card: { ...tinyPlan().card, layers: 3 } },
        /tensor 'blocks\.2\.\S+' is missing, but the model has/,
      ],
    ])('%s, and nothing stays alive', async (_, changed, sentence) => {
      const storage = new MemoryStorage();
      await carriedOut(storage, tinyPlan({ steps: 1 }));
      const checkpoint = await findCheckpoint(storage, 'run');
      const plan = { ...tinyPlan({ steps: 2 }), ...changed, resumed: { run: undefined as never, checkpoint } };
      await leavesNothing(async () => {
        await expect(openSession(plan)).rejects.toThrow(sentence);
      });
    });
  });
});
