import { assert } from '../../base/assert.ts';
import { isCaughtUp } from './catch-up.ts';
import type { MembershipRejection } from './effects.ts';
import { EntryKind } from './entry.ts';
import { memberChangesMax } from './limits.ts';
import { applyChanges, type MemberChange } from './member-changes.ts';
import {
  haveSameVoters,
  isJoint,
  isVoting,
  isWithoutState,
  type Member,
  type Membership,
  membershipFault,
  voterSetsOf,
} from './membership.ts';
import { encodeMembership } from './membership-codec.ts';
import { appendAsLeader } from './proposals.ts';
import { hasQuorum } from './quorum.ts';
import { isOwnTermCommitted } from './read-index.ts';
import { wasHeardLately } from './replication.ts';
import type { LeaderState } from './role-state.ts';
import type { RaftState } from './state.ts';
import { logIndex, type NodeId } from './types.ts';

// Membership changes by joint consensus (Raft thesis §4.3). Old and new configuration decide together until the joint one is
// committed; then the leader appends the new one alone. Every change of voters goes this way, so there is one rule to prove.

interface Refusal {
  readonly reason: MembershipRejection;
  readonly detail: string;
}

export interface ChangeRequest {
  readonly changeId: number;
  readonly changes: readonly MemberChange[];
}

export function changeMembership(state: RaftState, request: ChangeRequest): void {
  const refusal = refusalNow(state) ?? beginChange(state, request);
  if (refusal === null) return;
  state.emit({
    kind: 'membership-change-ended',
    changeId: request.changeId,
    end: { kind: 'rejected', ...refusal, leaderId: state.leaderId },
  });
}

/**
 * Appends the next configuration: joint if its voters differ, else at once. Only while `mayChange`.
 *
 * Invariant (HAZARDS I11): of two consecutive configurations either both have the same voters, or one is joint and contains the
 * other; so any two of their quorums intersect.
 */
export function moveTo(state: RaftState, leader: LeaderState, incoming: readonly Member[]): void {
  assert(mayChange(state, leader), 'one change at a time, after a commit of the own term');
  const before = state.memberships.current.membership.incoming;
  const outgoing = haveSameVoters(before, incoming) ? [] : before;
  appendMembership(state, leader, { incoming, outgoing });
}

/**
 * Whether the configuration may change now: an entry of the own term is committed, so no other leader can still commit under an
 * older configuration (HAZARDS R4), and so is the configuration in effect, which is not joint (HAZARDS R5).
 */
export function mayChange(state: RaftState, leader: LeaderState): boolean {
  return isOwnTermCommitted(state, leader) && !isChanging(state);
}

/**
 * The next step of a change, once the last is committed: out of the joint configuration, whoever began it, or to the end. A new
 * leader waits for the first commit of its own term, as with everything.
 */
export function advanceMembership(state: RaftState, leader: LeaderState): void {
  const { index, membership } = state.memberships.current;
  if (!isOwnTermCommitted(state, leader) || index > state.log.commitIndex) return;
  if (isJoint(membership)) {
    appendMembership(state, leader, { incoming: membership.incoming, outgoing: [] });
    return;
  }
  if (leader.changeId === null) return;
  const { changeId } = leader;
  leader.changeId = null;
  state.emit({ kind: 'membership-change-ended', changeId, end: { kind: 'committed', index } });
}

/** Leadership is gone: what was begun may be finished by another leader, or undone. */
export function abandonChange(
  state: RaftState,
  options: { readonly of: LeaderState; readonly leaderId: NodeId | null },
): void {
  const { changeId } = options.of;
  if (changeId === null) return;
  options.of.changeId = null;
  const end = { kind: 'unsettled', leaderId: options.leaderId } as const;
  state.emit({ kind: 'membership-change-ended', changeId, end });
}

function isChanging(state: RaftState): boolean {
  const { index, membership } = state.memberships.current;
  return isJoint(membership) || index > state.log.commitIndex;
}

function refusalNow(state: RaftState): Refusal | null {
  const { leader } = state;
  // A witness leads for as long as it takes to hand on, and begins nothing.
  if (leader === null || state.isWitness) {
    return { reason: 'not-leader', detail: 'this node does not lead' };
  }
  if (leader.transfer !== null) {
    return { reason: 'transferring', detail: 'leadership is being handed over' };
  }
  if (!isOwnTermCommitted(state, leader)) {
    return { reason: 'not-ready', detail: 'no entry of this term is committed yet' };
  }
  if (isChanging(state)) {
    return { reason: 'change-in-progress', detail: 'the change before has not ended' };
  }
  return null;
}

function beginChange(state: RaftState, { changeId, changes }: ChangeRequest): Refusal | null {
  const { leader } = state;
  assert(leader !== null, 'who does not lead was refused before');
  if (changes.length > memberChangesMax) {
    const detail = `${changes.length} changes, ${memberChangesMax} at once are the most`;
    return { reason: 'unusable', detail };
  }
  const before = state.memberships.current.membership.incoming;
  const changed = applyChanges(before, changes);
  if (changed.kind === 'refused') return { reason: changed.reason, detail: changed.detail };
  const { members } = changed;
  const fault =
    membershipFault({ incoming: members, outgoing: [] }) ?? statelessFault(before, members);
  if (fault !== null) return { reason: 'unusable', detail: fault };
  const refusal = quorumRefusal(state, leader, members);
  if (refusal !== null) return refusal;
  leader.changeId = changeId;
  moveTo(state, leader, members);
  return null;
}

/**
 * A witness drops entries it never applied, and who is to become one may never have had them: nothing they hold could bring a
 * database to where their log begins.
 */
function statelessFault(before: readonly Member[], after: readonly Member[]): string | null {
  const stateless = before.find(
    (member) =>
      isWithoutState(member) &&
      after.some((next) => next.id === member.id && !mayBecome(member, next)),
  );
  if (stateless === undefined) return null;
  const part = stateless.kind === 'witness' ? 'is a witness' : 'is to become a witness';
  return `${stateless.id} ${part} and has no database: remove it, then add it with an empty disk`;
}

function mayBecome(stateless: Member, next: Member): boolean {
  return stateless.kind === 'witness' ? next.kind === 'witness' : isWithoutState(next);
}

/** A configuration whose majority is away or far behind stops every commit, its own reversal too (Raft thesis §4.2.1). */
function quorumRefusal(
  state: RaftState,
  leader: LeaderState,
  members: readonly Member[],
): Refusal | null {
  const { self } = state.config;
  const behind = members.find(
    (member) =>
      isVoting(member) && !state.isVoter(member.id) && !isCaughtUp(state, leader, member.id),
  );
  if (behind !== undefined) {
    const detail = `${behind.id} is no learner that is caught up: add it as one with a promotion`;
    return { reason: 'not-caught-up', detail };
  }
  const voters = voterSetsOf({ incoming: members, outgoing: [] });
  const isHeard = hasQuorum(voters, (id) => id === self || wasHeardLately(state, leader, id));
  if (isHeard) return null;
  return { reason: 'no-quorum-heard', detail: 'no majority of the new voters was heard lately' };
}

function appendMembership(state: RaftState, leader: LeaderState, membership: Membership): void {
  const entry = {
    term: state.term,
    index: logIndex(state.log.lastIndex + 1),
    kind: EntryKind.membership,
    payload: encodeMembership(membership),
  };
  appendAsLeader(state, leader, [entry]);
}
