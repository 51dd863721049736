import { assert } from '../../base/assert.ts';
import { ByteReader, ByteWriter, fromUtf8, utf8 } from '../../base/bytes.ts';
import { Capability, CommandCode } from './constants.ts';
import { decoding } from './errors.ts';
import { hasCapability } from './handshake.ts';
import { skipQueryAttributes } from './query-attributes.ts';

/** A replica makes itself known before it asks for the binlog. `MySQL: Replication Protocol, COM_REGISTER_REPLICA`. */
export interface RegisterReplica {
  readonly serverId: number;
  readonly host: string;
  readonly user: string;
  readonly password: string;
  readonly port: number;
}

/** Asks for the binlog from a position on. `MySQL: Replication Protocol, COM_BINLOG_DUMP`. */
export interface BinlogDump {
  readonly flags: number;
  readonly serverId: number;
  readonly file: string;
  readonly offset: number;
}

/**
 * Asks for all transactions but those named. `MySQL: Replication Protocol, COM_BINLOG_DUMP_GTID`:
 *
 * ```text
 * 0x1e | flags 2 | server id 4 | file length 4 | file | offset 8 | set length 4 | encoded GTID set
 * ```
 */
export interface BinlogDumpGtid {
  readonly flags: number;
  readonly serverId: number;
  readonly file: string;
  readonly offset: bigint;
  /** The GTID set of what the replica has, in its binary encoding. */
  readonly exclude: Uint8Array;
}

/** What a client asks. Commands that nobody here looks into stay `other`. */
export type Command =
  | { readonly kind: 'quit' }
  | { readonly kind: 'ping' }
  | { readonly kind: 'statistics' }
  | { readonly kind: 'reset-connection' }
  | { readonly kind: 'init-db'; readonly database: string }
  | { readonly kind: 'query'; readonly sql: string }
  | ({ readonly kind: 'register-replica' } & RegisterReplica)
  | ({ readonly kind: 'binlog-dump' } & BinlogDump)
  | ({ readonly kind: 'binlog-dump-gtid' } & BinlogDumpGtid)
  | { readonly kind: 'other'; readonly code: number; readonly payload: Uint8Array };

/** Flags of both dump commands. */
export const BinlogDumpFlag = {
  /** Ends with EOF instead of waiting for more. */
  nonBlock: 0x1,
  /** `USE_HEARTBEAT_EVENT_V2`: heartbeats whose offset has 64 bits, from sources that know them. */
  heartbeatV2: 0x2,
  throughGtid: 0x4,
  /** `mysqlbinlog`: heartbeats are not wanted. */
  skipMetaHeartbeats: 0x8,
} as const;

/** Positions in a binlog file begin behind its magic number. */
export const firstBinlogOffset = 4;

/** `capabilities`: those in force on the connection. Throws MalformedPacketError. */
export function readCommand(payload: Uint8Array, capabilities: number): Command {
  return decoding('command', () => {
    const reader = new ByteReader(payload);
    const code = reader.u8();
    switch (code) {
      case CommandCode.quit:
        return { kind: 'quit' };
      case CommandCode.ping:
        return { kind: 'ping' };
      case CommandCode.statistics:
        return { kind: 'statistics' };
      case CommandCode.resetConnection:
        return { kind: 'reset-connection' };
      case CommandCode.initDb:
        return { kind: 'init-db', database: fromUtf8(reader.rest()) };
      case CommandCode.query:
        if (hasCapability(capabilities, Capability.queryAttributes)) skipQueryAttributes(reader);
        return { kind: 'query', sql: fromUtf8(reader.rest()) };
      case CommandCode.registerReplica:
        return { kind: 'register-replica', ...readRegisterReplica(reader) };
      case CommandCode.binlogDump:
        return { kind: 'binlog-dump', ...readBinlogDump(reader) };
      case CommandCode.binlogDumpGtid:
        return { kind: 'binlog-dump-gtid', ...readBinlogDumpGtid(reader) };
      default:
        return { kind: 'other', code, payload };
    }
  });
}

/** `capabilities`: those in force on the connection. */
export function writeCommand(command: Command, capabilities: number): Uint8Array {
  switch (command.kind) {
    case 'quit':
      return Uint8Array.of(CommandCode.quit);
    case 'ping':
      return Uint8Array.of(CommandCode.ping);
    case 'statistics':
      return Uint8Array.of(CommandCode.statistics);
    case 'reset-connection':
      return Uint8Array.of(CommandCode.resetConnection);
    case 'init-db':
      return new ByteWriter().u8(CommandCode.initDb).bytes(utf8(command.database)).finish();
    case 'query':
      return writeQuery(command.sql, capabilities);
    case 'register-replica':
      return writeRegisterReplica(command);
    case 'binlog-dump':
      return writeBinlogDump(command);
    case 'binlog-dump-gtid':
      return writeBinlogDumpGtid(command);
    case 'other':
      return command.payload;
  }
}

function writeQuery(sql: string, capabilities: number): Uint8Array {
  const writer = new ByteWriter().u8(CommandCode.query);
  // No attributes, in the one parameter set that there always is.
  if (hasCapability(capabilities, Capability.queryAttributes)) writer.u8(0).u8(1);
  return writer.bytes(utf8(sql)).finish();
}

function readRegisterReplica(reader: ByteReader): RegisterReplica {
  return {
    serverId: reader.u32(),
    host: fromUtf8(reader.bytes(reader.u8())),
    user: fromUtf8(reader.bytes(reader.u8())),
    password: fromUtf8(reader.bytes(reader.u8())),
    port: reader.u16(),
  };
}

function writeRegisterReplica(command: RegisterReplica): Uint8Array {
  const writer = new ByteWriter().u8(CommandCode.registerReplica).u32(command.serverId);
  for (const text of [command.host, command.user, command.password]) {
    const bytes = utf8(text);
    assert(bytes.length < 256, 'texts of a replica have a length of one byte');
    writer.u8(bytes.length).bytes(bytes);
  }
  // Replication rank and source id, which the server ignores.
  return writer.u16(command.port).u32(0).u32(0).finish();
}

function readBinlogDump(reader: ByteReader): BinlogDump {
  const offset = reader.u32();
  const flags = reader.u16();
  const serverId = reader.u32();
  return { flags, serverId, offset, file: fromUtf8(reader.rest()) };
}

function writeBinlogDump(command: BinlogDump): Uint8Array {
  return new ByteWriter()
    .u8(CommandCode.binlogDump)
    .u32(command.offset)
    .u16(command.flags)
    .u32(command.serverId)
    .bytes(utf8(command.file))
    .finish();
}

function readBinlogDumpGtid(reader: ByteReader): BinlogDumpGtid {
  return {
    flags: reader.u16(),
    serverId: reader.u32(),
    file: fromUtf8(reader.bytes(reader.u32())),
    offset: reader.u64(),
    exclude: reader.bytes(reader.u32()),
  };
}

function writeBinlogDumpGtid(command: BinlogDumpGtid): Uint8Array {
  const file = utf8(command.file);
  return new ByteWriter()
    .u8(CommandCode.binlogDumpGtid)
    .u16(command.flags)
    .u32(command.serverId)
    .u32(file.length)
    .bytes(file)
    .u64(command.offset)
    .u32(command.exclude.length)
    .bytes(command.exclude)
    .finish();
}
