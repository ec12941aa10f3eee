// AdamW and SGD over several steps on every backend, against PyTorch's published algorithms in float64; norms, state and its names.
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import type { WeightShape } from '../../src/cards/weights.ts';
import { normalArray } from '../../src/engine/random.ts';
import type { NamedWeight } from '../../src/layers/card-layer.ts';
import { assign, gradientNormsSync, Optimizer, type OptimizerSettings } from '../../src/training/optimizer.ts';
import { leavesNothing, onEveryBackend } from '../support/backend.ts';
import { close } from '../support/check-op.ts';
import { adamwSettings } from '../support/models.ts';

const shapes: WeightShape[] = [
  { name: 'a.weight', shape: [3, 5], group: 'mlp', decay: true },
  { name: 'a.bias', shape: [5], group: 'mlp', decay: false },
];
const steps = 6;
const rate = (step: number) => 0.02 / step;
const scaleOf = (step: number) => (step % 2 === 0 ? 0.25 : 1);
const gradientOf = ({ name, shape }: WeightShape, step: number) =>
  normalArray(
    step,
    name,
    shape.reduce((n, length) => n * length, 1),
    0.3 * step,
  );
const initialOf = (weight: WeightShape) => gradientOf(weight, 100);

type Update = (w: number, g: number, state: number[], step: number, decay: number) => number;

/** torch.optim.AdamW, documentation of 2.x: decay first, then moments, bias corrections, and the quotient. */
const torchAdamW: Update = (w, g, state, step, decay) => {
  const { beta1, beta2, epsilon } = adamwSettings;
  w -= rate(step) * decay * w;
  state[0] = beta1 * (state[0] ?? 0) + (1 - beta1) * g;
  state[1] = beta2 * (state[1] ?? 0) + (1 - beta2) * g * g;
  const mean = state[0] / (1 - beta1 ** step);
  const variance = state[1] / (1 - beta2 ** step);
  return w - (rate(step) * mean) / (Math.sqrt(variance) + epsilon);
};

/** torch.optim.SGD with momentum; the buffer starts as the first gradient. */
const torchSgd: Update = (w, g, state, step, decay) => {
  g += decay * w;
  state[0] = step === 1 ? g : adamwSettings.momentum * state[0]! + g;
  return w - rate(step) * state[0];
};

/** Weights and state after all steps, number by number. */
function reference(weight: WeightShape, update: Update) {
  const states = Array.from(initialOf(weight), (): number[] => []);
  const values = Float64Array.from(initialOf(weight), (start, i) => {
    let w = start;
    for (let step = 1; step <= steps; step++) {
      const g = gradientOf(weight, step)[i]! * scaleOf(step);
      w = update(w, g, states[i]!, step, weight.decay ? adamwSettings.weightDecay : 0);
    }
    return w;
  });
  return { values, states };
}

function makeWeights(): NamedWeight[] {
  return shapes.map((weight) => {
    const initial = tf.tensor(initialOf(weight), [...weight.shape]);
    const variable = tf.variable(initial);
    initial.dispose();
    return { ...weight, variable };
  });
}

const gradientsAt = (step: number) => shapes.map((weight) => tf.tensor(gradientOf(weight, step), [...weight.shape]));
const cases: [OptimizerSettings['kind'], Update, string[]][] = [
  ['adamw', torchAdamW, ['first', 'second']],
  ['sgd', torchSgd, ['velocity']],
];

onEveryBackend(() => {
  it.each(cases)('%s follows PyTorch over several steps', (kind, update, parts) =>
    leavesNothing(() => {
      const weights = makeWeights();
      const optimizer = new Optimizer(weights, { ...adamwSettings, kind });
      for (let step = 1; step <= steps; step++) optimizer.apply(gradientsAt(step), rate(step), scaleOf(step));
      expect(optimizer.step).toBe(steps);
      const state = new Map(optimizer.stateTensors().map(({ name, tensor }) => [name, tensor.dataSync()]));
      expect([...state.keys()]).toEqual(shapes.flatMap(({ name }) => parts.map((part) => `${name}.${part}`)));
      for (const { variable, ...weight } of weights) {
        const { values, states } = reference(weight, update);
        close(variable.dataSync(), values, 2e-6, weight.name);
        parts.forEach((part, i) => {
          const expected = states.map((numbers) => numbers[i]!);
          close(state.get(`${weight.name}.${part}`)!, expected, 2e-6, `${weight.name}.${part}`);
        });
        variable.dispose();
      }
      optimizer.dispose();
    }),
  );

  it.each(cases)('%s continues bit for bit from its named state', (kind) =>
    leavesNothing(() => {
      const run = (interruptedAfter: number) => {
        let weights = makeWeights();
        let optimizer = new Optimizer(weights, { ...adamwSettings, kind });
        for (let step = 1; step <= 4; step++) {
          optimizer.apply(gradientsAt(step), rate(step));
          if (step !== interruptedAfter) continue;
          const saved = optimizer.stateTensors().map(({ name, tensor }) => ({ name, tensor: tf.clone(tensor) }));
          const values = weights.map(({ variable }) => tf.clone(variable));
          for (const { variable } of weights) variable.dispose();
          optimizer.dispose();
          weights = makeWeights();
          optimizer = new Optimizer(weights, { ...adamwSettings, kind });
          weights.forEach(({ variable }, i) => {
            assign(variable, values[i]!);
          });
          for (const { name, tensor } of saved) optimizer.setState(name, tensor);
          optimizer.step = step;
        }
        const result = weights.map(({ variable }) => variable.dataSync());
        for (const { variable } of weights) variable.dispose();
        optimizer.dispose();
        return result;
      };
      expect(run(2)).toEqual(run(-1));
    }),
  );

  it('gradientNormsSync: each tensor’s and all together', () =>
    leavesNothing(() => {
      const gradients = gradientsAt(3);
      const { total, each } = gradientNormsSync(
        gradients,
        shapes.map(({ name }) => name),
      );
      const squares = shapes.map((weight) => gradientOf(weight, 3).reduce((sum, g) => sum + g * g, 0));
      close(each, squares.map(Math.sqrt), 1e-6, 'each');
      close([total], [Math.sqrt(squares[0]! + squares[1]!)], 1e-6, 'total');
      tf.dispose(gradients);
    }));
});

describe('state', () => {
  it('refuses a name that it does not have', () => {
    const optimizer = new Optimizer([], adamwSettings);
    expect(() => optimizer.setState('a.weight.third', null as never)).toThrow("no state 'a.weight.third'");
  });
});
