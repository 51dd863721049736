import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MemoryLogDisk } from '../../log-store/index.ts';
import type { SnapshotMeta } from '../../raft/core/snapshot.ts';
import { logIndex, term } from '../../raft/core/types.ts';
import type { LogBatch } from '../../raft/log-store.ts';
import { mergeBatches } from '../../raft/merge-batches.ts';
import { entries } from './shell-fakes.ts';

// Goal: a merged batch is indistinguishable from its parts. Method: apply both to the same disk.

/** A batch that fits a log that ends at `lastIndex`: cut anywhere, then append. */
interface Step {
  readonly cutBack: number | null;
  readonly count: number;
  readonly hardTerm: number | null;
  /** Entries left by a compaction behind the truncation; below 0: a snapshot of a state past the end. */
  readonly left: number | null;
}

const step: fc.Arbitrary<Step> = fc.record({
  cutBack: fc.option(fc.nat(6)),
  count: fc.nat(4),
  hardTerm: fc.option(fc.nat(9)),
  left: fc.option(fc.integer({ min: -4, max: 6 }), { freq: 2 }),
});

function snapshotOf(index: number): SnapshotMeta {
  return { last: { term: term(1), index: logIndex(index) }, membership: null };
}

function batchesOf(steps: readonly Step[], lastAtStart: number): LogBatch[] {
  let lastIndex = lastAtStart;
  let firstIndex = 1;
  return steps.map(({ cutBack, count, hardTerm, left }, place) => {
    const truncateFrom = cutBack === null ? null : Math.max(firstIndex, lastIndex + 1 - cutBack);
    if (truncateFrom !== null) lastIndex = truncateFrom - 1;
    const covered = left === null ? 0 : lastIndex - left;
    const snapshot = covered >= firstIndex ? snapshotOf(covered) : null;
    if (snapshot !== null) {
      firstIndex = covered + 1;
      lastIndex = Math.max(lastIndex, covered);
    }
    const first = lastIndex + 1;
    lastIndex += count;
    return {
      hardState: hardTerm === null ? null : { term: term(hardTerm), votedFor: null },
      truncateFrom: truncateFrom === null ? null : logIndex(truncateFrom),
      snapshot,
      entries: entries(first, lastIndex, { term: place + 2 }),
    };
  });
}

function diskWith(lastIndex: number, batches: readonly LogBatch[]): unknown {
  const disk = new MemoryLogDisk();
  const found = { hardState: null, truncateFrom: null, snapshot: null };
  disk.apply({ ...found, entries: entries(1, lastIndex) });
  for (const batch of batches) disk.apply(batch);
  const { entries: left, hardState, snapshot, firstIndex } = disk;
  return { left, hardState, snapshot, firstIndex };
}

test('batches merged into one leave the log as they would one by one', () => {
  fc.assert(
    fc.property(fc.nat(5), fc.array(step, { minLength: 1, maxLength: 6 }), (lastIndex, steps) => {
      const batches = batchesOf(steps, lastIndex);
      const merged = batches.reduce(mergeBatches);

      expect(diskWith(lastIndex, [merged])).toEqual(diskWith(lastIndex, batches));
    }),
  );
});

test('a truncation of what only the merged batch would have written does not reach the store', () => {
  const first = { hardState: null, truncateFrom: null, snapshot: null, entries: entries(5, 7) };
  const second = {
    hardState: null,
    truncateFrom: logIndex(6),
    snapshot: null,
    entries: entries(6, 6, { term: 2 }),
  };

  expect(mergeBatches(first, second)).toEqual({
    hardState: null,
    truncateFrom: null,
    snapshot: null,
    entries: [...entries(5, 5), ...entries(6, 6, { term: 2 })],
  });
});
