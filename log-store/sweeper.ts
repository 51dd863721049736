import type { Clock } from '../base/clock.ts';
import { type LogIndex, logIndex } from '../raft/core/types.ts';
import { bytesBetween, type Engine, reclaim } from './engine.ts';
import { entryKey, type KeyRange, termRunKey } from './keys.ts';

/** Keys removed in one write. */
const pieceKeysMax = 1024;
/** Bytes of removed entries after which the engine is told to give their space back. */
const reclaimBytes = 32 * 1024 * 1024;
/** Rests so many times as long as a piece took: what the node writes meanwhile comes first. */
const restFactor = 2;
const restMsMin = 1;
const restMsMax = 1000;

export interface SweeperOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  /** Ends the work at the next rest. */
  readonly signal: AbortSignal;
  readonly onFailure: (cause: unknown) => void;
}

/**
 * Removes what lies before the first index of the log. The state says since when it counts for nothing, so it may be there or
 * not, and a crash at any point costs only that the next open begins again. In small pieces, and not synced.
 */
export class Sweeper {
  readonly #options: SweeperOptions;
  #sweptTo: LogIndex = logIndex(0);
  #goal: LogIndex = logIndex(0);
  #running: Promise<void> | null = null;

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  /** Begins, or goes on, to remove what lies before this index. It is durable that the log begins there. */
  sweepTo(firstIndex: LogIndex): void {
    this.#goal = firstIndex;
    this.#running ??= this.#run();
  }

  /** Settles when nothing is under way. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal, onFailure } = this.#options;
    try {
      while (this.#sweptTo < this.#goal && !signal.aborted) {
        const goal = this.#goal;
        await this.#sweep({ gte: termRunKey(logIndex(0)), lt: termRunKey(goal) });
        await this.#sweep({ gte: entryKey(this.#sweptTo), lt: entryKey(goal) });
        this.#sweptTo = goal;
      }
    } catch (thrown) {
      if (!signal.aborted) onFailure(thrown);
    } finally {
      this.#running = null;
    }
  }

  async #sweep(range: KeyRange): Promise<void> {
    const { engine } = this.#options;
    let from = range.gte;
    let unreclaimed = { gte: from, bytes: 0 };
    for (;;) {
      const startedMs = this.#options.clock.monotonicMs();
      const keys = await engine
        .keys({ gte: from, lt: range.lt, limit: pieceKeysMax, fillCache: false })
        .all();
      const last = keys.at(-1);
      if (last === undefined) break;
      const bytes = unreclaimed.bytes + (await bytesBetween(engine, from, last));
      await engine.batch(keys.map((key) => ({ type: 'del', key })));
      // What was just removed is not looked at again: the engine steps over removed keys one by one.
      from = last;
      unreclaimed = { ...unreclaimed, bytes };
      if (bytes >= reclaimBytes) {
        await reclaim(engine, unreclaimed.gte, last);
        unreclaimed = { gte: last, bytes: 0 };
      }
      await this.#rest(startedMs);
    }
    if (unreclaimed.bytes > 0) await reclaim(engine, unreclaimed.gte, range.lt);
  }

  async #rest(startedMs: number): Promise<void> {
    const { clock, signal } = this.#options;
    const restMs = (clock.monotonicMs() - startedMs) * restFactor;
    await clock.delay(Math.min(Math.max(restMs, restMsMin), restMsMax), { signal });
  }
}
