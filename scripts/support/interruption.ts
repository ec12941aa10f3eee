// Ctrl-C: the first asks for an orderly end, the second ends at once.

/** Listens for SIGINT and SIGTERM. `requested` tells whether the first has come. */
export function interruption(note: (sentence: string) => void): { requested: () => boolean } {
  let requested = false;
  const listen = () => {
    if (requested) process.exit(130);
    requested = true;
    note('\nStopping after this step and saving; once more stops at once.');
  };
  process.on('SIGINT', listen);
  process.on('SIGTERM', listen);
  return { requested: () => requested };
}
