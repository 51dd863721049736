import { BytesError } from '../../base/bytes.ts';
import { messageOf, OperationalError } from '../../base/errors.ts';

/** Codes of what can be wrong with bytes or text that came from a MySQL server, its files, or the Raft log. */
export type BinlogErrorCode =
  | 'MYSQL_BINLOG_CHECKSUM'
  | 'MYSQL_BINLOG_INCIDENT'
  | 'MYSQL_BINLOG_MALFORMED'
  | 'MYSQL_BINLOG_UNSUPPORTED'
  | 'MYSQL_ENTRY_PAYLOAD_MALFORMED'
  | 'MYSQL_GTID_SET_MALFORMED';

/** Input that a decoder of this folder refuses. Machines catch it and answer with a fault. */
export class BinlogError extends OperationalError {
  override readonly name = 'BinlogError';
  override readonly code: BinlogErrorCode;

  constructor(code: BinlogErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(code, message, options);
    this.code = code;
  }
}

/** Runs a decoder; running out of bytes becomes a `BinlogError` with this code. */
export function decodeWith<Value>(
  { code, what }: { readonly code: BinlogErrorCode; readonly what: string },
  decode: () => Value,
): Value {
  try {
    return decode();
  } catch (thrown) {
    if (!(thrown instanceof BytesError)) throw thrown;
    throw new BinlogError(code, `${what}: ${messageOf(thrown)}`, { cause: thrown });
  }
}
