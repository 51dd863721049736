import { EntryKind } from '../raft/core/entry.ts';
import { type LogIndex, logIndex } from '../raft/core/types.ts';
import { type AcceptedBatch, truncates } from './accepted-log.ts';
import { entryKey, stateKey, termRunKey } from './keys.ts';
import {
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
}

export interface WritePlanContext {
  readonly state: StoredState;
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

  constructor(context: WritePlanContext) {
    this.#context = context;
    this.#state = { ...context.state, sequence: context.state.sequence + 1 };
  }

  async add(accepted: AcceptedBatch): Promise<void> {
    const { batch } = accepted;
    if (batch.hardState !== null) this.#state = { ...this.#state, hardState: batch.hardState };
    if (truncates(accepted)) await this.#truncate(accepted);
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
    return { operations: this.#operations, state };
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

  async #checksumAt(index: LogIndex): Promise<number> {
    if (index < this.#state.firstIndex) return chainStart;
    return this.#checksums.get(index) ?? (await this.#context.checksumAt(index));
  }
}
