import { bytesEqual } from '../base/bytes.ts';
import { type Entry, EntryKind } from '../raft/core/entry.ts';
import type { SnapshotMeta } from '../raft/core/snapshot.ts';
import { type LogIndex, logIndex } from '../raft/core/types.ts';
import type { Engine } from './engine.ts';
import { logStoreCorrupt, readFailure } from './errors.ts';
import { entryKey, entryKeyIndex, entryKeys, termRunKey, termRunKeys } from './keys.ts';
import { LogOutline, type TermRun } from './log-outline.ts';
import {
  type DurableMark,
  decodeTermRun,
  type StoredSnapshot,
  type StoredState,
} from './meta-codec.ts';
import { chainStart, type DecodedRecord } from './record-codec.ts';
import { checkChain, checkRecord, RecordReader } from './record-reader.ts';

/** Records of the older part that are looked at before the store opens; the background check reads the others. */
const probesMax = 1024;
/** Of the newest terms, the first record and the one before it are looked at too. */
const probedRunsMax = 256;
const probeGroup = 16;
/** A piece of many small records outlives V8's young generation, and the heap of a process stays as large as it once was. */
const chunkBytesMax = 128 * 1024;

/** The newest state must not be older than what was reported durable (HAZARDS R16, H25, R12). */
export function checkMark(state: StoredState, mark: DurableMark): void {
  const reported = `batch ${mark.sequence} (term ${mark.term}, log up to ${mark.lastIndex}) was reported durable`;
  if (state.sequence < mark.sequence) {
    const reason = `${reported}, the newest found is batch ${state.sequence} (term ${state.hardState.term}, log up to ${state.lastIndex})`;
    throw logStoreCorrupt({ index: null, reason });
  }
  const isSame = state.hardState.term === mark.term && state.lastIndex === mark.lastIndex;
  if (state.sequence === mark.sequence && !isSame) {
    const reason = `${reported}, that batch says term ${state.hardState.term} and log up to ${state.lastIndex}`;
    throw logStoreCorrupt({ index: null, reason });
  }
}

/** The log's shape from its term runs alone: no entry is read for it. */
export async function readOutline(
  engine: Engine,
  state: StoredState,
  snapshot: SnapshotMeta | null,
): Promise<LogOutline> {
  const { firstIndex, lastIndex } = state;
  const termRuns: TermRun[] = [];
  // Runs that end before the first index are on their way out.
  const range = { ...termRunKeys, gte: termRunKey(firstIndex), fillCache: false };
  for await (const [key, value] of engine.iterator(range)) {
    const run = decodeTermRun(value);
    if (run === null || !bytesEqual(key, termRunKey(run.firstIndex))) {
      throw logStoreCorrupt({ index: null, reason: 'the record of a term is damaged' });
    }
    const previous = termRuns.at(-1);
    if (run.firstIndex > lastIndex || (previous !== undefined && run.term <= previous.term)) {
      const reason = `term ${run.term} cannot begin here, in a log up to ${lastIndex}`;
      throw logStoreCorrupt({ index: run.firstIndex, reason });
    }
    termRuns.push(run);
  }
  const isEmpty = lastIndex < firstIndex;
  if (!isEmpty && termRuns[0]?.firstIndex !== firstIndex) {
    throw logStoreCorrupt({ index: firstIndex, reason: 'no term is known for it' });
  }
  return new LogOutline({ snapshot, firstIndex, lastIndex, termRuns });
}

/**
 * What is checked before the store opens: both ends of the log; every record that may have been in the engine's
 * write-ahead log alone; records at even distances and at the borders of terms in the part before. Answers with the
 * entry from which on all were read; the background check reads those before it.
 */
export async function checkEntries(
  engine: Engine,
  found: { readonly state: StoredState; readonly snapshot: StoredSnapshot | null },
  outline: LogOutline,
): Promise<{ readonly checkedFrom: LogIndex }> {
  const { state, snapshot } = found;
  const baseChecksum = snapshot?.checksum ?? chainStart;
  const { firstIndex, lastIndex } = outline;
  await checkEnds(engine, outline);
  const checkedFrom = logIndex(Math.max(firstIndex, Math.min(state.recheckFrom, lastIndex)));
  if (lastIndex < firstIndex) {
    if (state.lastChecksum === baseChecksum) return { checkedFrom };
    throw logStoreCorrupt({ index: null, reason: 'it is empty, but its last entry is known' });
  }
  const reader = new RecordReader(engine, outline);
  await checkFirst(reader, { firstIndex, baseChecksum });
  await checkProbes(engine, outline, probes(outline, checkedFrom));
  const last = await checkTail(reader, { from: checkedFrom, lastIndex });
  if (last?.checksum !== state.lastChecksum) {
    const reason = 'it is not the entry that was written last';
    throw logStoreCorrupt({ index: lastIndex, reason });
  }
  return { checkedFrom };
}

