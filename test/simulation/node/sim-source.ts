import { AssertionFailure } from '../../../base/assert.ts';
import { messageOf } from '../../../base/errors.ts';
import type { Logger } from '../../../base/logger.ts';
import type { GtidSet } from '../../../mysql-bridge/binlog/gtid-set.ts';
import type { ReadableLog } from '../../../mysql-bridge/ledger/log-reader.ts';
import { PacketCollector, PacketFramer } from '../../../mysql-bridge/protocol/packet-framer.ts';
import { type DumpLedger, DumpStream } from '../../../mysql-bridge/source/dump-stream.ts';
import { DumpTimeline } from '../../../mysql-bridge/source/dump-timeline.ts';
import type { Connections, SimSocket } from '../kernel/connections.ts';
import type { SimProcess } from '../kernel/sim-process.ts';
import type { SourceLink } from './mysqld-host.ts';

export interface ToSource {
  readonly exclude: GtidSet;
}
export type FromSource =
  | { readonly kind: 'event'; readonly event: Uint8Array }
  | { readonly kind: 'err'; readonly number: number };

export type SourceConnections = Connections<ToSource, FromSource>;

const heartbeatPeriodNs = 2_000_000_000n;
const unknownGtidWaitMs = 10_000;
const retryable = 1053;
const packetBytesMax = 64 * 1024 * 1024;

/**
 * The binlog port of a sidecar for its own server: the product's `DumpStream` on the log, without the log-in and the questions in
 * front of it. One dump at a time: a server that attaches again has lost its earlier connection.
 */
export class SimSource {
  readonly #options: {
    readonly process: SimProcess;
    readonly log: ReadableLog;
    readonly ledger: DumpLedger;
    readonly serverId: number;
    readonly logger: Logger;
    readonly formatDescription: () => Uint8Array | null;
  };
  #current: AbortController | null = null;

  constructor(options: {
    readonly process: SimProcess;
    readonly log: ReadableLog;
    readonly ledger: DumpLedger;
    readonly serverId: number;
    readonly logger: Logger;
    readonly formatDescription: () => Uint8Array | null;
  }) {
    this.#options = options;
  }

  listen(connections: SourceConnections): void {
    connections.listen(this.#options.process, (socket) => {
      socket.onMessage = ({ exclude }) => this.#serve(socket, exclude);
    });
  }

  close(): void {
    this.#current?.abort(new Error('the node stops'));
  }

  #serve(socket: SimSocket<ToSource, FromSource>, exclude: GtidSet): void {
    const { log, ledger, serverId, process, logger } = this.#options;
    const formatDescription = this.#options.formatDescription();
    this.#current?.abort(new Error('the same replica attached again'));
    if (formatDescription === null) {
      refuse(socket, retryable);
      return;
    }
    const abort = new AbortController();
    this.#current = abort;
    socket.onClose = (reason) => abort.abort(new Error(reason));
    const dump = new DumpStream({
      log,
      ledger,
      timeline: new DumpTimeline({ serverId, formatDescription }),
      request: {
        flags: 0,
        serverId,
        file: '',
        offset: 4n,
        exclude: exclude.encode(),
        sequence: 1,
        heartbeatPeriodNs,
        replicaUuid: null,
      },
      sink: new EventSink(socket, abort.signal),
      clock: process.clock,
      unknownGtidWaitMs,
      signal: abort.signal,
    });
    dump.run().then(
      (end) => refuse(socket, end.kind === 'refused' ? end.err.number : retryable),
      (thrown: unknown) => {
        if (thrown instanceof AssertionFailure)
          process.simulation.violated('assertion', thrown.message, thrown);
        if (abort.signal.aborted) socket.close();
        else {
          logger.error('source-dump-failed', { reason: messageOf(thrown) });
          socket.close();
        }
      },
    );
  }
}

function refuse(socket: SimSocket<ToSource, FromSource>, number: number): void {
  socket.send({ kind: 'err', number });
  socket.close();
}

/** Packets back to whole events, as a receiver reads them. */
class EventSink {
  readonly #socket: SimSocket<ToSource, FromSource>;
  readonly #signal: AbortSignal;
  readonly #framer = new PacketFramer({ packetBytesMax });
  readonly #collector = new PacketCollector({ payloadBytesMax: packetBytesMax });

  constructor(socket: SimSocket<ToSource, FromSource>, signal: AbortSignal) {
    this.#socket = socket;
    this.#signal = signal;
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#signal.aborted) return Promise.reject(this.#signal.reason);
    for (const piece of this.#framer.push(bytes)) {
      const packet = this.#collector.add(piece);
      if (packet !== null) this.#socket.send({ kind: 'event', event: packet.payload.subarray(1) });
    }
    return Promise.resolve();
  }
}

/** The receiver's side: a server reaches the sidecar of its own host. */
export function sourceLinkOf(connections: SourceConnections, sidecar: string): SourceLink {
  const sockets = new Map<number, SimSocket<FromSource, ToSource>>();
  return {
    connect: ({ connection, exclude, process, step }) => {
      connections.connect(process, sidecar, (socket) => {
        if (socket === null) {
          step({ kind: 'source-lost', connection, error: null });
          return;
        }
        sockets.set(connection, socket);
        socket.onMessage = (message) => {
          if (message.kind === 'event')
            step({ kind: 'source-event', connection, event: message.event });
          else step({ kind: 'source-lost', connection, error: message.number });
        };
        socket.onClose = () => {
          sockets.delete(connection);
          step({ kind: 'source-lost', connection, error: null });
        };
        step({ kind: 'source-connected', connection });
        socket.send({ exclude });
      });
    },
    close: (connection) => {
      sockets.get(connection)?.close();
      sockets.delete(connection);
    },
  };
}
