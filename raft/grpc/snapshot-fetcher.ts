import { Client, type ClientReadableStream } from '@grpc/grpc-js';
import type { Clock } from '../../base/clock.ts';
import { crc32c } from '../../base/crc32c.ts';
import { messageOf } from '../../base/errors.ts';
import type { SnapshotMeta } from '../core/snapshot.ts';
import { SnapshotDamagedError, SnapshotFetchError, SnapshotGoneError } from '../errors.ts';
import { channelOptions } from './channel-options.ts';
import type { Hello } from './handshake.ts';
import type { TransportLimits } from './limits.ts';
import { OwnedConnection } from './owned-connection.ts';
import { raftService } from './service.ts';
import {
  decodeSnapshotFrame,
  encodeSnapshotRequest,
  type SnapshotFrame,
} from './snapshot-frames.ts';

export interface SnapshotFetchOptions {
  readonly target: string;
  readonly hello: Hello;
  readonly meta: SnapshotMeta;
  readonly clock: Clock;
  readonly limits: TransportLimits;
  readonly signal: AbortSignal;
}

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
  readonly #connection: OwnedConnection = new OwnedConnection();
  readonly #client: Client;
  readonly #call: ClientReadableStream<Uint8Array>;
  readonly #frames: AsyncIterator<Uint8Array>;
  readonly #options: SnapshotFetchOptions;
  readonly #onAbort: () => void;

  constructor(options: SnapshotFetchOptions, request: Uint8Array) {
    this.#options = options;
    const { target, limits, signal } = options;
    this.#client = new Client(target, this.#connection, {
      'grpc.max_receive_message_length': 2 * limits.snapshotChunkBytes,
      ...channelOptions(limits),
    });
    const { path, requestSerialize, responseDeserialize } = raftService.fetchSnapshot;
    this.#call = this.#client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
    );
    this.#call.on('error', () => undefined);
    this.#frames = this.#call[Symbol.asyncIterator]();
    this.#onAbort = () => this.close();
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Rejects when nothing comes for too long, or the call ends. */
  async next(): Promise<SnapshotFrame> {
    const { clock, limits } = this.#options;
    const wait = new AbortController();
    const tooLong = clock
      .delay(limits.snapshotIdleMs, { signal: wait.signal })
      .then(() => 'idle' as const);
    tooLong.catch(() => undefined);
    try {
      const result = await Promise.race([this.#frames.next(), tooLong]);
      if (result === 'idle') throw new CutError(`nothing came for ${limits.snapshotIdleMs} ms`);
      if (result.done === true) throw new CutError('the call ended before its snapshot');
      const frame = decodeSnapshotFrame(result.value);
      if (frame === null) throw new SnapshotFetchError('the peer sent what is no snapshot');
      return frame;
    } catch (error) {
      if (error instanceof CutError || error instanceof SnapshotFetchError) throw error;
      throw new CutError(messageOf(error), { cause: error });
    } finally {
      wait.abort();
    }
  }

  close(): void {
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    this.#call.cancel();
    this.#client.close();
    this.#connection.close();
  }
}
