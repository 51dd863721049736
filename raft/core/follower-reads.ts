import type { ReadIndexRequest, ReadIndexResponse } from './messages.ts';
import { answer, openRoundForWaiting, receiveRead } from './read-index.ts';
import type { PendingRead } from './role-state.ts';
import { becomeFollower } from './roles.ts';
import type { RaftState } from './state.ts';
import type { NodeId } from './types.ts';

// A read on any node (Raft thesis §6.4, its last part): the leader confirms that it leads and says how far a read must see; the
// asking node answers the read itself, once it has applied so much. A question or answer that is lost ends at the deadline; a
// leader that is deposed meanwhile does not: its successor is asked. Asking later than at the call costs nothing but time.

export function receiveReadOfLeader(state: RaftState, readId: number): void {
  if (state.leader !== null) {
    receiveRead(state, readId);
    return;
  }
  if (!state.forwardedReads.add(readId, state.tick)) {
    state.emit({ kind: 'read-rejected', readId, leaderId: state.leaderId });
    return;
  }
  askLeader(state);
}

export function tickForwardedReads(state: RaftState): void {
  const { forwardedReads, leaderId } = state;
  if (forwardedReads.isEmpty) return;
  for (const readId of forwardedReads.takeOlderThan(state.tick - state.config.electionTicksMin)) {
    state.emit({ kind: 'read-rejected', readId, leaderId });
  }
  askLeader(state);
}

export function receiveReadIndexRequest(
  state: RaftState,
  from: NodeId,
  message: ReadIndexRequest,
): void {
  if (message.term > state.term) becomeFollower(state, { term: message.term, leaderId: null });
  const { readId, incarnation } = message;
  const read: PendingRead = { readId, asker: { id: from, incarnation } };
  const { leader } = state;
  const isAsked = leader !== null && !state.isWitness && message.term === state.term;
  if (isAsked && leader.reads.add(read)) openRoundForWaiting(state, leader);
  else answer(state, read, null);
}

export function receiveReadIndexResponse(
  state: RaftState,
  from: NodeId,
  message: ReadIndexResponse,
): void {
  if (message.term > state.term) becomeFollower(state, { term: message.term, leaderId: null });
  const { readId, index, term } = message;
  if (message.incarnation !== state.incarnation) return;
  // A refusal in a later term than the question's finds the read waiting for whoever leads now.
  if (!state.forwardedReads.take(readId, { id: from, term })) return;
  if (index === null) state.emit({ kind: 'read-rejected', readId, leaderId: state.leaderId });
  else state.emit({ kind: 'read-ready', readId, index });
}

function askLeader(state: RaftState): void {
  const { forwardedReads, leader, leaderId, term } = state;
  if (leader !== null) {
    for (const readId of forwardedReads.takeAll()) receiveRead(state, readId);
  } else if (leaderId !== null) {
    for (const readId of forwardedReads.takeUnasked({ id: leaderId, term })) {
      const { incarnation } = state;
      const request = { kind: 'read-index-request', term, readId, incarnation } as const;
      state.send(leaderId, request, 'hard-state');
    }
  }
}
