import { progressOf } from './replication.ts';
import type { LeaderState } from './role-state.ts';
import type { RaftState } from './state.ts';
import type { LogIndex, NodeId } from './types.ts';

/**
 * How a learner catches up, in rounds (Raft thesis §4.2.1): a round ends when it holds all that was in the log when the round
 * began. While the last round took less than the shortest election timeout, and so far the present one too, making the learner a
 * voter delays no commit for longer than an election would.
 */
export interface CatchUp {
  readonly targetIndex: LogIndex;
  readonly sinceTick: number;
  readonly wasQuick: boolean;
}

export function beginCatchUp(state: RaftState): CatchUp {
  return { targetIndex: state.log.lastIndex, sinceTick: state.tick, wasQuick: false };
}

/** A follower told how far it is. */
export function measureCatchUp(state: RaftState, leader: LeaderState, peer: NodeId): void {
  const round = leader.catchUps.get(peer);
  if (round === undefined || progressOf(leader, peer).matchIndex < round.targetIndex) return;
  leader.catchUps.set(peer, { ...beginCatchUp(state), wasQuick: isQuick(state, round) });
}

export function isCaughtUp(state: RaftState, leader: LeaderState, peer: NodeId): boolean {
  const round = leader.catchUps.get(peer);
  return round?.wasQuick === true && isQuick(state, round);
}

function isQuick(state: RaftState, round: CatchUp): boolean {
  return state.tick - round.sinceTick < state.config.electionTicksMin;
}
