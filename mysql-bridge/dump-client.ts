import type { Clock } from '../base/clock.ts';
import type { BinlogPosition } from './binlog/position.ts';
import { MySqlConnectionError, serverError } from './errors.ts';
import { MySqlConnection, type MySqlEndpoint, type StreamListener } from './mysql-connection.ts';
import type { InternalAccount } from './mysql-server.ts';
import { BinlogDumpFlag, firstBinlogOffset } from './protocol/commands.ts';
import { ResponseHeader } from './protocol/constants.ts';
import { isEof } from './protocol/eof-packet.ts';
import { isErr, readErr } from './protocol/err-packet.ts';
import { MalformedPacketError } from './protocol/errors.ts';
import { PacketCollector } from './protocol/packet-framer.ts';
import type { PacketPiece } from './protocol/packet-piece.ts';
import { encodeSemisyncAck } from './semisync/semisync-ack.ts';

export interface DumpOptions {
  readonly endpoint: MySqlEndpoint;
  readonly account: InternalAccount;
  /** Differs from every server's own id. */
  readonly serverId: number;
  /** Differs from every server's own; a second dump under the same one ends the first. */
  readonly replicaUuid: string;
  readonly heartbeatPeriodMs: number;
  /** Ask for acks: the server then counts this client as a semisync replica. */
  readonly isSemisync: boolean;
  readonly loginTimeoutMs: number;
  readonly clock: Clock;
}

/** What a dump tells its owner. Calls come in the order of the stream. */
export interface DumpListener {
  /** Pieces of event packets, as they came in one read; each packet begins with its zero byte. Never empty. */
  onPieces(pieces: readonly PacketPiece[]): void;
  /** The last call. Null: this side closed the dump. */
  onEnd(error: Error | null): void;
}

/** An ERR packet is at most some hundred bytes; what claims to be a longer one is none. */
const errBytesMax = 64 * 1024;

/**
 * A server's binlog as a stream, received as a replica receives it. `MySQL: Replication Protocol, COM_BINLOG_DUMP_GTID`.
 * Two steps, so that the owner can ask the server something in between: `open` logs in and says who we are, `start` asks
 * for the events.
 */
export class DumpClient implements AsyncDisposable {
  readonly #connection: MySqlConnection;
  readonly #serverId: number;
  #isPaused = false;

  private constructor(connection: MySqlConnection, serverId: number) {
    this.#connection = connection;
    this.#serverId = serverId;
  }

  /** Rejects as `MySqlConnection.open`, and with MYSQL_SERVER_ERROR when the account may not replicate. */
  static async open(options: DumpOptions): Promise<DumpClient> {
    const connection = await MySqlConnection.open(options);
    try {
      await connection.query(sessionVariables(options));
      await connection.command({
        kind: 'register-replica',
        serverId: options.serverId,
        host: '',
        user: '',
        password: '',
        port: 0,
      });
      return new DumpClient(connection, options.serverId);
    } catch (thrown) {
      await connection.close();
      throw thrown;
    }
  }

  /** `@@GLOBAL.gtid_executed`; only before `start`. A transaction that waits for its ack is not in it. */
  async executedGtids(): Promise<string> {
    const answer = await this.#connection.query('SELECT @@GLOBAL.gtid_executed');
    const value = answer.kind === 'rows' ? answer.rows[0]?.[0] : undefined;
    if (value === undefined || value === null) {
      throw new MalformedPacketError('no row to a question for @@GLOBAL.gtid_executed');
    }
    return value;
  }

  /** Asks for every transaction that is not in `exclude`, a GTID set in its binary encoding. */
  start(exclude: Uint8Array, listener: DumpListener): void {
    this.#connection.startStream(
      {
        kind: 'binlog-dump-gtid',
        // A left-out stretch ends with a heartbeat, and one of version 1 has only 32 bits for its position.
        flags: BinlogDumpFlag.heartbeatV2,
        serverId: this.#serverId,
        file: '',
        offset: BigInt(firstBinlogOffset),
        exclude,
      },
      new EventStream(listener),
    );
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Reads nothing more, so that the server waits; at most the pieces of the current read still come. */
  pause(): void {
    this.#isPaused = true;
    this.#connection.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#connection.resume();
  }

  /** Releases every commit that waits at or before this position. What cannot be sent any more is dropped. */
  sendAck(position: BinlogPosition): void {
    this.#connection.send(encodeSemisyncAck(position));
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * Variables of the session by which the server knows what kind of replica it talks to; each in the spelling of 8.0.26 and
 * later and in that of before. MySQL: `rpl_binlog_sender.cc` and the semisync source plug-in read them when the dump starts.
 */
function sessionVariables(options: DumpOptions): string {
  const heartbeatNs = BigInt(options.heartbeatPeriodMs) * 1_000_000n;
  const isSemisync = options.isSemisync ? 1 : 0;
  const variables = {
    heartbeat_period: heartbeatNs.toString(),
    binlog_checksum: "'CRC32'",
  };
  const ofSource = Object.entries(variables).flatMap(([name, value]) => [
    `@source_${name} = ${value}`,
    `@master_${name} = ${value}`,
  ]);
  const ofReplica = ['replica', 'slave'].flatMap((word) => [
    `@rpl_semi_sync_${word} = ${isSemisync}`,
    `@${word}_uuid = '${options.replicaUuid}'`,
  ]);
  return `SET ${[...ofSource, ...ofReplica].join(', ')}`;
}

/** Lets event packets through, and turns the packets that end a dump into errors. */
class EventStream implements StreamListener {
  readonly #listener: DumpListener;
  readonly #lastPacket = new PacketCollector({ payloadBytesMax: errBytesMax });
  #isEnding = false;

  constructor(listener: DumpListener) {
    this.#listener = listener;
  }

  onPieces(pieces: readonly PacketPiece[]): void {
    const end = this.#isEnding ? 0 : pieces.findIndex(endsEvents);
    const events = end === -1 ? pieces : pieces.slice(0, end);
    if (events.length > 0) this.#listener.onPieces(events);
    if (end === -1) return;
    this.#isEnding = true;
    for (const piece of pieces.slice(end)) {
      const packet = this.#lastPacket.add(piece);
      if (packet !== null) throw endOfDump(packet.payload);
    }
  }

  onEnd(error: Error | null): void {
    this.#listener.onEnd(error);
  }
}

function endsEvents(piece: PacketPiece): boolean {
  return piece.isFirst && piece.bytes[0] !== ResponseHeader.ok;
}

function endOfDump(payload: Uint8Array): Error {
  if (isErr(payload)) return serverError(readErr(payload), 'the binlog dump');
  if (isEof(payload)) return new MySqlConnectionError('MYSQL_CONNECTION_LOST', 'the dump ended');
  return new MalformedPacketError(`a dump does not send packets that begin with ${payload[0]}`);
}
