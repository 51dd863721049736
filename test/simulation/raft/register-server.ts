import { utf8 } from '../../../base/bytes.ts';
import { codeOf } from '../../../base/errors.ts';
import { compactionIndex } from '../../../raft/core/compaction-policy.ts';
import { allMembers, isWithoutState } from '../../../raft/core/membership.ts';
import { type LogIndex, logIndex, type NodeId } from '../../../raft/core/types.ts';
import type { ProposalReceipt, Raft, RaftStatus } from '../../../raft/raft-api.ts';
import type { Connections, SimProcess, SimSocket } from '../kernel/index.ts';
import type { RegisterDatabase } from './register-database.ts';
import type { RegisterSnapshots } from './register-snapshots.ts';

export type RegisterRequest =
  | { readonly kind: 'write'; readonly key: string; readonly value: string; readonly bytes: number }
  /** `isAnywhere`: whoever is asked answers, leader or not (Raft thesis §6.4). */
  | { readonly kind: 'read'; readonly key: string; readonly isAnywhere: boolean };

export type RegisterResponse =
  | { readonly kind: 'done'; readonly place: number; readonly value: string | null }
  /** Certainly not carried out. */
  | { readonly kind: 'refused'; readonly leader: string | null }
  /** May have been, or may yet be. */
  | { readonly kind: 'unknown' };

export type RegisterConnections = Connections<RegisterRequest, RegisterResponse>;
type Reply = (response: RegisterResponse) => void;

interface WaitingWrite {
  readonly term: number;
  readonly reply: Reply;
}

const readBytesMax = 16 * 1024;

export interface RegisterServerOptions {
  readonly process: SimProcess;
  readonly raft: Raft;
  /** Nothing is applied here, whatever a configuration calls this node. */
  readonly isStateless: boolean;
  readonly database: RegisterDatabase;
  readonly connections: RegisterConnections;
  readonly snapshots: RegisterSnapshots;
  /** Applied entries between two snapshots, and the most that a log holds; 0 takes none and keeps the whole log. */
  readonly snapshotEvery: number;
  /** Entries that stay in the log although everybody has applied them. */
  readonly keptEntries: number;
  /** What another member has in its log and, durably, in its database; null when that is not known. */
  readonly durablyAppliedBy: (member: NodeId) => LogIndex | null;
  /** How long the database takes for a piece of the log; 0 is at once. */
  readonly applyMs: () => number;
  /** Entries that are applied before the database makes its state durable. */
  readonly flushEvery: number;
  /** An entry was applied out of its turn, or differs from what is committed. */
  readonly onApplied: (index: number, isNext: boolean) => void;
}

/** A register service on Raft, as a bridge would use it: proposes, applies what is committed, reads behind a read index. */
export class RegisterServer {
  readonly #options: RegisterServerOptions;
  /** By log index. */
  readonly #writes = new Map<number, WaitingWrite>();
  #reads: { readonly index: number; readonly run: () => void }[] = [];
  #isApplying = false;

  constructor(options: RegisterServerOptions) {
    this.#options = options;
    const { raft, process, connections, database } = options;
    raft.onChange((status) => this.#onChange(status));
    raft.setApplied(logIndex(database.appliedIndex));
    connections.listen(process, (socket) => this.#serve(socket));
  }

  #serve(socket: SimSocket<RegisterRequest, RegisterResponse>): void {
    socket.onMessage = (request) => {
      const reply: Reply = (response) => socket.send(response);
      if (request.kind === 'write') this.#write(request, reply);
      else this.#read(request, reply);
    };
  }

  #write(request: Extract<RegisterRequest, { readonly kind: 'write' }>, reply: Reply): void {
    const { raft } = this.#options;
    const payload = utf8(`${request.key} ${request.value} `.padEnd(request.bytes, '.'));
    let receipt: ProposalReceipt;
    try {
      receipt = raft.propose([payload]);
    } catch (error) {
      this.#refuse(error, reply);
      return;
    }
    this.#writes.set(receipt.firstIndex, { term: receipt.term, reply });
  }

