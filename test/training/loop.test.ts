// The loop: what happens after which step, why it ends, and that a signal ends it at once with a checkpoint.
import { describe, expect, it } from 'vitest';
import { type LoopServices, type TrainingEvent, trainingLoop } from '../../src/training/loop.ts';
import type { TrainingSettings } from '../../src/training/settings.ts';
import { onBackend } from '../support/backend.ts';
import { atOnce, collected, tickingClock, tinyPlan, tinySession } from '../support/training.ts';

const spelled = (event: TrainingEvent) =>
  event.kind === 'end' ? `end ${event.endedBy ?? ''}` : `${event.kind} ${event.step}`;

/** The events of a run in words: 'step 1', 'validation 2', 'end --max-tokens 30'. */
async function eventsOf(changed: Partial<TrainingSettings>, services: Partial<LoopServices> = {}) {
  const plan = tinyPlan(changed);
  const session = tinySession(plan);
  const all = {
    now: tickingClock(1),
    breathe: atOnce,
    interrupted: () => undefined,
    save: async () => 'run/checkpoints/step',
    ...services,
  };
  const events = await collected(trainingLoop(session.trainer, plan.corpus.validation, session.progress, all));
  session.dispose();
  return events;
}
const wordsOf = async (...args: Parameters<typeof eventsOf>) => (await eventsOf(...args)).map(spelled);
const steps = (...numbers: number[]) => numbers.map((step) => `step ${step}`);

onBackend('cpu', () => {
  describe('the order', () => {
    it('without anything on the way: steps, checkpoint, validation', async () => {
      expect(await wordsOf({ steps: 3 })).toEqual([...steps(1, 2, 3), 'checkpoint 3', 'validation 3', 'end ']);
    });

    it('with validations and checkpoints every so many steps', async () => {
      expect(await wordsOf({ steps: 5, evaluateEvery: 2, saveEvery: 4 })).toEqual([
        ...steps(1, 2),
        'validation 2',
        ...steps(3, 4),
        'validation 4',
        'checkpoint 4',
        'step 5',
        'checkpoint 5',
        'validation 5',
        'end ',
      ]);
    });
  });

  describe('the end', () => {
    it('comes after --stop-after, with the schedule of all steps', async () => {
      const events = await eventsOf({ steps: 6, stopAfter: 2 });
      expect(events.map(spelled)).toEqual([...steps(1, 2), 'checkpoint 2', 'validation 2', 'end --stop-after 2']);
      const whole = await eventsOf({ steps: 6 });
      expect(events.slice(0, 2)).toMatchObject(
        whole.slice(0, 2).map((event) => ({ ...event, seconds: expect.anything() })),
      );
    });

    it('comes when so many tokens are used', async () => {
      expect(await wordsOf({ maxTokens: 13 })).toEqual([
        ...steps(1, 2),
        'checkpoint 2',
        'validation 2',
        'end --max-tokens 13',
      ]);
    });

    it('comes when so many minutes of this invocation are over', async () => {
      const services = { now: tickingClock(10_000) };
      const words = await wordsOf({ steps: 50, maxMinutes: 1 }, services);
      const last = words.filter((word) => word.startsWith('step')).length;
      expect(last).toBeLessThan(6);
      expect(words.slice(last)).toEqual([`checkpoint ${last}`, `validation ${last}`, 'end --max-minutes 1']);
    });

    it('comes when a validation reaches the loss', async () => {
      const settings = { steps: 9, evaluateEvery: 2, targetLoss: 99 };
      expect(await wordsOf(settings)).toEqual([
        ...steps(1, 2),
        'validation 2',
        'checkpoint 2',
        'validation 2',
        'end --target-loss 99',
      ]);
    });
  });

  describe('a signal', () => {
    it('during a step ends the run after it, with a checkpoint and without a validation', async () => {
      let done = 0;
      const breathe = async () => {
        done++;
      };
      const interrupted = () => (done >= 2 ? 'Ctrl-C' : undefined);
      expect(await wordsOf({}, { breathe, interrupted })).toEqual([...steps(1, 2), 'checkpoint 2', 'end Ctrl-C']);
    });

    it('during a validation ends it, and nobody sees its half', async () => {
      let isEvaluating = false;
      let batches = 0;
      const breathe = async () => {
        batches++;
        isEvaluating ||= batches > 3;
      };
      const interrupted = () => (isEvaluating ? 'Ctrl-C' : undefined);
      const settings = { steps: 9, batch: 1, evaluateEvery: 2, evaluateWindows: 8 };
      expect(await wordsOf(settings, { breathe, interrupted })).toEqual([...steps(1, 2), 'checkpoint 2', 'end Ctrl-C']);
      expect(batches).toBe(4);
    });

    it('during a save ends the run after it, without another step', async () => {
      let by: string | undefined;
      const save = async () => {
        by = 'SIGTERM';
        return 'x';
      };
      const words = await wordsOf({ saveEvery: 2 }, { save, interrupted: () => by });
      expect(words).toEqual([...steps(1, 2), 'checkpoint 2', 'end SIGTERM']);
    });

    it('during the last validation leaves the run finished and saved', async () => {
      let by: string | undefined;
      let saved = false;
      const save = async () => {
        saved = true;
        return 'x';
      };
      const breathe = async () => {
        if (saved) by = 'Ctrl-C';
      };
      const words = await wordsOf({ steps: 2 }, { save, breathe, interrupted: () => by });
      expect(words).toEqual([...steps(1, 2), 'checkpoint 2', 'end ']);
    });
  });

  it('the last validation takes a quarter of what was trained on, and no fewer windows than the others', async () => {
    const wholeOf = async (changed: Partial<TrainingSettings>) => {
      const events = await eventsOf(changed);
      return events.filter((event) => event.kind === 'validation').map(({ whole }) => whole);
    };
    expect(await wholeOf({ steps: 2, evaluateWindows: 2 })).toEqual([false]);
    expect(await wholeOf({ steps: 20, evaluateWindows: 2 })).toEqual([true]);
    expect(await wholeOf({ steps: 2, evaluateWindows: 9 })).toEqual([true]);
  });

  it('seconds and the best validation go into the checkpoint', async () => {
    const saved: unknown[] = [];
    const save = async (progress: unknown) => `step ${saved.push(progress)}`;
    const events = await eventsOf({ steps: 4, evaluateEvery: 1, saveEvery: 2 }, { save });
    const losses = events.filter((event) => event.kind === 'validation').map(({ loss }) => loss);
    const best = Math.min(losses[0]!, losses[1]!);
    expect(saved[0]).toMatchObject({ tokens: 24, best: { loss: best, step: losses.indexOf(best) + 1 } });
    expect((saved[1] as { seconds: number }).seconds).toBeGreaterThan((saved[0] as { seconds: number }).seconds);
  });
});
