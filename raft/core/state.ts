import { assert } from '../../base/assert.ts';
import type { Random } from '../../base/random.ts';
import type { RaftConfig } from './config.ts';
import type { Effect } from './effects.ts';
import type { Entry } from './entry.ts';
import { ForwardedReads } from './forwarded-reads.ts';
import { RaftLog, type RestoredState } from './log.ts';
import {
  allMembers,
  type MemberKind,
  type Membership,
  memberOf,
  voterSetsOf,
} from './membership.ts';
import { MembershipHistory, type MembershipRecord } from './membership-history.ts';
import type { Message } from './messages.ts';
import { allVoters, type VoterSets } from './quorum.ts';
import type { LeaderState, RoleState } from './role-state.ts';
import type { SnapshotMeta } from './snapshot.ts';
import {
  type HardState,
  type LogIndex,
  logIndex,
  type NodeId,
  type Role,
  type Term,
} from './types.ts';
import { Writes } from './writes.ts';

const incarnationsMax = 2 ** 32;

/** What must be durable before an effect leaves: nothing, term and vote, or the log as well. */
export type Condition = 'nothing' | 'hard-state' | 'everything';

/** Who leads, as far as this node knows. */
export interface Announcement {
  readonly role: Role;
  readonly term: Term;
  readonly leaderId: NodeId | null;
}

/**
 * All that a machine knows. The rule files act on it, each on its own rule; it has none but keeping
 * what it holds consistent.
 */
export class RaftState {
  readonly config: RaftConfig;
  readonly random: Random;
  readonly memberships: MembershipHistory;
  readonly log: RaftLog;
  readonly writes: Writes;
  role: RoleState = { kind: 'follower', leaderId: null };
  tick = 0;
  /** Since the election timer was last reset. */
  electionElapsedTicks = 0;
  electionTimeoutTicks: number;
  /** Since a leader was last heard. Not kept while leading. */
  leaderSilenceTicks = 0;
  isElectable = true;
  /** Until something else is heard: at the start of a cluster no server runs anywhere, and somebody must lead. */
  isServerUp = true;
  /** The newest quorum round seen from the leader of the current term. */
  seenReadRound = 0;
  /** The write that the latest answer to a heartbeat waits for. */
  heartbeatAnswerIoId: number | null = null;
  /** The snapshot that is being fetched. */
  fetching: SnapshotMeta | null = null;
  /** Pre-votes denied for the sake of a better applied node since a leader was last heard. */
  lagDenials = 0;
  /** Reads whose index another node was asked for. */
  readonly forwardedReads: ForwardedReads = new ForwardedReads();
  /** Messages that no correct peer sends. Refused, and counted so that someone may look. */
  refusedMessages = 0;
  /** A member said that a committed configuration at this index leaves this node out; 0 if none did. */
  removedAtIndex: LogIndex = logIndex(0);
  /** What the latest `role-changed` said. */
  announced: Announcement;
  /** Drawn when it is first needed: see `ReadIndexRequest`. */
  #incarnation: number | null = null;
  #hardState: HardState;
  #effects: Effect[] = [];
  #peers: readonly NodeId[];

  constructor(options: {
    readonly config: RaftConfig;
    readonly random: Random;
    readonly restored: RestoredState;
  }) {
    const { config, random, restored } = options;
    this.config = config;
    this.random = random;
    this.memberships = new MembershipHistory(
      restored.snapshot?.membership ?? configuredMembership(config),
    );
    this.memberships.restoreEntries(restored.membershipEntries);
    this.#peers = this.#othersNow();
    this.log = new RaftLog(restored);
    this.writes = new Writes(restored.lastIndex);
    this.#hardState = restored.hardState;
    this.announced = { role: 'follower', term: this.term, leaderId: null };
    assert(this.term >= this.log.last.term, `the log is ahead of term ${this.term}`);
    this.electionTimeoutTicks = this.#drawElectionTimeout();
    // Another node's leader may have a lease that our votes must not break, so a start counts as having heard
    // from it. With no other voter there is none.
    if (this.isOnlyVoter) this.electionElapsedTicks = this.electionTimeoutTicks;
  }

