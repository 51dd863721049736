import { assertNever } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { codeOf } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { Effect, PersistEffect, SendEntriesEffect } from './core/effects.ts';
import type { Entry } from './core/entry.ts';
import type { Input } from './core/inputs.ts';
import { membersMax } from './core/membership.ts';
import type { Message } from './core/messages.ts';
import { type LogIndex, logIndex, type NodeId } from './core/types.ts';
import { EntryCache } from './entry-cache.ts';
import type { LogStore } from './log-store.ts';
import { type EntryRange, PeerOutbox } from './peer-outbox.ts';
import type { RaftObserver } from './raft-observer.ts';
import type { Transport } from './transport.ts';
import { WriteQueue } from './write-queue.ts';

/** Effects that are answers to callers, news or orders for the node: all but those of the log and of messages. */
export type Notice = Exclude<Effect, { readonly kind: 'persist' | 'send' | 'send-entries' }>;

export interface EffectRunnerOptions {
  readonly store: LogStore;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly cacheBytesMax: number;
  readonly appendBytesMax: number;
  /** Whether this node still leads in the term of the effect. */
  readonly isCurrent: (effect: SendEntriesEffect) => boolean;
  /** A message of a quorum round is about to be given to the transport. */
  readonly onRoundSent: (round: number) => void;
  readonly onInput: (input: Input) => void;
  readonly onNotice: (notice: Notice) => void;
  /** The store failed or holds a damaged record: the node must end. Called at most once. */
  readonly onFatal: (error: unknown) => void;
  readonly observer?: RaftObserver | undefined;
}

interface GatedSend {
  readonly to: NodeId;
  readonly message: Message;
  readonly after: number;
}

/** Twice what two configurations can name. What is forgotten is made again when it is needed. */
const outboxesMax = 4 * membersMax;

/**
 * Carries out effects in order and reports completions as inputs. It decides nothing: what must be durable first is
 * written on each effect (`after`), what need not wait goes out in parallel with the disk write (Raft thesis §10.2.1).
 *
 * Invariant (I8): nothing that names an `after` reaches the transport before every `persist` up to it is durable;
 * after a failed write nothing reaches it at all.
 */
export class EffectRunner {
  readonly #options: EffectRunnerOptions;
  readonly #cache: EntryCache;
  readonly #writes: WriteQueue;
  readonly #outboxes = new Map<NodeId, PeerOutbox>();
  /** In the order of the effects; a vote waits behind an earlier answer even if its own write is older. */
  #gated: GatedSend[] = [];
  #isStopped = false;

