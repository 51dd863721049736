import { HistoryMalformedError, HistoryTooLargeError } from '../errors.ts';
import type { History, HistoryValue, Operation, ProcessName } from '../history.ts';
import { isArray } from '../values.ts';
import type { HistoryEvent } from './event.ts';
import type { ParseLimits } from './limits.ts';

const bytesPerOperation = 320;
const bytesPerString = 32;
const bytesPerCollection = 64;
const bytesPerMapEntry = 40;
const bytesPerNumber = 16;

interface Open {
  /** Its place in the list that it belongs to. */
  readonly index: number;
  readonly operation: Operation;
}

/**
 * Calls and ends become operations. A client does one thing at a time: an end needs a call of the same process and `f`, and a second call
 * before it is an error. Events of a process with a name (`nemesis`) are kept apart; they come as `info` twice, begun and done.
 *
 * What ended in `info`, or not at all, may have happened at any time since its call. A process that goes on under its name after that, as
 * Jepsen's never do, is accepted.
 */
export class Pairing {
  readonly #limits: ParseLimits;
  readonly #operations: Operation[] = [];
  readonly #nemesis: Operation[] = [];
  readonly #open = new Map<ProcessName, Open>();
  #place = 0;
  #lastIndex = Number.NEGATIVE_INFINITY;
  #heldBytes = 0;

  constructor(limits: ParseLimits) {
    this.#limits = limits;
  }

  add(event: HistoryEvent): void {
    this.#checkOrder(event);
    const open = this.#open.get(event.process);
    if (typeof event.process !== 'number') this.#addNemesis(event, open);
    else if (event.type === 'invoke') this.#call(event, open);
    else this.#end(event, open);
    this.#place += 1;
  }

  /** All operations; those still open have no end. */
  history(): History {
    return { operations: this.#operations, nemesis: this.#nemesis };
  }

  #checkOrder(event: HistoryEvent): void {
    const { index, line } = event;
    if (this.#place >= this.#limits.eventsMax) {
      throw new HistoryTooLargeError(
        { line, column: null },
        `more than ${this.#limits.eventsMax} events`,
      );
    }
    if (index === null) return;
    if (index <= this.#lastIndex) {
      throw malformed(
        event,
        `:index ${index} after :index ${this.#lastIndex}: events must be in the order in which they happened`,
      );
    }
    this.#lastIndex = index;
  }

  #call(event: HistoryEvent, open: Open | undefined): void {
    if (open !== undefined) {
      const { f, callLine } = open.operation;
      throw malformed(
        event,
        `:invoke by process ${event.process} while its ${f} of line ${callLine} has not ended`,
      );
    }
    this.#begin(event, this.#operations);
  }

  #end(event: HistoryEvent, open: Open | undefined): void {
    const { process, type, f } = event;
    if (open === undefined)
      throw malformed(event, `:${type} without :invoke by process ${process}`);
    if (f !== open.operation.f) {
      throw malformed(
        event,
        `:${type} of ${f} by process ${process}, which had called ${open.operation.f} in line ${open.operation.callLine}`,
      );
    }
    this.#finish(event, open, this.#operations);
  }

  #addNemesis(event: HistoryEvent, open: Open | undefined): void {
    const isEnd = event.type !== 'invoke' && open?.operation.f === event.f;
    if (isEnd && open !== undefined) this.#finish(event, open, this.#nemesis);
    else this.#begin(event, this.#nemesis);
  }

  #begin(event: HistoryEvent, list: Operation[]): void {
    const operation: Operation = {
      index: list.length,
      process: event.process,
      f: event.f,
      input: event.value,
      output: null,
      outcome: 'info',
      callAt: this.#place,
      endAt: Number.POSITIVE_INFINITY,
      callNanos: event.timeNanos,
      endNanos: null,
      callLine: event.line,
      endLine: null,
    };
    this.#hold(event, bytesPerOperation + bytesOf(event.value));
    this.#open.set(event.process, { index: list.length, operation });
    list.push(operation);
  }

  #finish(event: HistoryEvent, open: Open, list: Operation[]): void {
    this.#open.delete(event.process);
    const outcome = event.type === 'invoke' ? 'info' : event.type;
    const output = outcome === 'ok' ? event.value : null;
    this.#hold(event, bytesOf(output));
    list[open.index] = {
      ...open.operation,
      output,
      outcome,
      endAt: this.#place,
      endNanos: event.timeNanos,
      endLine: event.line,
    };
  }

  #hold({ line }: HistoryEvent, bytes: number): void {
    this.#heldBytes += bytes;
    if (this.#heldBytes <= this.#limits.heldBytesMax) return;
    const most = `${Math.round(this.#limits.heldBytesMax / (1 << 20))} MiB`;
    throw new HistoryTooLargeError({ line, column: null }, `the history up to here takes ${most}`);
  }
}

/** What a value takes in memory, from above: strings are counted each time, though most are shared. */
function bytesOf(value: HistoryValue): number {
  if (typeof value === 'string') return bytesPerString + 2 * value.length;
  if (isArray(value)) {
    return value.reduce((sum: number, item) => sum + 8 + bytesOf(item), bytesPerCollection);
  }
  if (!(value instanceof Map)) return bytesPerNumber;
  let bytes = bytesPerCollection;
  for (const [key, held] of value) bytes += bytesPerMapEntry + bytesOf(key) + bytesOf(held);
  return bytes;
}

function malformed({ line }: HistoryEvent, reason: string): HistoryMalformedError {
  return new HistoryMalformedError({ line, column: null }, reason);
}
