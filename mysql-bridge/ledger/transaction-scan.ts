import { assert } from '../../base/assert.ts';
import { type Entry, EntryKind } from '../../raft/core/entry.ts';
import type { LogIndex, Term } from '../../raft/core/types.ts';
import { decodeEntryPayloadHeader, type EntryPayloadHeader } from '../binlog/entry-payload.ts';
import type { Gtid } from '../binlog/gtid.ts';

/** A transaction of which all entries are in the log. */
export interface LoggedTransaction {
  readonly gtid: Gtid;
  /** Its first fragment; equal to `finalIndex` for a transaction in one entry. */
  readonly firstIndex: LogIndex;
  readonly finalIndex: LogIndex;
}

/** Fragments seen so far of a transaction whose final one has not come. */
interface OpenRun {
  readonly gtid: Gtid;
  readonly term: Term;
  readonly firstIndex: LogIndex;
  readonly nextFragment: number;
}

/**
 * Reads committed entries in order and says where a transaction is complete. Fragments count only when they follow each
 * other in one term, from 0 to the final one; anything else between abandons them (entry-payload.ts, HAZARDS G9). A fragment
 * that continues nothing is abandoned likewise: its proposer lost leadership in between and won it back.
 */
export class TransactionScan {
  #index: LogIndex;
  #open: OpenRun | null = null;

  /** `after`: the entry before the first one to come; it must not be inside a transaction. */
  constructor(after: LogIndex) {
    this.#index = after;
  }

  /** The first entry of a transaction that may still become complete. */
  get openFrom(): LogIndex | null {
    return this.#open?.firstIndex ?? null;
  }

  /** The transaction that this entry completes. Throws `BinlogError` MYSQL_ENTRY_PAYLOAD_MALFORMED. */
  take(entry: Entry): LoggedTransaction | null {
    assert(entry.index === this.#index + 1, `entry ${entry.index} does not follow ${this.#index}`);
    this.#index = entry.index;
    if (entry.kind !== EntryKind.data) {
      this.#open = null;
      return null;
    }
    return this.#takePayload(entry, decodeEntryPayloadHeader(entry.payload));
  }

  #takePayload(entry: Entry, header: EntryPayloadHeader): LoggedTransaction | null {
    const { gtid, fragment, isFinal } = header;
    const run = this.#open;
    this.#open = null;
    let firstIndex = entry.index;
    if (fragment > 0) {
      if (run === null || !continues(run, entry.term, header)) return null;
      firstIndex = run.firstIndex;
    }
    if (isFinal) return { gtid, firstIndex, finalIndex: entry.index };
    this.#open = { gtid, term: entry.term, firstIndex, nextFragment: fragment + 1 };
    return null;
  }
}

function continues(run: OpenRun, term: Term, { gtid, fragment }: EntryPayloadHeader): boolean {
  return (
    run.term === term &&
    run.nextFragment === fragment &&
    run.gtid.number === gtid.number &&
    run.gtid.serverUuid === gtid.serverUuid &&
    run.gtid.tag === gtid.tag
  );
}
