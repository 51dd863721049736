import { EntryKind } from './entry.ts';
import type { RaftLog } from './log.ts';
import { decodeMembership } from './membership-codec.ts';
import type { AppendRequest, AppendResponse } from './messages.ts';
import { becomeFollower } from './roles.ts';
import type { Condition, RaftState } from './state.ts';
import { logStart } from './term-runs.ts';
import { type LogIndex, logIndex, type NodeId, type Term } from './types.ts';

type Result = AppendResponse['result'];

/** AppendEntries at a follower (Raft thesis figure 3.1). */
export function receiveAppendRequest(state: RaftState, from: NodeId, message: AppendRequest): void {
  if (message.term < state.term) {
    // The answer's term is what matters: the sender no longer leads.
    respondConflict(state, from, message);
    return;
  }
  if (!isFromRightfulLeader(state, from, message) || !isWellFormed(message)) {
    state.refusedMessages += 1;
    return;
  }
  followLeader(state, from, message.term);
  state.seenReadRound = Math.max(state.seenReadRound, message.readRound);
  if (isAnswerWaiting(state, message)) return;
  const left = withoutCompacted(state, message);
  // Its log ends, or goes on, before what is committed here.
  if (left === null || left.previous.term < state.log.base.term) state.refusedMessages += 1;
  else if (state.log.holds(left.previous)) take(state, from, left);
  else respondConflict(state, from, left);
}

/** The append follows an entry that is held. */
function take(state: RaftState, from: NodeId, message: AppendRequest): void {
  const firstNew = message.entries.findIndex(
    (entry) => state.log.termAt(entry.index) !== entry.term,
  );
  if (firstNew !== -1 && !acceptEntries(state, message, firstNew)) return;
  const matchIndex = logIndex(message.previous.index + message.entries.length);
  // What is past the match may differ from the leader's log, committed or not there (Raft thesis figure 3.1, rule 5).
  state.commitTo(message.commitIndex < matchIndex ? message.commitIndex : matchIndex);
  if (message.entries.length > 0) respondMatched(state, from, matchIndex);
  else respondToHeartbeat(state, from, matchIndex);
}

/**
 * The append without what this log no longer holds. That is committed, so the leader has the same (Raft thesis §3.6.1): only the
 * last of it can be compared. Null if that differs.
 */
function withoutCompacted(state: RaftState, message: AppendRequest): AppendRequest | null {
  const { base } = state.log;
  const count = base.index - message.previous.index;
  if (count <= 0) return message;
  const last = message.entries[count - 1];
  if (last !== undefined && last.term !== base.term) return null;
  return { ...message, previous: base, entries: message.entries.slice(count) };
}

/** Appends what is new; cuts off first what contradicts it. False if that is committed: then someone is wrong. */
function acceptEntries(state: RaftState, message: AppendRequest, firstNew: number): boolean {
  const entries = message.entries.slice(firstNew);
  const from = logIndex(message.previous.index + 1 + firstNew);
  const isTruncation = from <= state.log.lastIndex;
  // A configuration is appended behind a committed one alone, so a correct leader takes back the newest at most.
  const isUnknowable = isTruncation && !state.memberships.canTruncateFrom(from);
  if (from <= state.log.commitIndex || isUnknowable) {
    state.refusedMessages += 1;
    return false;
  }
  if (isTruncation) state.truncateFrom(from);
  state.append(entries);
  return true;
}

/**
 * The answer to a heartbeat leaves at once, with what is durable already: a slow disk delays commits, but neither reads nor the
 * leader's contact with its quorum.
 */
function respondToHeartbeat(state: RaftState, to: NodeId, matchIndex: LogIndex): void {
  const { persistedIndex } = state.writes;
  const result = {
    kind: 'matched',
    matchIndex: matchIndex <= persistedIndex ? matchIndex : persistedIndex,
  } as const;
  respond(state, to, { result, condition: 'hard-state' });
}

/** Says that this log is the sender's up to `matchIndex`, once that is durable. */
export function respondMatched(state: RaftState, to: NodeId, matchIndex: LogIndex): void {
  const isDurable = matchIndex <= state.writes.persistedIndex;
  respond(state, to, {
    result: { kind: 'matched', matchIndex },
    condition: isDurable ? 'hard-state' : 'everything',
  });
}

function respondConflict(state: RaftState, to: NodeId, message: AppendRequest): void {
  const { index, term } = message.previous;
  const conflict = state.log.newestWithin(index, term) ?? logStart;
  respond(state, to, {
    result: { kind: 'conflict', previousIndex: index, conflict },
    condition: 'hard-state',
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
      appliedIndex: appliedHere(state.log),
      result: options.result,
    },
    options.condition,
  );
}

/** Of what is known to be committed. */
function appliedHere({ reportedAppliedIndex, base, commitIndex }: RaftLog): LogIndex {
  return logIndex(Math.min(reportedAppliedIndex ?? base.index, commitIndex));
}

/**
 * At most one node leads in a term (HAZARDS I1), so only a node that knows of no other may follow this one. A leader need not be a
 * member by this node's configuration (Raft thesis §4.1), which may be old or empty; but whoever is one is believed before, and a
 * stranger not for longer than it is heard.
 */
export function isFromRightfulLeader(
  state: RaftState,
  from: NodeId,
  message: { readonly term: Term },
): boolean {
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

export function followLeader(state: RaftState, from: NodeId, term: Term): void {
  becomeFollower(state, { term, leaderId: from });
  state.leaderSilenceTicks = 0;
  state.lagDenials = 0;
  state.resetElectionTimer();
}
