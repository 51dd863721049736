import { beginTransfer, bestTarget } from './leadership-transfer.ts';
import { lagDenialsMax } from './limits.ts';
import type { PreVoteRequest } from './messages.ts';
import { readyIndex } from './read-index.ts';
import { progressOf } from './replication.ts';
import type { LeaderState } from './role-state.ts';
import type { RaftState } from './state.ts';
import type { LogIndex } from './types.ts';

// A leader serves once its MySQL has applied the whole log, so of two nodes that may be elected the better applied one should be.
// Nothing here decides who may lead: it moves the moment a node asks for votes, denies some pre-votes, which promise nothing, and
// hands leadership on. DESIGN.md says why that is safe, and why a lagging node still leads where no other can.

/** Entries that the local MySQL has still to apply, as far as is known here; 0 while it was not heard from. */
function applyLag({ log }: RaftState): number {
  const applied = log.reportedAppliedIndex;
  return applied === null ? 0 : log.lastIndex - applied;
}

/**
 * Ticks of silence that a lagging node adds to its election timeout, and one whose MySQL does not run, as if it lagged without end: none up to `applyLagMax` entries, then in proportion. From
 * twice that on, every node without lag has had its turn before; at most as long again, so that of two lagging ones the better goes first.
 */
export function patienceTicks(state: RaftState): number {
  // Alone there is nobody to let go first.
  if (state.isOnlyVoter || state.isWitness) return 0;
  const { applyLagMax, electionTicksMin, electionTicksMax } = state.config;
  const spread = electionTicksMax - electionTicksMin;
  if (!state.isServerUp) return 2 * spread;
  const excess = applyLag(state) - applyLagMax;
  if (excess <= 0) return 0;
  return Math.min(2 * spread, Math.ceil((excess * spread) / applyLagMax));
}

/** How far this node is, as it tells those whose votes it asks for. Without a word of MySQL nothing is held against it. */
export function claimedAppliedIndex({ log }: RaftState): LogIndex {
  return log.reportedAppliedIndex ?? log.lastIndex;
}

/**
 * Whether this node should lead instead of one with an equal log that asks for its pre-vote: it is ahead by more than the bound, and the
 * other will vote for it.
 */
export function shouldLeadInstead(state: RaftState, candidate: PreVoteRequest): boolean {
  const { last, reportedAppliedIndex } = state.log;
  if (reportedAppliedIndex === null || !state.isServerUp) return false;
  if (!state.isElectable || !state.mayCampaign) return false;
  if (state.lagDenials >= lagDenialsMax) return false;
  const isEqual = last.term === candidate.last.term && last.index === candidate.last.index;
  return isEqual && reportedAppliedIndex - candidate.appliedIndex > state.config.applyLagMax;
}

/**
 * A leader that lags, and hears of a voter that is ahead of it by more than the bound, hands on, as long as its MySQL has not applied its
 * own first entry: before that it cannot have served anybody. Whoever is better may come late, back from a crash or as a new voter, while
 * this one has a whole log to apply. Each voter is offered the lead once in a term. So news that are late never take leadership from a
 * leader at work, and leadership does not go in circles: each hand-over ends at a better applied node.
 */
export function tickLagHandOn(state: RaftState, leader: LeaderState): void {
  if (leader.transfer !== null) return;
  // Before its own entry is committed, what it knows of the others is from before it was elected.
  const ready = readyIndex(state, leader);
  const own = state.log.reportedAppliedIndex;
  if (ready === null || own === null || state.log.appliedIndex >= ready) return;
  const { applyLagMax } = state.config;
  if (applyLag(state) <= applyLagMax) return;
  const target = bestTarget(state, leader);
  if (target === null || leader.offersUntaken.has(target)) return;
  const theirs = progressOf(leader, target).appliedIndex;
  if (theirs === null || theirs - own <= applyLagMax) return;
  beginTransfer(state, leader, { target, transferId: null });
}
