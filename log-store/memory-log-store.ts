import { assert } from '../base/assert.ts';
import { type Deferred, deferred } from '../base/deferred.ts';
import { codeOf, type OperationalError } from '../base/errors.ts';
import { type Entry, EntryKind } from '../raft/core/entry.ts';
import type { SnapshotMeta } from '../raft/core/snapshot.ts';
import { type HardState, type LogIndex, logIndex, term } from '../raft/core/types.ts';
import type { LogBatch, LogStore, LogStoreState } from '../raft/log-store.ts';
import { type AcceptedBatch, AcceptedLog, type ReadRange } from './accepted-log.ts';
import { logStoreCorrupt, notOpen, readFailure } from './errors.ts';
import { emptyOutline, LogOutline } from './log-outline.ts';
import { membershipIndexesMax } from './meta-codec.ts';

/** The content of a memory store's "disk": what a store that opens it finds, whoever crashed before. */
export class MemoryLogDisk {
  hardState: HardState = { term: term(0), votedFor: null };
  snapshot: SnapshotMeta | null = null;
  firstIndex: LogIndex = logIndex(1);
  readonly entries: Entry[] = [];
  /** Indexes whose entries read as damaged, with the reason. */
  readonly damage: Map<LogIndex, string> = new Map<LogIndex, string>();

  get lastIndex(): LogIndex {
    return logIndex(this.firstIndex + this.entries.length - 1);
  }

  /** Lets reads of the entry fail as a flipped bit would. */
  damageEntry(index: LogIndex, reason: string): void {
    this.damage.set(index, reason);
  }

  /** All of the batch, at once. */
  apply(batch: LogBatch): void {
    if (batch.hardState !== null) this.hardState = batch.hardState;
    if (batch.truncateFrom !== null) {
      this.entries.splice(Math.max(0, batch.truncateFrom - this.firstIndex));
    }
    if (batch.snapshot !== null) {
      const { index } = batch.snapshot.last;
      this.entries.splice(0, index + 1 - this.firstIndex);
      this.firstIndex = logIndex(index + 1);
      this.snapshot = batch.snapshot;
      for (const damaged of [...this.damage.keys()]) {
        if (damaged <= index) this.damage.delete(damaged);
      }
    }
    for (const entry of batch.entries) {
      assert(entry.index === this.lastIndex + 1, `entry ${entry.index} leaves a hole`);
      this.entries.push(entry);
    }
  }

  /** What a store finds when it opens this disk. */
  state(): LogStoreState {
    const { snapshot, firstIndex } = this;
    const lastIndex = logIndex(firstIndex - 1);
    const outline = new LogOutline({ ...emptyOutline, snapshot, firstIndex, lastIndex });
    for (const entry of this.entries) outline.append(entry);
    const membershipEntries = this.entries
      .filter(({ kind }) => kind === EntryKind.membership)
      .slice(-membershipIndexesMax);
    return { hardState: this.hardState, ...outline.state(), membershipEntries };
  }
}

/**
 * The contract of `LogStore` in memory, with the faults that tests want. It uses no timer and no real I/O, so a
 * simulation that drives it stays deterministic.
 */
export class MemoryLogStore implements LogStore {
  readonly opened: LogStoreState;
  readonly #disk: MemoryLogDisk;
  readonly #log: AcceptedLog;
  #held: Deferred<void> | null = null;
  #nextFailure: Error | null = null;
  #isCrashed = false;
  #syncCount = 0;

  constructor(disk: MemoryLogDisk = new MemoryLogDisk()) {
    this.#disk = disk;
    this.opened = disk.state();
    this.#log = new AcceptedLog(this.opened, (group) => this.#carryOut(group));
  }

  get disk(): MemoryLogDisk {
    return this.#disk;
  }

  /** Groups made durable so far: shows what shared a sync. */
  get syncCount(): number {
    return this.#syncCount;
  }

  write(batch: LogBatch): Promise<void> {
    return this.#log.write(batch);
  }

  async read(range: ReadRange): Promise<readonly Entry[]> {
    try {
      return await this.#log.read(range, (last) => this.#collect({ ...range, last }));
    } catch (thrown) {
      if (codeOf(thrown) === 'LOG_STORE_CORRUPT') this.#log.fail(readFailure(range.first, thrown));
      throw thrown;
    }
  }

  close(): Promise<void> {
    this.releaseWrites();
    return this.#log.close();
  }

  /** From now on a write stays under way, not durable, until `releaseWrites`: a disk that hangs. */
  holdWrites(): void {
    this.#held ??= deferred();
  }

  releaseWrites(): void {
    this.#held?.resolve();
    this.#held = null;
  }

  /** The next group fails, by default as a sync error does, and with it the store. */
  failNextWrite(cause: Error = new Error('EIO: input/output error, fdatasync')): void {
    this.#nextFailure = cause;
  }

  /** Ends the store as damage found behind the reader's back does. */
  fail(cause: OperationalError): void {
    this.#log.fail(cause);
  }

  /**
   * A crash: what is not durable is gone, the calls that wait are rejected, the store takes no more. The disk can be
   * opened by a new store.
   */
  loseUnsynced(): void {
    this.#isCrashed = true;
    this.#log.abandon();
    this.releaseWrites();
  }

  async #carryOut(group: readonly AcceptedBatch[]): Promise<void> {
    if (this.#held !== null) await this.#held.promise;
    if (this.#isCrashed) throw notOpen();
    const failure = this.#nextFailure;
    this.#nextFailure = null;
    if (failure !== null) throw failure;
    for (const { batch } of group) this.#disk.apply(batch);
    this.#syncCount += 1;
  }

  #collect(range: ReadRange): Entry[] {
    const found: Entry[] = [];
    let bytes = 0;
    const start = range.first - this.#disk.firstIndex;
    for (const entry of this.#disk.entries.slice(start, start + range.last - range.first + 1)) {
      const reason = this.#disk.damage.get(entry.index);
      if (reason !== undefined) throw logStoreCorrupt({ index: entry.index, reason });
      found.push(entry);
      bytes += entry.payload.length;
      if (bytes >= range.bytesMax) break;
    }
    return found;
  }
}
