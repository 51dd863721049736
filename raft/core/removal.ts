import { isJoint, memberOf } from './membership.ts';
import type { Message, RemovedNotice } from './messages.ts';
import { becomeFollower } from './roles.ts';
import type { RaftState } from './state.ts';
import type { NodeId } from './types.ts';

// A node that was removed is replicated to no longer, and may never see the configuration that leaves it out: it would campaign for
// ever (Raft thesis §4.2.3). Pre-vote and the quorum check keep it from disturbing anybody (HAZARDS R7); this tells it.

/**
 * Whoever campaigns and is no member by a committed configuration is answered, by leaders and all others: it asks the members that it
 * knows, and the leader may be none of them. What is committed here stays so, and news that are older than what the
 * asker has it ignores. Whether it was answered.
 */
export function tellIfRemoved(state: RaftState, from: NodeId, message: Message): boolean {
  const isCampaign = message.kind === 'pre-vote-request' || message.kind === 'vote-request';
  const { index, membership } = state.memberships.current;
  // By what the cluster began with nobody was removed.
  const isSettled = index > 0 && !isJoint(membership) && index <= state.log.commitIndex;
  const isOut = memberOf(membership, from) === null;
  if (!isCampaign || !isSettled || !isOut) return false;
  const notice = { kind: 'removed-notice', term: state.term, member: from } as const;
  state.send(from, { ...notice, membershipIndex: index }, 'hard-state');
  return true;
}

/**
 * Only stops campaigns, which could not be won, until a newer configuration names this node again. It still votes, as any node
 * does for whoever asks.
 */
export function receiveRemovedNotice(state: RaftState, message: RemovedNotice): void {
  const { index } = state.memberships.current;
  // After a restart the configuration that leaves this node out may be here, and not known to be committed.
  const isCommitNews = message.membershipIndex === index && state.memberKind === null;
  const isNews = message.membershipIndex > index || isCommitNews;
  if (message.member !== state.config.self) {
    state.refusedMessages += 1;
    return;
  }
  if (!isNews) return;
  state.removedAtIndex = message.membershipIndex;
  const isCampaigning = state.role.kind === 'pre-candidate' || state.role.kind === 'candidate';
  if (isCampaigning) becomeFollower(state, { term: state.term, leaderId: null });
}

/** Whether this node knows that it is no member any more; one that was never added does not count. */
export function isRemoved(state: RaftState): boolean {
  const { index, membership } = state.memberships.current;
  if (state.isToldRemoved) return true;
  const isCommitted = index <= state.log.commitIndex && index > 0;
  const { self } = state.config;
  return isCommitted && memberOf(membership, self) === null && state.memberships.hasNamed(self);
}
