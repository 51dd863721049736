import { OperationalError } from '../../base/errors.ts';

/** Codes of what can keep the ledger from knowing the log; each has a row in the README. */
export type LedgerErrorCode =
  /** Closed, or ended by an earlier failure, which is the cause. */
  | 'MYSQL_LEDGER_STOPPED'
  /** The log no longer begins at 1, and no checkpoint says what stood before. The node must be rebuilt. */
  | 'MYSQL_LEDGER_LOG_COMPACTED';

/** The ledger cannot answer. */
export class LedgerError extends OperationalError {
  override readonly name = 'LedgerError';
  override readonly code: LedgerErrorCode;

  constructor(code: LedgerErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(code, message, options);
    this.code = code;
  }
}
