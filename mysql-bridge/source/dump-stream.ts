import { assert } from '../../base/assert.ts';
import type { Clock } from '../../base/clock.ts';
import { type Deferred, deferred } from '../../base/deferred.ts';
import { codeOf } from '../../base/errors.ts';
import type { Entry } from '../../raft/core/entry.ts';
import { EntryKind } from '../../raft/core/entry.ts';
import { type LogIndex, logIndex } from '../../raft/core/types.ts';
import { BinlogError } from '../binlog/binlog-error.ts';
import { decodeEntryPayload, type EntryPayload } from '../binlog/entry-payload.ts';
import { GtidSet } from '../binlog/gtid-set.ts';
import { type ReadableLog, readLog } from '../ledger/log-reader.ts';
import { TransactionScan } from '../ledger/transaction-scan.ts';
import { BinlogDumpFlag } from '../protocol/commands.ts';
import type { ErrPacket } from '../protocol/err-packet.ts';
import { PacketWriter } from '../protocol/packet-writer.ts';
import { type DumpTimeline, readLogicalClock } from './dump-timeline.ts';
import { EventPackets } from './event-packets.ts';
import { fatalDumpError, retryableDumpError } from './source-error.ts';
import type { DumpRequest } from './source-session.ts';

/** What a dump needs to know of the ledger. */
export interface DumpLedger {
  readonly ledgerIndex: LogIndex;
  errantOf(executed: GtidSet): GtidSet;
  firstIndexToSend(executed: GtidSet): Promise<LogIndex>;
  onAdvance(listener: (ledgerIndex: LogIndex) => void): () => void;
  caughtUpTo(index: LogIndex, options: { readonly signal: AbortSignal }): Promise<void>;
}

/** The connection that the dump goes to. */
export interface DumpSink {
  /** Settles when there is room for more; rejects when the connection is gone. */
  write(bytes: Uint8Array): Promise<void>;
}

export interface DumpStreamOptions {
  readonly log: ReadableLog;
  readonly ledger: DumpLedger;
  readonly timeline: DumpTimeline;
  readonly request: DumpRequest;
  readonly sink: DumpSink;
  readonly clock: Clock;
  readonly unknownGtidWaitMs: number;
  /** Ends the dump; `run` then rejects with its reason. */
  readonly signal: AbortSignal;
}

/** How a dump ended by itself. `sequence`: of the packet that says so. */
export type DumpEnd =
  /** Everything committed was sent, and the client did not want to wait for more. */
  | { readonly kind: 'end-of-log'; readonly sequence: number }
  | { readonly kind: 'refused'; readonly err: ErrPacket; readonly sequence: number };

/** What becomes of fragments: the index of the final one, if they get that far. */
type Fate = LogIndex | 'abandoned' | 'unfinished';

/** Wire bytes are gathered up to this size, so that many small events are one write. */
const writeBytesMax = 64 * 1024;
/** An ERR message is cut at 512 bytes by clients. */
const errantTextMax = 300;
const heartbeatCheckMsMin = 10;

/**
 * The committed transactions that a replica does not have, in the order of the log, each once and each whole (HAZARDS C7, G6,
 * G9); then those that commit from now on. One per session. Holds one batch of entries and one write, whatever the size of a
 * transaction; a client that does not read stops it.
 */
export class DumpStream {
  readonly #options: DumpStreamOptions;
  readonly #packets: PacketWriter;
  readonly #events: EventPackets;
  readonly #isOneShot: boolean;
  readonly #heartbeatPeriodMs: number;
  #parts: Uint8Array[] = [];
  #partsBytes = 0;
  #lastWriteMs: number;
  #wake: Deferred<void> | null = null;
  #nextIndex: LogIndex = logIndex(1);
  /** The final fragment of the transaction that is being sent. */
  #sendingUntil: LogIndex | null = null;

  constructor(options: DumpStreamOptions) {
    this.#options = options;
    this.#packets = new PacketWriter(options.request.sequence);
    this.#events = new EventPackets(this.#packets);
    this.#isOneShot = (options.request.flags & BinlogDumpFlag.nonBlock) !== 0;
    this.#heartbeatPeriodMs = Number(options.request.heartbeatPeriodNs) / 1e6;
    this.#lastWriteMs = options.clock.monotonicMs();
  }

  /** The first entry not looked at yet. */
  get nextIndex(): LogIndex {
    return this.#nextIndex;
  }

