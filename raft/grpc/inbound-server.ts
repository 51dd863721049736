import { createServer, type Server as NetServer, type Socket } from 'node:net';
import {
  type ConnectionInjector,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  status,
} from '@grpc/grpc-js';
import type { Clock } from '../../base/clock.ts';
import { codeOf, messageOf } from '../../base/errors.ts';
import { FatalError } from '../../base/fatal.ts';
import type { Logger } from '../../base/logger.ts';
import type { MemberAddress } from '../core/membership.ts';
import type { Message } from '../core/messages.ts';
import type { NodeId } from '../core/types.ts';
import type { SnapshotStore } from '../snapshot-store.ts';
import { type Cluster, encodeAnswer, judgeHello } from './handshake.ts';
import type { TransportLimits } from './limits.ts';
import { widenReceiveWindow } from './receive-window.ts';
import { raftService } from './service.ts';
import { type SnapshotCall, SnapshotSender } from './snapshot-sender.ts';
import { decodeFrame } from './wire-codec.ts';

type Call = ServerDuplexStream<Uint8Array, Uint8Array>;

export interface InboundServerOptions {
  readonly listen: { readonly host: string; readonly port: number };
  readonly here: () => Cluster & { readonly self: NodeId };
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: TransportLimits;
  readonly onMessage: (from: NodeId, message: Message) => void;
  /** What peers may fetch; null on a node that has no snapshots. */
  readonly snapshots: SnapshotStore | null;
  /** The peer's hello was accepted; it can be reached at the address, if it says so. */
  readonly onHello: (from: NodeId, address: MemberAddress | null) => void;
}

/**
 * Accepts the streams of the other nodes. Nothing of a stream reaches Raft before its hello was accepted; of each peer
 * the newest stream counts, so that a peer that was restarted is not heard twice. The listening socket is our own and is handed to gRPC,
 * because gRPC reports a taken port as text only and accepts any number of connections.
 */
export class InboundServer {
  readonly #options: InboundServerOptions;
  readonly #grpc: Server;
  readonly #injector: ConnectionInjector;
  readonly #listener: NetServer;
  readonly #sockets = new Set<Socket>();
  /** Remote ends of connections that carried an accepted hello. */
  readonly #known = new Set<string>();
  readonly #streams = new Map<NodeId, Call>();
  readonly #closing = new AbortController();

  constructor(options: InboundServerOptions) {
    this.#options = options;
    const { limits } = options;
    this.#grpc = new Server({
      'grpc.max_receive_message_length': limits.frameBytesMax,
      'grpc.max_send_message_length': limits.frameBytesMax,
      'grpc.keepalive_time_ms': limits.keepaliveMs,
      'grpc.keepalive_timeout_ms': limits.keepaliveMs,
      // A peer opens one stream; more on one connection is a stranger's doing.
      'grpc.max_concurrent_streams': 4,
    });
    const sender = new SnapshotSender({
      store: options.snapshots,
      here: options.here,
      clock: options.clock,
      logger: options.logger,
      limits,
      onKnown: (call) => this.#known.add(call.getPeer()),
    });
    this.#grpc.addService(raftService, {
      exchange: (call: Call) => this.#accept(call),
      fetchSnapshot: (call: SnapshotCall) => sender.accept(call),
    });
    this.#injector = this.#grpc.createConnectionInjector(ServerCredentials.createInsecure());
    this.#listener = createServer({ noDelay: true }, (socket) => this.#connected(socket));
    this.#listener.maxConnections = limits.connectionsMax;
  }

  /** The port in use, once open. */
  get port(): number {
    const address = this.#listener.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Rejects with FatalError PORT_TAKEN, or with what the system said. */
  async open(): Promise<void> {
    const { host, port } = this.#options.listen;
    await new Promise<void>((resolve, reject) => {
      this.#listener.once('error', (error) => reject(listenError(error, { host, port })));
      this.#listener.listen({ host, port }, resolve);
    });
    this.#listener.on('error', (error) => {
      this.#options.logger.error('raft-listener-failed', { error: messageOf(error) });
    });
  }

  /** Stops listening and cuts every connection. */
  async close(): Promise<void> {
    this.#closing.abort();
    const closed = new Promise<void>((resolve) => this.#listener.close(() => resolve()));
    this.#grpc.forceShutdown();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #connected(socket: Socket): void {
    const remote = `${socket.remoteAddress}:${socket.remotePort}`;
    this.#sockets.add(socket);
    // Whoever does not say who it is gives its place to others (HAZARDS S6).
    const settled = this.#afterHandshakeTimeout(() => {
      if (!this.#known.has(remote)) socket.destroy();
    });
    socket.once('close', () => {
      settled();
      this.#sockets.delete(socket);
      this.#known.delete(remote);
    });
    socket.on('error', () => socket.destroy());
    this.#injector.injectConnection(socket);
  }

  #accept(call: Call): void {
    widenReceiveWindow(call);
    let from: NodeId | null = null;
    call.on('data', (bytes: Uint8Array) => {
      if (from !== null) this.#receive(from, call, bytes);
      else from = this.#greet(call, bytes);
    });
    call.on('end', () => call.end());
    // A cut connection; the end of the stream is all there is to know.
    call.on('error', () => undefined);
    call.on('cancelled', () => {
      if (from !== null && this.#streams.get(from) === call) this.#streams.delete(from);
    });
  }

  #greet(call: Call, bytes: Uint8Array): NodeId | null {
    const verdict = judgeHello(bytes, this.#options.here());
    if (verdict.kind === 'refused') {
      const { reason, detail } = verdict;
      this.#options.logger.warn('hello-refused', { peer: call.getPeer(), reason, detail });
      call.write(encodeAnswer(verdict));
      call.removeAllListeners('data');
      call.end();
      return null;
    }
    this.#known.add(call.getPeer());
    const older = this.#streams.get(verdict.from);
    if (older !== undefined) cut(older, 'a newer stream of this node took over');
    this.#streams.set(verdict.from, call);
    call.write(encodeAnswer(verdict));
    this.#options.onHello(verdict.from, verdict.address);
    return verdict.from;
  }

  #receive(from: NodeId, call: Call, bytes: Uint8Array): void {
    if (this.#streams.get(from) !== call) return;
    const frame = decodeFrame(bytes);
    if (frame.kind === 'malformed') {
      this.#options.logger.error('frame-refused', { peer: from, reason: frame.reason });
      this.#streams.delete(from);
      cut(call, `malformed frame: ${frame.reason}`);
      return;
    }
    for (const message of frame.messages) this.#options.onMessage(from, message);
  }

  /** Returns what calls the wait off. */
  #afterHandshakeTimeout(callback: () => void): () => void {
    const wait = new AbortController();
    const signal = AbortSignal.any([wait.signal, this.#closing.signal]);
    this.#options.clock
      .delay(this.#options.limits.handshakeTimeoutMs, { signal })
      .then(callback, () => undefined);
    return () => wait.abort();
  }
}

/** Ends a call with a reason the other side can log. */
function cut(call: Call, details: string): void {
  call.removeAllListeners('data');
  call.emit('error', Object.assign(new Error(details), { code: status.ABORTED, details }));
}

function listenError(error: Error, { host, port }: { host: string; port: number }): Error {
  if (codeOf(error) !== 'EADDRINUSE') return error;
  return new FatalError(
    'PORT_TAKEN',
    `the raft port ${host}:${port} is taken by another process: stop it or choose another port`,
    { cause: error },
  );
}
