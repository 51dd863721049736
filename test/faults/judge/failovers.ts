import type { LeaderSighting } from '../leader-watch.ts';
import type { SeenFault } from './faults.ts';
import { type EndedOperation, firstAtLeast, okTimes } from './operation-times.ts';

/** From one serving leader to the next, with the longest time without an acknowledged write around it. Milliseconds since the origin. */
export interface Failover {
  readonly atMs: number;
  readonly from: string;
  readonly to: string;
  readonly term: number;
  readonly writeGapMs: number;
  /** A majority could have served at any time of it: no fault was on that left none, or that came beside another. */
  readonly isMajorityWhole: boolean;
}

interface FailoverInput {
  readonly samples: readonly LeaderSighting[];
  readonly operations: readonly EndedOperation[];
  readonly faults: readonly SeenFault[];
}

/** Samples come a few times a second, and writes flow before a sample sees the new leader. */
const marginMs = 1_000;

export function failoversOf({ samples, operations, faults }: FailoverInput): readonly Failover[] {
  const writes = okTimes(operations.filter(({ isWrite }) => isWrite));
  const failovers: Failover[] = [];
  let serving: LeaderSighting | null = null;
  // When the serving leader was first not seen any more.
  let lostMs: number | null = null;
  for (const sample of samples) {
    const { leader, term, atMs } = sample;
    if (leader === null) {
      lostMs ??= atMs;
      continue;
    }
    const before = serving?.leader ?? null;
    if (before !== null && (before !== leader || serving?.term !== term)) {
      const gap = longestGap(writes, (lostMs ?? atMs) - marginMs, atMs + marginMs);
      const { ms: writeGapMs, beganMs } = gap;
      const isMajorityWhole = !faults.some(
        (fault) =>
          !fault.isMajorityWhole &&
          fault.beginMs <= beganMs + writeGapMs &&
          (fault.endMs === null || fault.endMs >= beganMs),
      );
      const times = { atMs: beganMs, writeGapMs, isMajorityWhole };
      add(failovers, { ...times, from: before, to: leader, term });
    }
    serving = sample;
    lostMs = null;
  }
  return failovers;
}

/** A leader that served nobody before the next one came is a part of the same failover. */
function add(failovers: Failover[], next: Failover): void {
  const last = failovers.at(-1);
  const isSame = last !== undefined && last.atMs === next.atMs && next.writeGapMs > 0;
  if (isSame) failovers.pop();
  failovers.push(isSame ? { ...next, from: last.from } : next);
}

/** The longest time between two neighbours of which a part lies within the window. */
function longestGap(
  ascending: readonly number[],
  fromMs: number,
  toMs: number,
): { readonly ms: number; readonly beganMs: number } {
  let longest = { ms: 0, beganMs: fromMs };
  for (let index = firstAtLeast(ascending, fromMs); index < ascending.length; index += 1) {
    const before = ascending[index - 1];
    const after = ascending[index] ?? 0;
    if (before === undefined) continue;
    if (after - before > longest.ms) longest = { ms: after - before, beganMs: before };
    if (after > toMs) break;
  }
  return longest;
}
