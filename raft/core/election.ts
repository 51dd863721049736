import type { PreVoteResponse, TimeoutNow, VoteResponse } from './messages.ts';
import { voteOutcome } from './quorum.ts';
import { becomeCandidate, becomeFollower, becomeLeader, becomePreCandidate } from './roles.ts';
import type { RaftState } from './state.ts';
import { type NodeId, term } from './types.ts';

// How a node comes to lead (Raft thesis §3.4, §9.6).

/** Counts the silence of a leader, and campaigns when it was long enough. */
export function tickElection(state: RaftState): void {
  state.leaderSilenceTicks += 1;
  state.electionElapsedTicks += 1;
  if (state.electionElapsedTicks < state.electionTimeoutTicks) return;
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
  if (state.isElectable) startElection(state, { isTransfer: true });
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

function startPreVote(state: RaftState): void {
  const votes = becomePreCandidate(state);
  const question = term(state.term + 1);
  for (const peer of state.peers) {
    // Waits for the disk although no promise is made: a node whose disk hangs must not campaign.
    state.send(
      peer,
      { kind: 'pre-vote-request', term: question, last: state.log.last },
      'everything',
    );
  }
  decidePreVote(state, votes);
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
  becomeCandidate(state);
  const { isTransfer } = options;
  for (const peer of state.peers) {
    state.send(
      peer,
      { kind: 'vote-request', term: state.term, last: state.log.last, isTransfer },
      'everything',
    );
  }
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
