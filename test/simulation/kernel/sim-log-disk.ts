import type { Random } from '../../../base/random.ts';
import { MemoryLogDisk } from '../../../log-store/index.ts';
import type { Entry } from '../../../raft/core/entry.ts';
import type { LogIndex } from '../../../raft/core/types.ts';
import type { LogBatch } from '../../../raft/log-store.ts';
import { happens } from './random-streams.ts';
import type { Simulation } from './simulation.ts';

/** How bad a disk is all the time. */
export interface DiskConditions {
  readonly syncUsMin: number;
  readonly syncUsMax: number;
  readonly readUsMax: number;
  /** So many writes of a thousand take up to `slowUsMax`. */
  readonly slowPermille: number;
  /** And so many reads: of what has long left memory, or beside a compaction. */
  readonly slowReadPermille: number;
  readonly slowUsMax: number;
}

export const goodDisk: DiskConditions = {
  syncUsMin: 80,
  syncUsMax: 300,
  readUsMax: 100,
  slowPermille: 0,
  slowReadPermille: 0,
  slowUsMax: 0,
};

/** What a copy of the files holds. */
interface Copy {
  readonly content: MemoryLogDisk;
  readonly sequence: number;
}

/**
 * The disk under the Raft log of one node, and what may go wrong with it. It outlives processes. What a store wrote is
 * either durable or under way: a crash decides for each write under way, whole, whether it made it to the disk, and nobody
 * was told either way. The engine's batches are atomic, so the log is always a prefix of the batches.
 *
 * Beside the log stands the durable mark (`log-store/durable-marker.ts`): the number of the newest durable write, in a
 * file of its own. An old copy of the log is found out by it.
 */
export class SimLogDisk {
  readonly host: string;
  readonly #simulation: Simulation;
  readonly #random: Random;
  #conditions: DiskConditions;
  #content = new MemoryLogDisk();
  /** Writes in `content`. */
  #sequence = 0;
  /** Writes ever made durable here, as the mark says. */
  #mark = 0;
  #copy: Copy | null = null;
  #underWay: readonly LogBatch[] | null = null;
  #hangsUntilUs = 0;
  #isWriteToFail = false;

  constructor(simulation: Simulation, host: string, conditions: DiskConditions = goodDisk) {
    this.#simulation = simulation;
    this.host = host;
    this.#random = simulation.random(`disk ${host}`);
    this.#conditions = conditions;
  }

  /** What is durable. */
  get content(): MemoryLogDisk {
    return this.#content;
  }

  /** What is being written; another object for each write. */
  get writeUnderWay(): readonly LogBatch[] | null {
    return this.#underWay;
  }

  /** The log is older than the mark beside it. */
  get isRolledBack(): boolean {
    return this.#sequence < this.#mark;
  }

  setConditions(conditions: DiskConditions): void {
    this.#conditions = conditions;
  }

  // Faults.

  /** Every write under way or begun before then ends no earlier. */
  hangUntil(untilUs: number): void {
    this.#hangsUntilUs = Math.max(this.#hangsUntilUs, untilUs);
  }

  /** The next write reports an error; whether it is on the disk all the same, nobody knows (HAZARDS R17). */
  failNextWrite(): void {
    this.#isWriteToFail = true;
  }

  /** A bit flips in a record that is durable. False when there is no such record. */
  damage(index: LogIndex): boolean {
    const { firstIndex, lastIndex } = this.#content;
    if (index < firstIndex || index > lastIndex) return false;
    this.#content.damageEntry(index, 'a bit flipped');
    return true;
  }

  /** Somebody takes a copy of the log's files. */
  takeCopy(): void {
    this.#copy = { content: copyOf(this.#content), sequence: this.#sequence };
  }

  /** Somebody puts the copy back, while no process uses the disk. False when there is none, or nothing was written since. */
  restoreCopy(): boolean {
    if (this.#copy === null || this.#copy.sequence === this.#sequence) return false;
    this.#content = copyOf(this.#copy.content);
    this.#sequence = this.#copy.sequence;
    return true;
  }

  heal(): void {
    this.#hangsUntilUs = 0;
    this.#isWriteToFail = false;
    this.#conditions = goodDisk;
  }

  // For the store.

  /** A write begins: all of the batches, or none, will be durable. */
  begin(batches: readonly LogBatch[]): void {
    this.#underWay = batches;
  }

  /** The write under way is durable. */
  finish(): void {
    const batches = this.#underWay;
    this.#underWay = null;
    if (batches === null) return;
    for (const batch of batches) this.#apply(batch);
    this.#sequence += 1;
    this.#mark = Math.max(this.#mark, this.#sequence);
  }

  /** The process is gone, or was told of an error: luck decides whether the write under way is on the disk. */
  tear(): void {
    if (this.#underWay === null) return;
    const isThere = happens(this.#random, 500);
    this.#simulation.log(this.host, `torn ${isThere ? 'kept' : 'lost'} the write under way`);
    if (isThere) this.finish();
    else this.#underWay = null;
  }

  takeFailure(): boolean {
    const fails = this.#isWriteToFail;
    this.#isWriteToFail = false;
    return fails;
  }

  drawWriteUs(): number {
    const { syncUsMin, syncUsMax, slowPermille } = this.#conditions;
    const usual = this.#random.below(syncUsMin, syncUsMax + 1);
    return this.stallUs + usual + this.#drawSlowUs(slowPermille);
  }

  drawReadUs(): number {
    const { readUsMax, slowReadPermille } = this.#conditions;
    const usual = this.#random.below(1, readUsMax + 1);
    return this.stallUs + usual + this.#drawSlowUs(slowReadPermille);
  }

  /** How long the disk will not answer at all. */
  get stallUs(): number {
    return Math.max(0, this.#hangsUntilUs - this.#simulation.nowUs);
  }

  #drawSlowUs(permille: number): number {
    if (!happens(this.#random, permille)) return 0;
    return this.#random.below(0, this.#conditions.slowUsMax + 1);
  }

  #apply(batch: LogBatch): void {
    this.#content.apply(batch);
    if (batch.truncateFrom === null) return;
    for (const index of [...this.#content.damage.keys()]) {
      if (index >= batch.truncateFrom) this.#content.damage.delete(index);
    }
  }
}

/** Entries are immutable, so a copy shares them. */
function copyOf(content: MemoryLogDisk): MemoryLogDisk {
  const copy = new MemoryLogDisk();
  copy.hardState = content.hardState;
  copy.snapshot = content.snapshot;
  copy.firstIndex = content.firstIndex;
  copy.snapshot = content.snapshot;
  copy.entries.push(...content.entries);
  for (const [index, reason] of content.damage) copy.damage.set(index, reason);
  return copy;
}

/** The durable entry at `index`, or undefined: for checkers. */
export function entryOnDisk(disk: SimLogDisk, index: number): Entry | undefined {
  return disk.content.entries[index - disk.content.firstIndex];
}
