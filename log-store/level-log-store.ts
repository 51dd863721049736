import { type Clock, SystemClock } from '../base/clock.ts';
import type { OperationalError } from '../base/errors.ts';
import { FatalError } from '../base/fatal.ts';
import type { Logger } from '../base/logger.ts';
import type { Entry } from '../raft/core/entry.ts';
import type { LogIndex, NodeId } from '../raft/core/types.ts';
import type { LogBatch, LogStore, LogStoreState } from '../raft/log-store.ts';
import { type AcceptedBatch, AcceptedLog, type ReadRange } from './accepted-log.ts';
import type { DurableMarker } from './durable-marker.ts';
import { defaultEngineOptions, type Engine, type EngineOptions } from './engine.ts';
import { writeFailure } from './errors.ts';
import type { StoredSnapshot, StoredState } from './meta-codec.ts';
import { checkEntries, readMemberships, readOutline } from './open-check.ts';
import { openFiles } from './open-files.ts';
import { RecheckWindow } from './recheck-window.ts';
import { chainStart, type DecodedRecord } from './record-codec.ts';
import { RecordReader } from './record-reader.ts';
import { scrubRecords, scrubTables } from './scrub.ts';
import { Sweeper } from './sweeper.ts';
import { planWrite } from './write-plan.ts';

export interface LevelLogStoreOptions extends Partial<EngineOptions> {
  /** The store's own folder; made if it is missing. */
  readonly directory: string;
  readonly clusterId: string;
  readonly nodeId: NodeId;
  readonly logger: Logger;
  readonly clock?: Clock;
  /**
   * Called once if the store ends other than by a failed write: a read or the background check met damage, or the sync
   * of the mark failed. Every later call is refused for the same reason.
   */
  readonly onFailure?: (cause: OperationalError) => void;
}

/**
 * Opens the log of one node, or makes an empty one. Rejects with a `FatalError`: DATA_IN_USE, DATA_FOREIGN,
 * DATA_NOT_WRITABLE, DISK_FULL, LOG_STORE_CORRUPT, LOG_STORE_FAILED. `DESIGN.md` says what is checked when.
 */
export async function openLevelLogStore(options: LevelLogStoreOptions): Promise<LevelLogStore> {
  const clock = options.clock ?? new SystemClock();
  const startedMs = clock.monotonicMs();
  const engineOptions: EngineOptions = {
    blockBytes: options.blockBytes ?? defaultEngineOptions.blockBytes,
    writeBufferBytes: options.writeBufferBytes ?? defaultEngineOptions.writeBufferBytes,
  };
  const files = await openFiles({ ...options, engineOptions });
  try {
    const { engine, state, snapshot } = files;
    const outline = await readOutline(engine, state, snapshot?.meta ?? null);
    const { checkedFrom } = await checkEntries(engine, { state, snapshot }, outline);
    const membershipEntries = await readMemberships(engine, state, outline);
    const { hardState } = state;
    const opened: LogStoreState = { hardState, ...outline.state(), membershipEntries };
    options.logger.info('log-store-opened', {
      firstIndex: opened.firstIndex,
      lastIndex: opened.lastIndex,
      term: opened.hardState.term,
      checkedFrom,
      tookMs: Math.round(clock.monotonicMs() - startedMs),
    });
    const store = new LevelLogStore({ ...files, ...options, clock, opened, engineOptions });
    store.startBackgroundWork(checkedFrom);
    return store;
  } catch (thrown) {
    await Promise.allSettled([files.marker.close(), files.engine.close()]);
    throw thrown;
  }
}

interface LevelLogStoreParts {
  readonly engine: Engine;
  readonly marker: DurableMarker;
  readonly state: StoredState;
  readonly snapshot: StoredSnapshot | null;
  readonly uncheckedTables: readonly string[];
  readonly opened: LogStoreState;
  readonly engineOptions: EngineOptions;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onFailure?: (cause: OperationalError) => void;
}

/** The durable log on LevelDB; made by `openLevelLogStore`. */
export class LevelLogStore implements LogStore {
  readonly opened: LogStoreState;
  readonly #parts: LevelLogStoreParts;
  readonly #log: AcceptedLog;
  readonly #reader: RecordReader;
  readonly #window: RecheckWindow;
  readonly #sweeper: Sweeper;
  readonly #closing = new AbortController();
  readonly #reads = new Set<Promise<unknown>>();
  #scrubbing: Promise<void> = Promise.resolve();
  #state: StoredState;
  #baseChecksum: number;
  /** Since the background check last asked. */
  #wasWritten = false;
  #closed: Promise<void> | null = null;

