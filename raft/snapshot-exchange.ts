import { codeOf, messageOf } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { FetchSnapshotEffect, SendSnapshotEffect } from './core/effects.ts';
import type { Input } from './core/inputs.ts';
import type { Message } from './core/messages.ts';
import type { SnapshotMeta } from './core/snapshot.ts';
import type { LogIndex, NodeId } from './core/types.ts';
import { SnapshotFetchError } from './errors.ts';
import type { SnapshotSource, SnapshotStore } from './snapshot-store.ts';

/** A node's own snapshots, and how it gets at those of others. */
export interface SnapshotParts {
  readonly store: SnapshotStore;
  readonly source: SnapshotSource;
}

export interface SnapshotExchangeOptions {
  /** Null on a node that has no snapshots: it offers none, and can take none. */
  readonly parts: SnapshotParts | null;
  readonly logger: Logger;
  readonly send: (to: NodeId, message: Message) => void;
  readonly onInput: (input: Input) => void;
  readonly commitIndex: () => LogIndex;
  /** Aborted when the node ends. */
  readonly signal: AbortSignal;
}

/** Carries out what the machine orders about snapshots: offers this node's, and installs those of others, one at a time. */
export class SnapshotExchange {
  readonly #options: SnapshotExchangeOptions;
  #isFetching = false;

  constructor(options: SnapshotExchangeOptions) {
    this.#options = options;
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
    parts.store.install(meta, this.#whileNeeded(meta, parts.source.fetch(from, meta, signal))).then(
      () => {
        this.#isFetching = false;
        logger.info('snapshot-installed', { peer: from, index, term });
        onInput({ kind: 'snapshot-installed', meta });
      },
      (error: unknown) => {
        this.#isFetching = false;
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
    for await (const chunk of chunks) {
      check();
      yield chunk;
    }
    check();
  }
}
