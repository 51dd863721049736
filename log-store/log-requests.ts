import { assert } from '../base/assert.ts';
import type { LogIndex } from '../raft/core/types.ts';
import type { LogBatch } from '../raft/log-store.ts';
import { entryTooLarge } from './errors.ts';
import type { GroupCommit } from './group-commit.ts';
import { entryPayloadBytesMax } from './limits.ts';
import type { LogOutline } from './log-outline.ts';

export interface ReadRange {
  readonly first: LogIndex;
  readonly last: LogIndex;
  readonly bytesMax: number;
}

/**
 * The way into every store: a batch is refused before it changes anything, or it is valid against all that was
 * accepted before it and will be written in this order.
 */
export async function acceptBatch(
  batch: LogBatch,
  to: { readonly outline: LogOutline; readonly commits: GroupCommit },
): Promise<void> {
  const oversized = batch.entries.find(({ payload }) => payload.length > entryPayloadBytesMax);
  if (oversized !== undefined) {
    throw entryTooLarge(oversized.index, oversized.payload.length, entryPayloadBytesMax);
  }
  const bytes = batch.entries.reduce((sum, { payload }) => sum + payload.length, 0);
  const refusal = to.commits.admission(bytes);
  if (refusal !== null) throw refusal;
  if (batch.truncateFrom !== null) to.outline.truncate(batch.truncateFrom);
  for (const entry of batch.entries) to.outline.append(entry);
  await to.commits.submit(batch, bytes);
}

/** A range that was never written is the caller's mistake, not a state of the log. */
export function checkRange(range: ReadRange, lastAccepted: LogIndex): void {
  assert(
    range.first >= 1 && range.first <= range.last,
    `${range.first}..${range.last} is no range`,
  );
  assert(
    range.last <= lastAccepted,
    `entry ${range.last} was never written, ${lastAccepted} is last`,
  );
}
