import type { LogBatch } from './log-store.ts';

/**
 * One batch that leaves the log as `first` and then `second` would. Group commit rests on it: whatever waits while a write is
 * in flight shares the next sync. `second` removes nothing that lies before the end of what `first` leaves, by contract.
 */
export function mergeBatches(first: LogBatch, second: LogBatch): LogBatch {
  const cut = second.truncateFrom ?? Infinity;
  const compacted = second.snapshot?.last.index ?? 0;
  // Entries stand behind the snapshot of their batch, so those that it covers must go.
  const isCut = first.entries.some(({ index }) => index >= cut || index <= compacted);
  const kept = isCut
    ? first.entries.filter(({ index }) => index < cut && index > compacted)
    : first.entries;
  return {
    hardState: second.hardState ?? first.hardState,
    truncateFrom: mergedTruncation(first, second),
    snapshot: second.snapshot ?? first.snapshot,
    entries: kept.length === 0 ? second.entries : [...kept, ...second.entries],
  };
}

function mergedTruncation(first: LogBatch, second: LogBatch): LogBatch['truncateFrom'] {
  if (second.truncateFrom === null) return first.truncateFrom;
  if (first.truncateFrom !== null) {
    return first.truncateFrom < second.truncateFrom ? first.truncateFrom : second.truncateFrom;
  }
  // Only what `first` itself appended is removed: the store never sees it, so it has nothing to remove.
  const firstAppended = first.entries[0]?.index;
  if (firstAppended !== undefined && second.truncateFrom >= firstAppended) return null;
  return second.truncateFrom;
}
