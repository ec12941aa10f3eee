// AdamW: one update of one weight in a single pass over its memory, instead of the JavaScript loop.
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { type AdamWFactors, adamwKernel } from '../../../kernels/adamw.ts';
import { eachVector } from '../loops.ts';
import { type Override, sizeOf } from '../runtime.ts';

export const adamw: Override = {
  kernels: [adamwKernel.name],
  code(program) {
    program.add('adamw', 'iiiiiiiffffffffii', (f, ...parameters) => {
      const [weight, gradient, first, second, newWeight, newFirst, newSecond, ...more] = parameters;
      const [scaleBy, rise1By, beta2By, rise2By, keepBy, stepBy, secondScaleBy, epsilonBy, from, to] = more;
      const [scale, rise1, beta2, rise2] = [
        f.let(scaleBy.splat()),
        f.let(rise1By.splat()),
        f.let(beta2By.splat()),
        f.let(rise2By.splat()),
      ];
      const [keep, step, secondScale, epsilon] = [
        f.let(keepBy.splat()),
        f.let(stepBy.splat()),
        f.let(secondScaleBy.splat()),
        f.let(epsilonBy.splat()),
      ];
      eachVector(f, from, to, (offset, { load, store }) => {
        const g = f.let(load(gradient.add(offset)).mul(scale));
        const before = f.let(load(first.add(offset)));
        const m = f.let(f.multiplyAdd(g.sub(before), rise1, before));
        const v = f.let(f.multiplyAdd(load(second.add(offset)), beta2, g.mul(g).mul(rise2)));
        const change = step.mul(m).div(f.multiplyAdd(v.sqrt(), secondScale, epsilon));
        store(newWeight.add(offset), load(weight.add(offset)).mul(keep).sub(change));
        store(newFirst.add(offset), m);
        store(newSecond.add(offset), v);
      });
    });
  },
  kernel: (_, runtime) => (call) => {
    const inputs = call.inputs as Record<'weight' | 'gradient' | 'first' | 'second', TensorInfo>;
    const { weight, gradient, first, second } = inputs;
    const factors = call.attrs as unknown as AdamWFactors;
    const { beta1, beta2, epsilon, keep, stepSize, secondScale, gradientScale } = factors;
    const targets = [runtime.output(weight.shape), runtime.output(weight.shape), runtime.output(weight.shape)];
    const addresses = [weight, gradient, first, second, ...targets].map((tensor) => runtime.pointer(tensor));
    const numbers = [gradientScale, 1 - beta1, beta2, 1 - beta2, keep, stepSize, secondScale, epsilon];
    runtime.run('adamw', [...addresses, ...numbers], sizeOf(weight.shape), 4, 4);
    return targets;
  },
};
