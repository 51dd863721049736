import type { Clock } from '../base/clock.ts';
import type { PersistEffect } from './core/effects.ts';
import type { LogBatch, LogStore } from './log-store.ts';
import { mergeBatches } from './merge-batches.ts';
import type { RaftObserver } from './raft-observer.ts';

/** A merged write is not grown past this: one huge batch would delay everything behind it. */
const mergedBytesMax = 4 * 1024 * 1024;

export interface WriteQueueOptions {
  readonly store: LogStore;
  readonly clock: Clock;
  /** Everything up to `ioId` is on disk, and entries up to `entryIndex` (null: it wrote none). */
  readonly onDurable: (ioId: number, entryIndex: number | null) => void;
  /** Called once. The log is in an unknown state: nothing may be written, retried or sent after it (HAZARDS R17). */
  readonly onFailed: (error: unknown) => void;
  readonly observer?: RaftObserver | undefined;
}

/**
 * Carries out `persist` effects in order, one write at a time; what arrives while one is in flight goes together into the next
 * (group commit).
 */
export class WriteQueue {
  readonly #options: WriteQueueOptions;
  #waiting: PersistEffect[] = [];
  #inFlightSinceMs: number | null = null;
  #durableIoId = 0;
  #isStopped = false;

  constructor(options: WriteQueueOptions) {
    this.#options = options;
  }

  /** All `persist` effects up to this one are on disk. */
  get durableIoId(): number {
    return this.#durableIoId;
  }

  /**
   * When the write in flight began, on the monotonic clock; null when there is none. How long the next ones wait says
   * only how much there is to write; a write that does not end says that the disk hangs.
   */
  get inFlightSinceMs(): number | null {
    return this.#inFlightSinceMs;
  }

  /** Keeps the effect for the next `start`. */
  add(effect: PersistEffect): void {
    this.#waiting.push(effect);
  }

  /** Begins to write what waits, unless a write is in flight: its end begins the next. */
  start(): void {
    const [oldest] = this.#waiting;
    if (this.#isStopped || this.#inFlightSinceMs !== null || oldest === undefined) return;
    const { batch, ioId } = this.#takeBatch(oldest);
    this.#inFlightSinceMs = this.#options.clock.monotonicMs();
    this.#options.store.write(batch).then(
      () => this.#finish(ioId, batch),
      (error: unknown) => this.#fail(error),
    );
  }

  /** Starts no further write; one in flight ends unheard. */
  stop(): void {
    this.#isStopped = true;
    this.#waiting = [];
  }

  #takeBatch(oldest: PersistEffect): { batch: LogBatch; ioId: number } {
    let batch: LogBatch = oldest;
    let ioId = oldest.ioId;
    let bytes = payloadBytes(oldest);
    let taken = 1;
    for (const effect of this.#waiting.slice(1)) {
      bytes += payloadBytes(effect);
      if (bytes > mergedBytesMax) break;
      batch = mergeBatches(batch, effect);
      ioId = effect.ioId;
      taken += 1;
    }
    this.#waiting = this.#waiting.slice(taken);
    return {
      batch: {
        hardState: batch.hardState,
        truncateFrom: batch.truncateFrom,
        snapshot: batch.snapshot,
        entries: batch.entries,
      },
      ioId,
    };
  }

  #finish(ioId: number, batch: LogBatch): void {
    if (this.#isStopped) return;
    this.#observe(batch);
    this.#inFlightSinceMs = null;
    this.#durableIoId = ioId;
    const entryIndex = this.#durableEntryIndex(batch);
    // The disk should not idle while the completion is dealt with.
    this.start();
    this.#options.onDurable(ioId, entryIndex);
  }

  #observe(batch: LogBatch): void {
    const { observer, clock } = this.#options;
    if (observer === undefined || batch.entries.length === 0) return;
    if (this.#inFlightSinceMs !== null) observer.wrote(clock.monotonicMs() - this.#inFlightSinceMs);
  }

  /** A truncation that still waits makes entries of the batch obsolete: their successors are not on disk yet. */
  #durableEntryIndex(batch: LogBatch): number | null {
    const last = batch.entries.at(-1)?.index;
    if (last === undefined) return null;
    const cuts = this.#waiting.map((effect) => effect.truncateFrom ?? Infinity);
    return Math.min(last, ...cuts.map((cut) => cut - 1));
  }

  #fail(error: unknown): void {
    if (this.#isStopped) return;
    this.stop();
    this.#options.onFailed(error);
  }
}

function payloadBytes(effect: PersistEffect): number {
  return effect.entries.reduce((sum, entry) => sum + entry.payload.length, 0);
}
