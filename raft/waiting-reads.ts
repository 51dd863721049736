import { type Deferred, deferred } from '../base/deferred.ts';
import type { Input } from './core/inputs.ts';
import type { LogIndex } from './core/types.ts';
import { TooManyInFlightError } from './errors.ts';

/** Reads that wait for a quorum round; more are refused, so that a partition does not fill the memory. */
const readsMax = 65_536;

type ReadInput = Extract<Input, { readonly readId: number }>;
/** Whether only a round of this node will do, or its leader may be asked for one. */
export type ReadKind = ReadInput['kind'];

export function isRead(input: Input): input is ReadInput {
  return input.kind === 'read-index' || input.kind === 'read-index-of-leader';
}

/**
 * Callers that wait for the same quorum round, under one id of the machine. A batch takes callers only until
 * the machine was told of it: a round must begin after the read did (Raft thesis §6.4).
 */
export class WaitingReads {
  readonly #batches = new Map<number, Deferred<LogIndex>[]>();
  readonly #openIds = new Map<ReadKind, number>();
  #newestId = 0;
  #count = 0;

  /** The caller's promise, and the id to tell the machine of, if this caller opens a batch. */
  join(kind: ReadKind = 'read-index'): {
    readonly promise: Promise<LogIndex>;
    readonly opened: number | null;
  } {
    const caller = deferred<LogIndex>();
    if (this.#count >= readsMax) {
      caller.reject(new TooManyInFlightError(`${readsMax} reads wait for a quorum`));
      return { promise: caller.promise, opened: null };
    }
    this.#count += 1;
    const openId = this.#openIds.get(kind);
    if (openId !== undefined) {
      this.#batches.get(openId)?.push(caller);
      return { promise: caller.promise, opened: null };
    }
    this.#newestId += 1;
    this.#openIds.set(kind, this.#newestId);
    this.#batches.set(this.#newestId, [caller]);
    return { promise: caller.promise, opened: this.#newestId };
  }

  /** The machine is about to be told of `readId`: later callers need a round of their own. */
  seal(readId: number): void {
    for (const [kind, openId] of this.#openIds) {
      if (openId === readId) this.#openIds.delete(kind);
    }
  }

  ready(readId: number, index: LogIndex): void {
    for (const caller of this.#take(readId)) caller.resolve(index);
  }

  rejected(readId: number, error: Error): void {
    for (const caller of this.#take(readId)) caller.reject(error);
  }

  rejectAll(error: Error): void {
    this.#openIds.clear();
    for (const readId of [...this.#batches.keys()]) this.rejected(readId, error);
  }

  #take(readId: number): readonly Deferred<LogIndex>[] {
    this.seal(readId);
    const callers = this.#batches.get(readId) ?? [];
    this.#batches.delete(readId);
    this.#count -= callers.length;
    return callers;
  }
}
