import { expect, test } from 'vitest';
import { codeOf } from '../../base/errors.ts';
import {
  isJoint,
  logIndex,
  type MemberChange,
  MembershipRefusedError,
  nodeId,
} from '../../raft/index.ts';
import { type Member, until } from './raft-cluster.ts';
import {
  compactAll,
  fill,
  openSite,
  propose,
  rows,
  type Site,
  untilAllApplied,
  untilApplied,
} from './raft-site.ts';

// Goal: the members of a cluster can all be others in the end, with logs that were compacted meanwhile. Method: `raft-site.ts`.

const n4 = nodeId('n4');
const n5 = nodeId('n5');

/** Asks again where what stands against the change passes. */
async function change({ node }: Member, changes: readonly MemberChange[]): Promise<void> {
  let state: 'to-ask' | 'asked' | 'done' = 'to-ask';
  let failure: unknown = null;
  const ask = (): void => {
    state = 'asked';
    node.changeMembership(changes).then(
      () => {
        state = 'done';
      },
      (error: unknown) => {
        if (error instanceof MembershipRefusedError && error.retryable) state = 'to-ask';
        else failure = error;
      },
    );
  };
  await until('the change', () => {
    if (failure !== null) throw failure;
    if (state === 'to-ask') ask();
    return state === 'done';
  });
}

function memberOf({ cluster }: Site, id: string): Member {
  const member = cluster.members.get(nodeId(id));
  if (member === undefined) throw new Error(`${id} is not up`);
  return member;
}

test('a compacted cluster takes in new nodes by snapshots, replaces two at once, loses its leader, and serves reads anywhere (N9, R15)', async () => {
  await using place = await openSite();
  const { cluster } = place;
  const texts = rows(300, 'first');
  const leader = await fill(place, texts);
  const leaving = cluster.followers(leader);
  await compactAll(place);

  // One is promoted by itself, the other waits to be made a voter.
  await change(leader, [{ kind: 'add', member: await place.startWaiting(n4) }]);
  const fourth = memberOf(place, n4);
  await until('its promotion', () => fourth.node.status.memberKind === 'voter');
  await untilApplied(place, n4, texts);
  expect(fourth.node.status.firstIndex).toBeGreaterThan(300);
  const learner = { ...(await place.startWaiting(n5)), promotion: null };
  await change(leader, [{ kind: 'add', member: learner }]);
  await until('its catching up', () =>
    leader.node.status.peers.some(({ id, isCaughtUp }) => id === n5 && isCaughtUp === true),
  );

  let wasJoint = false;
  leader.node.onChange(({ membership }) => {
    wasJoint ||= isJoint(membership) && membership.outgoing.length === 5;
  });
  await change(leader, [
    ...leaving.map(({ id }) => ({ kind: 'remove', id }) as const),
    { kind: 'update', member: { ...learner, kind: 'voter' } },
  ]);
  expect(wasJoint).toBe(true);
  for (const { id, node } of leaving) {
    await until('it knows', () => node.status.isRemoved);
    await cluster.stopMember(id);
  }
  const more = rows(20, 'more');
  await propose(leader, more);

  await change(leader, [{ kind: 'remove', id: leader.id }]);
  await until('it knows', () => leader.node.status.isRemoved);
  const next = await until('a successor', () =>
    cluster.followers(leader).find(({ node }) => node.status.leaderReadyIndex !== null),
  );
  await cluster.stopMember(leader.id);

  const last = rows(5, 'last');
  await propose(next, last);
  const all = [...texts, ...more, ...last];
  const [follower] = cluster.followers(next);
  if (follower === undefined) throw new Error('no follower');
  const index = await follower.node.readIndexOfLeader();
  expect(index).toBeGreaterThanOrEqual(next.node.status.commitIndex);
  await untilAllApplied(place, all);

  // None of the first three is needed any more, nor the log from before.
  for (const id of [n4, n5]) await cluster.stopMember(id);
  for (const id of [n4, n5]) await place.start(id);
  const again = await cluster.leader();
  await untilAllApplied(place, all);
  const members = again.node.status.membership.incoming.map(({ id, kind }) => `${id} ${kind}`);
  expect(members).toEqual(['n4 voter', 'n5 voter']);
  expect(cluster.failures).toEqual([]);
});

test('a witness that is added to a compacted cluster begins without a state, and its disk counts', async () => {
  await using place = await openSite();
  const { cluster } = place;
  const texts = rows(200, 'row');
  const leader = await fill(place, texts);
  // No snapshot is taken: what the log of the leader begins behind is all that a witness needs.
  for (const { id, node } of cluster.members.values()) {
    const { applied } = place.states.get(id) ?? { applied: logIndex(0) };
    node.compact(applied);
    await until('the compaction', () => node.status.firstIndex > applied);
  }

  await change(leader, [{ kind: 'add', member: await place.startWaiting(n4, 'witness') }]);
  const witness = memberOf(place, n4);
  await until('its promotion', () => witness.node.status.memberKind === 'witness');
  expect(witness.node.status.firstIndex).toBeGreaterThan(200);

  // Of four, three must hold an entry.
  const [away] = cluster.followers(leader).filter(({ id }) => id !== n4);
  if (away === undefined) throw new Error('no follower');
  await cluster.stopMember(away.id);
  const more = rows(10, 'more');
  await propose(leader, more);
  await expect(leader.node.transferLeadership(n4)).rejects.toSatisfy(
    (error) => codeOf(error) === 'RAFT_TRANSFER_ABORTED',
  );

  await cluster.stopMember(n4);
  const returned = await cluster.startMember(n4);
  expect(returned.store.opened.snapshot).not.toBeNull();
  await propose(leader, rows(1, 'last'));
  expect(returned.node.status).toMatchObject({ memberKind: 'witness', leaderReadyIndex: null });
  expect(cluster.failures).toEqual([]);
});
