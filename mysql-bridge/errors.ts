import type { BinlogErrorCode } from './binlog/binlog-error.ts';

/**
 * Codes of the operational errors of this folder; each is a row of the README's error table. Those of the binlog codecs
 * are thrown as `BinlogError`.
 */
export type MySqlErrorCode = BinlogErrorCode;
