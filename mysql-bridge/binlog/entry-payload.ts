import type { Gtid } from './gtid.ts';

/**
 * What a `data` entry of the Raft log means: a whole binlog transaction, or one fragment of a large one. The fragments of a
 * transaction are consecutive `data` entries **of one term**, numbered from 0, the last one marked. Fragments followed by
 * anything else (a no-op of a new leader, another transaction) are abandoned: their transaction never committed. A
 * transaction is committed when its final entry is (HAZARDS G9).
 */
export interface EntryPayload {
  readonly gtid: Gtid;
  /** 0 for a whole transaction and for a first fragment. */
  readonly fragment: number;
  /** The last fragment, or a whole transaction. */
  readonly isFinal: boolean;
  /** Bytes of all events of the transaction, checksums included: the GTID event's `transaction_length`. */
  readonly transactionBytes: bigint;
  /** This entry's part of the raw events, as in the binlog file of the server that wrote them. */
  readonly events: Uint8Array;
}
