import { allVoters, hasQuorum, type VoterSets } from './quorum.ts';
import type { NodeId } from './types.ts';

/** A read asked of few waits so many ticks before all are asked: more than one, since the next may come at once. */
const patienceTicks = 2;

/**
 * The followers whose answers made a quorum first, the last time that all were asked. A round that only serves reads is asked of them alone:
 * of three nodes one follower is spared, of five two, and leader and followers spend half of what they did on reads. To everybody else such
 * a round is one whose message was lost, so nothing here touches safety.
 *
 * What it may cost is time, once: when one of the few is slow or gone, all are asked after `patienceTicks`, or as soon as its connection is
 * lost, and whoever answers then is asked from there on. Every heartbeat asks all, and so finds out who is quickest now.
 */
export class QuickQuorum {
  #followers: ReadonlySet<NodeId> = new Set();
  /** The newest round that was asked of all and has had no quorum yet. */
  #roundOfAll: number | null = null;
  #askedAloneAtTick: number | null = null;

  /** Whom to ask: voters of today, who may have been others when they answered. Null: all, since these and the leader are no quorum. */
  followersOf(voters: VoterSets, leader: NodeId): readonly NodeId[] | null {
    const isQuorum = hasQuorum(voters, (voter) => voter === leader || this.#followers.has(voter));
    return isQuorum ? allVoters(voters).filter((voter) => this.#followers.has(voter)) : null;
  }

  askedAlone(tick: number): void {
    this.#askedAloneAtTick = tick;
  }

  askedAll(round: number): void {
    this.#roundOfAll = round;
    this.#askedAloneAtTick = null;
  }

  /** `round` has its quorum: `answered` says who is part of it by now. */
  confirmed(round: number, answered: (round: number) => Iterable<NodeId>): void {
    const asked = this.#roundOfAll;
    if (asked === null || round < asked) return;
    this.#roundOfAll = null;
    this.#followers = new Set(answered(asked));
  }

  /** Whether reads have waited too long for these few. */
  isLate(tick: number): boolean {
    return this.#askedAloneAtTick !== null && tick - this.#askedAloneAtTick >= patienceTicks;
  }

  /** Returns whether `follower` was one of them; then all are asked until a quorum has answered. */
  lost(follower: NodeId): boolean {
    const isOne = this.#followers.has(follower);
    if (isOne) this.forget();
    return isOne;
  }

  forget(): void {
    this.#followers = new Set();
  }
}
