import { fromUtf8, utf8 } from '../../../base/bytes.ts';
import { OperationalError } from '../../../base/errors.ts';
import type { SnapshotMeta } from '../../../raft/core/snapshot.ts';
import type { NodeId } from '../../../raft/core/types.ts';
import type { SnapshotSource, SnapshotStore } from '../../../raft/snapshot-store.ts';
import type { Network, SimProcess } from '../kernel/index.ts';
import type { RegisterContent, RegisterDatabase } from './register-database.ts';

const chunkBytes = 64;

interface Snapshot {
  readonly meta: SnapshotMeta;
  readonly bytes: Uint8Array;
}

/** The snapshots of one node's registers: the newest one, durable from the moment it is taken. */
export class RegisterSnapshots implements SnapshotStore {
  readonly #database: RegisterDatabase;
  #newest: Snapshot | null = null;

  constructor(database: RegisterDatabase) {
    this.#database = database;
  }

  /** Files the durable state of the database under `meta`, which must describe just that state. */
  take(meta: SnapshotMeta): void {
    this.#newest = { meta, bytes: utf8(JSON.stringify(this.#database.durableContent)) };
  }

  describe(): SnapshotMeta | null {
    return this.#newest?.meta ?? null;
  }

  async *open(meta: SnapshotMeta): AsyncIterable<Uint8Array> {
    const snapshot = this.#newest;
    for (let start = 0; ; start += chunkBytes) {
      if (snapshot === null || this.#newest !== snapshot || !isSame(snapshot.meta, meta)) {
        throw new OperationalError('RAFT_SNAPSHOT_GONE', `snapshot ${meta.last.index} is gone`);
      }
      if (start >= snapshot.bytes.length) return;
      yield snapshot.bytes.subarray(start, start + chunkBytes);
      await null;
    }
  }

  async install(meta: SnapshotMeta, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    const content: RegisterContent = JSON.parse(fromUtf8(Buffer.concat(parts)));
    // A node that is ahead of the snapshot already keeps what it has.
    if (content.appliedIndex > this.#database.appliedIndex) this.#database.install(content);
    else this.#database.flush();
    if (content.appliedIndex === this.#database.durableIndex) this.take(meta);
  }
}

/** Chunks of another node's snapshot, over the simulated network: each takes its time, and a cut or a crash ends them. */
export class SimSnapshotSource implements SnapshotSource {
  readonly #process: SimProcess;
  readonly #network: Network;
  readonly #snapshotsOf: (node: NodeId) => SnapshotStore | null;
  readonly #processOf: (node: NodeId) => string;

  constructor(options: {
    readonly process: SimProcess;
    readonly network: Network;
    readonly snapshotsOf: (node: NodeId) => SnapshotStore | null;
    readonly processOf: (node: NodeId) => string;
  }) {
    this.#process = options.process;
    this.#network = options.network;
    this.#snapshotsOf = options.snapshotsOf;
    this.#processOf = options.processOf;
  }

  async *fetch(from: NodeId, meta: SnapshotMeta, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const peer = this.#network.findProcess(this.#processOf(from));
    const store = this.#snapshotsOf(from);
    if (peer === null || store === null) throw unavailable(from);
    for await (const chunk of store.open(meta)) {
      await this.#travels(peer.name);
      signal.throwIfAborted();
      const isCut = this.#network.isBlocked(peer.name, this.#process.name);
      if (isCut || peer.state !== 'running') throw unavailable(from);
      yield chunk;
    }
  }

  #travels(from: string): Promise<void> {
    const { simulation } = this.#process;
    const delayUs = this.#network.drawDelayUs(from, this.#process.name);
    return new Promise((resolve) => {
      simulation.after(delayUs, () => this.#process.enter(resolve));
    });
  }
}

function unavailable(from: NodeId): Error {
  return new OperationalError('RAFT_SNAPSHOT_UNAVAILABLE', `${from} does not send its snapshot`);
}

function isSame(left: SnapshotMeta, right: SnapshotMeta): boolean {
  return left.last.index === right.last.index && left.last.term === right.last.term;
}
