import { expect, test } from 'vitest';
import { nodeId } from '../../raft/index.ts';
import { until } from './raft-cluster.ts';
import {
  compactAll,
  fill,
  openSite,
  propose,
  rows,
  untilAllApplied,
  untilApplied,
} from './raft-site.ts';

// Goal: a node that comes back when the others have compacted what it lacks gets a snapshot and goes on behind it. Method: `raft-site.ts`.

test('a node that comes back after a compaction gets a snapshot, converges, and starts again from it', async () => {
  await using place = await openSite();
  const { cluster } = place;
  const leader = await cluster.leader();
  const [away] = cluster.followers(leader);
  if (away === undefined) throw new Error('no follower');
  const before = rows(20, 'before');
  await propose(leader, before);
  await untilAllApplied(place, before);

  await cluster.stopMember(away.id);
  const meanwhile = rows(1500, 'meanwhile');
  await propose(leader, meanwhile);
  await untilAllApplied(place, [...before, ...meanwhile]);
  await compactAll(place);
  const { firstIndex } = leader.node.status;
  expect(firstIndex).toBeGreaterThan(1500);
  const back = await place.start(away.id);
  await untilApplied(place, back.id, [...before, ...meanwhile]);
  expect(back.node.status.firstIndex).toBeGreaterThan(1);

  const after = rows(10, 'after');
  await propose(await cluster.leader(), after);
  const all = [...before, ...meanwhile, ...after];
  await untilAllApplied(place, all);

  await cluster.stopMember(back.id);
  const again = await place.start(back.id);
  expect(again.store.opened.snapshot).not.toBeNull();
  await untilApplied(place, again.id, all);
  expect(cluster.failures).toEqual([]);
});

test('a snapshot survives the death of its leader: the next one offers its own', async () => {
  await using place = await openSite();
  const { cluster } = place;
  const leader = await cluster.leader();
  const [away] = cluster.followers(leader);
  if (away === undefined) throw new Error('no follower');
  await cluster.stopMember(away.id);
  const texts = rows(1500, 'row');
  await propose(leader, texts);
  await untilAllApplied(place, texts);
  await compactAll(place);

  const back = await place.start(away.id);
  await until('the return', () => back.node.status.leaderId === leader.id);
  await cluster.stopMember(leader.id);

  const next = await cluster.leader();
  expect(next.id).not.toBe(leader.id);
  const more = rows(5, 'more');
  await propose(next, more);
  await untilAllApplied(place, [...texts, ...more]);
  expect(cluster.failures).toEqual([]);
});

test('a node that is added to a compacted log begins with a snapshot and becomes a voter', async () => {
  await using place = await openSite();
  const { cluster } = place;
  const texts = rows(200, 'row');
  const leader = await fill(place, texts);
  await compactAll(place);

  const id = nodeId('n4');
  const member = await place.startWaiting(id);
  const added = cluster.members.get(id);
  if (added === undefined) throw new Error('n4 is not up');
  await leader.node.changeMembership([{ kind: 'add', member }]);

  await until('its promotion', () => added.node.status.memberKind === 'voter');
  await untilApplied(place, id, texts);
  expect(added.node.status.firstIndex).toBeGreaterThan(200);
  expect(cluster.failures).toEqual([]);
});

test('a follower gets a read index from its leader, and applies up to it', async () => {
  await using place = await openSite();
  const { cluster } = place;
  const leader = await cluster.leader();
  await propose(leader, rows(30, 'row'));

  for (const follower of cluster.followers(leader)) {
    const index = await follower.node.readIndexOfLeader();
    expect(index).toBeGreaterThanOrEqual(30);
    await until('what the read must see', () => {
      return (place.states.get(follower.id)?.applied ?? 0) >= index;
    });
    await expect(follower.node.readIndex()).rejects.toMatchObject({ code: 'RAFT_NOT_LEADER' });
  }
});
