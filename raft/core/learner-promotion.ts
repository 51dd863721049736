import { isCaughtUp } from './catch-up.ts';
import { mayChange, moveTo } from './membership-change.ts';
import type { LeaderState } from './role-state.ts';
import type { RaftState } from './state.ts';

/** Makes a voter, or a witness, of the first learner that is to become one and is caught up. One at a time, as all changes. */
export function promoteLearner(state: RaftState, leader: LeaderState): void {
  if (leader.transfer !== null || !mayChange(state, leader)) return;
  const { incoming } = state.memberships.current.membership;
  const ready = incoming.find(
    ({ id, promotion }) => promotion !== null && isCaughtUp(state, leader, id),
  );
  if (ready === undefined || ready.promotion === null) return;
  const promoted = { ...ready, kind: ready.promotion, promotion: null };
  const next = incoming.map((member) => (member === ready ? promoted : member));
  moveTo(state, leader, next);
}
