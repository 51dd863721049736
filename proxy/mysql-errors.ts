import { writeErr } from '../mysql-bridge/protocol/err-packet.ts';
import { encodePacket } from '../mysql-bridge/protocol/packet-writer.ts';
import type { ClientErrorCode } from './core/client-error.ts';

interface MySqlError {
  readonly number: number;
  readonly sqlState: string;
  readonly message: string;
}

/**
 * The one table from codes to what a client reads: nothing else makes ERR packets, those of the server pass byte for byte.
 * Numbers are the server's own where one says the same (`mysqld_error.h`). Class 08 of SQLSTATE makes drivers drop the
 * connection; 08007 is the standard's "transaction resolution unknown", and no driver retries it by itself (HAZARDS C9).
 */
const mysqlErrors: Readonly<Record<ClientErrorCode, MySqlError>> = {
  PROXY_OUTCOME_UNKNOWN: {
    number: 1105,
    sqlState: '08007',
    message:
      'the server was lost before it answered: the statement may have been executed and committed, or not; ' +
      'connect again and look before repeating it',
  },
  PROXY_TRANSACTION_ROLLED_BACK: {
    number: 1053,
    sqlState: '08S01',
    message:
      'the server was lost and the open transaction is rolled back: nothing of it was kept; ' +
      'connect again and repeat the whole transaction',
  },
  PROXY_NOT_EXECUTED: {
    number: 1053,
    sqlState: '08S01',
    message:
      'the statement was not executed, as the session moves to another server; ' +
      'connect again and repeat it',
  },
  PROXY_SESSION_MOVED: {
    number: 1053,
    sqlState: '08S01',
    message:
      'another server serves this port now; no change of data was in flight and nothing was lost; connect again',
  },
  PROXY_SESSION_LOST: {
    number: 1053,
    sqlState: '08S01',
    message:
      'the connection to the server was lost; no change of data was in flight and nothing was lost; connect again',
  },
  PROXY_NO_LEADER: {
    number: 3032,
    sqlState: '08004',
    message: 'there is no leader that could serve this session now; try again',
  },
  PROXY_NO_REPLICA: {
    number: 3032,
    sqlState: '08004',
    message: 'there is no read-only server that could serve this session now; try again',
  },
  PROXY_NODE_REMOVED: {
    number: 3032,
    sqlState: '08004',
    message: 'this node was removed from the cluster and serves nobody; connect to another node',
  },
  PROXY_TOO_MANY_SESSIONS: { number: 1040, sqlState: '08004', message: 'Too many connections' },
  PROXY_LOGIN_TIMEOUT: {
    number: 1159,
    sqlState: '08S01',
    message: 'Got timeout reading communication packets',
  },
  PROXY_IDLE_TIMEOUT: {
    number: 4031,
    sqlState: 'HY000',
    message: 'the session was idle for longer than the proxy allows; connect again',
  },
  PROXY_SHUTTING_DOWN: { number: 1053, sqlState: '08S01', message: 'Server shutdown in progress' },
  PROXY_COMMAND_REFUSED: {
    number: 1227,
    sqlState: '42000',
    message: 'this command of the protocol is not allowed on the ports of applications',
  },
  PROXY_XA_REFUSED: {
    number: 1235,
    sqlState: '42000',
    message:
      'XA is not supported: a prepared transaction would keep its locks through every failover; use one transaction per database',
  },
  PROXY_COMMAND_UNKNOWN: { number: 1047, sqlState: '08S01', message: 'Unknown command' },
  PROXY_TLS_NOT_OFFERED: {
    number: 1043,
    sqlState: '08S01',
    message: 'TLS was requested, and is not offered by this port',
  },
  PROXY_PACKET_TOO_LARGE: {
    number: 1153,
    sqlState: '08S01',
    message: 'a packet before the end of the log-in is larger than allowed',
  },
  PROXY_PACKET_MALFORMED: { number: 1043, sqlState: '08S01', message: 'Bad handshake' },
  PROXY_ACCESS_DENIED: { number: 1045, sqlState: '28000', message: 'Access denied' },
};

/** Codes whose text must not differ from what the server would say: it gives nothing away, and tools look for it. */
const plainCodes: ReadonlySet<ClientErrorCode> = new Set<ClientErrorCode>([
  'PROXY_ACCESS_DENIED',
  'PROXY_TOO_MANY_SESSIONS',
  'PROXY_PACKET_MALFORMED',
]);

/** A whole ERR packet. `detail` takes the place of the table's text where the server's own wording has values in it. */
export function encodeClientError(error: {
  readonly code: ClientErrorCode;
  readonly sequence: number;
  readonly detail?: string;
}): Uint8Array {
  const { number, sqlState, message } = mysqlErrors[error.code];
  const text = error.detail ?? message;
  const prefixed = plainCodes.has(error.code) ? text : `${error.code}: ${text}`;
  return encodePacket(writeErr({ number, sqlState, message: prefixed }), error.sequence);
}

/** As `mysqld` words it, for an account that may not be used through the proxy. */
export function accessDeniedText(user: string): string {
  return `Access denied for user '${user}'@'127.0.0.1' (using password: YES)`;
}
