import type { SessionSocket } from '../../../proxy/worker/session-socket.ts';
import type { Connections, SimSocket } from '../kernel/connections.ts';
import type { SimProcess } from '../kernel/sim-process.ts';

/** What travels on a connection of bytes: a chunk, or the end of one direction. */
export type Frame = Uint8Array | 'fin';
export type ByteConnections = Connections<Frame, Frame>;

type Listener = (argument: never) => void;

/**
 * A `net.Socket` in a simulated process, as far as sessions use one. Chunks arrive as they were written, each as an event of its
 * own; `close` comes when both directions have ended, as with a real one. It has no buffer that fills: back-pressure of slow
 * clients is not simulated.
 */
export class ByteSocket implements SessionSocket {
  readonly writableNeedDrain = false;
  readonly remoteAddress: string | undefined;
  readonly remotePort = 0;
  readonly #process: SimProcess;
  readonly #allowHalfOpen: boolean;
  readonly #listeners = new Map<string, Listener[]>();
  #transport: SimSocket<Frame, Frame> | null = null;
  /** Written before the connection stood. */
  #unsent: Frame[] = [];
  /** Arrived while paused. */
  readonly #unread: Frame[] = [];
  #isPaused = false;
  #hasEnded = false;
  #isPeerEnded = false;
  #isClosed = false;

  private constructor(process: SimProcess, options: { allowHalfOpen: boolean; peer: string }) {
    this.#process = process;
    this.#allowHalfOpen = options.allowHalfOpen;
    this.remoteAddress = options.peer;
  }

  /** The server's end of a connection. */
  static accepted(
    process: SimProcess,
    transport: SimSocket<Frame, Frame>,
    options: { readonly allowHalfOpen: boolean },
  ): ByteSocket {
    const socket = new ByteSocket(process, { ...options, peer: transport.peer });
    socket.#attach(transport);
    return socket;
  }

  /** A connection that is being made: may be written to at once. */
  static connecting(process: SimProcess, connections: ByteConnections, to: string): ByteSocket {
    const socket = new ByteSocket(process, { allowHalfOpen: false, peer: to });
    connections.connect(process, to, (transport) => {
      if (transport === null) socket.#fail('refused');
      else if (socket.#isClosed) transport.close();
      else socket.#attach(transport);
    });
    return socket;
  }

  get destroyed(): boolean {
    return this.#isClosed;
  }

  on(event: string, listener: Listener): this {
    const known = this.#listeners.get(event);
    if (known === undefined) this.#listeners.set(event, [listener]);
    else known.push(listener);
    return this;
  }

  once(event: 'close', listener: () => void): this {
    return this.on(event, listener);
  }

  write(bytes: Uint8Array): boolean {
    this.#put(bytes);
    return true;
  }

  end(bytes?: Uint8Array): this {
    if (this.#hasEnded) return this;
    if (bytes !== undefined) this.#put(bytes);
    this.#put('fin');
    this.#hasEnded = true;
    this.#closeWhenBothEnded();
    return this;
  }

  destroy(): this {
    if (this.#isClosed) return this;
    this.#transport?.close();
    this.#close();
    return this;
  }

  destroySoon(): void {
    this.end();
    this.destroy();
  }

  cork(): void {}

  uncork(): void {}

  pause(): this {
    this.#isPaused = true;
    return this;
  }

  resume(): this {
    this.#isPaused = false;
    while (!this.#isPaused && !this.#isClosed) {
      const frame = this.#unread.shift();
      if (frame === undefined) break;
      this.#deliver(frame);
    }
    return this;
  }

  setTimeout(ms: number, callback: () => void): this {
    const stop = this.#process.clock.every(ms, () => {
      stop();
      if (!this.#isClosed) callback();
    });
    return this;
  }

  #put(frame: Frame): void {
    if (this.#hasEnded || this.#isClosed) return;
    if (this.#transport === null) this.#unsent.push(frame);
    else this.#transport.send(frame);
  }

  #attach(transport: SimSocket<Frame, Frame>): void {
    this.#transport = transport;
    transport.onMessage = (frame) => {
      if (this.#isPaused) this.#unread.push(frame);
      else this.#deliver(frame);
    };
    transport.onClose = (reason) => this.#fail(reason);
    for (const frame of this.#unsent) transport.send(frame);
    this.#unsent = [];
  }

  #deliver(frame: Frame): void {
    if (this.#isClosed || this.#isPeerEnded) return;
    if (frame !== 'fin') {
      this.#emit('data', frame);
      return;
    }
    this.#isPeerEnded = true;
    this.#emit('end');
    if (!this.#allowHalfOpen) this.end();
    this.#closeWhenBothEnded();
  }

  #closeWhenBothEnded(): void {
    if (!this.#hasEnded || !this.#isPeerEnded || this.#isClosed) return;
    this.#transport?.close();
    this.#close();
  }

  #fail(reason: string): void {
    if (this.#isClosed) return;
    // What both sides had ended before is no failure, whoever closed first.
    if (!this.#isPeerEnded) this.#emit('error', new Error(reason));
    this.#close();
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#process.simulation.after(0, () => this.#process.enter(() => this.#emit('close')));
  }

  #emit(event: string, argument?: unknown): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) {
      // The listener of an event takes what that event brings.
      listener(argument as never);
    }
  }
}
