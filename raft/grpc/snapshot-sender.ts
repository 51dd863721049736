import type { ServerWritableStream } from '@grpc/grpc-js';
import type { Clock } from '../../base/clock.ts';
import { crc32c } from '../../base/crc32c.ts';
import { codeOf, messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type { NodeId } from '../core/types.ts';
import type { SnapshotStore } from '../snapshot-store.ts';
import { type Cluster, judgeHello } from './handshake.ts';
import type { TransportLimits } from './limits.ts';
import {
  decodeSnapshotRequest,
  encodeSnapshotFrame,
  type SnapshotFrame,
  type SnapshotRequest,
} from './snapshot-frames.ts';

export type SnapshotCall = ServerWritableStream<Uint8Array, Uint8Array>;

export interface SnapshotSenderOptions {
  /** Null on a node that has none. */
  readonly store: SnapshotStore | null;
  readonly here: () => Cluster & { readonly self: NodeId };
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: TransportLimits;
  /** The hello of a call was accepted. */
  readonly onKnown: (call: SnapshotCall) => void;
}

/**
 * Sends snapshots to the peers that fetch them, a few at a time. No faster than they read: what waits for HTTP/2 is a few chunks, and
 * a peer that reads nothing for too long loses its place.
 */
export class SnapshotSender {
  readonly #options: SnapshotSenderOptions;
  #underWay = 0;

  constructor(options: SnapshotSenderOptions) {
    this.#options = options;
  }

  accept(call: SnapshotCall): void {
    // A cut connection; the end of the call is all there is to know.
    call.on('error', () => undefined);
    const request = this.#admit(call);
    if (request.kind === 'refusal') {
      call.write(encodeSnapshotFrame(request));
      call.end();
      return;
    }
    this.#underWay += 1;
    this.#send(call, request.request).then(
      () => {
        this.#underWay -= 1;
        call.end();
      },
      (error: unknown) => {
        this.#underWay -= 1;
        this.#giveUp(call, error);
      },
    );
  }

  #admit(
    call: SnapshotCall,
  ): Extract<SnapshotFrame, { kind: 'refusal' }> | { kind: 'request'; request: SnapshotRequest } {
    const { store, here, limits, onKnown } = this.#options;
    const request = decodeSnapshotRequest(call.request);
    if (request === null) return refusal('malformed', 'no request for a snapshot');
    const verdict = judgeHello(request.hello, here());
    if (verdict.kind === 'refused') return refusal(verdict.reason, verdict.detail);
    onKnown(call);
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

  async #send(call: SnapshotCall, { last, offset: from }: SnapshotRequest): Promise<void> {
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
          await this.#write(call, { kind: 'chunk', offset: Math.max(offset, from), bytes });
        } else if (clock.monotonicMs() - saidMs >= limits.snapshotIdleMs / 4) {
          // A sign of life, or reading past so much would be taken for silence; it also finds a peer that is gone.
          await this.#write(call, { kind: 'chunk', offset: from, bytes: new Uint8Array(0) });
          saidMs = clock.monotonicMs();
        }
        offset = end;
      }
    }
    await this.#write(call, { kind: 'end', bytes: offset, checksum });
  }

  /** Settles when there is room for more. */
  async #write(call: SnapshotCall, frame: SnapshotFrame): Promise<void> {
    if (call.cancelled) throw new Error('the peer ended the call');
    if (call.write(encodeSnapshotFrame(frame))) return;
    const { clock, limits } = this.#options;
    const wait = new AbortController();
    const { promise, resolve } = Promise.withResolvers<'room' | 'gone'>();
    const onDrain = (): void => resolve('room');
    const onGone = (): void => resolve('gone');
    call.once('drain', onDrain).once('cancelled', onGone).once('close', onGone);
    const tooLong = clock.delay(limits.snapshotIdleMs, { signal: wait.signal }).then(() => 'idle');
    tooLong.catch(() => undefined);
    try {
      const outcome = await Promise.race([promise, tooLong]);
      if (outcome !== 'room') throw new Error(`the peer stopped reading: ${outcome}`);
    } finally {
      wait.abort();
      call.off('drain', onDrain).off('cancelled', onGone).off('close', onGone);
    }
  }

  #giveUp(call: SnapshotCall, error: unknown): void {
    const reason = messageOf(error);
    this.#options.logger.warn('snapshot-not-sent', { peer: call.getPeer(), reason });
    if (call.cancelled) return;
    const kind = codeOf(error) === 'RAFT_SNAPSHOT_GONE' ? 'gone' : 'failed';
    call.write(encodeSnapshotFrame(refusal(kind, reason)));
    call.end();
  }
}

function refusal(reason: string, detail: string): Extract<SnapshotFrame, { kind: 'refusal' }> {
  return { kind: 'refusal', reason, detail };
}
