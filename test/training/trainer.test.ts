// One step after the other: accumulation equals the big batch, and what is alive does not grow.
import { describe, expect, it } from 'vitest';
import { evaluate } from '../../src/training/evaluation.ts';
import { expectedStepSeconds } from '../../src/training/rehearsal.ts';
import { alive, onEveryBackend } from '../support/backend.ts';
import { variants } from '../support/models.ts';
import { stateOf, tickingClock, tinyPlan, tinySession } from '../support/training.ts';

onEveryBackend(() => {
  describe('a step', () => {
    it('of four micro-batches equals one of the big batch', async () => {
      // Without dropout: a micro-batch draws masks of its own.
      const card = variants.gpt!;
      const big = tinySession(tinyPlan({ batch: 8 }, card));
      const small = tinySession(tinyPlan({ batch: 2, accumulation: 4 }, card));
      for (let step = 0; step < 3; step++) {
        const [expected, found] = [await big.trainer.advance(), await small.trainer.advance()];
        expect(found.tokens).toBe(expected.tokens);
        expect(found.loss).toBeCloseTo(expected.loss, 5);
        expect(found.gradientNorm).toBeCloseTo(expected.gradientNorm, 5);
      }
      const [expected, found] = [stateOf(big), stateOf(small)];
      for (const name of Object.keys(expected)) {
        const difference = expected[name]!.map((value, i) => Math.abs(value - found[name]![i]!));
        expect(Math.max(...difference), name).toBeLessThan(2e-5);
      }
      big.dispose();
      small.dispose();
    });

    it('and a validation leave as much alive as there was', async () => {
      const plan = tinyPlan({ accumulation: 2 });
      const session = tinySession(plan);
      const { trainer, model } = session;
      const look = async () => {
        await trainer.advance();
        await evaluate(model, plan.corpus.validation, { batch: 2, sequence: 6 });
        return alive();
      };
      // The first makes masks and tables, for the short window at the end too.
      const first = await look();
      for (let step = 0; step < 3; step++) expect(await look()).toEqual(first);
      session.dispose();
    });
  });

  it('a rehearsal changes nothing, and expects what a clock and the bandwidth say', async () => {
    const session = tinySession(tinyPlan({ accumulation: 3 }));
    const before = stateOf(session);
    const seconds = await expectedStepSeconds(session.trainer, tickingClock(500), Number.POSITIVE_INFINITY);
    expect(seconds).toBe(1.5);
    const parameters = session.model.variables().reduce((sum, { size }) => sum + size, 0);
    expect(await expectedStepSeconds(session.trainer, () => 0, 32 * parameters)).toBe(1);
    expect(stateOf(session)).toEqual(before);
    expect(session.trainer.step).toBe(0);
    session.dispose();
  });
});
