// Scopes: each kernel of a step belongs to a phase, a module and a term; backward kernels to the module whose forward they undo.
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { Transformer } from '../../src/architectures/transformer.ts';
import type { ModelCard } from '../../src/cards/model-card.ts';
import { type KernelEvent, observeKernels } from '../../src/engine/kernel-events.ts';
import { currentScope, inModule, inTerm, isComplete, withScope } from '../../src/engine/scope.ts';
import { FORWARD_TERMS } from '../../src/terms/vocabulary.ts';
import { gradientNormsSync, Optimizer } from '../../src/training/optimizer.ts';
import { accumulate } from '../../src/training/step.ts';
import { onFastBackend } from '../support/backend.ts';
import { adamwSettings, randomBatch, variants, withDropout } from '../support/models.ts';

function eventsOfStep(card: ModelCard, keep: 'probabilities' | 'nothing-quadratic'): KernelEvent[] {
  const model = new Transformer(card, 1);
  const optimizer = new Optimizer(model.namedWeights(), adamwSettings);
  const events: KernelEvent[] = [];
  const stop = observeKernels(tf.getBackend(), (event) => events.push(event));
  try {
    const micro = [randomBatch(card, 2, 4), randomBatch(card, 2, 4, 2)];
    const { gradients } = accumulate(model, micro, { dropoutSeed: 1, keep });
    gradientNormsSync(
      gradients,
      model.namedWeights().map(({ name }) => name),
    );
    optimizer.apply(gradients, 0.1);
  } finally {
    stop();
    model.dispose();
    optimizer.dispose();
  }
  return events;
}

/** `module term` of the events that a test wants, each once, sorted. */
const seen = (events: KernelEvent[], of: (event: KernelEvent) => string | undefined): string[] =>
  [...new Set(events.map(of).filter((text) => text !== undefined))].sort();
const inPhase = (phase: string, text: (event: KernelEvent) => string) => (event: KernelEvent) =>
  event.scope.phase === phase ? text(event) : undefined;

/** The module paths of a card, from what a transformer consists of. */
function expectedModules({ layers, norm }: ModelCard): string[] {
  const parts = ['', '.attention', '.mlp', '.norm1', ...(norm.perBlock === 2 ? ['.norm2'] : [])];
  const blocks = Array.from({ length: layers }, (_, n) => parts.map((part) => `blocks.${n}${part}`));
  return ['embedding', 'head', 'loss', ...blocks.flat(), ...(norm.placement === 'pre' ? ['norm'] : [])].sort();
}

const module = ({ scope }: KernelEvent) => scope.module;

onFastBackend(() => {
  it.each(Object.entries(variants))('%s: modules and terms of every phase', (_, small) => {
    const card = withDropout(small);
    const events = eventsOfStep(card, 'probabilities');
    expect(events.every(({ scope }) => isComplete(scope))).toBe(true);
    expect(seen(events, ({ scope }) => scope.phase)).toEqual(['backward', 'forward', 'optimizer']);

    expect(seen(events, inPhase('forward', module))).toEqual(expectedModules(card));
    const backward = seen(events, inPhase('backward', module));
    expect(backward).toEqual([...expectedModules(card), 'accumulation', 'tape'].sort());
    const weights = new Transformer(card);
    const names = weights.namedWeights().map(({ name }) => name);
    weights.dispose();
    expect(seen(events, inPhase('optimizer', module))).toEqual([...names, 'optimizer'].sort());

    const forwardTerms = seen(
      events,
      inPhase('forward', ({ scope }) => `${scope.module} ${scope.term}`),
    );
    const known: readonly string[] = FORWARD_TERMS;
    expect(forwardTerms.map((text) => text.split(' ')[1]!).filter((term) => !known.includes(term))).toEqual([]);
    // Each backward term undoes a forward term of the same module.
    const undone = seen(
      events,
      inPhase('backward', ({ scope }) => `${scope.module} ${scope.term}`),
    );
    const own = undone.filter((text) => !/^(tape|accumulation) tape\.accumulate$/.test(text));
    expect(own.filter((text) => !/\/d[xw]$/.test(text))).toEqual([]);
    expect(own.map((text) => text.replace(/\/d[xw]$/, '')).filter((text) => !forwardTerms.includes(text))).toEqual([]);
    expect(
      seen(
        events,
        inPhase('optimizer', ({ scope }) => scope.term),
      ),
    ).toEqual(['optimizer.adamw', 'optimizer.clip']);
  });

  it('every matrix product of a layer is in its module: one forward, two backward', () => {
    const events = eventsOfStep(variants.llama3!, 'probabilities').filter(({ name }) => name === 'BatchMatMul');
    const counts = new Map<string, number>();
    for (const { scope } of events) {
      const key = `${scope.module} ${scope.term}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    const micro = 2;
    for (const n of [0, 1]) {
      for (const part of ['attention.qkv', 'attention.projection', 'mlp.up', 'mlp.gate', 'mlp.down']) {
        const path = `blocks.${n}.${part.split('.')[0]}`;
        for (const suffix of ['', '/dx', '/dw']) expect(counts.get(`${path} ${part}${suffix}`)).toBe(micro);
      }
      for (const part of ['attention.scores', 'attention.values']) {
        expect(counts.get(`blocks.${n}.attention ${part}`)).toBe(micro);
        expect(counts.get(`blocks.${n}.attention ${part}/dx`)).toBe(2 * micro);
      }
    }
    expect(counts.get('head head.logits')).toBe(micro);
    expect(events).toHaveLength(micro * (2 * (5 * 3 + 2 * 3) + 3));
  });

  it('probabilities that were not kept are computed again in phase recompute, and only they', () => {
    const kept = eventsOfStep(variants.gpt!, 'probabilities');
    const again = eventsOfStep(variants.gpt!, 'nothing-quadratic');
    const text = ({ scope }: KernelEvent) => `${scope.module} ${scope.term}`;
    expect(seen(kept, inPhase('recompute', text))).toEqual([]);
    expect(seen(again, inPhase('recompute', text))).toEqual(
      [0, 1].flatMap((n) => [`blocks.${n}.attention attention.scores`, `blocks.${n}.attention attention.softmax`]),
    );
    const productsIn = (events: KernelEvent[], phase: string) =>
      events.filter(({ name, scope }) => name === 'BatchMatMul' && scope.phase === phase).length;
    expect(productsIn(again, 'backward')).toBe(productsIn(kept, 'backward'));
    expect(productsIn(again, 'recompute')).toBe(4);
  });
});

it('scopes nest, join module paths, and end with their body, also when it fails', () => {
  const outside = currentScope();
  expect(isComplete(outside)).toBe(false);
  const text = () => `${currentScope().phase} ${currentScope().module} ${currentScope().term}`;
  withScope({ phase: 'forward' }, () =>
    inModule('blocks.3', () => {
      inModule('attention', () =>
        inTerm('attention.scores', () => expect(text()).toBe('forward blocks.3.attention attention.scores')),
      );
      expect(() =>
        inModule('mlp', () => {
          throw new Error('mine');
        }),
      ).toThrow('mine');
      expect(text()).toBe('forward blocks.3 ');
    }),
  );
  expect(currentScope()).toBe(outside);
});
