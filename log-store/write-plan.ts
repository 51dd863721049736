import { EntryKind } from '../raft/core/entry.ts';
import type { SnapshotMeta } from '../raft/core/snapshot.ts';
import { type LogIndex, logIndex } from '../raft/core/types.ts';
import { type AcceptedBatch, truncates } from './accepted-log.ts';
import { entryKey, snapshotKey, stateKey, termRunKey } from './keys.ts';
import {
  encodeSnapshot,
  encodeState,
  encodeTermRun,
  membershipIndexesMax,
  type StoredState,
} from './meta-codec.ts';
import type { RecheckWindow } from './recheck-window.ts';
import { chainStart, encodeRecord } from './record-codec.ts';

export type Operation =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: Uint8Array };

export interface WritePlan {
  /** In order: a later operation on the same key wins. */
  readonly operations: Operation[];
  /** What is true once they are durable. */
  readonly state: StoredState;
  readonly baseChecksum: number;
}

export interface WritePlanContext {
  readonly state: StoredState;
  /** Checksum of the record that the first one held was written behind. */
  readonly baseChecksum: number;
  /** Told of the write as if it were done: a failed write is the last one. */
  readonly window: RecheckWindow;
  /** The checksum of a durable record. */
  readonly checksumAt: (index: LogIndex) => Promise<number>;
}

/** Turns a group of batches into the one batch of the engine that makes all of them durable together. */
export async function planWrite(
  group: readonly AcceptedBatch[],
  context: WritePlanContext,
): Promise<WritePlan> {
  const planner = new Planner(context);
  for (const accepted of group) await planner.add(accepted);
  return planner.finish();
}

class Planner {
  readonly #context: WritePlanContext;
  readonly #operations: Operation[] = [];
  /** Of the records planned so far: a later batch of the group may truncate in their midst. */
  readonly #checksums: Map<LogIndex, number> = new Map<LogIndex, number>();
  #state: StoredState;
  #baseChecksum: number;

  constructor(context: WritePlanContext) {
    this.#context = context;
    this.#state = { ...context.state, sequence: context.state.sequence + 1 };
    this.#baseChecksum = context.baseChecksum;
  }

  async add(accepted: AcceptedBatch): Promise<void> {
    const { batch } = accepted;
    if (batch.hardState !== null) this.#state = { ...this.#state, hardState: batch.hardState };
    if (truncates(accepted)) await this.#truncate(accepted);
    if (batch.snapshot !== null) await this.#compact(accepted, batch.snapshot);
    let { lastIndex, lastChecksum, membershipIndexes } = this.#state;
    let bytes = 0;
    for (const entry of batch.entries) {
      const record = encodeRecord(entry, lastChecksum);
      this.#operations.push({ type: 'put', key: entryKey(entry.index), value: record.bytes });
      this.#checksums.set(entry.index, record.checksum);
      bytes += record.bytes.length;
      lastIndex = entry.index;
      if (entry.kind === EntryKind.membership) {
        membershipIndexes = [...membershipIndexes, entry.index].slice(-membershipIndexesMax);
      }
      lastChecksum = record.checksum;
    }
    const [first] = batch.entries;
    if (first !== undefined) this.#context.window.add(first.index, bytes);
    for (const run of accepted.begunRuns) {
      const key = termRunKey(run.firstIndex);
      this.#operations.push({ type: 'put', key, value: encodeTermRun(run) });
    }
    this.#state = { ...this.#state, lastIndex, lastChecksum, membershipIndexes };
  }

  finish(): WritePlan {
    const state = { ...this.#state, recheckFrom: this.#context.window.from };
    this.#operations.push({ type: 'put', key: stateKey, value: encodeState(state) });
    return { operations: this.#operations, state, baseChecksum: this.#baseChecksum };
  }

  async #truncate(accepted: AcceptedBatch): Promise<void> {
    const from = accepted.batch.truncateFrom;
    if (from === null) return;
    for (let index = from; index <= accepted.lastIndexBefore; index = logIndex(index + 1)) {
      this.#operations.push({ type: 'del', key: entryKey(index) });
      this.#checksums.delete(index);
    }
    for (const run of accepted.endedRuns) {
      this.#operations.push({ type: 'del', key: termRunKey(run.firstIndex) });
    }
    const lastIndex = logIndex(from - 1);
    const lastChecksum = await this.#checksumAt(lastIndex);
    this.#context.window.truncate(from);
    const membershipIndexes = this.#state.membershipIndexes.filter((index) => index < from);
    this.#state = { ...this.#state, lastIndex, lastChecksum, membershipIndexes };
  }

  /** What it covers counts for nothing from here on; removing it can wait, and is not done in one write (`sweeper.ts`). */
  async #compact(accepted: AcceptedBatch, meta: SnapshotMeta): Promise<void> {
    const { index } = meta.last;
    const isHeld = index <= this.#state.lastIndex;
    const checksum = isHeld ? await this.#checksumAt(index) : chainStart;
    const value = encodeSnapshot({ meta, checksum });
    this.#operations.push({ type: 'put', key: snapshotKey, value });
    const { firstRun } = accepted;
    if (firstRun !== null) {
      const key = termRunKey(firstRun.firstIndex);
      this.#operations.push({ type: 'put', key, value: encodeTermRun(firstRun) });
    }
    this.#baseChecksum = checksum;
    this.#state = {
      ...this.#state,
      firstIndex: logIndex(index + 1),
      ...(isHeld ? {} : { lastIndex: index, lastChecksum: chainStart }),
    };
  }

  async #checksumAt(index: LogIndex): Promise<number> {
    if (index < this.#state.firstIndex) return this.#baseChecksum;
    return this.#checksums.get(index) ?? (await this.#context.checksumAt(index));
  }
}
