import type { Clock } from '../../base/clock.ts';
import { crc32c } from '../../base/crc32c.ts';
import { codeOf, messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type { NodeId } from '../core/types.ts';
import type { SnapshotStore } from '../snapshot-store.ts';
import type { FrameConnection } from './frame-connection.ts';
import { FrameKind } from './frame-reader.ts';
import { type Cluster, judgeHello } from './handshake.ts';
import type { TransportLimits } from './limits.ts';
import {
  decodeSnapshotRequest,
  encodeSnapshotFrame,
  type SnapshotFrame,
  type SnapshotRequest,
} from './snapshot-frames.ts';

export interface SnapshotSenderOptions {
  /** Null on a node that has none. */
  readonly store: SnapshotStore | null;
  readonly here: () => Cluster & { readonly self: NodeId };
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: TransportLimits;
}

/**
 * Sends snapshots to the peers that fetch them, a few at a time. No faster than they read: a chunk waits here at most, and
 * a peer that reads nothing for too long loses its place.
 */
export class SnapshotSender {
  readonly #options: SnapshotSenderOptions;
  #underWay = 0;

  constructor(options: SnapshotSenderOptions) {
    this.#options = options;
  }

  /** A connection whose first frame asked for a snapshot. */
  accept(connection: FrameConnection, requested: Uint8Array): void {
    const request = this.#admit(requested);
    if (request.kind === 'refusal') {
      connection.write(FrameKind.snapshot, encodeSnapshotFrame(request));
      connection.finish();
      return;
    }
    this.#underWay += 1;
    this.#send(connection, request.request).then(
      () => {
        this.#underWay -= 1;
        connection.finish(this.#options.limits.snapshotIdleMs);
      },
      (error: unknown) => {
        this.#underWay -= 1;
        this.#giveUp(connection, error);
      },
    );
  }

  #admit(
    requested: Uint8Array,
  ): Extract<SnapshotFrame, { kind: 'refusal' }> | { kind: 'request'; request: SnapshotRequest } {
    const { store, here, limits } = this.#options;
    const request = decodeSnapshotRequest(requested);
    if (request === null) return refusal('malformed', 'no request for a snapshot');
    const verdict = judgeHello(request.hello, here());
    if (verdict.kind === 'refused') return refusal(verdict.reason, verdict.detail);
    const held = store?.describe()?.last;
    const { index, term } = request.last;
    if (held === undefined || held.index !== index || held.term !== term) {
      return refusal('gone', `snapshot ${term}/${index} is not held here`);
    }
    if (this.#underWay >= limits.snapshotSendsMax) {
      return refusal('busy', `${limits.snapshotSendsMax} snapshots are being sent`);
    }
    return { kind: 'request', request };
  }

  async #send(connection: FrameConnection, { last, offset: from }: SnapshotRequest): Promise<void> {
    const { store, clock, limits } = this.#options;
    const meta = store?.describe() ?? null;
    if (store === null || meta === null || meta.last.index !== last.index) return;
    let offset = 0;
    let checksum = 0;
    let saidMs = clock.monotonicMs();
    for await (const chunk of store.open(meta)) {
      checksum = crc32c(chunk, checksum);
      for (let at = 0; at < chunk.length; at += limits.snapshotChunkBytes) {
        const piece = chunk.subarray(at, at + limits.snapshotChunkBytes);
        const end = offset + piece.length;
        // What the peer has already is read all the same: the checksum is of the whole.
        if (end > from) {
          const bytes = piece.subarray(Math.max(0, from - offset));
          await this.#write(connection, { kind: 'chunk', offset: Math.max(offset, from), bytes });
        } else if (clock.monotonicMs() - saidMs >= limits.snapshotIdleMs / 4) {
          // A sign of life, or reading past so much would be taken for silence; it also finds a peer that is gone.
          await this.#write(connection, { kind: 'chunk', offset: from, bytes: new Uint8Array(0) });
          saidMs = clock.monotonicMs();
        }
        offset = end;
      }
    }
    await this.#write(connection, { kind: 'end', bytes: offset, checksum });
  }

  /** Settles when there is room for more. */
  async #write(connection: FrameConnection, frame: SnapshotFrame): Promise<void> {
    if (connection.isOver) throw new Error('the peer ended the call');
    if (connection.write(FrameKind.snapshot, encodeSnapshotFrame(frame))) return;
    const { clock, limits } = this.#options;
    const wait = new AbortController();
    const tooLong = clock.delay(limits.snapshotIdleMs, { signal: wait.signal }).then(() => 'idle');
    tooLong.catch(() => undefined);
    try {
      const outcome = await Promise.race([connection.room(), tooLong]);
      if (outcome !== true) {
        throw new Error(`the peer stopped reading: ${outcome === false ? 'gone' : outcome}`);
      }
    } finally {
      wait.abort();
    }
  }

  #giveUp(connection: FrameConnection, error: unknown): void {
    const reason = messageOf(error);
    this.#options.logger.warn('snapshot-not-sent', { peer: connection.peer, reason });
    const kind = codeOf(error) === 'RAFT_SNAPSHOT_GONE' ? 'gone' : 'failed';
    connection.write(FrameKind.snapshot, encodeSnapshotFrame(refusal(kind, reason)));
    connection.finish();
  }
}

function refusal(reason: string, detail: string): Extract<SnapshotFrame, { kind: 'refusal' }> {
  return { kind: 'refusal', reason, detail };
}
