import { ErrorNumber } from '../protocol/constants.ts';
import type { ErrPacket } from '../protocol/err-packet.ts';

// What this source answers when it refuses. Numbers are MySQL's, because a replica decides by them whether to try again:
// it stops for good at 1236 and reconnects after any other (MySQL source, `rpl_replica.cc`, `handle_slave_io`).

const generalState = 'HY000';

export function accessDenied(user: string): ErrPacket {
  return {
    number: ErrorNumber.accessDenied,
    sqlState: '28000',
    message: `Access denied for user '${user}' on the binlog port`,
  };
}

export function handshakeRefused(reason: string): ErrPacket {
  return { number: ErrorNumber.handshake, sqlState: '08S01', message: `Bad handshake: ${reason}` };
}

export function tooManySessions(sessionsMax: number): ErrPacket {
  const message = `Too many connections: the binlog port serves at most ${sessionsMax}`;
  return { number: ErrorNumber.conCount, sqlState: '08004', message };
}

export function unknownCommand(code: number): ErrPacket {
  const message = `Unknown command ${code}; the binlog port knows query, ping, register and dump by GTID`;
  return { number: ErrorNumber.unknownCommand, sqlState: '08S01', message };
}

export function malformedPacket(reason: string): ErrPacket {
  return { number: ErrorNumber.malformedPacket, sqlState: generalState, message: reason };
}

export function packetTooLarge(reason: string): ErrPacket {
  return { number: ErrorNumber.netPacketTooLarge, sqlState: '08S01', message: reason };
}

export function unsupportedQuery(): ErrPacket {
  const message =
    'The binlog port answers only what a replica asks: SELECT of @@variables, @variables and ' +
    'UNIX_TIMESTAMP(), SHOW VARIABLES LIKE, and SET. Send queries to the read-write or the read-only port';
  return { number: ErrorNumber.notSupportedYet, sqlState: '42000', message };
}

export function unknownVariable(name: string): ErrPacket {
  // ER_UNKNOWN_SYSTEM_VARIABLE: a replica that asks for a plug-in's variable goes on without that plug-in.
  return { number: 1193, sqlState: generalState, message: `Unknown system variable '${name}'` };
}

/** The replica stops: an operator must act. */
export function fatalDumpError(message: string): ErrPacket {
  return { number: ErrorNumber.sourceFatalErrorReadingBinlog, sqlState: generalState, message };
}

/** The replica tries again by itself. */
export function retryableDumpError(message: string): ErrPacket {
  return { number: ErrorNumber.serverShutdown, sqlState: '08S01', message };
}
