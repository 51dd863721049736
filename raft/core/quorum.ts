import type { NodeId } from './types.ts';

/**
 * Whose word counts. `outgoing` is empty but in a joint configuration, where a majority of either set is needed
 * (Raft thesis §4.3).
 */
export interface VoterSets {
  readonly incoming: readonly NodeId[];
  readonly outgoing: readonly NodeId[];
}

/** Everybody in either set, once. */
export function allVoters({ incoming, outgoing }: VoterSets): readonly NodeId[] {
  return [...incoming, ...outgoing.filter((id) => !incoming.includes(id))];
}

export type VoteOutcome = 'won' | 'lost' | 'pending';

/** The highest number that a majority of each set has reached; 0 is reached by all. */
export function quorumReached(sets: VoterSets, reachedBy: (voter: NodeId) => number): number {
  const incoming = majorityReached(sets.incoming, reachedBy);
  if (sets.outgoing.length === 0) return incoming;
  return Math.min(incoming, majorityReached(sets.outgoing, reachedBy));
}

/** Whether a majority of each set satisfies the claim. */
export function hasQuorum(sets: VoterSets, holdsFor: (voter: NodeId) => boolean): boolean {
  return quorumReached(sets, (voter) => (holdsFor(voter) ? 1 : 0)) === 1;
}

/** Won with a majority for it in each set; lost once that cannot come any more. Silence decides nothing. */
export function voteOutcome(sets: VoterSets, votes: ReadonlyMap<NodeId, boolean>): VoteOutcome {
  if (hasQuorum(sets, (voter) => votes.get(voter) === true)) return 'won';
  return hasQuorum(sets, (voter) => votes.get(voter) !== false) ? 'pending' : 'lost';
}

function majorityReached(voters: readonly NodeId[], reachedBy: (voter: NodeId) => number): number {
  const ascending = voters.map(reachedBy).sort((left, right) => left - right);
  // Of n voters the one at ⌈n/2⌉-1 in ascending order has a majority at or above it.
  return ascending[Math.ceil(ascending.length / 2) - 1] ?? 0;
}
