import { expect, test } from 'vitest';
import { type Clock, SystemClock } from '../../base/clock.ts';
import { MemoryLogDisk, MemoryLogStore } from '../../log-store/index.ts';
import { EntryKind, type LogIndex, logIndex, type NodeId } from '../../raft/index.ts';
import { HoldableClock, type Member, RaftCluster, until } from './raft-cluster.ts';

// Three nodes in one process on real TCP over loopback. Their disks outlive them, as real ones do.

const clock = new SystemClock();

function memoryCluster(
  options: { readonly isLeaseOn?: boolean; readonly clock?: Clock } = {},
): Promise<RaftCluster> {
  const disks = new Map<NodeId, MemoryLogDisk>();
  return RaftCluster.start({
    ...options,
    openStore: (id) => {
      const disk = disks.get(id) ?? new MemoryLogDisk();
      disks.set(id, disk);
      return Promise.resolve(new MemoryLogStore(disk));
    },
  });
}

function payload(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

async function committedTexts(member: Member, last: number): Promise<readonly string[]> {
  const texts: string[] = [];
  let next = 1;
  while (next <= last) {
    const entries = await member.node.read({
      first: logIndex(next),
      last: logIndex(last),
      bytesMax: 64 * 1024,
    });
    for (const entry of entries) {
      if (entry.kind === EntryKind.data) texts.push(new TextDecoder().decode(entry.payload));
    }
    next += entries.length;
  }
  return texts;
}

async function proposeAll(leader: Member, texts: readonly string[]): Promise<LogIndex> {
  let last = leader.node.status.lastIndex;
  for (let at = 0; at < texts.length; at += 10) {
    const { firstIndex, count } = leader.node.propose(texts.slice(at, at + 10).map(payload));
    last = logIndex(firstIndex + count - 1);
    if (at % 500 === 0) await clock.delay(0);
  }
  return last;
}

test('ten thousand proposals commit on all three nodes in the order proposed', async () => {
  await using cluster = await memoryCluster();
  const leader = await cluster.leader();
  const texts = Array.from({ length: 10_000 }, (_, index) => `row ${index}`);

  const last = await proposeAll(leader, texts);

  for (const member of cluster.members.values()) {
    await until('all commits', () => member.node.status.commitIndex >= last);
    expect(await committedTexts(member, last)).toEqual(texts);
  }
  expect(cluster.failures).toEqual([]);
});

test('the others go on when the leader dies, and it catches up when it returns', async () => {
  await using cluster = await memoryCluster();
  const first = await cluster.leader();
  await proposeAll(first, ['before']);
  await until('the commit', () => first.node.status.commitIndex === first.node.status.lastIndex);

  await cluster.stopMember(first.id);
  const second = await cluster.leader();
  const last = await proposeAll(second, ['after']);
  await until('the commit', () => second.node.status.commitIndex >= last);
  const returned = await cluster.startMember(first.id);

  await until('it caught up', () => returned.node.status.commitIndex >= last);
  expect(second.node.status.term).toBeGreaterThan(1);
  expect(await committedTexts(returned, last)).toEqual(['before', 'after']);
});

test('a leader that is cut off steps down and confirms no read', async () => {
  await using cluster = await memoryCluster();
  const cutOff = await cluster.leader();
  const index = await cutOff.node.readIndex();
  expect(index).toBeGreaterThanOrEqual(cutOff.node.status.leaderReadyIndex ?? Infinity);

  await cutOff.transport.close();
  const read = cutOff.node.readIndex();

  await expect(read).rejects.toMatchObject({ code: 'RAFT_NOT_LEADER' });
  expect(cutOff.node.status.role).not.toBe('leader');
  expect(() => cutOff.node.propose([payload('lost')])).toThrow(
    expect.objectContaining({ code: 'RAFT_NOT_LEADER' }),
  );
});

test('leadership moves to the node asked for, without a lost proposal, and without waiting for a tick', async () => {
  const time = new HoldableClock();
  await using cluster = await memoryCluster({ clock: time });
  const leader = await cluster.leader();
  const target = cluster.followers(leader)[0];
  if (target === undefined) throw new Error('no follower');
  const last = await proposeAll(leader, ['one', 'two']);
  time.hold();

  await leader.node.transferLeadership(target.id);

  const next = await cluster.leader();
  expect(next.id).toBe(target.id);
  await until('the commit', () => next.node.status.commitIndex > last);
  expect(await committedTexts(next, last)).toEqual(['one', 'two']);
});

test('abdication hands over at once, without waiting for an election timeout', async () => {
  const time = new HoldableClock();
  await using cluster = await memoryCluster({ clock: time });
  const leader = await cluster.leader();
  const { term } = leader.node.status;
  // Nobody is late from here on: no election timeout can be what helps.
  time.hold();

  leader.node.abdicate('its database died');

  const next = await until('another leader', () =>
    cluster.followers(leader).find(({ node }) => node.status.leaderReadyIndex !== null),
  );
  expect(next.node.status.term).toBe(term + 1);
});

test('a lease runs ahead of the clock while the quorum answers, and ends when it does not', async () => {
  await using cluster = await memoryCluster({ isLeaseOn: true });
  const leader = await cluster.leader();
  await until('a lease', () => leader.node.leaseUntilMs() > clock.monotonicMs());
  for (const follower of cluster.followers(leader)) {
    expect(follower.node.leaseUntilMs()).toBe(0);
  }

  await leader.transport.close();

  await until('its end', () => leader.node.leaseUntilMs() < clock.monotonicMs());
});
