import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MemoryLogDisk } from '../../log-store/index.ts';
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
}

const step: fc.Arbitrary<Step> = fc.record({
  cutBack: fc.option(fc.nat(6)),
  count: fc.nat(4),
  hardTerm: fc.option(fc.nat(9)),
});

function batchesOf(steps: readonly Step[], lastAtStart: number): LogBatch[] {
  let lastIndex = lastAtStart;
  return steps.map(({ cutBack, count, hardTerm }, place) => {
    const truncateFrom = cutBack === null ? null : Math.max(1, lastIndex + 1 - cutBack);
    if (truncateFrom !== null) lastIndex = truncateFrom - 1;
    const first = lastIndex + 1;
    lastIndex += count;
    return {
      hardState: hardTerm === null ? null : { term: term(hardTerm), votedFor: null },
      truncateFrom: truncateFrom === null ? null : logIndex(truncateFrom),
      entries: entries(first, lastIndex, { term: place + 2 }),
    };
  });
}

function diskWith(lastIndex: number, batches: readonly LogBatch[]): unknown {
  const disk = new MemoryLogDisk();
  disk.apply({ hardState: null, truncateFrom: null, entries: entries(1, lastIndex) });
  for (const batch of batches) disk.apply(batch);
  return { entries: disk.entries, hardState: disk.hardState };
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
  const first = { hardState: null, truncateFrom: null, entries: entries(5, 7) };
  const second = {
    hardState: null,
    truncateFrom: logIndex(6),
    entries: entries(6, 6, { term: 2 }),
  };

  expect(mergeBatches(first, second)).toEqual({
    hardState: null,
    truncateFrom: null,
    entries: [...entries(5, 5), ...entries(6, 6, { term: 2 })],
  });
});
