import type { Entry } from '../../../raft/core/entry.ts';
import { isQuorumOf } from '../../raft/safety-checker.ts';
import { entryOnDisk, type SimLogDisk } from '../kernel/index.ts';
import { entryName, type Judge, type RaftChecker, type RaftView } from './raft-checker.ts';

/** A disk and the member whose it is. */
export interface MemberDisk {
  readonly id: RaftView['id'];
  readonly disk: SimLogDisk;
}

/**
 * I9: what is committed is durable on a quorum, from the first moment that anybody takes it for committed. That is the leader
 * which counted, so the quorum is one of the configuration that it has.
 */
export class QuorumLog implements RaftChecker {
  readonly #judge: Judge;
  readonly #disks: () => readonly MemberDisk[];

  constructor(judge: Judge, disks: () => readonly MemberDisk[]) {
    this.#judge = judge;
    this.#disks = disks;
  }

  committed(entry: Entry, node: RaftView): void {
    const holders = this.#disks()
      .filter(({ disk }) => holds(disk, entry))
      .map(({ id }) => id);
    this.#judge.check(
      isQuorumOf(node.status.membership, holders),
      'I9',
      () =>
        `${node.id} commits ${entryName(entry)}, which is durable on ${holders.join(', ') || 'no disk'}`,
    );
  }
}

/** A disk that was rolled back or compacted held it when it counted. */
function holds(disk: SimLogDisk, entry: Entry): boolean {
  return (
    disk.isRolledBack ||
    entry.index < disk.content.firstIndex ||
    entryOnDisk(disk, entry.index)?.term === entry.term
  );
}
