import { codeOf, messageOf } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { FetchSnapshotEffect, SendSnapshotEffect } from './core/effects.ts';
import type { Input } from './core/inputs.ts';
import type { Message } from './core/messages.ts';
import type { SnapshotMeta } from './core/snapshot.ts';
import type { LogIndex, NodeId } from './core/types.ts';
import { SnapshotFetchError, snapshotStuck } from './errors.ts';
import type { SnapshotSource, SnapshotStore } from './snapshot-store.ts';

/** A node's own snapshots, and how it gets at those of others. */
export interface SnapshotParts {
  readonly store: SnapshotStore;
  readonly source: SnapshotSource;
  /**
   * How long the store may take over one piece, or over the end, when it puts the state in place: past it this node ends. Ten minutes if
   * not given, which is meant for a state that is copied as a whole.
   */
  readonly stallMsMax?: number;
}

const defaultStallMsMax = 10 * 60_000;
/** From this part of the maximum on the log says so. */
const stallWarningShare = 0.1;

export interface SnapshotExchangeOptions {
  /** Null on a node that has no snapshots: it offers none, and can take none. */
  readonly parts: SnapshotParts | null;
  readonly logger: Logger;
  readonly send: (to: NodeId, message: Message) => void;
  readonly onInput: (input: Input) => void;
  readonly commitIndex: () => LogIndex;
  readonly tickMs: number;
  /** The store hangs. It may still put its state in place at any time, so nothing else may be done with this node. */
  readonly onFatal: (error: unknown) => void;
  /** Aborted when the node ends. */
  readonly signal: AbortSignal;
}

/** Carries out what the machine orders about snapshots: offers this node's, and installs those of others, one at a time. */
export class SnapshotExchange {
  readonly #options: SnapshotExchangeOptions;
  readonly #stallTicksMax: number;
  #isFetching = false;
  /** Since the store has to do what comes next; null while nothing is installed, or the source has to. */
  #stallTicks: number | null = null;

  constructor(options: SnapshotExchangeOptions) {
    this.#options = options;
    const stallMsMax = options.parts?.stallMsMax ?? defaultStallMsMax;
    this.#stallTicksMax = Math.ceil(stallMsMax / options.tickMs);
  }

  /**
   * A store that hangs would keep this node from its log for ever, without a word. Ticks and not times are counted: those of a
   * process that was stopped are not held against it. What the source takes has deadlines of its own.
   */
  tick(): void {
    if (this.#stallTicks === null) return;
    this.#stallTicks += 1;
    const { tickMs, logger, onFatal } = this.#options;
    const stalledMs = this.#stallTicks * tickMs;
    const warningTicks = Math.ceil(this.#stallTicksMax * stallWarningShare);
    if (this.#stallTicks === warningTicks) logger.warn('snapshot-install-slow', { stalledMs });
    if (this.#stallTicks < this.#stallTicksMax) return;
    this.#stallTicks = null;
    onFatal(snapshotStuck(stalledMs));
  }

  /** A store without a snapshot that goes so far is told of in the log: a peer with a state waits until there is one. */
  offer(effect: SendSnapshotEffect): void {
    const { parts, logger, send } = this.#options;
    const { to, term, coversAtLeast, logBase } = effect;
    const newest = parts?.store.describe() ?? null;
    const isEnough = newest !== null && newest.last.index >= coversAtLeast;
    const meta = isEnough ? newest : logBase;
    if (meta !== null) {
      send(to, { kind: 'install-snapshot', term, meta });
      return;
    }
    const newestIndex = newest?.last.index ?? null;
    logger.warn('snapshot-missing', { peer: to, coversAtLeast, newest: newestIndex });
  }

  fetch({ from, meta }: FetchSnapshotEffect): void {
    const { parts, logger, onInput, signal } = this.#options;
    if (parts === null || this.#isFetching) {
      onInput({ kind: 'snapshot-failed', meta });
      return;
    }
    this.#isFetching = true;
    const { index, term } = meta.last;
    logger.info('snapshot-fetching', { peer: from, index, term });
    this.#stallTicks = 0;
    parts.store.install(meta, this.#whileNeeded(meta, parts.source.fetch(from, meta, signal))).then(
      () => {
        this.#ended();
        logger.info('snapshot-installed', { peer: from, index, term });
        onInput({ kind: 'snapshot-installed', meta });
      },
      (error: unknown) => {
        this.#ended();
        if (signal.aborted) return;
        const reason = messageOf(error);
        logger.warn('snapshot-failed', { peer: from, index, term, code: codeOf(error), reason });
        onInput({ kind: 'snapshot-failed', meta });
      },
    );
  }

  /**
   * A new leader may have sent the entries meanwhile, and the state may have gone on with them: the snapshot must not take it
   * back. Read to its end it is still needed.
   */
  async *#whileNeeded(
    meta: SnapshotMeta,
    chunks: AsyncIterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const check = (): void => {
      const commitIndex = this.#options.commitIndex();
      if (commitIndex < meta.last.index) return;
      throw new SnapshotFetchError(`the log has reached entry ${commitIndex} by itself meanwhile`);
    };
    this.#stallTicks = null;
    for await (const chunk of chunks) {
      check();
      this.#stallTicks = 0;
      yield chunk;
      this.#stallTicks = null;
    }
    check();
    this.#stallTicks = 0;
  }

  #ended(): void {
    this.#isFetching = false;
    this.#stallTicks = null;
  }
}