  get term(): Term {
    return this.#hardState.term;
  }

  get votedFor(): NodeId | null {
    return this.#hardState.votedFor;
  }

  get leaderId(): NodeId | null {
    if (this.role.kind === 'leader') return this.config.self;
    return this.role.kind === 'follower' ? this.role.leaderId : null;
  }

  get incarnation(): number {
    this.#incarnation ??= this.random.below(0, incarnationsMax);
    return this.#incarnation;
  }

  get leader(): LeaderState | null {
    return this.role.kind === 'leader' ? this.role : null;
  }

  /** Whose word counts, by the configuration in effect. */
  get voters(): VoterSets {
    return this.memberships.voters;
  }

  /** The other members, in the order of the configuration in effect. */
  get peers(): readonly NodeId[] {
    return this.#peers;
  }

  /** What this node is; null if the configuration in effect does not name it. */
  get memberKind(): MemberKind | null {
    return memberOf(this.memberships.current.membership, this.config.self)?.kind ?? null;
  }

  /** It votes and has no database to serve from. */
  get isWitness(): boolean {
    const kind = this.memberKind;
    return kind === 'witness' || (kind === 'voter' && this.config.isStateless === true);
  }

  /**
   * Nothing is applied here, nor ever will be. No configuration can say so: it may be undone, or be one from before this id was
   * removed, and added again as a voter with an empty disk.
   */
  get isStateless(): boolean {
    return this.config.isStateless === true;
  }

  /** Nobody else's leader can be alive: this node decides alone, and did before the latest change. */
  get isOnlyVoter(): boolean {
    const { current, previous } = this.memberships;
    if (!isOnlyVoterOf(current.membership, this.config.self)) return false;
    // Who removed all others may hold a lease on this node's silence.
    if (previous === null) return current.index === 0;
    return isOnlyVoterOf(previous.membership, this.config.self);
  }

  /** Nothing is known of the cluster yet: this node waits to be added. */
  get isWaiting(): boolean {
    return this.memberships.current.membership.incoming.length === 0;
  }

  /**
   * Learners never campaign (Raft thesis §4.2.1), nor does who was removed. But while the configuration that leaves a node out may still be
   * undone, the log of that node may be the only one that a leader can have: it campaigns, without a vote of its own (§4.2.2).
   */
  get mayCampaign(): boolean {
    const { current, previous } = this.memberships;
    if (this.isToldRemoved) return false;
    if (this.isVoter(this.config.self)) return true;
    if (current.index <= this.log.commitIndex || previous === null) return false;
    return allVoters(voterSetsOf(previous.membership)).includes(this.config.self);
  }

  /** A member said that a committed configuration leaves this node out, and no newer one is here. */
  get isToldRemoved(): boolean {
    return this.removedAtIndex > 0 && this.removedAtIndex >= this.memberships.current.index;
  }

  /** A vote now could depose a leader that others still hear and whose lease may run (Raft thesis §4.2.3). */
  get mayALeaderBeAlive(): boolean {
    if (this.isOnlyVoter) return false;
    return this.role.kind === 'leader' || this.leaderSilenceTicks < this.config.electionTicksMin;
  }

  isMember(id: NodeId): boolean {
    return id === this.config.self ? this.memberKind !== null : this.#peers.includes(id);
  }

  /** A member by the configuration that a truncation of the current one, not known to be committed, would bring back. */
  mayBeMemberAgain(id: NodeId): boolean {
    const { current, previous } = this.memberships;
    if (current.index <= this.log.commitIndex || previous === null) return false;
    return memberOf(previous.membership, id) !== null;
  }

  isVoter(id: NodeId): boolean {
    return this.voters.incoming.includes(id) || this.voters.outgoing.includes(id);
  }

