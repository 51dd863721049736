import { hasQuorum } from './quorum.ts';
import { progressOf } from './replication.ts';
import type { LeaderState } from './role-state.ts';
import { becomeFollower } from './roles.ts';
import type { RaftState } from './state.ts';

/**
 * A leader that has heard no majority for an election timeout cannot commit and may be deposed unknowingly: it
 * steps down, so that its clients learn (Raft thesis §6.2). Returns whether it still leads.
 */
export function tickCheckQuorum(state: RaftState, leader: LeaderState): boolean {
  const { self } = state.config;
  const isHeard = hasQuorum(state.voters, (voter) => {
    if (voter === self) return true;
    const heardAt = progressOf(leader, voter).heardAtTick ?? leader.sinceTick;
    return state.tick - heardAt < state.electionTimeoutTicks;
  });
  if (!isHeard) becomeFollower(state, { term: state.term, leaderId: null });
  return isHeard;
}
