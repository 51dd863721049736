import { connect } from 'node:net';
import { after, type Clock } from '../../base/clock.ts';
import { crc32c } from '../../base/crc32c.ts';
import { deferred } from '../../base/deferred.ts';
import type { SnapshotMeta } from '../core/snapshot.ts';
import { SnapshotDamagedError, SnapshotFetchError, SnapshotGoneError } from '../errors.ts';
import { FrameConnection } from './frame-connection.ts';
import { FrameKind } from './frame-reader.ts';
import type { Hello } from './handshake.ts';
import type { TransportLimits } from './limits.ts';
import {
  decodeSnapshotFrame,
  encodeSnapshotRequest,
  type SnapshotFrame,
} from './snapshot-frames.ts';

export interface SnapshotFetchOptions {
  readonly host: string;
  readonly port: number;
  readonly hello: Hello;
  readonly meta: SnapshotMeta;
  readonly clock: Clock;
  readonly limits: TransportLimits;
  readonly signal: AbortSignal;
}

/** Frames that wait here to be taken: as many more wait in the socket as the system sees fit. */
const framesWaitingMax = 4;

/** Calls in a row that brought nothing, before a fetch is given up. */
const barrenCallsMax = 5;

/**
 * The bytes of a peer's snapshot. A call that is cut is taken up where it ended, as long as each few bring something and the
 * deadline has not passed; the checksum of the whole says whether it is whole.
 */
export async function* fetchSnapshot(
  options: SnapshotFetchOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { clock, limits, signal } = options;
  const deadlineMs = clock.monotonicMs() + limits.snapshotMsMax;
  const progress: Progress = { offset: 0, checksum: 0, deadlineMs };
  let barrenCalls = 0;
  for (;;) {
    const { offset } = progress;
    try {
      if (yield* oneCall(options, progress)) return;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof CutError)) throw error;
      barrenCalls = progress.offset > offset ? 0 : barrenCalls + 1;
      const isLate = clock.monotonicMs() > deadlineMs;
      if (isLate || barrenCalls >= barrenCallsMax) {
        throw new SnapshotFetchError(`${error.message}, after ${progress.offset} bytes`, error);
      }
      await clock.delay(limits.reconnectMsMax, { signal });
    }
  }
}

/** A call that ended before its snapshot did: another one may bring the rest. */
class CutError extends Error {
  override readonly name = 'CutError';
}

interface Progress {
  offset: number;
  checksum: number;
  readonly deadlineMs: number;
}

/** True at the end of the snapshot. */
async function* oneCall(
  options: SnapshotFetchOptions,
  progress: Progress,
): AsyncGenerator<Uint8Array, boolean, undefined> {
  const { hello, meta, clock } = options;
  const call = new FetchCall(options, encodeSnapshotRequest(hello, meta, progress.offset));
  try {
    for (;;) {
      const frame = await call.next();
      if (frame.kind === 'refusal') throw refusalError(frame);
      if (frame.kind === 'end') {
        const isWhole = frame.bytes === progress.offset && frame.checksum === progress.checksum;
        if (!isWhole) throw new SnapshotDamagedError(meta, 'its checksum is another one');
        return true;
      }
      takeChunk(frame, progress, clock);
      if (frame.bytes.length > 0) yield frame.bytes;
    }
  } finally {
    call.close();
  }
}

function takeChunk(
  { offset, bytes }: Extract<SnapshotFrame, { kind: 'chunk' }>,
  progress: Progress,
  clock: Clock,
): void {
  if (offset !== progress.offset) throw new CutError(`chunk at ${offset}`);
  // The holder reads past what is here already, and says so. It may not say so for ever.
  const isSignOfLife = bytes.length === 0;
  if (isSignOfLife && clock.monotonicMs() > progress.deadlineMs) {
    throw new CutError('nothing but signs of life');
  }
  progress.offset += bytes.length;
  progress.checksum = crc32c(bytes, progress.checksum);
}

function refusalError(frame: Extract<SnapshotFrame, { kind: 'refusal' }>): Error {
  const { reason, detail } = frame;
  if (reason === 'gone') return new SnapshotGoneError(detail);
  if (reason === 'busy') return new CutError(`refused: ${reason}, ${detail}`);
  return new SnapshotFetchError(`refused: ${reason}, ${detail}`);
}

/** One call with a connection of its own, as each stream of the transport has. */
class FetchCall {
  readonly #connection: FrameConnection;
  readonly #options: SnapshotFetchOptions;
  readonly #frames: Uint8Array[] = [];
  readonly #onAbort: () => void;
  #endedBy: string | null = null;
  /** Whoever waits for the next frame, or the end. */
  #wake: () => void = () => undefined;

  constructor(options: SnapshotFetchOptions, request: Uint8Array) {
    this.#options = options;
    const { host, port, clock, limits, signal } = options;
    this.#connection = new FrameConnection({
      socket: connect({ host, port, noDelay: true }),
      clock,
      contentBytesMax: 2 * limits.snapshotChunkBytes,
      onFrame: (kind, content) => this.#arrived(kind, content),
      onEnd: (reason) => {
        this.#endedBy = reason;
        this.#wake();
      },
    });
    this.#connection.write(FrameKind.snapshotRequest, request);
    this.#onAbort = () => this.close();
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Rejects when nothing comes for too long, or the call ends. */
  async next(): Promise<SnapshotFrame> {
    if (this.#frames.length === 0 && this.#endedBy === null) await this.#wait();
    const bytes = this.#frames.shift();
    if (bytes === undefined) throw new CutError(`the call ended: ${this.#endedBy}`);
    if (this.#frames.length < framesWaitingMax) this.#connection.resume();
    const frame = decodeSnapshotFrame(bytes);
    if (frame === null) throw new SnapshotFetchError('the peer sent what is no snapshot');
    return frame;
  }

  close(): void {
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    this.#connection.destroy('done');
  }

  #arrived(kind: number, content: Uint8Array): void {
    if (kind !== FrameKind.snapshot) return;
    this.#frames.push(content);
    if (this.#frames.length >= framesWaitingMax) this.#connection.pause();
    this.#wake();
  }

  async #wait(): Promise<void> {
    const { clock, limits } = this.#options;
    const { promise, resolve } = deferred<'woken' | 'idle'>();
    this.#wake = () => resolve('woken');
    const stop = after(clock, limits.snapshotIdleMs, () => resolve('idle'));
    try {
      const outcome = await promise;
      if (outcome === 'idle') throw new CutError(`nothing came for ${limits.snapshotIdleMs} ms`);
    } finally {
      stop();
    }
  }
}