  /** Invariant: the term never goes back, and a vote is given at most once in it (HAZARDS I6, I7). */
  setHardState(next: HardState): void {
    const { term, votedFor } = this.#hardState;
    assert(next.term >= term, `term ${term} goes back to ${next.term}`);
    if (next.term === term) {
      assert(votedFor === null || next.votedFor === votedFor, `a second vote in term ${term}`);
      if (next.votedFor === votedFor) return;
    } else {
      this.seenReadRound = 0;
    }
    this.#hardState = next;
    this.writes.stageHardState(next);
  }

  resetElectionTimer(): void {
    this.electionElapsedTicks = 0;
    this.electionTimeoutTicks = this.#drawElectionTimeout();
  }

  /** Invariant: truncation and appends reach the log and the next write together. */
  truncateFrom(index: LogIndex): void {
    this.log.truncateFrom(index);
    this.writes.stageTruncation(index);
    if (this.memberships.truncateFrom(index)) this.#announceMembership();
  }

  compact(snapshot: SnapshotMeta): void {
    this.log.compact(snapshot);
    this.writes.stageCompaction(snapshot);
  }

  /** The snapshot takes the place of the whole log, and of the configurations in it. What it covers is committed. */
  resetTo(snapshot: SnapshotMeta): void {
    const { commitIndex: committedBefore, lastIndex: lastIndexBefore } = this.log;
    this.log.reset(snapshot);
    this.writes.stageReset(snapshot, { committedBefore, lastIndexBefore });
    this.memberships.restore(snapshot.membership ?? configuredMembership(this.config));
    this.#announceMembership();
    this.emit({ kind: 'committed', commitIndex: this.log.commitIndex });
  }

  /** Whether a configuration was among them: it is in effect from here on (Raft thesis §4.1). */
  append(entries: readonly Entry[]): boolean {
    this.log.append(entries);
    this.writes.stageEntries(entries);
    const hasMembership = this.memberships.append(entries);
    if (hasMembership) this.#announceMembership();
    return hasMembership;
  }

  emit(effect: Effect): void {
    this.#effects.push(effect);
  }

  send(to: NodeId, message: Message, condition: Condition): void {
    this.#effects.push({ kind: 'send', to, message, after: this.#after(condition) });
  }

  /** What the step ordered: its write first, because appends to followers are read back from what it carries. */
  takeEffects(): readonly Effect[] {
    const effects = this.#effects;
    const persist = this.writes.take(this.log.lastIndex);
    if (effects.length > 0) this.#effects = [];
    return persist === null ? effects : [persist, ...effects];
  }

  commitTo(index: LogIndex): void {
    if (index <= this.log.commitIndex) return;
    this.log.commitTo(index);
    this.emit({ kind: 'committed', commitIndex: index });
  }

  #after(condition: Condition): number | null {
    switch (condition) {
      case 'nothing':
        return null;
      case 'hard-state':
        return this.writes.hardState;
      case 'everything':
        return this.writes.everything;
    }
  }

  #announceMembership(): void {
    this.#peers = this.#othersNow();
    const { index, membership } = this.memberships.current;
    this.emit({ kind: 'membership-changed', index, membership });
  }

  #othersNow(): readonly NodeId[] {
    return allMembers(this.memberships.current.membership)
      .map(({ id }) => id)
      .filter((id) => id !== this.config.self);
  }

  #drawElectionTimeout(): number {
    const { electionTicksMin, electionTicksMax } = this.config;
    // Whoever can serve campaigns before a witness, which would only hand on. Witnesses differ like all others: a majority of
    // them that fell silent at once would else ask at once, and split its votes for ever.
    if (this.isWitness) {
      return this.random.below(electionTicksMax, 2 * electionTicksMax - electionTicksMin);
    }
    return this.random.below(electionTicksMin, electionTicksMax);
  }
}

function isOnlyVoterOf(membership: Membership, id: NodeId): boolean {
  const voters = allVoters(voterSetsOf(membership));
  return voters.length === 1 && voters[0] === id;
}

/** What the members are while no entry of the log says it. */
function configuredMembership({ initialMembers }: RaftConfig): MembershipRecord {
  return { index: logIndex(0), membership: { incoming: initialMembers, outgoing: [] } };
}
