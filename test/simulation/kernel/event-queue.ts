import { assert } from '../../../base/assert.ts';

/** Something that will happen. Cancelling it twice, or after it happened, does nothing. */
export interface ScheduledEvent {
  readonly atUs: number;
  cancel(): void;
}

/** More than this many events waiting means that something schedules without end. */
const lengthMax = 1_000_000;

class QueuedEvent implements ScheduledEvent {
  readonly atUs: number;
  readonly sequence: number;
  run: (() => void) | null;

  constructor(options: { readonly atUs: number; readonly sequence: number; run: () => void }) {
    this.atUs = options.atUs;
    this.sequence = options.sequence;
    this.run = options.run;
  }

  cancel(): void {
    this.run = null;
  }
}

/**
 * Events by moment; those of one moment in the order in which they were scheduled, which is what makes a run repeatable.
 * A binary heap; cancelled events stay in it until their moment.
 */
export class EventQueue {
  readonly #heap: QueuedEvent[] = [];
  #sequence = 0;

  get length(): number {
    return this.#heap.length;
  }

  add(atUs: number, run: () => void): ScheduledEvent {
    assert(Number.isSafeInteger(atUs), `${atUs} is no moment in microseconds`);
    assert(this.#heap.length < lengthMax, `${lengthMax} events wait`);
    this.#sequence += 1;
    const event = new QueuedEvent({ atUs, sequence: this.#sequence, run });
    this.#heap.push(event);
    this.#siftUp(this.#heap.length - 1);
    return event;
  }

  /** Takes the earliest event if its moment is not after `untilUs`; null if there is none. */
  take(untilUs: number): { readonly atUs: number; readonly run: () => void } | null {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.atUs > untilUs) return null;
      this.#removeFirst();
      const { run, atUs } = first;
      if (run === null) continue;
      first.cancel();
      return { atUs, run };
    }
  }

  clear(): void {
    this.#heap.length = 0;
  }

  #removeFirst(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#siftDown();
  }

  #siftUp(from: number): void {
    let place = from;
    const event = this.#heap[place];
    while (event !== undefined && place > 0) {
      const above = (place - 1) >> 1;
      const other = this.#heap[above];
      if (other === undefined || isBefore(other, event)) break;
      this.#heap[place] = other;
      this.#heap[above] = event;
      place = above;
    }
  }

  #siftDown(): void {
    let place = 0;
    const event = this.#heap[0];
    if (event === undefined) return;
    for (;;) {
      const left = this.#heap[2 * place + 1];
      const right = this.#heap[2 * place + 2];
      if (left === undefined) return;
      const isRight = right !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (isBefore(event, child)) return;
      const below = 2 * place + (isRight ? 2 : 1);
      this.#heap[place] = child;
      this.#heap[below] = event;
      place = below;
    }
  }
}

function isBefore(left: QueuedEvent, right: QueuedEvent): boolean {
  return left.atUs < right.atUs || (left.atUs === right.atUs && left.sequence < right.sequence);
}
