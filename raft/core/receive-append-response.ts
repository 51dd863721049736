import { measureCatchUp } from './catch-up.ts';
import { continueTransfer } from './leadership-transfer.ts';
import { advanceMembership } from './membership-change.ts';
import type { AppendResponse } from './messages.ts';
import type { Progress } from './progress.ts';
import { quorumReached } from './quorum.ts';
import { confirmRounds, openRoundForWaiting } from './read-index.ts';
import { progressOf, sendAppends } from './replication.ts';
import type { LeaderState } from './role-state.ts';
import { becomeFollower } from './roles.ts';
import type { RaftState } from './state.ts';
import { logIndex, type NodeId } from './types.ts';

/** A follower's answer, at the leader. */
export function receiveAppendResponse(
  state: RaftState,
  from: NodeId,
  message: AppendResponse,
): void {
  if (message.term < state.term) return;
  if (message.term > state.term) {
    becomeFollower(state, { term: message.term, leaderId: null });
    return;
  }
  const { leader } = state;
  if (leader === null) return;
  if (!isPossible(state, leader, message)) {
    state.refusedMessages += 1;
    return;
  }
  const progress = progressOf(leader, from);
  progress.heard({ tick: state.tick, ...message });
  if (message.result.kind === 'matched') progress.matched(message.result.matchIndex);
  else backUp(state, progress, message.result);
  measureCatchUp(state, leader, from);
  confirmRounds(state, leader);
  advanceCommit(state, leader);
  sendAppends(state, leader, from);
  if (leader.transfer?.target === from) continueTransfer(state, leader);
}

/**
 * Commits what a quorum holds durably, this node counted by its own disk. Only an entry of the own term is
 * counted, and takes along all before it (Raft thesis §3.6.2, figure 3.7; HAZARDS R10).
 */
export function advanceCommit(state: RaftState, leader: LeaderState): void {
  const { self } = state.config;
  const reached = logIndex(
    quorumReached(state.voters, (voter) =>
      voter === self ? state.writes.persistedIndex : progressOf(leader, voter).matchIndex,
    ),
  );
  if (reached <= state.log.commitIndex || state.log.termAt(reached) !== state.term) return;
  state.commitTo(reached);
  leader.uncommitted.commitTo(reached);
  openRoundForWaiting(state, leader);
  advanceMembership(state, leader);
}

/** Moves back to what both may hold: the follower skipped its higher terms, the leader skips its own. */
function backUp(
  state: RaftState,
  progress: Progress,
  result: Extract<AppendResponse['result'], { kind: 'conflict' }>,
): void {
  if (!progress.isConflictCurrent(result.previousIndex)) return;
  const agreedAtMost = Math.min(result.conflict.index, result.previousIndex - 1);
  const agreed = state.log.newestWithin(logIndex(agreedAtMost), result.conflict.term);
  // Null: they agree nowhere that this log can still name, so a snapshot must tell what was there.
  const unnamed = Math.min(state.log.base.index, result.previousIndex) - 1;
  progress.backUpTo(agreed?.index ?? logIndex(unnamed));
}

/** No follower holds more of this leader's log than there is, or answers a round that was never opened. */
function isPossible(state: RaftState, leader: LeaderState, message: AppendResponse): boolean {
  if (message.readRound > leader.reads.opened) return false;
  const { result } = message;
  return result.kind === 'conflict' || result.matchIndex <= state.log.lastIndex;
}
