import { OperationalError } from '../../base/errors.ts';

/** Codes of what can go wrong with the server process and its statements; each has a row in the README. */
export type MySqlServerErrorCode =
  | 'MYSQL_FETCH_FAILED'
  | 'MYSQL_START_FAILED'
  | 'MYSQL_NOT_RUNNING'
  | 'MYSQL_SERVER_CONDEMNED'
  | 'MYSQL_STATEMENT_FAILED'
  | 'MYSQL_STATEMENT_TIMEOUT';

/** A failure around the node's own mysqld that the caller must act on. */
export class MySqlServerError extends OperationalError {
  override readonly name = 'MySqlServerError';
  /** MySQL's own error number, when the server answered with one. */
  readonly serverErrorNumber: number | null;

  constructor(
    code: MySqlServerErrorCode,
    message: string,
    options: {
      readonly retryable?: boolean;
      readonly cause?: unknown;
      readonly serverErrorNumber?: number;
    } = {},
  ) {
    super(code, message, options);
    this.serverErrorNumber = options.serverErrorNumber ?? null;
  }
}
