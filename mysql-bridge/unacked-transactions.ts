import type { Gtid } from './binlog/gtid.ts';
import type { GtidSet } from './binlog/gtid-set.ts';
import type { BinlogPosition } from './binlog/position.ts';

interface Unacked {
  readonly gtid: Gtid;
  readonly position: BinlogPosition;
}

/** The oldest are enough: where one got past the gate, so did those behind it. */
const transactionsMax = 1024;

/**
 * Transactions that the server sent and no ack of ours has covered. One of them in its engine was let through by somebody else: an ack
 * by another replica is for ever, may name a place that is far ahead, and no counter of the server shows it once that replica has gone
 * (HAZARDS H11). The server then asks us for no ack any more either, so what is here stays, and is found however seldom one looks.
 */
export class UnackedTransactions {
  /** In the order received. */
  #waiting: Unacked[] = [];

  received(gtid: Gtid, position: BinlogPosition): void {
    if (this.#waiting.length < transactionsMax) this.#waiting.push({ gtid, position });
  }

  /** An ack for the end of a transaction that was received, and so for all before it. To be called before the ack is sent. */
  acking({ file, offset }: BinlogPosition): void {
    const at = this.#waiting.findIndex(
      ({ position }) => position.file === file && position.offset === offset,
    );
    // One that was not kept came behind all that were.
    this.#waiting = at === -1 ? [] : this.#waiting.slice(at + 1);
  }

  /** The oldest of them in this set, which the server told before this call. */
  oldestIn(executed: GtidSet): Gtid | null {
    return this.#waiting.find(({ gtid }) => executed.has(gtid))?.gtid ?? null;
  }
}
