import type { LogBatch } from './log-store.ts';

/**
 * One batch that leaves the log as `first` and then `second` would. Group commit rests on it: whatever waits while a write is
 * in flight shares the next sync. `second` removes nothing that lies before the end of what `first` leaves, by contract.
 */
export function mergeBatches(first: LogBatch, second: LogBatch): LogBatch {
  const cut = second.truncateFrom;
  const kept = cut === null ? first.entries : first.entries.filter((entry) => entry.index < cut);
  return {
    hardState: second.hardState ?? first.hardState,
    truncateFrom: mergedTruncation(first, second),
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
