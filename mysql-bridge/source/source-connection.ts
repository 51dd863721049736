import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { AssertionFailure, assertNever } from '../../base/assert.ts';
import type { Clock } from '../../base/clock.ts';
import { deferred } from '../../base/deferred.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type { Sha256 } from '../protocol/auth/caching-sha2-password.ts';
import { ServerStatus } from '../protocol/constants.ts';
import { writeEof } from '../protocol/eof-packet.ts';
import { type ErrPacket, writeErr } from '../protocol/err-packet.ts';
import { MalformedPacketError, PacketTooLargeError } from '../protocol/errors.ts';
import { PacketCollector, PacketFramer } from '../protocol/packet-framer.ts';
import { encodePacket, PacketWriter } from '../protocol/packet-writer.ts';
import type { DumpEnd, DumpStream, DumpStreamOptions } from './dump-stream.ts';
import { malformedPacket, packetTooLarge, retryableDumpError } from './source-error.ts';
import type { SourceLimits } from './source-limits.ts';
import type { DumpRequest, SourceEffect, SourceSession } from './source-session.ts';

export interface SourceConnectionOptions {
  readonly socket: Socket;
  readonly session: SourceSession;
  readonly limits: SourceLimits;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The stream for a request; null when this node cannot serve one yet. */
  createDump(parts: Pick<DumpStreamOptions, 'request' | 'sink' | 'signal'>): DumpStream | null;
  onDump(connection: SourceConnection, request: DumpRequest): void;
}

/** One socket of the binlog port: carries out what its session orders. */
export class SourceConnection {
  readonly #options: SourceConnectionOptions;
  readonly #socket: Socket;
  readonly #session: SourceSession;
  readonly #abort = new AbortController();
  readonly #closed = deferred();
  readonly #framer: PacketFramer;
  #collector: PacketCollector;
  #dump: DumpStream | null = null;
  #running: Promise<void> = Promise.resolve();
  #stopTimer: () => void = () => {};
  #isEnding = false;

  constructor(options: SourceConnectionOptions) {
    this.#options = options;
    this.#socket = options.socket;
    this.#session = options.session;
    this.#framer = new PacketFramer({ packetBytesMax: options.limits.commandBytesMax });
    this.#collector = new PacketCollector({ payloadBytesMax: options.limits.loginBytesMax });
    this.#socket.on('data', (chunk) => this.#receive(chunk));
    this.#socket.on('error', (error) => this.#end(error.message));
    this.#socket.on('close', () => this.#onClose());
    this.#armTimer(options.limits.loginTimeoutMs, 'the log-in took too long');
    this.#carryOut([this.#session.greeting()]);
  }

  /** Settles when the socket is closed and nothing of this connection runs any more. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** The first log index that its dump has not looked at; null while there is no dump. */
  get nextIndex(): number | null {
    return this.#dump?.nextIndex ?? null;
  }

  /** Ends the connection at once; what was not written is lost, as with a lost network. */
  destroy(reason: string): void {
    this.#end(reason);
    this.#socket.destroy();
  }

  #receive(chunk: Uint8Array): void {
    if (this.#isEnding) return;
    try {
      for (const piece of this.#framer.push(chunk)) {
        const packet = this.#collector.add(piece);
        if (packet === null) continue;
        const unixSeconds = Math.floor(this.#options.clock.wallMs() / 1000);
        this.#carryOut(this.#session.receive(packet, unixSeconds));
        if (this.#isEnding) return;
      }
    } catch (thrown) {
      this.#carryOut(this.#session.refuse(refusalOf(thrown), 0));
    }
  }

  #carryOut(effects: readonly SourceEffect[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          this.#send(effect.payloads, effect.sequence);
          break;
        case 'logged-in':
          this.#collector = new PacketCollector({
            payloadBytesMax: this.#options.limits.commandBytesMax,
          });
          break;
        case 'start-dump':
          this.#stopTimer();
          this.#running = this.#serve(effect.request);
          break;
        case 'close':
          this.#end(effect.reason);
          this.#socket.end();
          break;
        default:
          assertNever(effect);
      }
    }
    if (this.#session.isLoggedIn && this.#dump === null && !this.#isEnding) {
      this.#armTimer(this.#options.limits.idleTimeoutMs, 'the session was idle for too long');
    }
  }

  #send(payloads: readonly Uint8Array[], sequence: number): void {
    const writer = new PacketWriter(sequence);
    const parts = payloads.flatMap((payload) => writer.packet(payload));
    this.#socket.write(Buffer.concat(parts));
  }

  async #serve(request: DumpRequest): Promise<void> {
    const { logger } = this.#options;
    this.#options.onDump(this, request);
    const dump = this.#options.createDump({
      request,
      sink: { write: (bytes) => this.#write(bytes) },
      signal: this.#abort.signal,
    });
    if (dump === null) {
      const err = retryableDumpError('This node does not know the binlog format of its server yet');
      this.#finish({ kind: 'refused', err, sequence: request.sequence });
      return;
    }
    this.#dump = dump;
    try {
      this.#finish(await dump.run());
    } catch (thrown) {
      // A broken invariant ends the process.
      if (thrown instanceof AssertionFailure) throw thrown;
      if (this.#isEnding) return;
      // What cannot be read may be readable on another try, or on another node.
      logger.error('source-dump-failed', { index: dump.nextIndex, reason: messageOf(thrown) });
      this.destroy('the dump failed');
    }
  }

  #finish(end: DumpEnd): void {
    if (this.#isEnding) return;
    const { logger } = this.#options;
    if (end.kind === 'refused') logger.warn('source-dump-refused', { reason: end.err.message });
    const payload =
      end.kind === 'refused'
        ? writeErr(end.err)
        : writeEof({ warnings: 0, status: ServerStatus.autocommit });
    this.#end(end.kind);
    this.#socket.end(encodePacket(payload, end.sequence));
  }

  /** Room in the socket's buffer is the only back-pressure there is. */
  async #write(bytes: Uint8Array): Promise<void> {
    this.#abort.signal.throwIfAborted();
    if (this.#socket.write(bytes)) return;
    const room = deferred();
    const settle = (): void => room.resolve();
    this.#socket.once('drain', settle);
    this.#abort.signal.addEventListener('abort', settle, { once: true });
    await room.promise;
    this.#socket.off('drain', settle);
    this.#abort.signal.removeEventListener('abort', settle);
    this.#abort.signal.throwIfAborted();
  }

  #armTimer(ms: number, reason: string): void {
    this.#stopTimer();
    this.#stopTimer = this.#options.clock.every(ms, () => this.destroy(reason));
  }

  #end(reason: string): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#stopTimer();
    this.#options.logger.debug('source-session-ended', { reason });
    this.#abort.abort(new Error(reason));
  }

  #onClose(): void {
    this.#end('the client closed the connection');
    void this.#running.finally(() => this.#closed.resolve());
  }
}

export const sha256: Sha256 = (parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

function refusalOf(thrown: unknown): ErrPacket {
  if (thrown instanceof PacketTooLargeError) return packetTooLarge(thrown.message);
  if (thrown instanceof MalformedPacketError) return malformedPacket(thrown.message);
  throw thrown;
}
