import { shouldLeadInstead } from './apply-lag.ts';
import { campaignInstead } from './election.ts';
import type { PreVoteRequest, VoteRequest } from './messages.ts';
import { becomeFollower } from './roles.ts';
import type { RaftState } from './state.ts';
import type { EntryId, NodeId } from './types.ts';

// Votes given and denied. Whether the asker is a member does not matter here, nor whether this node is one: the asker's configuration
// may be newer, and what a vote is worth, it knows (Raft thesis §4.1). No answer leaves before the term and the vote it speaks of are durable (HAZARDS R1).

/**
 * Would this node vote so? No term and no vote changes here, whatever the answer (Raft thesis §9.6). A node that should lead itself
 * denies, a few times, and asks in its turn.
 */
export function receivePreVoteRequest(
  state: RaftState,
  from: NodeId,
  message: PreVoteRequest,
): void {
  // Who asks for a term that is over learns the current one from the answer, or it would ask for ever (HAZARDS R6).
  const isOver = message.term < state.term;
  if (!isOver && state.mayALeaderBeAlive) return;
  const isTermFree = message.term > state.term || hasVoteFor(state, from);
  const isEligible = !isOver && isTermFree && isUpToDate(state, message.last);
  const isDeniedForLag = isEligible && shouldLeadInstead(state, message);
  const granted = isEligible && !isDeniedForLag;
  state.send(
    from,
    { kind: 'pre-vote-response', term: granted ? message.term : state.term, granted },
    'hard-state',
  );
  if (!isDeniedForLag) return;
  state.lagDenials += 1;
  campaignInstead(state);
}

export function receiveVoteRequest(state: RaftState, from: NodeId, message: VoteRequest): void {
  if (message.term < state.term) {
    respond(state, from, false);
    return;
  }
  // Neither vote nor term: a node that lost contact must not depose a leader that others hear (Raft thesis §4.2.3).
  if (!message.isTransfer && state.mayALeaderBeAlive) return;
  if (message.term > state.term) becomeFollower(state, { term: message.term, leaderId: null });
  const granted = hasVoteFor(state, from) && isUpToDate(state, message.last);
  if (granted) {
    state.setHardState({ term: state.term, votedFor: from });
    // It will not ask for votes in the next term while the one it voted for may win this one.
    if (state.role.kind === 'pre-candidate') {
      becomeFollower(state, { term: state.term, leaderId: null });
    }
    state.resetElectionTimer();
  }
  respond(state, from, granted);
}

/** One vote per term, first come first served (Raft thesis §3.4); none is left once the term has a leader. */
function hasVoteFor(state: RaftState, candidate: NodeId): boolean {
  if (state.votedFor !== null) return state.votedFor === candidate;
  return state.leaderId === null;
}

/** The candidate's log holds all that may be committed (Raft thesis §3.6.1): later term, or as long in the same. */
function isUpToDate(state: RaftState, last: EntryId): boolean {
  const own = state.log.last;
  return last.term > own.term || (last.term === own.term && last.index >= own.index);
}

function respond(state: RaftState, to: NodeId, granted: boolean): void {
  state.send(to, { kind: 'vote-response', term: state.term, granted }, 'hard-state');
}
