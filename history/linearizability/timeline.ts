import { at, type TransitionTable } from './transition-table.ts';

/**
 * A history as the search walks it: calls and ends in order, and a slot for each operation while it is open. Slots are used again, so
 * their number is the highest number of operations open at a time, and "which open operations have taken effect" is that many bits.
 */
export interface Timeline {
  /** Row `r` is called: `r`. It ends: `-r - 1`. */
  readonly events: Int32Array;
  readonly slotOf: Int32Array;
  readonly slotCount: number;
  /** Rows with equal needs and results are of one kind: which of them takes effect first makes no difference to the state. */
  readonly kindOf: Int32Array;
  readonly kindCount: number;
}

export function timelineOf(table: TransitionTable): Timeline {
  const events = orderedEvents(table);
  return { events, ...assignSlots(events, table.needs.length), ...kindsOf(table) };
}

function orderedEvents(table: TransitionTable): Int32Array {
  const count = table.needs.length;
  const ended: number[] = [];
  for (let row = 0; row < count; row += 1) {
    if (at(table.endAt, row) !== Number.POSITIVE_INFINITY) ended.push(row);
  }
  const ends = Int32Array.from(ended).sort(
    (one, other) => at(table.endAt, one) - at(table.endAt, other),
  );
  const events = new Int32Array(count + ends.length);
  let call = 0;
  for (let place = 0, end = 0; place < events.length; place += 1) {
    const isCall =
      end === ends.length ||
      (call < count && at(table.callAt, call) <= at(table.endAt, at(ends, end)));
    if (isCall) {
      events[place] = call;
      call += 1;
    } else {
      events[place] = -at(ends, end) - 1;
      end += 1;
    }
  }
  return events;
}

function assignSlots(events: Int32Array, rowCount: number): Pick<Timeline, 'slotOf' | 'slotCount'> {
  const slotOf = new Int32Array(rowCount);
  const free: number[] = [];
  let slotCount = 0;
  for (const event of events) {
    if (event < 0) {
      free.push(at(slotOf, -event - 1));
      continue;
    }
    const slot = free.pop() ?? slotCount;
    if (slot === slotCount) slotCount += 1;
    slotOf[event] = slot;
  }
  return { slotOf, slotCount };
}

function kindsOf(table: TransitionTable): Pick<Timeline, 'kindOf' | 'kindCount'> {
  const kindOf = new Int32Array(table.needs.length);
  const kinds = new Map<number, number>();
  for (let row = 0; row < kindOf.length; row += 1) {
    const name = (at(table.needs, row) + 1) * (table.stateCount + 2) + at(table.makes, row) + 2;
    const kind = kinds.get(name) ?? kinds.size;
    kinds.set(name, kind);
    kindOf[row] = kind;
  }
  return { kindOf, kindCount: kinds.size };
}
