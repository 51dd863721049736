import { expect, test } from 'vitest';
import { MemoryLogDisk, MemoryLogStore } from '../../log-store/index.ts';
import { isJoint, type NodeId, nodeId } from '../../raft/index.ts';
import { type Member, RaftCluster, until } from './raft-cluster.ts';

// Members come and go while nodes run, on real TCP over loopback. A node that is added knows nobody and nobody knows it:
// the log says where it is, and the first hello where the leader is. Disks outlive their nodes.

const n4 = nodeId('n4');

async function memoryCluster(options: { readonly witness?: NodeId } = {}): Promise<RaftCluster> {
  const disks = new Map<NodeId, MemoryLogDisk>();
  return await RaftCluster.start({
    ...options,
    openStore: (id) => {
      const disk = disks.get(id) ?? new MemoryLogDisk();
      disks.set(id, disk);
      return Promise.resolve(new MemoryLogStore(disk));
    },
  });
}

function memberIds({ node }: Member): readonly string[] {
  return node.status.membership.incoming.map(({ id, kind }) => `${id} ${kind}`);
}

function propose(leader: Member, text: string): number {
  return leader.node.propose([new TextEncoder().encode(text)]).firstIndex;
}

/** The leader added it, and made it a voter by itself. */
async function addFourth(cluster: RaftCluster, leader: Member): Promise<Member> {
  const record = await cluster.startWaiting(n4);
  const fourth = cluster.members.get(n4);
  if (fourth === undefined) throw new Error('n4 does not run');
  await leader.node.changeMembership([{ kind: 'add', member: record }]);
  await until('its promotion', () => fourth.node.status.memberKind === 'voter');
  await until('the end of it', () => isSettled(leader));
  return fourth;
}

function isSettled({ node }: Member): boolean {
  const { membership, membershipIndex, commitIndex } = node.status;
  return !isJoint(membership) && membershipIndex <= commitIndex;
}

test('a fourth node is added, catches up, is promoted by itself, and leads (N9)', async () => {
  await using cluster = await memoryCluster();
  const leader = await cluster.leader();
  for (let count = 0; count < 100; count += 1) propose(leader, `before ${count}`);

  const fourth = await addFourth(cluster, leader);
  const last = propose(leader, 'after');

  for (const member of cluster.members.values()) {
    await until('the commit', () => member.node.status.commitIndex >= last);
    expect(memberIds(member)).toEqual(['n1 voter', 'n2 voter', 'n3 voter', 'n4 voter']);
  }
  await until('its links', () => fourth.node.status.peers.every((peer) => peer.isConnected));
  await leader.node.transferLeadership(n4);
  await until('its leadership', () => fourth.node.status.leaderReadyIndex !== null);
  expect(cluster.failures).toEqual([]);
});

test('a follower is removed: it knows, the others go on without its disk (N9)', async () => {
  await using cluster = await memoryCluster();
  const leader = await cluster.leader();
  const [removed] = cluster.followers(leader);
  if (removed === undefined) throw new Error('no follower');

  await leader.node.changeMembership([{ kind: 'remove', id: removed.id }]);

  await until('it knows', () => removed.node.status.isRemoved);
  await cluster.stopMember(removed.id);
  const last = propose(leader, 'after');
  await until('the commit', () => leader.node.status.commitIndex >= last);
  expect(memberIds(leader).length).toBe(2);
  expect(leader.node.status.peers.map(({ id }) => id)).not.toContain(removed.id);
});

test('a leader that removes itself hands on, and follows nobody (R15)', async () => {
  await using cluster = await memoryCluster();
  const leader = await cluster.leader();

  await leader.node.changeMembership([{ kind: 'remove', id: leader.id }]);

  await until('it knows', () => leader.node.status.isRemoved);
  const next = await until('a successor', () =>
    cluster.followers(leader).find(({ node }) => node.status.leaderReadyIndex !== null),
  );
  await until('its end', () => leader.node.status.role === 'follower');
  const last = propose(next, 'after');
  await until('the commit', () => next.node.status.commitIndex >= last);
  expect(() => propose(leader, 'lost')).toThrow(
    expect.objectContaining({ code: 'RAFT_NOT_LEADER' }),
  );
});

