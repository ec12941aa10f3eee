// Ctrl-C: the first asks for an orderly end, the second ends at once.

const signals = { SIGINT: { name: 'Ctrl-C', code: 130 }, SIGTERM: { name: 'SIGTERM', code: 143 } } as const;

export interface Interruption {
  /** Who asked for the end: 'Ctrl-C', 'SIGTERM'; undefined as long as nobody has. */
  readonly by: () => string | undefined;
  /** The exit code of a process that was asked to end, as shells have it; 0 as long as nobody has asked. */
  readonly code: () => number;
  /** Signals act as before. */
  readonly release: () => void;
}

/** Listens for SIGINT and SIGTERM until released. */
export function interruption(note: (sentence: string) => void): Interruption {
  let first: (typeof signals)[keyof typeof signals] | undefined;
  const listen = (signal: NodeJS.Signals) => {
    const received = signals[signal as keyof typeof signals];
    if (first) process.exit(received.code);
    first = received;
    note('\nStopping after this step and saving; once more stops at once.');
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, listen);
  return {
    by: () => first?.name,
    code: () => first?.code ?? 0,
    release: () => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, listen);
    },
  };
}
