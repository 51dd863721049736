import { BoundedQueue } from '../base/bounded-queue.ts';
import type { SendEntriesEffect } from './core/effects.ts';
import type { Entry } from './core/entry.ts';
import type { Message } from './core/messages.ts';
import type { EntryId, NodeId } from './core/types.ts';
import { logIndex } from './core/types.ts';

/** What may wait behind a read of the log for one peer: a window of appends and some heartbeats. */
const lengthMax = 512;

export interface PeerOutboxOptions {
  readonly peer: NodeId;
  /** Payload bytes that one append may carry; a single larger entry travels alone. */
  readonly appendBytesMax: number;
  readonly send: (message: Message) => void;
  /** Whether this node still leads in the term of the effect: if not, its log may have changed under the effect. */
  readonly isCurrent: (effect: SendEntriesEffect) => boolean;
  /** Entries from memory, or null. */
  readonly cached: (range: EntryRange) => readonly Entry[] | null;
  readonly load: (range: EntryRange) => Promise<readonly Entry[]>;
  readonly onFailed: (error: unknown) => void;
}

export interface EntryRange {
  readonly first: SendEntriesEffect['firstIndex'];
  readonly last: SendEntriesEffect['lastIndex'];
  readonly bytesMax: number;
}

type Item =
  | { readonly kind: 'message'; readonly message: Message }
  | { readonly kind: 'entries'; readonly effect: SendEntriesEffect };

/**
 * What goes to one peer, in the order of the effects, although the entries of some must be read first. Order is not needed for
 * safety, but a heartbeat that overtakes the append it speaks of looks like a hole to the follower.
 */
export class PeerOutbox {
  readonly #options: PeerOutboxOptions;
  readonly #queue = new BoundedQueue<Item>(lengthMax);
  #isLoading = false;
  #isStopped = false;

  constructor(options: PeerOutboxOptions) {
    this.#options = options;
  }

  /** Dropped when too much waits behind a slow read: Raft sends again. */
  send(message: Message): void {
    if (!this.#isLoading) this.#options.send(message);
    else this.#queue.push({ kind: 'message', message });
  }

  sendEntries(effect: SendEntriesEffect): void {
    if (this.#queue.push({ kind: 'entries', effect })) this.#pump();
    else this.#options.onFailed(new Error(`${lengthMax} messages wait for a read of the log`));
  }

  stop(): void {
    this.#isStopped = true;
    this.#queue.clear();
  }

  #pump(): void {
    while (!this.#isLoading && !this.#isStopped) {
      const item = this.#queue.shift();
      if (item === undefined) return;
      if (item.kind === 'message') this.#options.send(item.message);
      else this.#transmit(item.effect, item.effect.previous);
    }
  }

  /** Sends what is in memory; goes on behind a read when that is not all. */
  #transmit(effect: SendEntriesEffect, after: EntryId): void {
    let previous = after;
    while (previous.index < effect.lastIndex) {
      if (!this.#options.isCurrent(effect)) return;
      const range = this.#rangeBehind(previous, effect);
      const entries = this.#options.cached(range);
      if (entries === null) {
        this.#loadThenGoOn(effect, previous, range);
        return;
      }
      const sentUpTo = this.#sendAppend(effect, previous, entries);
      if (sentUpTo === null) return;
      previous = sentUpTo;
    }
  }

  #loadThenGoOn(effect: SendEntriesEffect, previous: EntryId, range: EntryRange): void {
    this.#isLoading = true;
    this.#options.load(range).then(
      (entries) => {
        this.#isLoading = false;
        if (this.#isStopped) return;
        const sentUpTo = this.#options.isCurrent(effect)
          ? this.#sendAppend(effect, previous, entries)
          : null;
        if (sentUpTo !== null) this.#transmit(effect, sentUpTo);
        this.#pump();
      },
      (error: unknown) => {
        this.#isLoading = false;
        if (this.#isStopped) return;
        // A log that is cut while it is read may give anything; whoever no longer leads has nothing to send.
        if (this.#options.isCurrent(effect)) this.#options.onFailed(error);
        this.#pump();
      },
    );
  }

  /** The newest entry sent; null when what was loaded is not what the effect spoke of. */
  #sendAppend(
    effect: SendEntriesEffect,
    previous: EntryId,
    entries: readonly Entry[],
  ): EntryId | null {
    const last = entries.at(-1);
    const isExpected = entries[0]?.index === previous.index + 1;
    if (last === undefined || !isExpected || last.term > effect.term) return null;
    this.#options.send({
      kind: 'append-request',
      term: effect.term,
      previous,
      entries,
      commitIndex: effect.commitIndex,
      readRound: effect.readRound,
    });
    return { term: last.term, index: last.index };
  }

  #rangeBehind(previous: EntryId, effect: SendEntriesEffect): EntryRange {
    return {
      first: logIndex(previous.index + 1),
      last: effect.lastIndex,
      bytesMax: this.#options.appendBytesMax,
    };
  }
}
