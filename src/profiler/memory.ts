// Memory over time from a profile's events: live bytes by category, the peak with its owners, what lives at any instant.
import type { Scope } from '../engine/scope.ts';
import { MEMORY_CATEGORIES, type MemoryCategory } from '../terms/vocabulary.ts';
import type { BufferBirth, KernelRun, Profile, ProfileEvent } from './events.ts';

export type BytesByCategory = Readonly<Record<MemoryCategory, number>>;

/** Live bytes from one event until the next that changes them. */
export interface Instant {
  /** index into the profile's events; −1 before the first */
  readonly event: number;
  readonly total: number;
  readonly live: BytesByCategory;
}

/** A buffer as it is at one instant. */
export interface LiveBuffer {
  readonly birth: BufferBirth;
  readonly category: MemoryCategory;
  readonly owner: string;
  /** where it got its category: where it was born, or where the tape kept it */
  readonly scope: Scope;
}

/** All bytes of one category and owner. */
export interface Holding {
  readonly category: MemoryCategory;
  readonly owner: string;
  readonly bytes: number;
  readonly buffers: number;
}

export interface Peak extends Instant {
  /** the last kernel that had begun: the one whose output made the peak */
  readonly kernel: KernelRun | undefined;
  /** most bytes first */
  readonly holdings: readonly Holding[];
}

/** Follows the buffers event by event. */
class Census {
  readonly buffers = new Map<number, LiveBuffer>();
  readonly live: Record<MemoryCategory, number>;
  total = 0;

  constructor(residents: readonly BufferBirth[]) {
    this.live = Object.fromEntries(MEMORY_CATEGORIES.map((category) => [category, 0])) as Record<
      MemoryCategory,
      number
    >;
    for (const resident of residents) this.apply(resident);
  }

  /** Whether the event changed anything about the memory. */
  apply(event: ProfileEvent): boolean {
    if (event.kind === 'kernel') return false;
    const before = this.buffers.get(event.buffer);
    if (event.kind === 'birth') {
      const { category, owner, scope } = event;
      this.put(event.buffer, { birth: event, category, owner, scope });
      return true;
    }
    if (!before) return false;
    this.remove(event.buffer, before);
    if (event.kind === 'change') {
      const { category, owner, scope } = event;
      this.put(event.buffer, { birth: before.birth, category, owner, scope });
    }
    return true;
  }

  instant(event: number): Instant {
    return { event, total: this.total, live: { ...this.live } };
  }

  private put(number: number, buffer: LiveBuffer): void {
    this.buffers.set(number, buffer);
    this.live[buffer.category] += buffer.birth.bytes;
    this.total += buffer.birth.bytes;
  }

  private remove(number: number, buffer: LiveBuffer): void {
    this.buffers.delete(number);
    this.live[buffer.category] -= buffer.birth.bytes;
    this.total -= buffer.birth.bytes;
  }
}

/** Live bytes by category after every event that changes them, from before the first. */
export function memoryTimeline(profile: Profile): Instant[] {
  const census = new Census(profile.residents);
  const instants = [census.instant(-1)];
  profile.events.forEach((event, index) => {
    if (census.apply(event)) instants.push(census.instant(index));
  });
  return instants;
}

/** What lives after the event of that index, and nothing that died before; −1: before the first event. */
export function liveAfter(profile: Profile, event: number): Instant & { readonly buffers: readonly LiveBuffer[] } {
  const census = new Census(profile.residents);
  for (const past of profile.events.slice(0, event + 1)) census.apply(past);
  return { ...census.instant(event), buffers: [...census.buffers.values()] };
}

/** The first instant at which most bytes live. */
export function memoryPeak(profile: Profile): Peak {
  const census = new Census(profile.residents);
  let [most, at] = [census.total, -1];
  profile.events.forEach((event, index) => {
    census.apply(event);
    if (census.total > most) [most, at] = [census.total, index];
  });
  const kernel = profile.events.slice(0, at + 1).findLast((event): event is KernelRun => event.kind === 'kernel');
  const { buffers, ...instant } = liveAfter(profile, at);
  return { ...instant, kernel, holdings: holdings(buffers) };
}

/** Index of the last event before the backward pass begins; the last of all where there is none. */
export function endOfForward({ events }: Profile): number {
  const first = events.findIndex((event) => event.kind === 'kernel' && event.scope.phase === 'backward');
  return first < 0 ? events.length - 1 : first - 1;
}

/** Buffers born in the profile that still live at its end. */
export function survivors(profile: Profile): LiveBuffer[] {
  return liveAfter(profile, profile.events.length - 1).buffers.filter(({ birth }) => birth.buffer > 0);
}

/** Buffers added up by category and owner, most bytes first. */
export function holdings(buffers: readonly LiveBuffer[]): Holding[] {
  const sums = new Map<string, Holding>();
  for (const { category, owner, birth } of buffers) {
    const key = `${category} ${owner}`;
    const { bytes, buffers: count } = sums.get(key) ?? { bytes: 0, buffers: 0 };
    sums.set(key, { category, owner, bytes: bytes + birth.bytes, buffers: count + 1 });
  }
  return [...sums.values()].sort((a, b) => b.bytes - a.bytes);
}