  #read(request: Extract<RegisterRequest, { readonly kind: 'read' }>, reply: Reply): void {
    const { raft, process } = this.#options;
    const { key, isAnywhere } = request;
    if (this.#isWitness) {
      reply({ kind: 'refused', leader: raft.status.leaderId });
      return;
    }
    // A lease is judged when the read comes, and what was committed then is what it must see.
    if (process.clock.monotonicMs() < raft.leaseUntilMs()) {
      this.#readAt(raft.status.commitIndex, key, reply);
      return;
    }
    const index = isAnywhere ? raft.readIndexOfLeader() : raft.readIndex();
    index.then(
      (place) => this.#readAt(place, key, reply),
      (error: unknown) => this.#refuse(error, reply),
    );
  }

  #readAt(index: number, key: string, reply: Reply): void {
    const { database } = this.#options;
    const run = (): void =>
      reply({ kind: 'done', place: database.appliedIndex, value: database.read(key) });
    if (database.appliedIndex >= index) run();
    else this.#reads.push({ index, run });
  }

  #refuse(error: unknown, reply: Reply): void {
    const code = codeOf(error);
    if (code === undefined || !code.startsWith('RAFT_')) throw error;
    reply({ kind: 'refused', leader: this.#options.raft.status.leaderId });
  }

  #onChange(status: RaftStatus): void {
    for (const [index, { term, reply }] of this.#writes) {
      if (status.term !== term) reply({ kind: 'unknown' });
      else if (status.commitIndex >= index) reply({ kind: 'done', place: index, value: null });
      else continue;
      this.#writes.delete(index);
    }
    const isBehind = status.commitIndex > this.#options.database.appliedIndex;
    if (isBehind && !this.#isWitness) void this.#applyAll();
    this.#takeSnapshot(status);
    this.#compact(status);
  }

  /** A log-only member applies nothing. */
  get #isWitness(): boolean {
    const { isStateless, raft } = this.#options;
    return isStateless || raft.status.memberKind === 'witness';
  }

  /** Now and then; and at once when the log no longer reaches back to the last one, or a new member could never begin. */
  #takeSnapshot({ appliedIndex, firstIndex }: RaftStatus): void {
    const { raft, database, snapshots, snapshotEvery } = this.#options;
    const newest = snapshots.describe()?.last.index ?? 0;
    const isDue = snapshotEvery > 0 && appliedIndex >= newest + snapshotEvery;
    const isOverdue = firstIndex > newest + 1;
    if ((!isDue && !isOverdue) || this.#isWitness || appliedIndex !== database.appliedIndex) return;
    const meta = raft.describeSnapshot(appliedIndex);
    if (meta === null) return;
    database.flush();
    snapshots.take(meta);
  }

  #compact({ id: self, firstIndex, commitIndex, membership }: RaftStatus): void {
    const { raft, database, snapshots, snapshotEvery, keptEntries, durablyAppliedBy } =
      this.#options;
    if (snapshotEvery === 0) return;
    const others = allMembers(membership).filter(
      (member) => member.id !== self && !isWithoutState(member),
    );
    const upTo = compactionIndex(
      {
        firstIndex,
        commitIndex,
        durablyAppliedIndex: this.#isWitness ? null : logIndex(database.durableIndex),
        snapshotIndex: snapshots.describe()?.last.index ?? logIndex(0),
        others: others.map(({ id }) => ({ id, durablyAppliedIndex: durablyAppliedBy(id) })),
        entryBytes: 1,
      },
      { entriesKept: keptEntries, entriesMax: snapshotEvery, bytesMax: Infinity },
    );
    if (upTo !== null) raft.compact(upTo);
  }

  async #applyAll(): Promise<void> {
    if (this.#isApplying) return;
    this.#isApplying = true;
    const { raft, database, process, applyMs } = this.#options;
    try {
      // The database of a dead process has gone back, and nobody applies for it any more.
      while (!process.isDead && database.appliedIndex < raft.status.commitIndex) {
        const entries = await raft.read({
          first: logIndex(database.appliedIndex + 1),
          last: raft.status.commitIndex,
          bytesMax: readBytesMax,
        });
        const waitMs = applyMs();
        if (waitMs > 0) await process.clock.delay(waitMs);
        for (const entry of entries) this.#applyOne(entry);
        raft.setApplied(logIndex(database.appliedIndex));
        this.#runReads();
      }
    } catch (error) {
      // The node ends, or its log is damaged and it will.
      if (codeOf(error) === undefined) throw error;
    } finally {
      this.#isApplying = false;
    }
  }

  #applyOne(entry: Parameters<RegisterDatabase['apply']>[0]): void {
    const { database, onApplied, process, flushEvery } = this.#options;
    // A snapshot may have been installed while these entries were read.
    if (process.isDead || entry.index <= database.appliedIndex) return;
    onApplied(entry.index, database.apply(entry));
    if (entry.index % flushEvery === 0) database.flush();
  }

  #runReads(): void {
    const { appliedIndex } = this.#options.database;
    const ready = this.#reads.filter(({ index }) => index <= appliedIndex);
    if (ready.length === 0) return;
    this.#reads = this.#reads.filter(({ index }) => index > appliedIndex);
    for (const { run } of ready) run();
  }
}
