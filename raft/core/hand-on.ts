import { beginTransfer, bestTarget } from './leadership-transfer.ts';
import { isJoint, memberOf } from './membership.ts';
import type { LeaderState } from './role-state.ts';
import { becomeFollower } from './roles.ts';
import type { RaftState } from './state.ts';

/**
 * Some lead who may not stay. A witness is elected when its log is the longest, and cannot serve. A leader that is no voter by a
 * committed configuration removed itself (Raft thesis §4.2.2, HAZARDS R15): until then it replicated without counting itself.
 * Both hand on to the best voter, who gets what it lacks first. Returns whether this node still leads.
 */
export function tickHandOn(state: RaftState, leader: LeaderState): boolean {
  if (!mustHandOn(state) || leader.transfer !== null) return true;
  const target = bestTarget(state, leader);
  if (state.isWitness) {
    // What it alone holds must reach a voter before anybody else can be elected: it does not give up.
    if (target !== null) beginTransfer(state, leader, { target, transferId: null });
    return true;
  }
  if (target !== null && !leader.hasTriedToHandOn) {
    leader.hasTriedToHandOn = true;
    beginTransfer(state, leader, { target, transferId: null });
    return true;
  }
  becomeFollower(state, { term: state.term, leaderId: null });
  return false;
}

function mustHandOn(state: RaftState): boolean {
  const { index, membership } = state.memberships.current;
  if (state.isWitness) return true;
  const kind = memberOf(membership, state.config.self)?.kind;
  return kind !== 'voter' && !isJoint(membership) && index <= state.log.commitIndex;
}
