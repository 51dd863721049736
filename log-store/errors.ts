import { codeOf, messageOf, OperationalError } from '../base/errors.ts';
import { FatalError } from '../base/fatal.ts';
import type { LogIndex } from '../raft/core/types.ts';

/** Codes of this folder that are no reason to end the process; each has a row in the README's error table. */
export const LogStoreErrorCode = {
  compacted: 'LOG_STORE_COMPACTED',
  entryTooLarge: 'LOG_STORE_ENTRY_TOO_LARGE',
  notOpen: 'LOG_STORE_NOT_OPEN',
  queueFull: 'LOG_STORE_QUEUE_FULL',
  snapshotTooLarge: 'LOG_STORE_SNAPSHOT_TOO_LARGE',
} as const;
export type LogStoreErrorCode = (typeof LogStoreErrorCode)[keyof typeof LogStoreErrorCode];

/**
 * Something that was durable is damaged or gone. The node must not vote any more and is rebuilt from the others;
 * nothing is repaired here, because only a quorum knows what the lost bytes were (HAZARDS R16, H25).
 */
export function logStoreCorrupt(fault: {
  /** The entry concerned; null when the damage is not in an entry. */
  readonly index: LogIndex | null;
  readonly reason: string;
  readonly cause?: unknown;
}): FatalError {
  const place = fault.index === null ? 'the log store' : `log entry ${fault.index}`;
  return new FatalError(
    'LOG_STORE_CORRUPT',
    `${place} is damaged: ${fault.reason}; keep this folder for inspection and rebuild the node from the others`,
    { cause: fault.cause },
  );
}

/** What a write or sync that failed means to its callers: the end of this store (HAZARDS R17). */
export function writeFailure(cause: unknown): OperationalError {
  if (cause instanceof OperationalError) return cause;
  const reason = messageOf(engineCause(cause));
  if (/no space left|ENOSPC|quota exceeded|EDQUOT/i.test(reason)) {
    return new FatalError(
      'DISK_FULL',
      `the log cannot be written, the disk is full (${reason}); free space, then start the node again`,
      { cause },
    );
  }
  if (/permission denied|read-only file system|EACCES|EPERM|EROFS/i.test(reason)) {
    return new FatalError(
      'DATA_NOT_WRITABLE',
      `the log cannot be written (${reason}); give this user write access to the data folder`,
      { cause },
    );
  }
  return new FatalError(
    'LOG_STORE_FAILED',
    `the log cannot be written (${reason}) and this is not tried again; check the disk, then start the node again`,
    { cause },
  );
}

/** What a failed read of the engine means: damage it found in its own files, or a disk that does not answer. */
export function readFailure(index: LogIndex | null, cause: unknown): OperationalError {
  if (cause instanceof OperationalError) return cause;
  const reason = messageOf(engineCause(cause));
  if (codeOf(engineCause(cause)) === 'LEVEL_CORRUPTION') {
    return logStoreCorrupt({ index, reason, cause });
  }
  return new FatalError('LOG_STORE_FAILED', `the log cannot be read (${reason}); check the disk`, {
    cause,
  });
}

/** The answer to every call after a failed one. Damage keeps its name: it is what the operator must know. */
export function alreadyFailed(cause: OperationalError): OperationalError {
  if (cause.code === 'LOG_STORE_CORRUPT') return cause;
  return new FatalError(
    'LOG_STORE_FAILED',
    `the log store has failed earlier (${messageOf(cause)}) and takes no more calls; restart the node`,
    { cause },
  );
}

export function notOpen(): OperationalError {
  return new OperationalError(LogStoreErrorCode.notOpen, 'the log store is closed');
}

export function compacted(first: LogIndex, firstHeld: LogIndex): OperationalError {
  return new OperationalError(
    LogStoreErrorCode.compacted,
    `log entry ${first} is compacted away, the oldest held is ${firstHeld}; use a snapshot`,
  );
}

export function entryTooLarge(index: LogIndex, bytes: number, bytesMax: number): OperationalError {
  return new OperationalError(
    LogStoreErrorCode.entryTooLarge,
    `log entry ${index} has ${bytes} payload bytes, at most ${bytesMax} are allowed; split it`,
  );
}

export function queueFull(bytes: number, bytesMax: number): OperationalError {
  return new OperationalError(
    LogStoreErrorCode.queueFull,
    `${bytes} bytes wait to be written, at most ${bytesMax} may; nothing of this batch was taken`,
    { retryable: true },
  );
}

export function snapshotTooLarge(bytesMax: number): OperationalError {
  return new OperationalError(
    LogStoreErrorCode.snapshotTooLarge,
    `the snapshot has more than ${bytesMax} bytes; nothing of it was taken, raise the maximum`,
  );
}

/** The level package wraps what the storage engine said at open as `cause`; that one tells what happened. */
export function engineCause(thrown: unknown): unknown {
  const hasCause = thrown instanceof Error && thrown.cause !== undefined;
  return hasCause && codeOf(thrown)?.startsWith('LEVEL_') === true ? thrown.cause : thrown;
}
