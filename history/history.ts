/**
 * A value as histories carry it: EDN and JSON flattened to one form. Keywords become strings without their colon; lists,
 * vectors and sets become arrays; maps become `Map`s; integers beyond 2^53 become bigints.
 */
export type HistoryValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly HistoryValue[]
  | ReadonlyMap<HistoryValue, HistoryValue>;

/** Who acts: a number for a client, a name (`nemesis`) for anything else. */
export type ProcessName = number | string;

/** How an operation ended. `info`: nobody knows whether it happened. */
export type Outcome = 'ok' | 'fail' | 'info';

/**
 * One operation of one client: its call and its end. An operation without an end is `info`: it may have taken effect at any time
 * after its call, or never (Jepsen's "indeterminate"), whatever `endAt` says. Jepsen retires its process; a checker must not rely on that.
 */
export interface Operation {
  /** Place in the list of operations, by call. */
  readonly index: number;
  readonly process: ProcessName;
  /** What was done: `read`, `write`, `cas`, `txn`, `add`, `transfer`, … */
  readonly f: string;
  /** As asked. */
  readonly input: HistoryValue;
  /** As answered; null unless `outcome` is `ok`. */
  readonly output: HistoryValue;
  readonly outcome: Outcome;
  /** Places of call and end in the file's order of events; `endAt` is Infinity when nobody saw an end. */
  readonly callAt: number;
  readonly endAt: number;
  /** Nanoseconds since the start of the run, where the file tells; for people, never for a verdict. */
  readonly callNanos: number | null;
  readonly endNanos: number | null;
  /** Lines of the file, from 1, for messages. */
  readonly callLine: number;
  readonly endLine: number | null;
}

/** Operations of clients, by call. Those of a nemesis are kept apart: they are shown, never judged. */
export interface History {
  readonly operations: readonly Operation[];
  readonly nemesis: readonly Operation[];
}
