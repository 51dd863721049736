import { join } from 'node:path';
import { fromUtf8, utf8 } from '../../base/bytes.ts';
import { SystemClock } from '../../base/clock.ts';
import { FileSnapshotStore } from '../../log-store/index.ts';
import {
  EntryKind,
  type LogIndex,
  logIndex,
  type RaftNode,
  type SnapshotMeta,
} from '../../raft/index.ts';
import { openMemberNode } from '../support/member-node.ts';

// A process of its own that is one Raft member with a state: a checksum over all that was proposed, padded so that a snapshot takes a
// while. What it applied it forgets in a crash, but for the newest snapshot, as a database that does not sync would.

export interface SnapshotMemberSettings {
  readonly id: string;
  readonly directory: string;
  readonly ports: Readonly<Record<string, number>>;
  readonly seed: number;
  readonly tickMs?: number;
  readonly snapshotBytes: number;
}

export type SnapshotMemberCommand =
  | { readonly kind: 'start'; readonly settings: SnapshotMemberSettings }
  /** Propose so many entries, if this node leads. */
  | { readonly kind: 'propose'; readonly count: number }
  /** Take a snapshot of what is applied, and drop what is before from the log. */
  | { readonly kind: 'compact' };

export interface SnapshotMemberReport {
  readonly isReady: boolean;
  readonly firstIndex: number;
  readonly commitIndex: number;
  readonly lastIndex: number;
  readonly applied: number;
  readonly sum: number;
}

const clock = new SystemClock();
const reportMs = 5;

class Counter {
  applied: LogIndex = logIndex(0);
  sum = 0;

  apply(index: LogIndex, payload: Uint8Array | null): void {
    this.applied = index;
    if (payload !== null) this.sum = (this.sum * 31 + Number(fromUtf8(payload))) % 1_000_003;
  }

  async *content(bytes: number): AsyncGenerator<Uint8Array> {
    yield utf8(`${this.sum}\n`);
    const chunk = new Uint8Array(64 * 1024).fill(0x2e);
    for (let left = bytes; left > 0; left -= chunk.length) {
      await Promise.resolve();
      yield chunk;
    }
  }

  async restore(meta: SnapshotMeta, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    let head = '';
    for await (const chunk of chunks) if (!head.includes('\n')) head += fromUtf8(chunk);
    if (meta.last.index <= this.applied) return;
    this.applied = meta.last.index;
    this.sum = Number(head.slice(0, head.indexOf('\n')));
  }
}

async function follow(node: RaftNode, state: Counter): Promise<void> {
  for (;;) {
    const { commitIndex } = node.status;
    if (state.applied < commitIndex) {
      const first = logIndex(state.applied + 1);
      // Refused when a snapshot takes the place of what was to be read: the next look finds it applied.
      const range = { first, last: commitIndex, bytesMax: 1024 * 1024 };
      for (const entry of await node.read(range).catch(() => [])) {
        if (entry.index !== state.applied + 1) continue;
        state.apply(entry.index, entry.kind === EntryKind.data ? entry.payload : null);
      }
      node.setApplied(state.applied);
    } else {
      await clock.delay(1);
    }
  }
}

async function start(settings: SnapshotMemberSettings): Promise<void> {
  const state = new Counter();
  const snapshots = await FileSnapshotStore.open({
    directory: join(settings.directory, 'snapshots'),
    bytesMax: 1024 * 1024 * 1024,
    restore: (meta, chunks) => state.restore(meta, chunks),
  });
  const held = snapshots.describe();
  if (held !== null) await state.restore(held, snapshots.open(held));
  const node = await openMemberNode({
    ...settings,
    directory: join(settings.directory, 'log'),
    snapshots,
  });
  node.setApplied(state.applied);
  process.on('message', (command: SnapshotMemberCommand) => {
    if (command.kind === 'propose') propose(node, command.count);
    else if (command.kind === 'compact') void compact(node, state, snapshots, settings);
  });
  clock.every(reportMs, () => {
    const { leaderReadyIndex, firstIndex, commitIndex, lastIndex } = node.status;
    const { applied, sum } = state;
    const isReady = leaderReadyIndex !== null;
    const report: SnapshotMemberReport = {
      ...{ isReady, firstIndex, commitIndex, lastIndex, applied, sum },
    };
    process.send?.(report);
  });
  await follow(node, state);
}

function propose(node: RaftNode, count: number): void {
  if (node.status.leaderReadyIndex === null) return;
  const first = node.status.lastIndex;
  node.propose(Array.from({ length: count }, (_, place) => utf8(String(first + place))));
}

async function compact(
  node: RaftNode,
  state: Counter,
  ...[snapshots, settings]: [FileSnapshotStore, SnapshotMemberSettings]
): Promise<void> {
  const { applied, sum } = state;
  const meta = node.describeSnapshot(applied);
  if (meta === null) return;
  const frozen = new Counter();
  frozen.sum = sum;
  await snapshots.install(meta, frozen.content(settings.snapshotBytes));
  node.compact(applied);
}

process.once('message', (command: SnapshotMemberCommand) => {
  if (command.kind === 'start') void start(command.settings);
});
process.on('disconnect', () => process.exit(0));