test('members survive the restart of every node, and a node that was removed meanwhile is told (R7)', async () => {
  await using cluster = await memoryCluster();
  const leader = await cluster.leader();
  await addFourth(cluster, leader);
  const [away] = cluster.followers(leader).filter(({ id }) => id !== n4);
  if (away === undefined) throw new Error('no follower');
  await cluster.stopMember(away.id);
  await leader.node.changeMembership([{ kind: 'remove', id: away.id }]);

  for (const id of [...cluster.members.keys()]) {
    await cluster.stopMember(id);
    await cluster.startMember(id);
  }
  const next = await cluster.leader();
  const returned = await cluster.startMember(away.id);

  expect(memberIds(next).length).toBe(3);
  const { term } = next.node.status;
  await until('it is told', () => returned.node.status.isRemoved);
  expect(next.node.status).toMatchObject({ role: 'leader', term });
});

test("a node that was removed while it was away, and never heard of today's leader, is told by followers (R7)", async () => {
  await using cluster = await memoryCluster();
  const leader = await cluster.leader();
  const [away] = cluster.followers(leader);
  if (away === undefined) throw new Error('no follower');
  await cluster.stopMember(away.id);
  const fourth = await addFourth(cluster, leader);
  await leader.node.changeMembership([{ kind: 'remove', id: away.id }]);
  await leader.node.transferLeadership(n4);
  await until('its leadership', () => fourth.node.status.leaderReadyIndex !== null);
  const { term } = fourth.node.status;

  const returned = await cluster.startMember(away.id);
  await until('it is told', () => returned.node.status.isRemoved);

  expect(returned.node.status.membership.incoming.map(({ id }) => id)).not.toContain(n4);
  expect(fourth.node.status).toMatchObject({ role: 'leader', term });
});

test('a witness saves what the only voter left lacks, and hands on to it at once', async () => {
  const n3 = nodeId('n3');
  await using cluster = await memoryCluster({ witness: n3 });
  const first = await until('a leader', () =>
    [...cluster.members.values()].find(({ node }) => node.status.leaderReadyIndex !== null),
  );
  expect(first.id).not.toBe(n3);
  const [behind] = cluster.followers(first).filter(({ id }) => id !== n3);
  if (behind === undefined) throw new Error('no other voter');
  await cluster.stopMember(behind.id);
  const last = propose(first, 'on the first voter and the witness alone');
  await until('the commit', () => first.node.status.commitIndex >= last);

  await cluster.stopMember(first.id);
  const returned = await cluster.startMember(behind.id);

  await until('its leadership', () => returned.node.status.leaderReadyIndex !== null);
  expect(returned.node.status.commitIndex).toBeGreaterThanOrEqual(last);
  // The witness led in between: nobody else could be elected.
  expect(returned.node.status.term).toBeGreaterThan(first.node.status.term + 1);
  expect(cluster.members.get(n3)?.node.status.leaderReadyIndex).toBeNull();
});

test('what stands against a change is said with a reason, and whoever does not lead says so', async () => {
  await using cluster = await memoryCluster();
  const leader = await cluster.leader();
  const [follower] = cluster.followers(leader);
  const unknown = [{ kind: 'remove', id: n4 }] as const;

  await expect(leader.node.changeMembership(unknown)).rejects.toMatchObject({
    code: 'RAFT_MEMBERSHIP_REFUSED',
    reason: 'unknown-member',
    message: 'the members were not changed: n4 is no member',
    retryable: false,
  });
  await expect(follower?.node.changeMembership(unknown)).rejects.toMatchObject({
    code: 'RAFT_NOT_LEADER',
  });
  await leader.node.close();
  await expect(leader.node.changeMembership(unknown)).rejects.toMatchObject({
    code: 'RAFT_SHUTTING_DOWN',
  });
});
