import type { Entry } from '../../../raft/core/entry.ts';
import { entryOnDisk, type SimLogDisk } from '../kernel/index.ts';
import { entryName, type Judge, type RaftChecker, type RaftView } from './raft-checker.ts';

/** I9: what is committed is durable on a quorum, from the first moment that anybody takes it for committed. */
export class QuorumLog implements RaftChecker {
  readonly #judge: Judge;
  readonly #disks: () => readonly SimLogDisk[];
  /** Whether the disks that hold the entry, by host, are enough. */
  readonly #isQuorum: (hosts: readonly string[]) => boolean;

  constructor(options: {
    readonly judge: Judge;
    readonly disks: () => readonly SimLogDisk[];
    readonly isQuorum: (hosts: readonly string[]) => boolean;
  }) {
    this.#judge = options.judge;
    this.#disks = options.disks;
    this.#isQuorum = options.isQuorum;
  }

  committed(entry: Entry, node: RaftView): void {
    const holders = this.#disks()
      .filter((disk) => this.#holds(disk, entry))
      .map(({ host }) => host);
    this.#judge.check(
      this.#isQuorum(holders),
      'I9',
      () =>
        `${node.id} commits ${entryName(entry)}, which is durable on ${holders.join(', ') || 'no disk'}`,
    );
  }

  /** A disk that was rolled back or compacted held it when it counted. */
  #holds(disk: SimLogDisk, entry: Entry): boolean {
    return (
      disk.isRolledBack ||
      entry.index < disk.content.firstIndex ||
      entryOnDisk(disk, entry.index)?.term === entry.term
    );
  }
}
