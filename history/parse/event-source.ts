import type { HistoryValue } from '../history.ts';

/** An event as the file has it, before anybody has looked what it says. */
export interface RawEvent {
  readonly map: ReadonlyMap<HistoryValue, HistoryValue>;
  /** Where it begins. */
  readonly line: number;
  readonly column: number;
}

/** Gives the events of a file one by one, and null at its end. */
export interface EventSource {
  next(): RawEvent | null;
}