  constructor(parts: LevelLogStoreParts) {
    this.#parts = parts;
    this.opened = parts.opened;
    this.#state = parts.state;
    this.#baseChecksum = parts.snapshot?.checksum ?? chainStart;
    this.#log = new AcceptedLog(parts.opened, (group) => this.#carryOut(group));
    this.#reader = new RecordReader(parts.engine, this.#log.outline);
    this.#window = new RecheckWindow({
      from: parts.state.recheckFrom,
      segmentBytes: parts.engineOptions.writeBufferBytes,
    });
    this.#sweeper = new Sweeper({
      engine: parts.engine,
      clock: parts.clock,
      signal: this.#closing.signal,
      onFailure: (cause) => this.#end(writeFailure(cause)),
    });
  }

  /** Begins to keep the mark synced and to read what was not read at open. Called once, by the opener. */
  startBackgroundWork(checkedFrom: LogIndex): void {
    const { clock, marker } = this.#parts;
    marker.keepSynced(clock, (cause) => this.#end(writeFailure(cause)));
    // The node before this one may have ended between a compaction and its sweeping.
    if (this.#state.firstIndex > 1) this.#sweeper.sweepTo(this.#state.firstIndex);
    this.#scrubbing = this.#scrub(checkedFrom);
  }

  write(batch: LogBatch): Promise<void> {
    return this.#log.write(batch);
  }

  async read(range: ReadRange): Promise<readonly Entry[]> {
    try {
      const records = await this.#readRecords({ ...range, countMin: 1 });
      return records.map(({ entry }) => entry);
    } catch (thrown) {
      // A node whose log is damaged must not go on voting with it (HAZARDS H25).
      if (thrown instanceof FatalError) this.#end(thrown);
      throw thrown;
    }
  }

  /** Settles when all that was accepted is durable, or has failed, and the folder is free for another opener. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #carryOut(group: readonly AcceptedBatch[]): Promise<void> {
    const { engine, marker } = this.#parts;
    const plan = await planWrite(group, {
      state: this.#state,
      baseChecksum: this.#baseChecksum,
      window: this.#window,
      checksumAt: (index) => this.#reader.checksumAt(index),
    });
    await engine.batch(plan.operations, { sync: true });
    this.#wasWritten = true;
    const { firstIndex: firstIndexBefore } = this.#state;
    this.#state = plan.state;
    this.#baseChecksum = plan.baseChecksum;
    const { sequence, hardState, firstIndex, lastIndex } = plan.state;
    marker.write({ sequence, term: hardState.term, lastIndex });
    if (firstIndex > firstIndexBefore) this.#sweeper.sweepTo(firstIndex);
  }

  #readRecords(range: ReadRange & { readonly countMin: number }): Promise<DecodedRecord[]> {
    return this.#log.read(range, async (last) => {
      if (last < range.first) return [];
      const reading = this.#reader.range({ ...range, last });
      this.#reads.add(reading);
      try {
        return await reading;
      } finally {
        this.#reads.delete(reading);
      }
    });
  }

  async #scrub(checkedFrom: LogIndex): Promise<void> {
    const { clock, logger, opened, uncheckedTables } = this.#parts;
    const startedMs = clock.monotonicMs();
    const pace = { clock, signal: this.#closing.signal, wasWritten: () => this.#takeWasWritten() };
    try {
      // First, because the engine does not survive every damage that a read of records could meet.
      await scrubTables(uncheckedTables, pace);
      await scrubRecords({
        ...pace,
        first: opened.firstIndex,
        last: checkedFrom,
        firstHeld: () => this.#log.outline.firstIndex,
        lastHeld: () => this.#log.outline.lastIndex,
        checkPiece: async (piece) => (await this.#readRecords({ ...piece, countMin: 2 })).length,
      });
      const tookMs = Math.round(clock.monotonicMs() - startedMs);
      logger.info('log-store-checked', { upTo: checkedFrom, tookMs });
    } catch (thrown) {
      if (this.#closing.signal.aborted) return;
      this.#end(writeFailure(thrown));
    }
  }

  #takeWasWritten(): boolean {
    const was = this.#wasWritten;
    this.#wasWritten = false;
    return was;
  }

  #end(cause: OperationalError): void {
    if (this.#log.refusal !== null) return;
    const { logger, onFailure } = this.#parts;
    logger.error('log-store-failed', { code: cause.code, reason: cause.message });
    this.#log.fail(cause);
    onFailure?.(cause);
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    await this.#log.close();
    await this.#scrubbing;
    await this.#sweeper.idle();
    await Promise.allSettled(this.#reads);
    try {
      await this.#parts.marker.close();
    } finally {
      await this.#parts.engine.close();
    }
  }
}
