import { join } from 'node:path';
import { expect } from 'vitest';
import { fromUtf8, utf8 } from '../../base/bytes.ts';
import { silentLogger } from '../../base/logger.ts';
import { FileSnapshotStore, openLevelLogStore } from '../../log-store/index.ts';
import {
  EntryKind,
  type LogIndex,
  logIndex,
  type NodeId,
  type Member as RaftMember,
  type SnapshotMeta,
  type SnapshotStore,
} from '../../raft/index.ts';
import { temporaryDirectory } from '../log-store/support.ts';
import { type Member, RaftCluster, until } from './raft-cluster.ts';

// Nodes in one process, on real TCP, logs in LevelDB and snapshots in files; the state is the list of all that was proposed.

/** What a node has applied: every proposal, in order. A restart finds it as the newest snapshot left it, as a database would. */
export class TextState {
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

export interface Site extends AsyncDisposable {
  readonly cluster: RaftCluster;
  readonly states: ReadonlyMap<NodeId, TextState>;
  start(id: NodeId): Promise<Member>;
  /** A new node that knows of nobody, and how it is to be added. */
  startWaiting(id: NodeId, promotion?: 'voter' | 'witness'): Promise<RaftMember>;
  /** Takes a snapshot of what the node has applied, and drops all that is before from its log. */
  compact(member: Member): Promise<void>;
}

export async function openSite(): Promise<Site> {
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
    // A node without a state has nothing to apply.
    if (state === undefined) return member;
    member.node.setApplied(state.applied);
    state.follow(member);
    return member;
  };
  for (const member of cluster.members.values()) follow(member);
  return {
    cluster,
    states,
    start: async (id) => follow(await cluster.startMember(id)),
    startWaiting: async (id, promotion = 'voter') => {
      const record = await cluster.startWaiting(id, promotion);
      const member = cluster.members.get(id);
      if (member !== undefined) follow(member);
      return record;
    },
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

export async function propose(member: Member, texts: readonly string[]): Promise<void> {
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

/** Proposes to the present leader, which is answered, and waits until every member has applied it: all that the site holds. */
export async function fill(place: Site, texts: readonly string[]): Promise<Member> {
  const leader = await place.cluster.leader();
  await propose(leader, texts);
  await untilAllApplied(place, texts);
  return leader;
}

/** Each member snapshots and drops what it has applied. */
export async function compactAll(place: Site): Promise<void> {
  for (const member of place.cluster.members.values()) await place.compact(member);
}

export function rows(count: number, name: string): string[] {
  return Array.from({ length: count }, (_, index) => `${name} ${index} ${'.'.repeat(2000)}`);
}

export async function untilApplied(
  place: Site,
  id: NodeId,
  texts: readonly string[],
): Promise<void> {
  await until(`${texts.length} rows at ${id}`, () => {
    return place.states.get(id)?.texts.length === texts.length;
  });
  expect(place.states.get(id)?.texts).toEqual(texts);
}

export async function untilAllApplied(place: Site, texts: readonly string[]): Promise<void> {
  const ids = [...place.cluster.members.keys()].filter((id) => place.states.has(id));
  for (const id of ids) await untilApplied(place, id, texts);
}
