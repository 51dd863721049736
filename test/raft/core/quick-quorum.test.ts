import fc from 'fast-check';
import { expect, test } from 'vitest';
import { QuickQuorum } from '../../../raft/core/quick-quorum.ts';
import { hasQuorum, type VoterSets } from '../../../raft/core/quorum.ts';
import { type NodeId, nodeId } from '../../../raft/core/types.ts';
import { voterIds, voterSets } from './membership-arbitraries.ts';

const [n1, n2, n3] = ['n1', 'n2', 'n3'].map(nodeId) as [NodeId, NodeId, NodeId];
const three: VoterSets = { incoming: [n1, n2, n3], outgoing: [] };

/** n1 leads, and `followers` were the first to answer it. */
function learned(followers: readonly NodeId[]): QuickQuorum {
  const quick = new QuickQuorum();
  quick.askedAll(1);
  quick.confirmed(1, () => followers);
  return quick;
}

test('all are asked before anybody has answered', () => {
  expect(new QuickQuorum().followersOf(three, n1)).toBeNull();
});

test('whom it names are voters and make a quorum with the leader, whatever became of the configuration', () => {
  fc.assert(
    fc.property(voterSets, fc.subarray(voterIds), (sets, answered) => {
      const named = learned(answered.filter((id) => id !== n1)).followersOf(sets, n1);

      const isQuorum = (who: readonly NodeId[]) =>
        hasQuorum(sets, (voter) => voter === n1 || who.includes(voter));
      expect(named !== null).toBe(isQuorum(answered));
      if (named === null) return;
      expect(isQuorum(named)).toBe(true);
      expect([...sets.incoming, ...sets.outgoing]).toEqual(expect.arrayContaining([...named]));
    }),
  );
});

test('only a round that was asked of all tells who is quickest', () => {
  const quick = learned([n3]);

  quick.askedAlone(7);
  quick.confirmed(2, () => [n2]);

  expect(quick.followersOf(three, n1)).toEqual([n3]);
});

test('who answers a later round first takes the place of who was quickest', () => {
  const quick = learned([n3]);

  quick.askedAll(5);
  quick.confirmed(4, () => [n3]);
  expect(quick.followersOf(three, n1)).toEqual([n3]);
  quick.confirmed(6, (asked) => (asked === 5 ? [n2] : []));

  expect(quick.followersOf(three, n1)).toEqual([n2]);
});

test('a round is late two ticks after few were asked, and never after all were', () => {
  const quick = learned([n3]);

  quick.askedAlone(7);
  expect([7, 8, 9].map((tick) => quick.isLate(tick))).toEqual([false, false, true]);

  quick.askedAll(3);
  expect(quick.isLate(100)).toBe(false);
});

test('a lost follower matters only if it is one of them', () => {
  const quick = learned([n3]);

  expect(quick.lost(n2)).toBe(false);
  expect(quick.followersOf(three, n1)).toEqual([n3]);
  expect(quick.lost(n3)).toBe(true);
  expect(quick.followersOf(three, n1)).toBeNull();
});
