import { connect } from 'node:net';
import type { Clock } from '../../base/clock.ts';
import { type Deferred, deferred } from '../../base/deferred.ts';
import { FrameConnection } from './frame-connection.ts';
import { FrameKind } from './frame-reader.ts';
import { decodeAnswer, encodeHello, type Hello, type HelloAnswer } from './handshake.ts';
import { helloBytesMax, type TransportLimits } from './limits.ts';

export interface OutboundStreamOptions {
  readonly host: string;
  readonly port: number;
  readonly hello: Hello;
  readonly clock: Clock;
  readonly limits: Pick<TransportLimits, 'keepaliveMs'>;
  /** There is room again for what `write` could not take at once. */
  readonly onRoom?: () => void;
}

/** What this node sends to one peer: one connection, from the dial to its end. */
export class OutboundStream {
  readonly #connection: FrameConnection;
  readonly #answer: Deferred<HelloAnswer> = deferred<HelloAnswer>();
  readonly #ended: Deferred<string> = deferred<string>();

  constructor(options: OutboundStreamOptions) {
    const { host, port, hello, clock, limits, onRoom } = options;
    this.#connection = new FrameConnection({
      socket: connect({ host, port, noDelay: true }),
      clock,
      // Nothing but the answer is expected here: what comes later settles nothing.
      contentBytesMax: helloBytesMax,
      onFrame: (kind, content) => {
        if (kind !== FrameKind.answer) return;
        this.#answer.resolve(decodeAnswer(content));
        this.#connection.keepAlive(limits.keepaliveMs);
      },
      ...(onRoom && { onRoom }),
      onEnd: (reason) => this.#ended.resolve(reason),
    });
    this.#connection.write(FrameKind.hello, encodeHello(hello));
  }

  /** What the peer said to the hello; pending for ever when the stream ends first. */
  get answer(): Promise<HelloAnswer> {
    return this.#answer.promise;
  }

  /** Settles with the reason when the stream is no more. */
  get ended(): Promise<string> {
    return this.#ended.promise;
  }

  /** Messages as `encodeFrame` packs them. False when the next should wait for `onRoom`. */
  write(messages: Uint8Array): boolean {
    return this.#connection.write(FrameKind.messages, messages);
  }

  close(reason: string): void {
    this.#connection.destroy(reason);
  }
}
