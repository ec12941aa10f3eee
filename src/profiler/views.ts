// Memory as three parties see it after a profile: tfjs, the profiler, the operating system; each difference has a name.
import type { Profile } from './events.ts';
import { liveAfter } from './memory.ts';

export interface MemoryView {
  readonly name: 'tf.memory()' | 'live' | 'process';
  readonly bytes: number;
  readonly meaning: string;
}

export interface MemoryDifference {
  readonly from: MemoryView['name'];
  readonly to: MemoryView['name'];
  /** of `to` minus of `from` */
  readonly bytes: number;
  readonly reason: string;
}

/** Side by side at the end of the profile. The process is there only if the profile was told how to ask for it. */
export function memoryViews(profile: Profile): { views: MemoryView[]; differences: MemoryDifference[] } {
  const live = liveAfter(profile, profile.events.length - 1);
  const unseen = profile.after.buffers - live.buffers.length;
  const views: MemoryView[] = [
    { name: 'tf.memory()', bytes: profile.after.bytes, meaning: 'every handle with all its bytes' },
    { name: 'live', bytes: live.total, meaning: 'every buffer that the profile knows, once' },
  ];
  const differences: MemoryDifference[] = [
    {
      ...{ from: 'live', to: 'tf.memory()', bytes: profile.after.bytes - live.total },
      reason:
        unseen > 0
          ? `handles that share a buffer, counted again; ${unseen} more dataIds that are views or that the profile never met`
          : 'handles that share a buffer, counted again',
    },
  ];
  if (profile.processBytes !== undefined) {
    views.push({ name: 'process', bytes: profile.processBytes, meaning: 'resident set of the process' });
    const reason = 'the program and its libraries, JavaScript’s heap, and what the allocator keeps for later';
    differences.push({ from: 'live', to: 'process', bytes: profile.processBytes - live.total, reason });
  }
  return { views, differences };
}
