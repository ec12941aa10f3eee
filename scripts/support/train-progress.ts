// The progress of yarn train: its events as lines, each step once.
import { type ProgressSettings, type ProgressState, progress } from '../../src/report/progress.ts';
import type { RunEvent } from '../../src/training/run.ts';

/**
 * Draws events. On a terminal a step is drawn at once. In plain lines it waits for what comes next, because the validation of a step
 * belongs on its line. Call `end` before anything else is written.
 * @param steps of the whole schedule
 * @param last step of this invocation
 */
export function trainProgress(settings: ProgressSettings, steps: number, last: number) {
  const lines = progress(settings);
  let validationLoss: number | undefined;
  let newest: ProgressState | undefined;
  let isWaiting = false;
  let seconds = 0;
  let count = 0;

  function flush(): void {
    if (isWaiting && newest) lines.update(newest);
    isWaiting = false;
  }

  function show(event: RunEvent): void {
    if (event.kind === 'step') {
      flush();
      seconds += event.seconds;
      count++;
      const secondsLeft = ((last - event.step) * seconds) / count;
      newest = { ...event, steps, secondsLeft, ...(validationLoss !== undefined && { validationLoss }) };
      if (settings.interactive) lines.update(newest);
      else isWaiting = true;
    } else if (event.kind === 'validation') {
      validationLoss = event.loss;
      if (newest) lines.update({ ...newest, validationLoss, justValidated: true });
      isWaiting = false;
    }
  }

  function end(): void {
    flush();
    lines.end();
  }

  return { show, end };
}
