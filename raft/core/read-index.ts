import { allVoters, quorumReached } from './quorum.ts';
import { broadcastHeartbeats, progressOf, sendHeartbeat } from './replication.ts';
import type { LeaderState, PendingRead } from './role-state.ts';
import type { RaftState } from './state.ts';
import type { LogIndex, NodeId } from './types.ts';

// Linearizable reads without a log entry (Raft thesis §6.4): leadership is confirmed by a round of heartbeats
// begun after the read arrived; the read then sees all that was committed by that time.

export function receiveRead(state: RaftState, readId: number): void {
  const { leader } = state;
  const read: PendingRead = { readId, asker: null };
  if (leader === null || state.isWitness || !leader.reads.add(read)) {
    state.emit({ kind: 'read-rejected', readId, leaderId: state.leaderId });
    return;
  }
  openRoundForWaiting(state, leader);
}

/**
 * The own-term no-op, once committed; never at a witness. Before, the commit index of a new leader may be behind that of the old one, and a
 * read would miss acknowledged writes (Raft thesis §6.4 step 1; HAZARDS R8).
 */
export function readyIndex(state: RaftState, leader: LeaderState): LogIndex | null {
  return isOwnTermCommitted(state, leader) && !state.isWitness ? leader.noOpIndex : null;
}

export function isOwnTermCommitted(state: RaftState, leader: LeaderState): boolean {
  return state.log.commitIndex >= leader.noOpIndex;
}

/** Opens a round if reads wait and no round that carries reads is under way: for these reads a quorum is enough. */
export function openRoundForWaiting(state: RaftState, leader: LeaderState): void {
  if (!leader.reads.hasWaiting || leader.reads.hasReadsUnderWay) return;
  if (readyIndex(state, leader) === null) return;
  openRound(state, leader, leader.quick.followersOf(state.voters, state.config.self));
}

/**
 * Asks these followers; null: all of them, as every heartbeat does. Reads that wait join it, so it takes those of lost rounds along, and without any
 * it renews the lease.
 */
export function openRound(
  state: RaftState,
  leader: LeaderState,
  followers: readonly NodeId[] | null = null,
): void {
  const isReady = readyIndex(state, leader) !== null;
  leader.reads.open(isReady ? state.log.commitIndex : null);
  if (followers === null) {
    leader.quick.askedAll(leader.reads.opened);
    broadcastHeartbeats(state, leader);
  } else {
    leader.quick.askedAlone(state.tick);
    for (const follower of followers) sendHeartbeat(state, leader, follower);
  }
  confirmRounds(state, leader);
}

/** Reads do not wait for a follower that is slow. */
export function tickRounds(state: RaftState, leader: LeaderState): void {
  if (leader.reads.hasReadsUnderWay && leader.quick.isLate(state.tick)) askAll(state, leader);
}

/** Nor for one whose connection was lost. */
export function followerUnreachable(state: RaftState, leader: LeaderState, follower: NodeId): void {
  if (leader.quick.lost(follower) && leader.reads.hasReadsUnderWay) askAll(state, leader);
}

function askAll(state: RaftState, leader: LeaderState): void {
  leader.quick.forget();
  openRound(state, leader);
}

/** Answers the reads of every round that a quorum has echoed. The leader's own word counts. */
export function confirmRounds(state: RaftState, leader: LeaderState): void {
  const { self } = state.config;
  const round = quorumReached(state.voters, (voter: NodeId) =>
    voter === self ? leader.reads.opened : progressOf(leader, voter).readRound,
  );
  leader.quick.confirmed(round, (asked) =>
    allVoters(state.voters).filter(
      (voter) => voter !== self && progressOf(leader, voter).readRound >= asked,
    ),
  );
  for (const { reads, index } of leader.reads.confirm(round)) {
    for (const read of reads) answer(state, read, index);
  }
  openRoundForWaiting(state, leader);
}

/** No read outlives the leadership it waited under. */
export function rejectReads(state: RaftState, leader: LeaderState): void {
  for (const read of leader.reads.drain()) answer(state, read, null);
}

/** To whoever asked. A peer learns also that there is no answer; else it would wait for its deadline. */
export function answer(state: RaftState, read: PendingRead, index: LogIndex | null): void {
  const { readId, asker } = read;
  if (asker !== null) {
    const { id, incarnation } = asker;
    const { term } = state;
    const response = { kind: 'read-index-response', term, readId, incarnation, index } as const;
    state.send(id, response, 'hard-state');
  } else if (index !== null) {
    state.emit({ kind: 'read-ready', readId, index });
  } else {
    state.emit({ kind: 'read-rejected', readId, leaderId: state.leaderId });
  }
}
