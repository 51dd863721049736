import { randomBytes } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { GtidSet } from '../binlog/gtid-set.ts';
import type { ReadableLog } from '../ledger/log-reader.ts';
import { passwordDigest } from '../protocol/auth/caching-sha2-password.ts';
import { writeErr } from '../protocol/err-packet.ts';
import { nonceBytes } from '../protocol/handshake.ts';
import { encodePacket } from '../protocol/packet-writer.ts';
import { type DumpLedger, DumpStream } from './dump-stream.ts';
import { DumpTimeline } from './dump-timeline.ts';
import { SourceConnection, sha256 } from './source-connection.ts';
import { tooManySessions } from './source-error.ts';
import { checkSourceLimits, defaultSourceLimits, type SourceLimits } from './source-limits.ts';
import { type DumpRequest, type SourceAccount, SourceSession } from './source-session.ts';

/** What the source needs to know of the ledger. */
export interface SourceLedger extends DumpLedger {
  readonly committed: GtidSet;
}

export interface SourceServerOptions {
  /** Port 0 takes a free one. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Who may attach; a password is never empty. */
  readonly accounts: readonly { readonly user: string; readonly password: string }[];
  readonly raft: ReadableLog;
  readonly ledger: SourceLedger;
  /** The FORMAT_DESCRIPTION event of this node's own server; null while it is not known: dumps are then put off. */
  readonly formatDescription: () => Uint8Array | null;
  /** Of this source; no server that attaches may have the same, not even the node's own. */
  readonly serverUuid: string;
  readonly serverId: number;
  /** The version of the node's own server. */
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits?: Partial<SourceLimits>;
}

/** One dump, for status pages. */
export interface SourceDumpStatus {
  readonly replicaUuid: string | null;
  readonly replicaServerId: number;
  /** The first log index that it has not looked at. */
  readonly nextIndex: number | null;
}

/**
 * The binlog port: to a MySQL replica, `mysqlbinlog` or a change-capture client this node is a MySQL source with GTIDs, whose
 * binlog is the committed part of the Raft log. It serves nothing else, and on every node the same.
 */
export class SourceServer implements AsyncDisposable {
  readonly #options: SourceServerOptions;
  readonly #limits: SourceLimits;
  readonly #accounts: readonly SourceAccount[];
  readonly #listener: Server;
  readonly #connections = new Set<SourceConnection>();
  readonly #dumps = new Map<SourceConnection, DumpRequest>();
  #nextConnectionId = 1;

  constructor(options: SourceServerOptions) {
    this.#options = options;
    this.#limits = checkSourceLimits({ ...defaultSourceLimits, ...options.limits });
    this.#accounts = options.accounts.map(({ user, password }) => ({
      user,
      passwordDigest: passwordDigest(password, sha256),
    }));
    this.#listener = createServer({ noDelay: true, keepAlive: true }, (socket) =>
      this.#accept(socket),
    );
  }

  get dumps(): readonly SourceDumpStatus[] {
    return [...this.#dumps].map(([connection, { replicaUuid, serverId }]) => ({
      replicaUuid,
      replicaServerId: serverId,
      nextIndex: connection.nextIndex,
    }));
  }

  /** Settles with the port. Rejects with Node's error, such as EADDRINUSE. */
  async open(): Promise<number> {
    const { host, port } = this.#options.listen;
    await new Promise<void>((resolve, reject) => {
      this.#listener.once('error', reject);
      this.#listener.listen({ host, port }, () => {
        this.#listener.off('error', reject);
        resolve();
      });
    });
    const address = this.#listener.address();
    return typeof address === 'object' && address !== null ? address.port : port;
  }

  /** Ends all sessions; replicas try again by themselves. Idempotent. */
  async close(): Promise<void> {
    const stopped = new Promise<void>((resolve) => this.#listener.close(() => resolve()));
    const connections = [...this.#connections];
    for (const connection of connections) connection.destroy('the node stops');
    await Promise.all([stopped, ...connections.map(({ closed }) => closed)]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #accept(socket: Socket): void {
    if (this.#connections.size >= this.#limits.sessionsMax) {
      socket.on('error', () => {});
      socket.end(encodePacket(writeErr(tooManySessions(this.#limits.sessionsMax)), 0));
      return;
    }
    const connectionId = this.#nextConnectionId;
    this.#nextConnectionId = (connectionId % 0xffff_ffff) + 1;
    const logger = this.#options.logger.child({ connectionId, peer: socket.remoteAddress });
    const connection: SourceConnection = new SourceConnection({
      socket,
      session: this.#newSession(connectionId),
      limits: this.#limits,
      clock: this.#options.clock,
      logger,
      createDump: (parts) => this.#createDump(parts),
      onDump: (dumping, request) => this.#onDump(dumping, request, logger),
    });
    this.#connections.add(connection);
    void connection.closed.then(() => {
      this.#connections.delete(connection);
      this.#dumps.delete(connection);
    });
  }

  #newSession(connectionId: number): SourceSession {
    return new SourceSession({
      accounts: this.#accounts,
      connectionId,
      // Seven bits and no zero: a nonce ends at a zero byte for some clients.
      nonce: randomBytes(nonceBytes).map((byte) => byte & 0x7f || 1),
      version: this.#options.version,
      sha256,
      systemVariable: (name) => this.#systemVariable(name),
    });
  }

  #createDump(
    parts: Pick<ConstructorParameters<typeof DumpStream>[0], 'request' | 'sink' | 'signal'>,
  ): DumpStream | null {
    const { raft, ledger, clock, serverId } = this.#options;
    const formatDescription = this.#options.formatDescription();
    if (formatDescription === null) return null;
    return new DumpStream({
      ...parts,
      log: raft,
      ledger,
      clock,
      timeline: new DumpTimeline({ serverId, formatDescription }),
      unknownGtidWaitMs: this.#limits.unknownGtidWaitMs,
    });
  }

  /** A replica that attaches again has lost its earlier connection, whether or not this end has noticed. */
  #onDump(connection: SourceConnection, request: DumpRequest, logger: Logger): void {
    const { replicaUuid, serverId } = request;
    logger.info('source-dump-started', { replicaUuid, replicaServerId: serverId });
    for (const [other, { replicaUuid: otherUuid }] of this.#dumps) {
      if (replicaUuid !== null && otherUuid === replicaUuid) {
        other.destroy('the same replica attached again');
      }
    }
    this.#dumps.set(connection, request);
  }

  #systemVariable(name: string): string | null {
    const { serverId, serverUuid, version, ledger } = this.#options;
    switch (name) {
      case 'server_id':
        return String(serverId);
      case 'server_uuid':
        return serverUuid;
      case 'version':
        return version;
      case 'version_comment':
        return 'binraft binlog port';
      case 'gtid_mode':
      case 'log_bin':
      case 'enforce_gtid_consistency':
        return 'ON';
      case 'gtid_executed':
        return ledger.committed.toString();
      case 'gtid_purged':
        return '';
      case 'binlog_checksum':
        return 'CRC32';
      case 'binlog_format':
        return 'ROW';
      case 'binlog_row_image':
        return 'FULL';
      case 'max_allowed_packet':
        return String(this.#limits.commandBytesMax);
      default:
        return null;
    }
  }
}
