import { AssertionFailure } from './assert.ts';
import { OperationalError } from './errors.ts';

/**
 * Why a process ends of its own will, with the exit status of each. Statuses are stable: a supervisor
 * may act on them. Documented in the README's error table.
 */
export const FatalReason = {
  CONFIG_INVALID: 10,
  PORT_TAKEN: 11,
  DATA_FOREIGN: 12,
  DATA_IN_USE: 13,
  DATA_NOT_WRITABLE: 14,
  DISK_FULL: 15,
  MYSQL_NOT_FOUND: 16,
  MYSQL_VERSION: 17,
  MYSQL_SETTING_UNSAFE: 18,
  LOG_STORE_CORRUPT: 19,
  LOG_STORE_FAILED: 20,
  BINLOG_UNDECIDABLE: 21,
  MYSQL_INIT_FAILED: 22,
  START_TIMEOUT: 23,
  SNAPSHOT_STUCK: 24,
} as const;
export type FatalReason = keyof typeof FatalReason;

/** An environment this process cannot run in. Caught once, in the composition root, which exits. */
export class FatalError extends OperationalError {
  override readonly name = 'FatalError';
  readonly exitStatus: number;

  constructor(reason: FatalReason, message: string, options: { readonly cause?: unknown } = {}) {
    super(reason, message, { cause: options.cause });
    this.exitStatus = FatalReason[reason];
  }
}

/**
 * For whoever takes whatever was thrown for something that passes: a broken invariant among it is thrown once more, where nobody
 * catches it, and ends the process.
 */
export function endOnAssertion(thrown: unknown): void {
  if (!(thrown instanceof AssertionFailure)) return;
  queueMicrotask(() => {
    throw thrown;
  });
}
