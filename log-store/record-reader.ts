import { type LogIndex, logIndex } from '../raft/core/types.ts';
import type { Engine } from './engine.ts';
import { logStoreCorrupt, readFailure } from './errors.ts';
import { entryKey } from './keys.ts';
import type { LogOutline } from './log-outline.ts';
import { chainStart, type DecodedRecord, decodeRecord } from './record-codec.ts';

/** What the engine hands over at once: past it another round trip to the thread pool is paid, and room for it stays, see `closeEmpty`. */
const chunkRecordsMax = 128;
const chunkBytesMin = 16 * 1024;
const chunkBytesMax = 1024 * 1024;

type ValueIterator = ReturnType<Engine['values']>;

export interface RecordRange {
  readonly first: LogIndex;
  readonly last: LogIndex;
  /** Reading ends once so many payload bytes are reached, but never before `countMin` records. */
  readonly bytesMax: number;
  readonly countMin: number;
}

/** Reads records, and checks all that can be known of them without a second copy of the log. */
export class RecordReader {
  readonly #engine: Engine;
  readonly #outline: LogOutline;

  constructor(engine: Engine, outline: LogOutline) {
    this.#engine = engine;
    this.#outline = outline;
  }

  /**
   * Consecutive records: none is missing, checksums hold, each stands in its place and term and fits the one before it.
   * Rejects with LOG_STORE_CORRUPT, naming the first that does not.
   */
  async range(range: RecordRange): Promise<DecodedRecord[]> {
    // Both see the log as it is now, whatever is accepted and written while this reads.
    const outline = this.#outline.part(range.first, range.last);
    const iterator = this.#engine.values({
      gte: entryKey(range.first),
      lte: entryKey(range.last),
      fillCache: false,
      highWaterMarkBytes: Math.min(Math.max(range.bytesMax, chunkBytesMin), chunkBytesMax),
    });
    const found: DecodedRecord[] = [];
    let bytes = 0;
    let next = range.first;
    try {
      while (next <= range.last) {
        const values = await iterator.nextv(Math.min(chunkRecordsMax, range.last - next + 1));
        if (values.length === 0) throw missing(next, 'it is missing, and so are all behind it');
        // Without keys, which would double the cost: each record carries its index.
        for (const value of values) {
          const record = checkRecord(outline, { index: next, value });
          checkChain(found.at(-1), record);
          found.push(record);
          next = logIndex(next + 1);
          bytes += record.entry.payload.length;
          if (bytes >= range.bytesMax && found.length >= range.countMin) return found;
        }
      }
      return found;
    } catch (thrown) {
      throw readFailure(next, thrown);
    } finally {
      await closeEmpty(iterator, logIndex(range.last + 1));
    }
  }

  /** The checksum of one record, whole but for its term: the outline may be ahead of the disk. */
  async checksumAt(index: LogIndex): Promise<number> {
    const value = await this.#get(index);
    if (value === undefined) throw missing(index, 'it is missing');
    return decode({ index, value }).checksum;
  }

  async #get(index: LogIndex): Promise<Uint8Array | undefined> {
    try {
      return await this.#engine.get(entryKey(index), { fillCache: false });
    } catch (thrown) {
      throw readFailure(index, thrown);
    }
  }
}

/**
 * A closed iterator keeps what it handed over last until V8 collects all garbage; V8 knows nothing of that memory and sees no reason
 * to. A seek past its end, and one step more, empty it.
 */
async function closeEmpty(iterator: ValueIterator, end: LogIndex): Promise<void> {
  try {
    iterator.seek(entryKey(end));
    await iterator.nextv(1);
  } catch {
    // What was read is read, and what went wrong with it has been said.
  } finally {
    await iterator.close();
  }
}

interface StoredRecord {
  readonly index: LogIndex;
  readonly value: Uint8Array;
}

/** What can be checked of a record without its neighbours. */
export function checkRecord(outline: LogOutline, stored: StoredRecord): DecodedRecord {
  const record = decode(stored);
  const { index } = stored;
  const expectedTerm = outline.termAt(index);
  if (record.entry.term !== expectedTerm) {
    const reason = `it is of term ${record.entry.term}, the log has term ${expectedTerm} there`;
    throw logStoreCorrupt({ index, reason });
  }
  if (index === 1 && record.previousChecksum !== chainStart) {
    throw logStoreCorrupt({ index, reason: 'it follows another entry, but is the first' });
  }
  return record;
}

/** That `record` was written behind `previous`, and not behind an entry that this one replaced. */
export function checkChain(previous: DecodedRecord | undefined, record: DecodedRecord): void {
  if (previous === undefined || record.previousChecksum === previous.checksum) return;
  const { index } = record.entry;
  const reason = `it was written behind another entry ${index - 1} than the one that is there`;
  throw logStoreCorrupt({ index, reason });
}

function decode({ index, value }: StoredRecord): DecodedRecord {
  const result = decodeRecord(value, index);
  if (result.kind === 'damaged') throw logStoreCorrupt({ index, reason: result.reason });
  return result.record;
}

function missing(index: LogIndex, reason: string): Error {
  return logStoreCorrupt({ index, reason });
}
