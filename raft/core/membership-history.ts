import { assert } from '../../base/assert.ts';
import { type Entry, EntryKind } from './entry.ts';
import { rememberedMembershipsMax } from './limits.ts';
import { type Membership, memberOf, voterSetsOf } from './membership.ts';
import { decodeMembership } from './membership-codec.ts';
import type { VoterSets } from './quorum.ts';
import { type LogIndex, logIndex, type NodeId } from './types.ts';

/** A configuration and the entry it stands in; index 0 is what the cluster began with. */
export interface MembershipRecord {
  readonly index: LogIndex;
  readonly membership: Membership;
}

/**
 * The configurations of a log, oldest first. The newest is in effect from the moment it is appended, committed or not, and the
 * one before it is again when it is truncated (Raft thesis §4.1).
 *
 * Invariant: never empty, ascending by index. A leader appends a configuration only once the one before is committed, so no log
 * ever holds two that can be truncated; what is older is kept for snapshots alone, and bounded.
 */
export class MembershipHistory {
  readonly #records: MembershipRecord[];
  #voters: VoterSets;

  constructor(oldest: MembershipRecord) {
    this.#records = [oldest];
    this.#voters = voterSetsOf(oldest.membership);
  }

  /** The configuration in effect. */
  get current(): MembershipRecord {
    const newest = this.#records.at(-1);
    assert(newest !== undefined, 'a node has a configuration, if an empty one');
    return newest;
  }

  /** The configuration that a truncation of the current one brings back; null if it is not known any more. */
  get previous(): MembershipRecord | null {
    return this.#records.at(-2) ?? null;
  }

  /** Whose word counts now. */
  get voters(): VoterSets {
    return this.#voters;
  }

  /** The configuration in effect at `index`; null if it is forgotten. */
  at(index: LogIndex): MembershipRecord | null {
    return this.#records.findLast((record) => record.index <= index) ?? null;
  }

  /** Whether one of those that are remembered names this node. */
  hasNamed(id: NodeId): boolean {
    return this.#records.some(({ membership }) => memberOf(membership, id) !== null);
  }

  /** Takes over the configurations among entries that were appended. Whether there were any. */
  append(entries: readonly Entry[]): boolean {
    const { index } = this.current;
    for (const entry of entries) {
      if (entry.kind === EntryKind.membership) this.#push(recordOf(entry));
    }
    return this.current.index !== index;
  }

  /**
   * Takes over what was found at a start: the newest configurations of the log, all of them or not. Where there are two, there
   * may be more, so what was in effect before the oldest of them is forgotten rather than guessed.
   */
  restoreEntries(entries: readonly Entry[]): void {
    if (entries.length >= 2) this.#records.length = 0;
    for (const entry of entries) this.#push(recordOf(entry));
  }

  /** Whether it is known what would be in effect then. It is in any log that a correct leader truncates. */
  canTruncateFrom(index: LogIndex): boolean {
    return this.at(logIndex(index - 1)) !== null;
  }

  /** Whether the configuration in effect changed. */
  truncateFrom(index: LogIndex): boolean {
    if (this.current.index < index) return false;
    while (this.#records.length > 1 && this.current.index >= index) this.#records.pop();
    assert(this.current.index < index, `the configuration before entry ${index} is not known`);
    this.#voters = voterSetsOf(this.current.membership);
    return true;
  }

  /** A snapshot took the place of the log up to its index, and the entries behind it are gone. */
  restore(record: MembershipRecord): void {
    this.#records.length = 0;
    this.#push(record);
  }

  #push(record: MembershipRecord): void {
    const newest = this.#records.at(-1);
    assert(
      newest === undefined || record.index > newest.index,
      `configuration ${record.index} does not follow ${newest?.index}`,
    );
    this.#records.push(record);
    if (this.#records.length > rememberedMembershipsMax) this.#records.shift();
    this.#voters = voterSetsOf(record.membership);
  }
}

function recordOf(entry: Entry): MembershipRecord {
  const decoded = decodeMembership(entry.payload);
  // Whatever came from outside was decoded at its gateway before it was appended.
  assert(decoded.kind === 'membership', `entry ${entry.index} holds no configuration`);
  return { index: entry.index, membership: decoded.membership };
}
