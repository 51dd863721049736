import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  hasQuorum,
  quorumReached,
  type VoterSets,
  voteOutcome,
} from '../../../raft/core/quorum.ts';
import type { NodeId } from '../../../raft/core/types.ts';
import { voterIds as ids, voterSets as sets } from './membership-arbitraries.ts';

/** The definition, word by word: more than half of each set that is not empty. */
function isMajorityOfEach({ incoming, outgoing }: VoterSets, who: ReadonlySet<NodeId>): boolean {
  return [incoming, outgoing]
    .filter((set) => set.length > 0)
    .every((set) => set.filter((id) => who.has(id)).length * 2 > set.length);
}

test('the number a quorum has reached is the highest that a majority of each set has', () => {
  const indexes = fc.array(fc.nat(20), { minLength: ids.length, maxLength: ids.length });
  fc.assert(
    fc.property(sets, indexes, (voterSets, values) => {
      const reachedBy = (id: NodeId): number => values[ids.indexOf(id)] ?? 0;

      const reached = quorumReached(voterSets, reachedBy);

      const holdersOf = (value: number) => new Set(ids.filter((id) => reachedBy(id) >= value));
      expect(isMajorityOfEach(voterSets, holdersOf(reached))).toBe(true);
      expect(isMajorityOfEach(voterSets, holdersOf(reached + 1))).toBe(false);
    }),
  );
});

test('a quorum is a majority of each set, and no more is asked', () => {
  fc.assert(
    fc.property(sets, fc.subarray(ids), (voterSets, who) => {
      const present = new Set(who);

      const found = hasQuorum(voterSets, (id) => present.has(id));

      expect(found).toBe(isMajorityOfEach(voterSets, present));
    }),
  );
});

test('a vote is won, lost or open as all ways the missing voters could vote say', () => {
  const votes = fc.array(fc.constantFrom(true, false, undefined), {
    minLength: ids.length,
    maxLength: ids.length,
  });
  fc.assert(
    fc.property(sets, votes, (voterSets, values) => {
      const cast = new Map<NodeId, boolean>();
      for (const [place, id] of ids.entries()) {
        const vote = values[place];
        if (vote !== undefined) cast.set(id, vote);
      }

      const outcome = voteOutcome(voterSets, cast);

      const atWorst = new Set(ids.filter((id) => cast.get(id) === true));
      const atBest = new Set(ids.filter((id) => cast.get(id) !== false));
      const isSure = isMajorityOfEach(voterSets, atWorst);
      const isPossible = isMajorityOfEach(voterSets, atBest);
      expect(outcome).toBe(isSure ? 'won' : isPossible ? 'pending' : 'lost');
    }),
  );
});

test('any two quorums of one configuration share a node (HAZARDS I11)', () => {
  fc.assert(
    fc.property(sets, fc.subarray(ids), (voterSets, who) => {
      const these = new Set(who);
      const others = new Set(ids.filter((id) => !these.has(id)));

      const both =
        hasQuorum(voterSets, (id) => these.has(id)) && hasQuorum(voterSets, (id) => others.has(id));

      expect(both).toBe(false);
    }),
  );
});
