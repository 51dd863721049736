import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fromUtf8, utf8 } from '../../base/bytes.ts';
import { silentLogger } from '../../base/logger.ts';
import { FileSnapshotStore, openLevelLogStore } from '../../log-store/index.ts';
import {
  EntryKind,
  type LogIndex,
  logIndex,
  type NodeId,
  nodeId,
  type SnapshotMeta,
  type SnapshotStore,
} from '../../raft/index.ts';
import { temporaryDirectory } from '../log-store/support.ts';
import { type Member, RaftCluster, until } from './raft-cluster.ts';

// Goal: a node that comes back when the others have compacted what it lacks gets a snapshot and goes on behind it. Method: nodes in
// one process, on real gRPC, logs in LevelDB and snapshots in files; the state is the list of all that was proposed.

/** What a node has applied: every proposal, in order. A restart finds it as the newest snapshot left it, as a database would. */
class TextState {
  texts: string[] = [];
  applied: LogIndex = logIndex(0);
  #isApplying = false;

  /** Applies what commits, for as long as the node lives. */
  follow(member: Member): void {
    const { node } = member;
    const next = async (): Promise<void> => {
      if (this.#isApplying || node.status.commitIndex <= this.applied) return;
      this.#isApplying = true;
      try {
        await this.#applyUpTo(node.status.commitIndex, member);
        node.setApplied(this.applied);
      } finally {
        this.#isApplying = false;
      }
      await next();
    };
    // A read fails when the node is stopped, or when a snapshot takes the place of what was to be read.
    node.onChange(() => void next().catch(() => undefined));
    void next().catch(() => undefined);
  }

  async *content(): AsyncGenerator<Uint8Array> {
    const bytes = utf8(JSON.stringify(this.texts));
    for (let at = 0; at < bytes.length; at += 100_000) {
      await Promise.resolve();
      yield bytes.subarray(at, at + 100_000);
    }
  }

  async restore(meta: SnapshotMeta, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    let text = '';
    for await (const chunk of chunks) text += fromUtf8(chunk);
    if (meta.last.index <= this.applied) return;
    const texts: unknown = JSON.parse(text);
    this.texts = Array.isArray(texts) ? texts : [];
    this.applied = meta.last.index;
  }

  async #applyUpTo(last: LogIndex, { node }: Member): Promise<void> {
    while (this.applied < last) {
      const first = logIndex(this.applied + 1);
      const entries = await node.read({ first, last, bytesMax: 1024 * 1024 });
      for (const { index, kind, payload } of entries) {
        // A snapshot may have been restored while the entries were read.
        if (index !== this.applied + 1) continue;
        if (kind === EntryKind.data) this.texts.push(fromUtf8(payload));
        this.applied = index;
      }
    }
  }
}

interface Site extends AsyncDisposable {
  readonly cluster: RaftCluster;
  readonly states: ReadonlyMap<NodeId, TextState>;
  start(id: NodeId): Promise<Member>;
  /** Takes a snapshot of what the node has applied, and drops all that is before from its log. */
  compact(member: Member): Promise<void>;
}

async function openSite(): Promise<Site> {
  const directory = await temporaryDirectory();
  const states = new Map<NodeId, TextState>();
  const stores = new Map<NodeId, SnapshotStore>();
  const cluster = await RaftCluster.start({
    openStore: (id) =>
      openLevelLogStore({
        directory: join(directory.path, id, 'log'),
        clusterId: 'test',
        nodeId: id,
        logger: silentLogger,
      }),
    openSnapshots: async (id) => {
      const state = new TextState();
      const store = await FileSnapshotStore.open({
        directory: join(directory.path, id, 'snapshots'),
        bytesMax: 64 * 1024 * 1024,
        restore: (meta, chunks) => state.restore(meta, chunks),
      });
      const held = store.describe();
      if (held !== null) await state.restore(held, store.open(held));
      states.set(id, state);
      stores.set(id, store);
      return store;
    },
  });
  const follow = (member: Member): Member => {
    const state = states.get(member.id);
    if (state === undefined) throw new Error(`no state of ${member.id}`);
    member.node.setApplied(state.applied);
    state.follow(member);
    return member;
  };
  for (const member of cluster.members.values()) follow(member);
  return {
    cluster,
    states,
    start: async (id) => follow(await cluster.startMember(id)),
    compact: async ({ id, node }) => {
      const state = states.get(id);
      const store = stores.get(id);
      if (state === undefined || store === undefined) throw new Error(`no state of ${id}`);
      const { applied } = state;
      const meta = await until('the applied index', () => node.describeSnapshot(applied));
      await store.install(meta, state.content());
      node.compact(applied);
      await until('the compaction', () => node.status.firstIndex > applied);
    },
    [Symbol.asyncDispose]: async () => {
      await cluster[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
}

async function propose(member: Member, texts: readonly string[]): Promise<void> {
  for (let at = 0; at < texts.length; at += 20) {
    const payloads = texts.slice(at, at + 20).map(utf8);
    const { firstIndex } = member.node.propose(payloads);
    await until('the commit', () => member.node.status.commitIndex >= firstIndex);
  }
  await until('all commits', () => {
    const { commitIndex, lastIndex } = member.node.status;
    return commitIndex === lastIndex;
  });
}

function rows(count: number, name: string): string[] {
  return Array.from({ length: count }, (_, index) => `${name} ${index} ${'.'.repeat(2000)}`);
}

async function untilApplied(place: Site, id: NodeId, texts: readonly string[]): Promise<void> {
  await until(`${texts.length} rows at ${id}`, () => {
    return place.states.get(id)?.texts.length === texts.length;
  });
  expect(place.states.get(id)?.texts).toEqual(texts);
}

async function untilAllApplied(place: Site, texts: readonly string[]): Promise<void> {
  for (const id of place.cluster.members.keys()) await untilApplied(place, id, texts);
}

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
  for (const member of cluster.members.values()) await place.compact(member);
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
}, 60_000);

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
  for (const member of cluster.members.values()) await place.compact(member);

  const back = await place.start(away.id);
  await until('the return', () => back.node.status.leaderId === leader.id);
  await cluster.stopMember(leader.id);

  const next = await cluster.leader();
  expect(next.id).not.toBe(leader.id);
  const more = rows(5, 'more');
  await propose(next, more);
  await untilAllApplied(place, [...texts, ...more]);
  expect(cluster.failures).toEqual([]);
}, 60_000);

test('a node that is added to a compacted log begins with a snapshot and becomes a voter', async () => {
  await using place = await openSite();
  const { cluster } = place;
  const leader = await cluster.leader();
  const texts = rows(200, 'row');
  await propose(leader, texts);
  await untilAllApplied(place, texts);
  for (const member of cluster.members.values()) await place.compact(member);

  const id = nodeId('n4');
  const member = await cluster.startWaiting(id);
  const added = cluster.members.get(id);
  if (added === undefined) throw new Error('n4 is not up');
  added.node.setApplied(logIndex(0));
  place.states.get(id)?.follow(added);
  await leader.node.changeMembership([{ kind: 'add', member }]);

  await until('its promotion', () => added.node.status.memberKind === 'voter');
  await untilApplied(place, id, texts);
  expect(added.node.status.firstIndex).toBeGreaterThan(200);
  expect(cluster.failures).toEqual([]);
}, 60_000);

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