  constructor(options: EffectRunnerOptions) {
    this.#options = options;
    this.#cache = new EntryCache({ bytesMax: options.cacheBytesMax });
    this.#writes = new WriteQueue({
      store: options.store,
      clock: options.clock,
      onDurable: (ioId, entryIndex) => this.#afterWrite(ioId, entryIndex),
      onFailed: (error) => this.#fail(error),
      observer: options.observer,
    });
  }

  /** When the write in flight began; null when there is none. */
  get writeInFlightSinceMs(): number | null {
    return this.#writes.inFlightSinceMs;
  }

  /** The effects of one turn. Their writes are merged; the write begins after the last of them was looked at. */
  run(effects: readonly Effect[]): void {
    this.#observe(effects);
    for (const effect of effects) {
      if (this.#isStopped) return;
      this.#runOne(effect);
    }
    this.#writes.start();
  }

  /** Entries in `[first, last]` from memory where they are recent, else from the store; cut as `LogStore.read` does. */
  async read(range: EntryRange): Promise<readonly Entry[]> {
    const cached = this.#cache.read(range);
    if (cached !== null) return cached;
    const cachedFirst = this.#cache.firstIndex;
    const isSplit = cachedFirst !== null && cachedFirst > range.first && cachedFirst <= range.last;
    if (!isSplit) return await this.#options.store.read(range);

    // The newest entries may not be on disk yet, so the store is asked only for those that left memory.
    const stored = await this.#options.store.read({ ...range, last: logIndex(cachedFirst - 1) });
    const bytesLeft = range.bytesMax - stored.reduce((sum, entry) => sum + entry.payload.length, 0);
    const next = (stored.at(-1)?.index ?? range.first - 1) + 1;
    if (bytesLeft <= 0) return stored;
    const rest = this.#cache.read({ first: next, last: range.last, bytesMax: bytesLeft });
    return rest === null ? stored : [...stored, ...rest];
  }

  /** Nothing is sent, written or reported from here on. */
  stop(): void {
    this.#isStopped = true;
    this.#gated = [];
    this.#writes.stop();
    for (const outbox of this.#outboxes.values()) outbox.stop();
  }

  /** Before anything is carried out: how long that takes is no part of how long the quorum took. */
  #observe(effects: readonly Effect[]): void {
    const { observer } = this.#options;
    if (observer === undefined) return;
    for (const effect of effects) {
      if (effect.kind === 'committed') observer.committed(effect.commitIndex);
    }
  }

  #runOne(effect: Effect): void {
    switch (effect.kind) {
      case 'persist':
        this.#persist(effect);
        return;
      case 'send':
        if (effect.after === null || effect.after <= this.#writes.durableIoId) this.#send(effect);
        else this.#gated.push({ to: effect.to, message: effect.message, after: effect.after });
        return;
      case 'send-entries':
        this.#options.onRoundSent(effect.readRound);
        this.#outbox(effect.to).sendEntries(effect);
        return;
      case 'committed':
      case 'proposal-accepted':
      case 'proposal-rejected':
      case 'read-ready':
      case 'read-rejected':
      case 'role-changed':
      case 'membership-changed':
      case 'membership-change-ended':
      case 'transfer-ended':
      case 'send-snapshot':
      case 'fetch-snapshot':
        this.#options.onNotice(effect);
        return;
      default:
        assertNever(effect);
    }
  }

  #persist(effect: PersistEffect): void {
    if (effect.truncateFrom !== null) {
      this.#cache.truncateFrom(effect.truncateFrom);
      this.#forgetClaims(effect.truncateFrom);
    }
    if (effect.snapshot !== null) this.#cache.compactTo(effect.snapshot.last.index);
    this.#cache.append(effect.entries);
    this.#writes.add(effect);
  }

  /**
   * Answers that wait, and say that the entry is held: now it is not. Where writes are merged it never comes to the disk, so the end of
   * the write they wait for would make them no truer.
   */
  #forgetClaims(from: LogIndex): void {
    this.#gated = this.#gated.filter(({ message }) => {
      if (message.kind !== 'append-response' || message.result.kind !== 'matched') return true;
      return message.result.matchIndex < from;
    });
  }

  #send({ to, message }: { readonly to: NodeId; readonly message: Message }): void {
    if (message.kind === 'append-request') this.#options.onRoundSent(message.readRound);
    this.#outbox(to).send(message);
  }

  #afterWrite(ioId: number, entryIndex: number | null): void {
    if (this.#isStopped) return;
    if (entryIndex !== null) {
      const durable = logIndex(Math.max(0, entryIndex));
      this.#cache.markDurable(durable);
      this.#options.observer?.durable(durable);
    }
    const firstWaiting = this.#gated.findIndex((gated) => gated.after > ioId);
    const released = this.#gated.splice(0, firstWaiting === -1 ? this.#gated.length : firstWaiting);
    for (const gated of released) this.#send(gated);
    this.#options.onInput({ kind: 'persisted', ioId });
  }

  #outbox(peer: NodeId): PeerOutbox {
    const known = this.#outboxes.get(peer);
    if (known !== undefined) return known;
    this.#forgetOutbox();
    const outbox = new PeerOutbox({
      peer,
      appendBytesMax: this.#options.appendBytesMax,
      send: (message) => this.#options.transport.send(peer, message),
      isCurrent: this.#options.isCurrent,
      cached: (range) => this.#cache.read(range),
      load: (range) => this.read(range),
      onFailed: (error) => this.#sendFailed(peer, error),
    });
    this.#outboxes.set(peer, outbox);
    return outbox;
  }

  /** Members are fewer than the maximum; strangers that were answered may be many over the years. */
  #forgetOutbox(): void {
    const [oldest] = this.#outboxes;
    if (oldest === undefined || this.#outboxes.size < outboxesMax) return;
    oldest[1].stop();
    this.#outboxes.delete(oldest[0]);
  }

  #sendFailed(peer: NodeId, error: unknown): void {
    // A damaged record is never sent and never skipped: this node must be rebuilt (HAZARDS R16).
    if (codeOf(error) === 'LOG_STORE_CORRUPT') {
      this.#fail(error);
      return;
    }
    this.#options.logger.warn('entries-not-sent', { peer, error });
    this.#options.onInput({ kind: 'send-failed', peer });
  }

  #fail(error: unknown): void {
    if (this.#isStopped) return;
    this.stop();
    this.#options.onFatal(error);
  }
}
