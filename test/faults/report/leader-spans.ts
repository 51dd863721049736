import type { LeaderSighting } from '../leader-watch.ts';

/** A time in which one node served in one term, or nobody did. */
export interface LeaderSpan {
  readonly leader: string | null;
  /** A number for its colour, the same for all spans of a node. */
  readonly node: number;
  readonly term: number;
  readonly fromMs: number;
  readonly toMs: number;
}

const coloursMax = 5;

/** Samples are changes: each holds until the next. */
export function leaderSpans(
  samples: readonly LeaderSighting[],
  stoppedMs: number,
): readonly LeaderSpan[] {
  const names = [...new Set(samples.flatMap(({ leader }) => leader ?? []))].sort();
  return samples.flatMap(({ leader, term, atMs }, index) => {
    const fromMs = Math.max(0, atMs);
    const toMs = Math.min(stoppedMs, samples[index + 1]?.atMs ?? stoppedMs);
    if (toMs <= fromMs) return [];
    const node = leader === null ? 0 : names.indexOf(leader) % coloursMax;
    return [{ leader, node, term, fromMs, toMs }];
  });
}
