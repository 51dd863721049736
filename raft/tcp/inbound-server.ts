import { createServer, type Server, type Socket } from 'node:net';
import { after, type Clock } from '../../base/clock.ts';
import { codeOf, messageOf } from '../../base/errors.ts';
import { FatalError } from '../../base/fatal.ts';
import type { Logger } from '../../base/logger.ts';
import type { MemberAddress } from '../core/membership.ts';
import type { Message } from '../core/messages.ts';
import type { NodeId } from '../core/types.ts';
import type { SnapshotStore } from '../snapshot-store.ts';
import { FrameConnection } from './frame-connection.ts';
import { FrameKind } from './frame-reader.ts';
import { type Cluster, encodeAnswer, judgeHello } from './handshake.ts';
import { helloBytesMax, type TransportLimits } from './limits.ts';
import { SnapshotSender } from './snapshot-sender.ts';
import { decodeFrame } from './wire-codec.ts';

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

/** What a connection has said so far: nothing, who it is, or something that leaves it no more to say. */
type Caller =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'peer'; readonly id: NodeId }
  | { readonly kind: 'done' };

interface Accepted {
  readonly connection: FrameConnection;
  caller: Caller;
}

/**
 * Accepts the connections of the other nodes. Nothing of one reaches Raft before its hello was accepted; of each peer
 * the newest stream counts, so that a peer that was restarted is not heard twice.
 */
export class InboundServer {
  readonly #options: InboundServerOptions;
  readonly #sender: SnapshotSender;
  readonly #listener: Server;
  readonly #sockets = new Set<Socket>();
  readonly #streams = new Map<NodeId, FrameConnection>();

  constructor(options: InboundServerOptions) {
    this.#options = options;
    const { limits, here, clock, logger } = options;
    this.#sender = new SnapshotSender({ store: options.snapshots, here, clock, logger, limits });
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
    const closed = new Promise<void>((resolve) => this.#listener.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #connected(socket: Socket): void {
    const { clock, limits } = this.#options;
    this.#sockets.add(socket);
    const accepted: Accepted = {
      connection: new FrameConnection({
        socket,
        clock,
        contentBytesMax: helloBytesMax,
        onFrame: (kind, content) => this.#take(accepted, kind, content),
        onEnd: () => this.#ended(accepted),
      }),
      caller: { kind: 'unknown' },
    };
    // Whoever does not say who it is gives its place to others (HAZARDS S6).
    const settled = after(clock, limits.handshakeTimeoutMs, () => {
      if (accepted.caller.kind === 'unknown') accepted.connection.destroy('no hello');
    });
    socket.once('close', () => {
      settled();
      this.#sockets.delete(socket);
    });
  }

  #take(accepted: Accepted, kind: number, content: Uint8Array): void {
    const { caller, connection } = accepted;
    if (caller.kind === 'peer' && kind === FrameKind.messages) {
      this.#receive(caller.id, connection, content);
    } else if (caller.kind === 'unknown' && kind === FrameKind.hello) {
      this.#greet(accepted, content);
    } else if (caller.kind === 'unknown' && kind === FrameKind.snapshotRequest) {
      accepted.caller = { kind: 'done' };
      this.#sender.accept(connection, content);
    } else {
      connection.refuse(`malformed frame: kind ${kind} at this place`);
    }
  }

  #greet(accepted: Accepted, content: Uint8Array): void {
    const { here, limits, logger, onHello } = this.#options;
    const { connection } = accepted;
    const verdict = judgeHello(content, here());
    connection.write(FrameKind.answer, encodeAnswer(verdict));
    if (verdict.kind === 'refused') {
      const { reason, detail } = verdict;
      logger.warn('hello-refused', { peer: connection.peer, reason, detail });
      connection.finish();
      return;
    }
    accepted.caller = { kind: 'peer', id: verdict.from };
    connection.allow(limits.frameBytesMax);
    connection.keepAlive(limits.keepaliveMs);
    const older = this.#streams.get(verdict.from);
    this.#streams.set(verdict.from, connection);
    older?.refuse('a newer stream of this node took over');
    onHello(verdict.from, verdict.address);
  }

  #receive(from: NodeId, connection: FrameConnection, content: Uint8Array): void {
    const frame = decodeFrame(content);
    if (frame.kind === 'malformed') {
      this.#options.logger.error('frame-refused', { peer: from, reason: frame.reason });
      connection.refuse(`malformed frame: ${frame.reason}`);
      return;
    }
    for (const message of frame.messages) this.#options.onMessage(from, message);
  }

  #ended({ connection, caller }: Accepted): void {
    if (caller.kind === 'peer' && this.#streams.get(caller.id) === connection) {
      this.#streams.delete(caller.id);
    }
  }
}

function listenError(error: Error, { host, port }: { host: string; port: number }): Error {
  if (codeOf(error) !== 'EADDRINUSE') return error;
  return new FatalError(
    'PORT_TAKEN',
    `the raft port ${host}:${port} is taken by another process: stop it or choose another port`,
    { cause: error },
  );
}
