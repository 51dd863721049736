import type { Effect } from '../../../raft/core/effects.ts';
import { type Entry, EntryKind } from '../../../raft/core/entry.ts';
import type { Input } from '../../../raft/core/inputs.ts';
import { type Membership, memberOf } from '../../../raft/core/membership.ts';
import { decodeMembership } from '../../../raft/core/membership-codec.ts';
import { doQuorumsMeet } from '../../raft/safety-checker.ts';
import type { Ledger } from './ledger.ts';
import { entryName, type Judge, type RaftChecker, type RaftView } from './raft-checker.ts';

/**
 * I11 (Raft thesis §4): a leader begins a change of members only when an entry of its own term is committed (R4) and the
 * configuration before is too (R5); and of two configurations that follow each other in the ledger, no two quorums are
 * without a common member. That learners are never counted is what the checker of quorums sees (I9). And nobody takes itself for
 * removed whom the newest committed configuration names: it would never campaign again. In these runs no id comes back.
 */
export class MemberChanges implements RaftChecker {
  readonly #judge: Judge;
  readonly #ledger: Ledger;
  /** By life: the entry of the configuration that was in effect before the step. */
  readonly #before = new WeakMap<RaftView, number>();
  #committed: Membership | null;
  #count = 0;

  constructor(judge: Judge, ledger: Ledger, initial: Membership) {
    this.#judge = judge;
    this.#ledger = ledger;
    this.#committed = initial;
  }

  /** Configurations that were committed. */
  get count(): number {
    return this.#count;
  }

  started(node: RaftView): void {
    this.#before.set(node, node.status.membershipIndex);
  }

  stepped(node: RaftView, _input: Input, effects: readonly Effect[]): void {
    const { membershipIndex, role, term, isRemoved } = node.status;
    if (isRemoved) this.#checkRemoved(node);
    const before = this.#before.get(node) ?? 0;
    if (membershipIndex === before) return;
    this.#before.set(node, membershipIndex);
    if (role !== 'leader') return;
    for (const effect of effects) {
      if (effect.kind !== 'persist') continue;
      const begun = effect.entries.filter(
        (entry) => entry.kind === EntryKind.membership && entry.term === term,
      );
      let previous = before;
      for (const entry of begun) {
        this.#begun(node, entry, previous);
        previous = entry.index;
      }
    }
  }

  committed(entry: Entry): void {
    if (entry.kind !== EntryKind.membership) return;
    const decoded = decodeMembership(entry.payload);
    if (decoded.kind !== 'membership') {
      this.#judge.check(false, 'I11', () => `${entryName(entry)} holds no configuration`);
      return;
    }
    const before = this.#committed;
    const { membership } = decoded;
    this.#committed = membership;
    this.#count += 1;
    this.#judge.check(
      before === null || doQuorumsMeet(before, membership),
      'I11',
      () => `the configuration of ${entryName(entry)} has a quorum of its own`,
    );
  }

  #checkRemoved({ id, status }: RaftView): void {
    this.#judge.check(
      this.#committed === null || memberOf(this.#committed, id) === null,
      'I11',
      () => `${id} takes itself for removed, with the configuration of ${status.membershipIndex}`,
    );
  }

  #begun(node: RaftView, entry: Entry, previous: number): void {
    const { commitIndex, term } = node.status;
    this.#judge.check(
      this.#ledger.at(commitIndex)?.term === term,
      'I11',
      () => `${node.id} changes members by ${entryName(entry)} before it committed in term ${term}`,
    );
    this.#judge.check(
      previous <= commitIndex,
      'I11',
      () => `${node.id} changes members by ${entryName(entry)} before ${previous} is committed`,
    );
  }
}
