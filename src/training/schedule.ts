// The learning rate of each step: linear warm-up, then half a cosine down to the minimum (Loshchilov and Hutter 2017; nanoGPT).
export interface ScheduleSettings {
  readonly learningRate: number;
  readonly minLearningRate: number;
  readonly warmup: number;
  /** steps of the whole schedule, whether or not the run ends earlier */
  readonly steps: number;
}

/** The learning rate of update `step`, counted from 0. After the last step it stays at the minimum. */
export function learningRateAt(
  { learningRate, minLearningRate, warmup, steps }: ScheduleSettings,
  step: number,
): number {
  if (step < warmup) return (learningRate * (step + 1)) / (warmup + 1);
  if (step >= steps) return minLearningRate;
  const progress = (step - warmup) / Math.max(1, steps - warmup);
  return minLearningRate + 0.5 * (1 + Math.cos(Math.PI * progress)) * (learningRate - minLearningRate);
}
