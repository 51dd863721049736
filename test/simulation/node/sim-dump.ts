import { GtidSet } from '../../../mysql-bridge/binlog/gtid-set.ts';
import type { BinlogPosition } from '../../../mysql-bridge/binlog/position.ts';
import type { Dump } from '../../../mysql-bridge/binlog-tail.ts';
import type { DumpListener } from '../../../mysql-bridge/dump-client.ts';
import { MySqlConnectionError } from '../../../mysql-bridge/errors.ts';
import type { PacketPiece } from '../../../mysql-bridge/protocol/packet-piece.ts';
import type { Connections, SimSocket } from '../kernel/connections.ts';
import type { SimProcess } from '../kernel/sim-process.ts';
import type { SimDumpRequest } from '../mysql/inputs.ts';
import type { MysqldHost } from './mysqld-host.ts';

export type ToDump =
  | { readonly kind: 'dump'; readonly request: SimDumpRequest }
  | { readonly kind: 'ack'; readonly position: BinlogPosition };
export type FromDump =
  | { readonly kind: 'greeting' }
  | { readonly kind: 'events'; readonly pieces: readonly PacketPiece[] }
  | { readonly kind: 'err'; readonly message: string };

export type DumpConnections = Connections<ToDump, FromDump>;

/** What checkers are told of the dump of a server to its sidecar. */
export interface DumpObserver {
  received(server: string, pieces: readonly PacketPiece[]): void;
  acked(server: string, position: BinlogPosition): void;
  attached(server: string): void;
}

/** The replication port of a server: one dump per connection. */
export function listenForDumps(
  mysqld: MysqldHost,
  process: SimProcess,
  connections: DumpConnections,
): void {
  connections.listen(process, (socket) => {
    const session = mysqld.openSession({
      connected: () => socket.send({ kind: 'greeting' }),
      answer: () => undefined,
      closed: () => socket.close(),
      events: (pieces) => socket.send({ kind: 'events', pieces }),
      dumpRefused: (_, message) => {
        socket.send({ kind: 'err', message });
        socket.close();
      },
    });
    socket.onMessage = (message) => {
      if (message.kind === 'ack') {
        mysqld.input({ kind: 'ack', session, position: message.position });
      } else mysqld.input({ kind: 'dump', session, request: message.request });
    };
    socket.onClose = () => mysqld.closeSession(session);
  });
}

/** `DumpClient` of the product, without its log-in: what a `BinlogTail` needs of a dump. */
export class SimDump implements Dump {
  readonly #socket: SimSocket<FromDump, ToDump>;
  readonly #observer: DumpObserver;
  readonly #server: string;
  readonly #replicaUuid: string;
  #listener: DumpListener | null = null;
  #isPaused = false;
  readonly #unread: FromDump[] = [];

  private constructor(options: {
    readonly socket: SimSocket<FromDump, ToDump>;
    readonly observer: DumpObserver;
    readonly server: string;
    readonly replicaUuid: string;
  }) {
    this.#socket = options.socket;
    this.#observer = options.observer;
    this.#server = options.server;
    this.#replicaUuid = options.replicaUuid;
    this.#socket.onMessage = (message) => {
      if (this.#isPaused) this.#unread.push(message);
      else this.#take(message);
    };
    this.#socket.onClose = (reason) => this.#end(lost(reason));
  }

  static open(options: {
    readonly process: SimProcess;
    readonly connections: DumpConnections;
    readonly server: string;
    readonly replicaUuid: string;
    readonly timeoutMs: number;
    readonly observer: DumpObserver;
  }): Promise<SimDump> {
    const { process, connections, server, timeoutMs } = options;
    return new Promise((resolve, reject) => {
      const stop = process.clock.every(timeoutMs, () => {
        stop();
        reject(lost(`no answer within ${timeoutMs} ms`));
      });
      connections.connect(process, server, (socket) => {
        if (socket === null) {
          stop();
          reject(lost('refused'));
          return;
        }
        socket.onClose = (reason) => {
          stop();
          reject(lost(reason));
        };
        socket.onMessage = () => {
          stop();
          resolve(new SimDump({ ...options, socket }));
        };
      });
    });
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  start(exclude: Uint8Array, listener: DumpListener): void {
    this.#listener = listener;
    this.#observer.attached(this.#server);
    const request: SimDumpRequest = {
      exclude: GtidSet.decode(exclude),
      isSemisync: true,
      replicaUuid: this.#replicaUuid,
    };
    this.#socket.send({ kind: 'dump', request });
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    while (!this.#isPaused) {
      const message = this.#unread.shift();
      if (message === undefined) return;
      this.#take(message);
    }
  }

  sendAck(position: BinlogPosition): void {
    this.#observer.acked(this.#server, position);
    this.#socket.send({ kind: 'ack', position });
  }

  close(): Promise<void> {
    this.#socket.close();
    this.#end(null);
    return Promise.resolve();
  }

  #take(message: FromDump): void {
    if (message.kind === 'events') {
      this.#observer.received(this.#server, message.pieces);
      this.#listener?.onPieces(message.pieces);
    } else if (message.kind === 'err') {
      this.#socket.close();
      this.#end(lost(message.message));
    }
  }

  #end(error: Error | null): void {
    const listener = this.#listener;
    this.#listener = null;
    listener?.onEnd(error);
  }
}

function lost(reason: string): MySqlConnectionError {
  return new MySqlConnectionError('MYSQL_CONNECTION_LOST', reason);
}