  async run(): Promise<DumpEnd> {
    const { ledger, clock, signal } = this.#options;
    const wake = (): void => this.#wake?.resolve();
    const unsubscribe = ledger.onAdvance(wake);
    signal.addEventListener('abort', wake, { once: true });
    const stopHeartbeats =
      this.#heartbeatPeriodMs > 0
        ? clock.every(Math.max(this.#heartbeatPeriodMs / 2, heartbeatCheckMsMin), wake)
        : () => {};
    try {
      return await this.#dump();
    } finally {
      stopHeartbeats();
      signal.removeEventListener('abort', wake);
      unsubscribe();
    }
  }

  async #dump(): Promise<DumpEnd> {
    const executed = decodeExcluded(this.#options.request.exclude);
    const refusal =
      executed === null
        ? fatalDumpError('The GTID set of the replica is malformed')
        : ((await this.#refusalOf(executed)) ?? (await this.#seek(executed)));
    if (executed === null || refusal !== null) {
      return { kind: 'refused', err: refusal ?? fatalDumpError(''), sequence: this.#sequence };
    }
    for (const event of this.#options.timeline.beginFile(this.#nextIndex)) this.#add(event);
    for (;;) {
      const isAtEnd = await this.#sendCommitted(executed);
      await this.#flush();
      if (isAtEnd && this.#isOneShot) return { kind: 'end-of-log', sequence: this.#sequence };
      await this.#waitFor(this.#nextIndex);
    }
  }

  get #sequence(): number {
    return this.#packets.sequence;
  }

  /** A replica with transactions that the log does not have must not be served: it is another history (HAZARDS G5). */
  async #refusalOf(executed: GtidSet): Promise<ErrPacket | null> {
    const { ledger, log, clock, unknownGtidWaitMs } = this.#options;
    const deadlineMs = clock.monotonicMs() + unknownGtidWaitMs;
    const timer = clock.every(Math.max(unknownGtidWaitMs / 10, 1), () => this.#wake?.resolve());
    try {
      // It may have come from a node that knew of a commit earlier than this one.
      while (!ledger.errantOf(executed).isEmpty && clock.monotonicMs() < deadlineMs) {
        const { leaderReadyIndex, commitIndex } = log.status;
        if (leaderReadyIndex !== null && ledger.ledgerIndex >= commitIndex) break;
        await this.#nextWake();
      }
    } finally {
      timer();
    }
    const errant = ledger.errantOf(executed);
    if (errant.isEmpty) return null;
    const text = shortened(errant.toString());
    return log.status.isTailDecided
      ? fatalDumpError(
          `The replica has transactions that are not in the log of this cluster, rebuild it: ${text}`,
        )
      : retryableDumpError(`This node does not yet know the log up to ${text}; try again`);
  }

  /** Finds the first entry to send. */
  async #seek(executed: GtidSet): Promise<ErrPacket | null> {
    const { ledger, log, signal } = this.#options;
    // It ends where the ledger does, which may pause a little behind the commits.
    if (this.#isOneShot) await ledger.caughtUpTo(log.status.commitIndex, { signal });
    try {
      this.#nextIndex = await ledger.firstIndexToSend(executed);
    } catch (thrown) {
      if (codeOf(thrown) !== 'LOG_STORE_COMPACTED') throw thrown;
      return purged(log.status.firstIndex);
    }
    const { firstIndex } = log.status;
    return this.#nextIndex < firstIndex ? purged(firstIndex) : null;
  }

  /** True when everything committed was dealt with; false when what is left may not be complete yet. */
  async #sendCommitted(executed: GtidSet): Promise<boolean> {
    const { log, ledger, signal } = this.#options;
    while (this.#nextIndex <= ledger.ledgerIndex) {
      const range = { first: this.#nextIndex, last: ledger.ledgerIndex };
      for await (const entries of readLog(log, range)) {
        signal.throwIfAborted();
        for (const entry of entries) {
          if (!(await this.#sendEntry(entry, executed))) return true;
          this.#nextIndex = logIndex(entry.index + 1);
        }
      }
    }
    return true;
  }

  /** False when a one-shot dump must end before this entry, as its transaction is not complete. */
  async #sendEntry(entry: Entry, executed: GtidSet): Promise<boolean> {
    if (entry.kind !== EntryKind.data) return true;
    const payload = decodeEntryPayload(entry.payload);
    if (this.#sendingUntil === null) {
      // The rest of a transaction that was left out, or of an abandoned one.
      if (payload.fragment > 0) return true;
      const finalIndex = payload.isFinal ? entry.index : await this.#finalIndexOf(entry.index);
      if (finalIndex === 'unfinished') return false;
      if (finalIndex === 'abandoned') return true;
      if (this.#isLeftOut(payload, executed)) return true;
      const clock = readLogicalClock(payload.events);
      for (const event of this.#options.timeline.before(entry.index, clock)) this.#add(event);
      this.#sendingUntil = finalIndex;
    }
    await this.#sendEvents(payload);
    if (entry.index === this.#sendingUntil) {
      assert(this.#events.isBetweenTransactions, 'the final payload ends the transaction');
      this.#sendingUntil = null;
    }
    return true;
  }

  #isLeftOut(payload: EntryPayload, executed: GtidSet): boolean {
    if (!executed.has(payload.gtid)) return false;
    this.#options.timeline.skip(readLogicalClock(payload.events));
    return true;
  }

  async #sendEvents(payload: EntryPayload): Promise<void> {
    this.#options.timeline.sent(payload.events.length);
    this.#keep(this.#events.payload(payload));
    if (this.#partsBytes >= writeBytesMax) await this.#flush();
  }

  /**
   * What becomes of the fragments that begin here. Nothing of them is sent before the final one is committed: a replica
   * would wait in the middle of a transaction that may never end (HAZARDS G9). Reads ahead, as fragments may have been
   * abandoned although they are committed.
   */
  async #finalIndexOf(firstIndex: LogIndex): Promise<Fate> {
    const { log, ledger } = this.#options;
    const scan = new TransactionScan(logIndex(firstIndex - 1));
    let first = firstIndex;
    for (;;) {
      const last = ledger.ledgerIndex;
      for await (const entries of readLog(log, { first, last })) {
        const fate = fateIn(entries, scan, firstIndex);
        if (fate !== 'unfinished') return fate;
      }
      if (this.#isOneShot) return 'unfinished';
      first = logIndex(last + 1);
      await this.#flush();
      await this.#waitFor(first);
    }
  }

  /** Returns when the entry is committed; sends heartbeats meanwhile. Only between transactions. */
  async #waitFor(index: LogIndex): Promise<void> {
    const { ledger, clock } = this.#options;
    while (ledger.ledgerIndex < index) {
      await this.#nextWake();
      const isDue = clock.monotonicMs() - this.#lastWriteMs >= this.#heartbeatPeriodMs;
      if (ledger.ledgerIndex < index && this.#heartbeatPeriodMs > 0 && isDue) {
        await this.#sendHeartbeat();
      }
    }
  }

  async #sendHeartbeat(): Promise<void> {
    const { timeline } = this.#options;
    if (timeline.isPastHeartbeats) {
      for (const event of timeline.beginFile(this.#nextIndex)) this.#add(event);
    }
    this.#add(timeline.heartbeat());
    await this.#flush();
  }

  async #nextWake(): Promise<void> {
    this.#options.signal.throwIfAborted();
    this.#wake = deferred();
    await this.#wake.promise;
    this.#wake = null;
    this.#options.signal.throwIfAborted();
  }

  #add(event: Uint8Array): void {
    this.#keep(this.#events.event(event));
  }

  #keep(parts: readonly Uint8Array[]): void {
    for (const part of parts) {
      this.#parts.push(part);
      this.#partsBytes += part.length;
    }
  }

  async #flush(): Promise<void> {
    if (this.#partsBytes === 0) return;
    const bytes = Buffer.concat(this.#parts, this.#partsBytes);
    this.#parts = [];
    this.#partsBytes = 0;
    this.#lastWriteMs = this.#options.clock.monotonicMs();
    await this.#options.sink.write(bytes);
  }
}

/** How the fragments from `firstIndex` on go on in these entries. */
function fateIn(entries: readonly Entry[], scan: TransactionScan, firstIndex: LogIndex): Fate {
  for (const entry of entries) {
    const transaction = scan.take(entry);
    if (transaction?.firstIndex === firstIndex) return entry.index;
    if (scan.openFrom !== firstIndex) return 'abandoned';
  }
  return 'unfinished';
}

function decodeExcluded(encoded: Uint8Array): GtidSet | null {
  try {
    return GtidSet.decode(encoded);
  } catch (thrown) {
    if (thrown instanceof BinlogError) return null;
    throw thrown;
  }
}

function purged(firstIndex: LogIndex): ErrPacket {
  return fatalDumpError(
    `Cannot replicate because this source has purged transactions that the replica needs: its log begins at ${firstIndex}. Rebuild the replica from another node`,
  );
}

function shortened(text: string): string {
  return text.length > errantTextMax ? `${text.slice(0, errantTextMax)}…` : text;
}
