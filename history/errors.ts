import { OperationalError } from '../base/errors.ts';
import type { Operation } from './history.ts';

/** Where in a file something is; the column is null where only a whole line can be named. Both count from 1. */
export interface FilePlace {
  readonly line: number;
  readonly column: number | null;
}

/** The file is not a history: not EDN or JSON, or events that no clients can have had. */
export class HistoryMalformedError extends OperationalError {
  override readonly name = 'HistoryMalformedError';
  readonly line: number;
  readonly column: number | null;

  constructor(place: FilePlace, reason: string) {
    super('HISTORY_MALFORMED', `${placeText(place)}: ${reason}`);
    this.line = place.line;
    this.column = place.column;
  }
}

/** The history is larger than this program agrees to hold. Nothing is wrong with it otherwise. */
export class HistoryTooLargeError extends OperationalError {
  override readonly name = 'HistoryTooLargeError';
  readonly line: number;

  constructor(place: FilePlace, reason: string) {
    super('HISTORY_TOO_LARGE', `${placeText(place)}: ${reason}`);
    this.line = place.line;
  }
}

/** The file cannot be read, or the page cannot be written. */
export class HistoryFileError extends OperationalError {
  override readonly name = 'HistoryFileError';

  constructor(reason: string, cause?: unknown) {
    super('HISTORY_FILE', reason, { cause });
  }
}

/** An operation that the chosen model does not know, or with values it cannot take. */
export class HistoryOperationError extends OperationalError {
  override readonly name = 'HistoryOperationError';
  readonly line: number;

  constructor(operation: Operation, reason: string) {
    const line = operation.callLine;
    super(
      'HISTORY_OPERATION',
      `line ${line}: ${reason} (${operation.f} by process ${operation.process})`,
    );
    this.line = line;
  }
}

/** No model of that name, none that fits the operations, or an option it does not have. */
export class HistoryModelError extends OperationalError {
  override readonly name = 'HistoryModelError';

  constructor(reason: string) {
    super('HISTORY_MODEL', reason);
  }
}

function placeText(place: FilePlace): string {
  return place.column === null
    ? `line ${place.line}`
    : `line ${place.line}, column ${place.column}`;
}
