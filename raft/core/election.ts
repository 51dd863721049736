import { claimedAppliedIndex, patienceTicks } from './apply-lag.ts';
import type { Message, PreVoteResponse, TimeoutNow, VoteResponse } from './messages.ts';
import { allVoters, voteOutcome } from './quorum.ts';
import type { CandidateState, PreCandidateState } from './role-state.ts';
import { becomeCandidate, becomeFollower, becomeLeader, becomePreCandidate } from './roles.ts';
import type { RaftState } from './state.ts';
import { type NodeId, term } from './types.ts';

// How a node comes to lead (Raft thesis §3.4, §9.6).

/** Counts the silence of a leader, and campaigns when it was long enough. */
export function tickElection(state: RaftState): void {
  state.leaderSilenceTicks += 1;
  state.electionElapsedTicks += 1;
  if (!state.mayCampaign) return;
  if (state.electionElapsedTicks < state.electionTimeoutTicks + patienceTicks(state)) {
    if (state.electionElapsedTicks % state.config.heartbeatTicks === 0) askAgain(state);
    return;
  }
  // A node whose disk hangs must not campaign: nobody could rely on its vote or its log.
  if (!isDiskAtRest(state)) return;
  if (!state.isElectable) {
    state.resetElectionTimer();
    return;
  }
  startPreVote(state);
}

/** A leader tells its chosen successor to campaign now, without pre-vote (Raft thesis §3.10). */
export function receiveTimeoutNow(state: RaftState, from: NodeId, message: TimeoutNow): void {
  if (message.term < state.term) return;
  if (message.term > state.term) becomeFollower(state, { term: message.term, leaderId: null });
  const isFromAnother = state.leaderId !== null && state.leaderId !== from;
  if (isFromAnother) {
    state.refusedMessages += 1;
    return;
  }
  // A witness would only hand it on again.
  const mayTakeOver = state.isElectable && state.mayCampaign && !state.isWitness;
  if (mayTakeOver) startElection(state, { isTransfer: true });
}

export function receivePreVoteResponse(
  state: RaftState,
  from: NodeId,
  message: PreVoteResponse,
): void {
  if (!message.granted && message.term > state.term) {
    becomeFollower(state, { term: message.term, leaderId: null });
    return;
  }
  if (state.role.kind !== 'pre-candidate') return;
  // A grant names the term asked for; one of another question says nothing about this one.
  if (message.granted && message.term !== state.term + 1) return;
  state.role.votes.set(from, message.granted);
  decidePreVote(state, state.role.votes);
}

export function receiveVoteResponse(state: RaftState, from: NodeId, message: VoteResponse): void {
  if (message.term < state.term) return;
  if (message.term > state.term) {
    becomeFollower(state, { term: message.term, leaderId: null });
    return;
  }
  if (state.role.kind !== 'candidate') return;
  countVote(state, from, message.granted);
}

/** The own vote counts from when it is durable: a crash before must be able to forget it (HAZARDS R1). */
export function countOwnVote(state: RaftState): void {
  if (state.role.kind !== 'candidate') return;
  if (state.writes.isDurable(state.role.voteIoId)) countVote(state, state.config.self, true);
}

/** A lagging node asked for votes, and this one should lead instead: now, rather than when its own patience ends. */
export function campaignInstead(state: RaftState): void {
  if (state.role.kind === 'follower' && isDiskAtRest(state)) startPreVote(state);
}

function startPreVote(state: RaftState): void {
  becomePreCandidate(state);
  askVoters(state);
  if (state.role.kind === 'pre-candidate') decidePreVote(state, state.role.votes);
}

/**
 * A question may be lost, and a voter that is a tick behind says nothing until its own patience ends: waiting for the next
 * campaign would double the time without a leader. While the disk is at work the first question still waits.
 */
function askAgain(state: RaftState): void {
  if (isDiskAtRest(state)) askVoters(state);
}

/** Asks everyone who has not answered in this campaign. */
function askVoters(state: RaftState): void {
  const { role } = state;
  if (role.kind !== 'pre-candidate' && role.kind !== 'candidate') return;
  for (const voter of allVoters(state.voters)) {
    if (voter === state.config.self) continue;
    if (!role.votes.has(voter)) state.send(voter, questionOf(state, role), 'everything');
  }
}

function isDiskAtRest(state: RaftState): boolean {
  return state.writes.everything === null;
}

function questionOf(state: RaftState, role: PreCandidateState | CandidateState): Message {
  const { last } = state.log;
  if (role.kind === 'pre-candidate') {
    const appliedIndex = claimedAppliedIndex(state);
    return { kind: 'pre-vote-request', term: term(state.term + 1), last, appliedIndex };
  }
  return { kind: 'vote-request', term: state.term, last, isTransfer: role.isTransfer };
}

function decidePreVote(state: RaftState, votes: ReadonlyMap<NodeId, boolean>): void {
  switch (voteOutcome(state.voters, votes)) {
    case 'won':
      startElection(state, { isTransfer: false });
      return;
    case 'lost':
      becomeFollower(state, { term: state.term, leaderId: null });
      return;
    case 'pending':
      return;
  }
}

function startElection(state: RaftState, options: { readonly isTransfer: boolean }): void {
  becomeCandidate(state, options);
  askVoters(state);
}

function countVote(state: RaftState, voter: NodeId, granted: boolean): void {
  if (state.role.kind !== 'candidate') return;
  // The first answer of a term stands: a voter has one vote in it.
  if (!state.role.votes.has(voter)) state.role.votes.set(voter, granted);
  switch (voteOutcome(state.voters, state.role.votes)) {
    case 'won':
      becomeLeader(state);
      return;
    case 'lost':
      becomeFollower(state, { term: state.term, leaderId: null });
      return;
    case 'pending':
      return;
  }
}
