import { OperationalError } from '../base/errors.ts';
import type { ErrPacket } from './protocol/err-packet.ts';

/** Codes of what can end or fail on a connection of our own to a MySQL server; each has a row in the README. */
export type MySqlConnectionErrorCode =
  | 'MYSQL_ACCESS_DENIED'
  | 'MYSQL_AUTH_UNSUPPORTED'
  | 'MYSQL_CONNECTION_LOST'
  | 'MYSQL_LOGIN_TIMEOUT'
  | 'MYSQL_SERVER_ERROR';

/** A connection of our own could not be made, was lost, or its server answered with an error. */
export class MySqlConnectionError extends OperationalError {
  override readonly name = 'MySqlConnectionError';
  override readonly code: MySqlConnectionErrorCode;
  /** MySQL's own error number, when the server answered with one. */
  readonly serverErrorNumber: number | null;

  constructor(
    code: MySqlConnectionErrorCode,
    message: string,
    options: { readonly serverErrorNumber?: number; readonly cause?: unknown } = {},
  ) {
    super(code, message, {
      retryable: code === 'MYSQL_CONNECTION_LOST' || code === 'MYSQL_LOGIN_TIMEOUT',
      cause: options.cause,
    });
    this.code = code;
    this.serverErrorNumber = options.serverErrorNumber ?? null;
  }
}

/** An ERR packet as an error; `doing` says what was asked, without secrets. */
export function serverError(
  err: ErrPacket,
  doing: string,
  code: MySqlConnectionErrorCode = 'MYSQL_SERVER_ERROR',
): MySqlConnectionError {
  const text = `the server answered ${doing} with ${err.number} (${err.sqlState}): ${err.message}`;
  return new MySqlConnectionError(code, text, { serverErrorNumber: err.number });
}
