import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { Random } from '../../base/random.ts';
import type { Message } from '../core/messages.ts';
import type { NodeId } from '../core/types.ts';
import type { Hello } from './handshake.ts';
import type { TransportLimits } from './limits.ts';
import { OutboundStream } from './outbound-stream.ts';
import { SendQueue } from './send-queue.ts';

/** A member of the cluster and where it listens. */
export interface PeerAddress {
  readonly id: NodeId;
  readonly host: string;
  readonly port: number;
}

export interface PeerLinkOptions {
  readonly peer: PeerAddress;
  readonly hello: () => Hello;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly limits: TransportLimits;
  readonly onState: (state: 'up' | 'down') => void;
  /** Asked after each dial, with how many failed since the link was last up. */
  readonly mayDialAgain: (failedDials: number) => boolean;
  /** The link is not dialled again. */
  readonly onEnd: (link: PeerLink) => void;
}

/** How one dial went: a link that was up is dialled again soon, one that never was ever less often. */
type DialOutcome = 'was-up' | 'failed';

/** Keeps a stream to one peer, dialling again and again with growing pauses; carries what is sent while it is up. */
export class PeerLink {
  readonly #options: PeerLinkOptions;
  readonly #closing = new AbortController();
  #queue: SendQueue | null = null;
  #lastRefusal: string | null = null;
  #lastFailure: string | null = null;
  #pause: AbortController | null = null;
  #running: Promise<void> | null = null;

  constructor(options: PeerLinkOptions) {
    this.#options = options;
  }

  get isConnected(): boolean {
    return this.#queue !== null;
  }

  /** Why the peer last refused this node, until it accepts. */
  get lastRefusal(): string | null {
    return this.#lastRefusal;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Dropped unless the link is up and has room. */
  send(message: Message): void {
    this.#queue?.push(message);
  }

  /** The peer was just heard of: no need to sit out the pause. */
  nudge(): void {
    this.#pause?.abort();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#pause?.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { reconnectMsMin, reconnectMsMax } = this.#options.limits;
    let pauseMs = reconnectMsMin;
    let failedDials = 0;
    while (!this.#closing.signal.aborted) {
      const outcome = await this.#dial();
      failedDials = outcome === 'was-up' ? 0 : failedDials + 1;
      if (!this.#options.mayDialAgain(failedDials)) break;
      pauseMs = outcome === 'was-up' ? reconnectMsMin : Math.min(pauseMs * 2, reconnectMsMax);
      await this.#rest(pauseMs);
    }
    this.#options.onEnd(this);
  }

  /** One stream from its dial to its end. */
  async #dial(): Promise<DialOutcome> {
    const { peer, hello, limits, clock } = this.#options;
    const { host, port } = peer;
    const stream = new OutboundStream({
      ...{ host, port, hello: hello(), limits, clock },
      onRoom: () => this.#queue?.resume(),
    });
    const stopListening = onAbort(this.#closing.signal, () => stream.close('closing'));
    const timeout = new AbortController();
    const tooLate = clock
      .delay(limits.handshakeTimeoutMs, { signal: timeout.signal })
      .then(() => `no answer for ${limits.handshakeTimeoutMs} ms`);
    try {
      const answer = await Promise.race([stream.answer, stream.ended, tooLate]);
      if (typeof answer === 'string') this.#report(answer);
      else if (answer.kind === 'refused') this.#refuse(answer.reason, answer.detail);
      else {
        await this.#carry(stream);
        return 'was-up';
      }
      return 'failed';
    } finally {
      timeout.abort();
      tooLate.catch(() => undefined);
      stopListening();
      stream.close('done');
    }
  }

  /** The link is up until the stream ends. */
  async #carry(stream: OutboundStream): Promise<void> {
    const { peer, limits, logger, onState } = this.#options;
    this.#lastRefusal = null;
    this.#lastFailure = null;
    const queue = new SendQueue({
      limits,
      write: (frame) => stream.write(frame),
      onOversize: (bytes) => {
        logger.error('message-too-large', { peer: peer.id, bytes, bytesMax: limits.frameBytesMax });
      },
    });
    this.#queue = queue;
    logger.info('peer-up', { peer: peer.id });
    onState('up');
    const reason = await stream.ended;
    queue.close();
    this.#queue = null;
    logger.info('peer-down', { peer: peer.id, reason });
    onState('down');
  }

  #refuse(reason: string, detail: string): void {
    const refusal = `refused: ${reason}, ${detail}`;
    // Said once, not at every dial: it stays true until somebody changes a setting.
    if (refusal !== this.#lastRefusal) {
      this.#options.logger.error('peer-refused', { peer: this.#options.peer.id, reason, detail });
    }
    this.#lastRefusal = refusal;
  }

  #report(failure: string): void {
    if (failure !== this.#lastFailure && !this.#closing.signal.aborted) {
      this.#options.logger.info('peer-unreachable', { peer: this.#options.peer.id, failure });
    }
    this.#lastFailure = failure;
  }

  async #rest(pauseMs: number): Promise<void> {
    if (this.#closing.signal.aborted) return;
    const pause = new AbortController();
    this.#pause = pause;
    // Between half and the whole, so that nodes that lost each other do not dial in step.
    const ms = this.#options.random.below(Math.ceil(pauseMs / 2), pauseMs + 1);
    await this.#options.clock.delay(ms, { signal: pause.signal }).catch(() => undefined);
    this.#pause = null;
  }
}

function onAbort(signal: AbortSignal, callback: () => void): () => void {
  signal.addEventListener('abort', callback, { once: true });
  return () => signal.removeEventListener('abort', callback);
}
