import { EntryKind } from './entry.ts';
import { decodeMembership } from './membership-codec.ts';
import type { AppendRequest, AppendResponse } from './messages.ts';
import { becomeFollower } from './roles.ts';
import type { Condition, RaftState } from './state.ts';
import { type LogIndex, logIndex, type NodeId } from './types.ts';

type Result = AppendResponse['result'];

/** AppendEntries at a follower (Raft thesis figure 3.1). */
export function receiveAppendRequest(state: RaftState, from: NodeId, message: AppendRequest): void {
  if (message.term < state.term) {
    // The answer's term is what matters: the sender no longer leads.
    respond(state, from, { result: conflictAt(state, message), condition: 'hard-state' });
    return;
  }
  if (!isFromRightfulLeader(state, from, message) || !isWellFormed(message)) {
    state.refusedMessages += 1;
    return;
  }
  followLeader(state, from, message);
  if (isAnswerWaiting(state, message)) return;
  if (!state.log.holds(message.previous)) {
    respond(state, from, { result: conflictAt(state, message), condition: 'hard-state' });
    return;
  }
  const firstNew = message.entries.findIndex(
    (entry) => state.log.termAt(entry.index) !== entry.term,
  );
  if (firstNew !== -1 && !acceptEntries(state, message, firstNew)) return;
  const matchIndex = logIndex(message.previous.index + message.entries.length);
  // What is past the match may differ from the leader's log, committed or not there (Raft thesis figure 3.1, rule 5).
  state.commitTo(message.commitIndex < matchIndex ? message.commitIndex : matchIndex);
  respondMatched(state, from, { message, matchIndex });
}

/** Appends what is new; cuts off first what contradicts it. False if that is committed: then someone is wrong. */
function acceptEntries(state: RaftState, message: AppendRequest, firstNew: number): boolean {
  const entries = message.entries.slice(firstNew);
  const from = logIndex(message.previous.index + 1 + firstNew);
  if (from <= state.log.commitIndex) {
    state.refusedMessages += 1;
    return false;
  }
  if (from <= state.log.lastIndex) state.truncateFrom(from);
  state.append(entries);
  return true;
}

/**
 * With entries the answer waits until they are durable. A heartbeat is answered at once with what is durable already: a
 * slow disk delays commits, but neither reads nor the leader's contact with its quorum.
 */
function respondMatched(
  state: RaftState,
  to: NodeId,
  options: { readonly message: AppendRequest; readonly matchIndex: LogIndex },
): void {
  const { message, matchIndex } = options;
  const { persistedIndex } = state.writes;
  const isHeartbeat = message.entries.length === 0;
  const isDurable = matchIndex <= persistedIndex;
  respond(state, to, {
    result: {
      kind: 'matched',
      matchIndex: isHeartbeat && !isDurable ? persistedIndex : matchIndex,
    },
    condition: isHeartbeat || isDurable ? 'hard-state' : 'everything',
  });
}

function respond(
  state: RaftState,
  to: NodeId,
  options: { readonly result: Result; readonly condition: Condition },
): void {
  state.send(
    to,
    {
      kind: 'append-response',
      term: state.term,
      readRound: state.seenReadRound,
      appliedIndex: state.log.appliedIndex,
      result: options.result,
    },
    options.condition,
  );
}

function conflictAt(state: RaftState, message: AppendRequest): Result {
  const { index, term } = message.previous;
  return {
    kind: 'conflict',
    previousIndex: index,
    conflict: state.log.newestWithin(index, term),
  };
}

/**
 * At most one node leads in a term (HAZARDS I1), so only a node that knows of no other may follow this one. A leader need not be a
 * member by this node's configuration (Raft thesis §4.1), which may be old or empty; but whoever is one is believed before, and a
 * stranger not for longer than it is heard.
 */
function isFromRightfulLeader(state: RaftState, from: NodeId, message: AppendRequest): boolean {
  const { leaderId } = state;
  if (message.term > state.term || leaderId === null || leaderId === from) return true;
  return !state.isMember(leaderId) && (state.isMember(from) || !state.mayALeaderBeAlive);
}

/**
 * Consecutive indexes, and terms that never go back nor pass the leader's; 0/0 alone stands before the first entry. A configuration
 * takes effect when it is appended, so it must be one.
 */
function isWellFormed(message: AppendRequest): boolean {
  let { index, term } = message.previous;
  if (term > message.term || (index === 0) !== (term === 0)) return false;
  for (const entry of message.entries) {
    const isInOrder = entry.index === index + 1 && entry.term >= term;
    if (!isInOrder || entry.term < 1 || entry.term > message.term) return false;
    const isMembership = entry.kind === EntryKind.membership;
    if (isMembership && decodeMembership(entry.payload).kind === 'malformed') return false;
    ({ index, term } = entry);
  }
  return true;
}

/**
 * While the term waits for the disk, one answer to heartbeats waits with it and the rest is left out: they come as often as the
 * leader is read from, and a disk may hang for long. The next heartbeat is answered as usual.
 */
function isAnswerWaiting(state: RaftState, message: AppendRequest): boolean {
  const ioId = state.writes.hardState;
  if (ioId === null || message.entries.length > 0) return false;
  if (state.heartbeatAnswerIoId === ioId) return true;
  state.heartbeatAnswerIoId = ioId;
  return false;
}

function followLeader(state: RaftState, from: NodeId, message: AppendRequest): void {
  becomeFollower(state, { term: message.term, leaderId: from });
  state.leaderSilenceTicks = 0;
  state.resetElectionTimer();
  state.seenReadRound = Math.max(state.seenReadRound, message.readRound);
}
