import { beginCatchUp } from './catch-up.ts';
import { Progress } from './progress.ts';
import type { LeaderState } from './role-state.ts';
import type { RaftState } from './state.ts';

// Whom a leader replicates to: the other members, and for a while those who just ceased to be.

/** Another configuration is in effect at this leader. */
export function followMembership(state: RaftState, leader: LeaderState): void {
  for (const peer of state.peers) {
    // Who comes back is a stranger: its disk may be another one.
    if (leader.followers.has(peer) && !leader.departing.has(peer)) continue;
    leader.followers.set(peer, new Progress(state.config, state.log.lastIndex));
    leader.departing.delete(peer);
  }
  for (const peer of leader.followers.keys()) {
    const isDeparting = !state.peers.includes(peer);
    if (isDeparting && !leader.departing.has(peer)) leader.departing.set(peer, state.tick);
    if (isDeparting || state.isVoter(peer)) leader.catchUps.delete(peer);
    else if (!leader.catchUps.has(peer)) leader.catchUps.set(peer, beginCatchUp(state));
  }
}

/**
 * Who left is told so by its log, with the commit of the configuration that leaves it out; an election timeout is time enough. It
 * is never counted meanwhile, and one that was away is told when it campaigns (`removal.ts`).
 */
export function tickDeparting(state: RaftState, leader: LeaderState): void {
  const isLeavingCommitted = state.memberships.current.index <= state.log.commitIndex;
  for (const [peer, sinceTick] of leader.departing) {
    if (!isLeavingCommitted) leader.departing.set(peer, state.tick);
    else if (state.tick - sinceTick >= state.config.electionTicksMax) {
      leader.departing.delete(peer);
      leader.followers.delete(peer);
    }
  }
}
