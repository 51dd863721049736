import { assert } from '../../base/assert.ts';
import type { PersistEffect } from './effects.ts';
import type { Entry } from './entry.ts';
import type { SnapshotMeta } from './snapshot.ts';
import type { HardState, LogIndex } from './types.ts';
import { logIndex } from './types.ts';

interface Write {
  readonly ioId: number;
  /** Last index of what this write leaves durable, cut back by later truncations. */
  durableIndex: LogIndex;
}

interface Draft {
  hardState: HardState | null;
  truncateFrom: LogIndex | null;
  snapshot: SnapshotMeta | null;
  readonly entries: Entry[];
}

/**
 * What is on its way to the disk, and what is there. Everything one step changes becomes one `persist` effect, so term,
 * vote and entries are durable together or not at all (HAZARDS R2).
 *
 * Invariant: `persistedIndex` counts only entries of the log as it now is. A truncation cuts the promise of
 * every write still under way, so the late completion of an overwritten append counts for nothing (HAZARDS R13).
 */
export class Writes {
  #draft: Draft | null = null;
  readonly #underWay: Write[] = [];
  #lastIoId = 0;
  #durableIoId = 0;
  #hardStateIoId = 0;
  #persistedIndex: LogIndex;

  constructor(persistedIndex: LogIndex) {
    this.#persistedIndex = persistedIndex;
  }

  /** Newest entry durable here, of the log as it now is. */
  get persistedIndex(): LogIndex {
    return this.#persistedIndex;
  }

  /** The write after which everything so far is durable; null when it is already. */
  get everything(): number | null {
    const ioId = this.#draft === null ? this.#lastIoId : this.#lastIoId + 1;
    return ioId > this.#durableIoId ? ioId : null;
  }

  /** The write after which term and vote are durable; null when they are already. */
  get hardState(): number | null {
    return this.#hardStateIoId > this.#durableIoId ? this.#hardStateIoId : null;
  }

  isDurable(ioId: number): boolean {
    return ioId <= this.#durableIoId;
  }

  stageHardState(hardState: HardState): void {
    this.#open().hardState = hardState;
    this.#hardStateIoId = this.#lastIoId + 1;
  }

  /** Invariant: within a step, what is removed is removed before anything is appended. */
  stageTruncation(from: LogIndex): void {
    const draft = this.#open();
    assert(draft.entries.length === 0, 'a step truncates before it appends');
    draft.truncateFrom = from;
    this.#cutTo(logIndex(from - 1));
  }

  /** Entries go that are durable here: what is known to be so is not touched by it. */
  stageCompaction(snapshot: SnapshotMeta): void {
    const { index } = snapshot.last;
    assert(index <= this.#persistedIndex, `entry ${index} is not durable and stays`);
    this.#open().snapshot = snapshot;
  }

  /**
   * The whole log goes, for a snapshot. Until that is durable only `committedBefore` is certain: what was behind it may differ
   * from every other log.
   */
  stageReset(
    snapshot: SnapshotMeta,
    log: { readonly committedBefore: LogIndex; readonly lastIndexBefore: LogIndex },
  ): void {
    const draft = this.#open();
    assert(draft.entries.length === 0, 'a step installs a snapshot before it appends');
    const { index } = snapshot.last;
    if (log.lastIndexBefore > index) draft.truncateFrom = logIndex(index + 1);
    draft.snapshot = snapshot;
    this.#cutTo(log.committedBefore);
  }

  stageEntries(entries: readonly Entry[]): void {
    const draft = this.#open();
    for (const entry of entries) draft.entries.push(entry);
  }

  /** The step's one write, if it has any; `lastIndex` is the log's at the end of the step. */
  take(lastIndex: LogIndex): PersistEffect | null {
    const draft = this.#draft;
    if (draft === null) return null;
    this.#draft = null;
    this.#lastIoId += 1;
    this.#underWay.push({ ioId: this.#lastIoId, durableIndex: lastIndex });
    return { kind: 'persist', ioId: this.#lastIoId, ...draft };
  }

  /** All writes up to `ioId` are on disk. Reports may skip ids, and repeat. */
  complete(ioId: number): void {
    assert(
      ioId <= this.#lastIoId,
      `write ${ioId} was never ordered, the last is ${this.#lastIoId}`,
    );
    if (ioId <= this.#durableIoId) return;
    this.#durableIoId = ioId;
    const firstLeft = this.#underWay.findIndex((write) => write.ioId > ioId);
    const done = this.#underWay.splice(0, firstLeft === -1 ? this.#underWay.length : firstLeft);
    const newest = done.at(-1);
    if (newest !== undefined && newest.durableIndex > this.#persistedIndex) {
      this.#persistedIndex = newest.durableIndex;
    }
  }

  #open(): Draft {
    this.#draft ??= { hardState: null, truncateFrom: null, snapshot: null, entries: [] };
    return this.#draft;
  }

  #cutTo(index: LogIndex): void {
    if (this.#persistedIndex > index) this.#persistedIndex = index;
    for (const write of this.#underWay) {
      if (write.durableIndex > index) write.durableIndex = index;
    }
  }
}
