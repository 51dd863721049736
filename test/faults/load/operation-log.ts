import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import type { EventType } from '../../../history/parse/event.ts';

/** What a history holds that was written as JSON: no maps but objects, no bigints. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** One line of a client's log. */
export interface LoggedEvent {
  readonly process: number;
  readonly type: EventType;
  readonly f: string;
  readonly value: JsonValue;
  readonly stream: string;
  readonly node: string;
  readonly error?: string;
}

/**
 * The events of one client process, a line each, written before anything else happens. A process that is killed has lost nothing it
 * had asked for: the bytes are the kernel's once `write` returns. A later life of the process goes on in the same file.
 *
 * Times are nanoseconds since an origin that all processes of the machine share (CLOCK_MONOTONIC), strictly ascending in a file.
 */
export class OperationLog implements Disposable {
  readonly #file: number;
  readonly #originNanos: bigint;
  #lastNanos = -1;

  constructor(path: string, originNanos: bigint) {
    this.#file = openSync(path, 'a+');
    this.#originNanos = originNanos;
    // What the life before was killed within is a line of its own, and is left out when logs are merged.
    if (!endsWithNewline(this.#file)) writeSync(this.#file, '\n');
  }

  write(event: LoggedEvent): void {
    const time = Math.max(this.#lastNanos + 1, this.elapsedNanos());
    this.#lastNanos = time;
    writeSync(this.#file, `${JSON.stringify({ time, ...event })}\n`);
  }

  elapsedNanos(): number {
    return Number(process.hrtime.bigint() - this.#originNanos);
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}

function endsWithNewline(file: number): boolean {
  const { size } = fstatSync(file);
  if (size === 0) return true;
  const last = Buffer.alloc(1);
  readSync(file, last, 0, 1, size - 1);
  return last[0] === 10;
}