/** The newest membership entries: the state says where they stand, so nothing is searched for. */
export async function readMemberships(
  engine: Engine,
  state: StoredState,
  outline: LogOutline,
): Promise<readonly Entry[]> {
  const reader = new RecordReader(engine, outline);
  const found: Entry[] = [];
  for (const index of state.membershipIndexes) {
    if (index < outline.firstIndex) continue;
    if (index > outline.lastIndex) {
      throw logStoreCorrupt({ index, reason: 'the state names it, and it is past the end' });
    }
    const records = await reader.range({ first: index, last: index, bytesMax: 1, countMin: 1 });
    const entry = records[0]?.entry;
    if (entry?.kind !== EntryKind.membership) {
      throw logStoreCorrupt({ index, reason: 'it should hold a configuration' });
    }
    found.push(entry);
  }
  return found;
}

/** The chain begins where the compacted part of it ended. */
async function checkFirst(
  reader: RecordReader,
  expected: { readonly firstIndex: LogIndex; readonly baseChecksum: number },
): Promise<void> {
  const { firstIndex, baseChecksum } = expected;
  const range = { first: firstIndex, last: firstIndex, bytesMax: 1, countMin: 1 };
  const [first] = await reader.range(range);
  if (first?.previousChecksum === baseChecksum) return;
  const reason = 'it was written behind another entry than the one that was compacted away';
  throw logStoreCorrupt({ index: firstIndex, reason });
}

async function checkEnds(engine: Engine, outline: LogOutline): Promise<void> {
  // What lies before the first index counts for nothing: a crash may have come between a compaction and its sweeping.
  const { firstIndex, lastIndex } = outline;
  const [oldest, newest] = await Promise.all([
    oneKey(engine, { gte: entryKey(firstIndex), reverse: false }),
    oneKey(engine, { gte: entryKey(firstIndex), reverse: true }),
  ]);
  if (lastIndex < firstIndex) {
    if (oldest === undefined) return;
    throw logStoreCorrupt({ index: oldest, reason: 'it is there, but the log should be empty' });
  }
  if (oldest !== firstIndex) {
    const reason = oldest === undefined ? 'no entry is there' : `the oldest entry is ${oldest}`;
    throw logStoreCorrupt({ index: firstIndex, reason });
  }
  if (newest !== lastIndex) {
    throw logStoreCorrupt({ index: lastIndex, reason: `the newest entry is ${newest}` });
  }
}

async function oneKey(
  engine: Engine,
  options: { readonly gte: Uint8Array; readonly reverse: boolean },
): Promise<LogIndex | undefined> {
  const [key] = await engine.keys({ ...entryKeys, ...options, limit: 1, fillCache: false }).all();
  if (key === undefined) return undefined;
  const index = entryKeyIndex(key);
  if (index === null) throw logStoreCorrupt({ index: null, reason: 'it holds a foreign key' });
  return index;
}

/** Ascending indexes below `end`, evenly spread, and those where newer terms meet. */
function probes(outline: LogOutline, end: LogIndex): LogIndex[] {
  const { firstIndex } = outline;
  const step = Math.max(1, Math.ceil((end - firstIndex) / probesMax));
  const chosen = new Set<LogIndex>();
  for (let index = firstIndex; index < end; index = logIndex(index + step)) chosen.add(index);
  for (const run of outline.termRuns.slice(-probedRunsMax)) {
    for (const index of [run.firstIndex - 1, run.firstIndex]) {
      if (index >= firstIndex && index < end) chosen.add(logIndex(index));
    }
  }
  return [...chosen].toSorted((left, right) => left - right);
}

async function checkProbes(
  engine: Engine,
  outline: LogOutline,
  indexes: readonly LogIndex[],
): Promise<void> {
  for (let start = 0; start < indexes.length; start += probeGroup) {
    const group = indexes.slice(start, start + probeGroup);
    const values = await engine
      .getMany(group.map(entryKey), { fillCache: false })
      .catch((thrown: unknown) => {
        throw readFailure(group[0] ?? null, thrown);
      });
    for (const [position, index] of group.entries()) {
      const value = values[position];
      if (value === undefined) throw logStoreCorrupt({ index, reason: 'it is missing' });
      checkRecord(outline, { index, value });
    }
  }
}

/** Every record to the end, in pieces, so that memory does not grow with the log. */
async function checkTail(
  reader: RecordReader,
  range: { readonly from: LogIndex; readonly lastIndex: LogIndex },
): Promise<DecodedRecord | undefined> {
  let previous: DecodedRecord | undefined;
  for (let first = range.from; first <= range.lastIndex; ) {
    const records = await reader.range({
      first,
      last: range.lastIndex,
      bytesMax: chunkBytesMax,
      countMin: 1,
    });
    const [oldest] = records;
    if (oldest !== undefined) checkChain(previous, oldest);
    previous = records.at(-1);
    first = logIndex(first + records.length);
  }
  return previous;
}
