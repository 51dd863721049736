import { assert } from '../../base/assert.ts';
import type { Entry } from '../../raft/core/entry.ts';
import { EntryKind } from '../../raft/core/entry.ts';
import { emptyMembership } from '../../raft/core/membership.ts';
import type { SnapshotMeta } from '../../raft/core/snapshot.ts';
import { type LogIndex, logIndex, nodeId, type Term, term } from '../../raft/core/types.ts';
import type { ProposalReceipt, Raft, RaftStatus } from '../../raft/raft-api.ts';

/** A Raft member without consensus: an array of entries and a commit index that a test moves. */
export class ArrayRaft implements Raft {
  readonly #entries: Entry[] = [];
  readonly #listeners = new Set<(status: RaftStatus) => void>();
  #status: RaftStatus;
  /** How many entries were handed out by `read`. */
  readCount = 0;

  constructor(entries: readonly Entry[] = [], overrides: Partial<RaftStatus> = {}) {
    this.#status = {
      id: nodeId('n1'),
      role: 'follower',
      term: term(1),
      leaderId: nodeId('n2'),
      firstIndex: logIndex(1),
      lastIndex: logIndex(0),
      persistedIndex: logIndex(0),
      commitIndex: logIndex(0),
      appliedIndex: logIndex(0),
      leaderReadyIndex: null,
      isTailDecided: true,
      isTransferring: false,
      installingIndex: null,
      peers: [],
      membership: emptyMembership,
      membershipIndex: logIndex(0),
      memberKind: 'voter',
      isRemoved: false,
      ...overrides,
    };
    for (const entry of entries) this.#entries.push(entry);
    this.change({ lastIndex: logIndex(entries.length) });
  }

  get status(): RaftStatus {
    return this.#status;
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  /** Appends a data entry, or a no-op without a payload; not committed yet. */
  append(entryTerm: number, payload: Uint8Array | null): LogIndex {
    const index = logIndex(this.#entries.length + 1);
    this.#entries.push({
      term: term(entryTerm),
      index,
      kind: payload === null ? EntryKind.noOp : EntryKind.data,
      payload: payload ?? new Uint8Array(0),
    });
    this.change({ lastIndex: index, persistedIndex: index });
    return index;
  }

  commit(index: number = this.#entries.length): void {
    this.change({ commitIndex: logIndex(index) });
  }

  change(fields: Partial<RaftStatus>): void {
    this.#status = { ...this.#status, ...fields };
    for (const listener of this.#listeners) listener(this.#status);
  }

  async read(range: {
    readonly first: LogIndex;
    readonly last: LogIndex;
    readonly bytesMax: number;
  }): Promise<readonly Entry[]> {
    await Promise.resolve();
    assert(range.last <= this.#entries.length, `index ${range.last} was never written`);
    if (range.first < this.#status.firstIndex) {
      throw Object.assign(new Error('compacted'), { code: 'LOG_STORE_COMPACTED' });
    }
    let bytes = 0;
    const found: Entry[] = [];
    for (let index = range.first; index <= range.last && bytes < range.bytesMax; ) {
      const entry = this.#entries[index - 1];
      assert(entry !== undefined, `no entry ${index}`);
      found.push(entry);
      bytes += entry.payload.length;
      index = logIndex(index + 1);
    }
    this.readCount += found.length;
    return found;
  }

  onChange(listener: (status: RaftStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  propose(payloads: readonly Uint8Array[]): ProposalReceipt {
    const receiptTerm: Term = this.#status.term;
    const firstIndex = logIndex(this.#entries.length + 1);
    for (const payload of payloads) this.append(receiptTerm, payload);
    return { term: receiptTerm, firstIndex, count: payloads.length };
  }

  readIndex(): Promise<LogIndex> {
    return Promise.resolve(this.#status.commitIndex);
  }

  readIndexOfLeader(): Promise<LogIndex> {
    return Promise.resolve(this.#status.commitIndex);
  }

  /** The entries stay in the array; readers are refused those before the first index. */
  compact(upTo: LogIndex): void {
    const { firstIndex, appliedIndex } = this.#status;
    this.change({ firstIndex: logIndex(Math.max(firstIndex, Math.min(upTo, appliedIndex) + 1)) });
  }

  describeSnapshot(index: LogIndex): SnapshotMeta | null {
    const entry = this.#entries[index - 1];
    if (entry === undefined || index > this.#status.appliedIndex) return null;
    return { last: { term: entry.term, index }, membership: null };
  }

  leaseUntilMs(): number {
    return 0;
  }

  transferLeadership(): Promise<void> {
    return Promise.resolve();
  }

  changeMembership(): Promise<LogIndex> {
    return Promise.resolve(this.#status.commitIndex);
  }

  abdicate(): void {}
  setApplied(): void {}
  setElectable(): void {}
  setServerUp(): void {}
}
