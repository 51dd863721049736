import { assertNever } from '../base/assert.ts';
import { type Deferred, deferred } from '../base/deferred.ts';
import type { OperationalError } from '../base/errors.ts';
import { alreadyFailed, notOpen, queueFull, writeFailure } from './errors.ts';

export interface GroupCommitOptions<Item> {
  /** Makes a group durable, whole, in order. One call at a time; a rejection ends the store. */
  carryOut(group: readonly Item[]): Promise<void>;
  readonly groupBytesMax: number;
  readonly queueBytesMax: number;
}

interface Waiting<Item> {
  readonly item: Item;
  readonly bytes: number;
  readonly settled: Deferred<void>;
}

type Status =
  | { readonly kind: 'open' }
  | { readonly kind: 'closed' }
  | { readonly kind: 'failed'; readonly cause: OperationalError };

/**
 * Merges what waits while a write is under way into the next one, so that a sync is paid per group and not per
 * call. Order is kept, and the first failure is final: after a failed sync nobody knows what the disk holds
 * (HAZARDS R17).
 */
export class GroupCommit<Item> {
  readonly #options: GroupCommitOptions<Item>;
  readonly #waiting: Waiting<Item>[] = [];
  #bytesAccepted = 0;
  #status: Status = { kind: 'open' };
  #running: Promise<void> | null = null;

  constructor(options: GroupCommitOptions<Item>) {
    this.#options = options;
  }

  /** What every call must be refused with, or null while calls are taken. */
  get refusal(): OperationalError | null {
    switch (this.#status.kind) {
      case 'open':
        return null;
      case 'closed':
        return notOpen();
      case 'failed':
        return alreadyFailed(this.#status.cause);
      default:
        return assertNever(this.#status);
    }
  }

  /** Null if there is room for so many bytes, else the reason; asked before a batch changes anything. */
  admission(bytes: number): OperationalError | null {
    if (this.refusal !== null) return this.refusal;
    // A single item above the maximum is let in alone, else it could never be.
    const isFull =
      this.#bytesAccepted > 0 && this.#bytesAccepted + bytes > this.#options.queueBytesMax;
    return isFull ? queueFull(this.#bytesAccepted, this.#options.queueBytesMax) : null;
  }

  /** Settles when the item is durable. The caller has asked for admission. */
  submit(item: Item, bytes: number): Promise<void> {
    const settled = deferred();
    this.#waiting.push({ item, bytes, settled });
    this.#bytesAccepted += bytes;
    this.#running ??= this.#run();
    return settled.promise;
  }

  /** Ends the store: what waits is rejected with the cause, every later call is refused. */
  fail(cause: OperationalError): void {
    if (this.#status.kind !== 'open') return;
    this.#status = { kind: 'failed', cause };
    this.#rejectWaiting(cause);
  }

  /** Takes no more calls; what was submitted is still written. Settles when nothing is under way. */
  async close(): Promise<void> {
    if (this.#status.kind === 'open') this.#status = { kind: 'closed' };
    await this.#running;
  }

  /** As a crash does: what is not durable yet is dropped, and nobody is told that it was written. */
  abandon(): void {
    if (this.#status.kind === 'open') this.#status = { kind: 'closed' };
    this.#rejectWaiting(notOpen());
  }

  async #run(): Promise<void> {
    // Calls made in the same turn share the first write too.
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.#carryOutNext();
    this.#running = null;
  }

  async #carryOutNext(): Promise<void> {
    const group = this.#takeGroup();
    try {
      await this.#options.carryOut(group.map(({ item }) => item));
      for (const { settled } of group) settled.resolve();
    } catch (thrown) {
      const failure = writeFailure(thrown);
      this.fail(failure);
      // Also after close(): whoever waits must not take its write for durable.
      for (const { settled } of group) settled.reject(failure);
      this.#rejectWaiting(failure);
    }
    for (const { bytes } of group) this.#bytesAccepted -= bytes;
  }

  #takeGroup(): Waiting<Item>[] {
    let bytes = 0;
    const end = this.#waiting.findIndex((waiting, position) => {
      bytes += waiting.bytes;
      return position > 0 && bytes > this.#options.groupBytesMax;
    });
    return this.#waiting.splice(0, end === -1 ? this.#waiting.length : end);
  }

  #rejectWaiting(reason: OperationalError): void {
    for (const { bytes, settled } of this.#waiting.splice(0)) {
      this.#bytesAccepted -= bytes;
      settled.reject(reason);
    }
  }
}
