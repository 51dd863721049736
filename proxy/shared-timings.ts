import type { HistogramSnapshot } from '../base/histogram-snapshot.ts';
import { LatencyHistogram } from '../base/latency-histogram.ts';

/** More than connections of a server usually are: their numbers are consecutive, so that two seldom share a slot. A power of two. */
const slots = 8192;
const slotCells = 2;

/**
 * From the ack that lets a commit go on to the answer of its client, in memory that the main thread and the workers share.
 *
 * ```text
 * histogram
 * per slot, 32-bit cells: number of a connection (0: none), microsecond of its latest ack, cut to 32 bits
 * ```
 *
 * The binlog names the connection of each transaction, and so does the server's greeting to a session: no answer is looked into. A slot that
 * another connection took is a measurement less, never a wrong one.
 */
export class SharedTimings {
  readonly buffer: SharedArrayBuffer;
  readonly #histogram: LatencyHistogram;
  readonly #cells: Int32Array;

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.#histogram = new LatencyHistogram(buffer);
    this.#cells = new Int32Array(buffer, LatencyHistogram.bytes, slots * slotCells);
  }

  static allocate(): SharedTimings {
    const slotBytes = slots * slotCells * Int32Array.BYTES_PER_ELEMENT;
    return new SharedTimings(new SharedArrayBuffer(LatencyHistogram.bytes + slotBytes));
  }

  /** Main thread only: numbers of connections begin again with each life of a server. */
  forgetAcks(): void {
    for (let cell = 0; cell < this.#cells.length; cell += slotCells) {
      Atomics.store(this.#cells, cell, 0);
    }
  }

  /** Main thread only, before the ack is sent. */
  acking(connectionId: number, nowMs: number): void {
    const cell = cellOf(connectionId);
    // Nobody takes the time of another connection: the number is last.
    Atomics.store(this.#cells, cell, 0);
    Atomics.store(this.#cells, cell + 1, Math.floor(nowMs * 1000) | 0);
    Atomics.store(this.#cells, cell, connectionId | 0);
  }

  /** Worker: a command of this connection is answered. One that committed nothing costs a load, and the answer is false. */
  answered(connectionId: number, nowMs: () => number): boolean {
    const cells = this.#cells;
    const cell = cellOf(connectionId);
    const number = connectionId | 0;
    if (Atomics.load(cells, cell) !== number) return false;
    const ackedUs = Atomics.load(cells, cell + 1);
    if (Atomics.compareExchange(cells, cell, number, 0) !== number) return false;
    const tookUs = (Math.floor(nowMs() * 1000) - ackedUs) | 0;
    this.#histogram.recordMs(tookUs / 1000);
    return true;
  }

  snapshot(): HistogramSnapshot {
    return this.#histogram.snapshot();
  }
}

function cellOf(connectionId: number): number {
  return (connectionId & (slots - 1)) * slotCells;
}
