import type { Operation, ProcessName } from '../history.ts';
import { formatValue, type ValueKey, valueKey } from '../values.ts';
import type { Model, Verdict } from '../verdict.ts';
import { AnomalyList, outcomeCounts, requireKnown } from './operations.ts';
import { type Append, appendOf, type LaneState, type LanesRead, lanesOf } from './prefix-reads.ts';

/**
 * Stale reads of one order of commits (HAZARDS C7). `append [lane element]` commits an element at the next position of a lane, counted
 * from 1, and is told which. `read` sees the length of every lane and its newest elements, of some state in that order, and never an
 * earlier one than the same process saw before: a process is a connection here. `read-latest` is linearizable besides.
 *
 * States of one order can be compared: no read is ahead of another in one lane and behind it in the next.
 */
export function createPrefix(): Model {
  return {
    name: 'prefix',
    check: (operations) => {
      requireKnown(operations, 'prefix', ['append', 'read', 'read-latest']);
      return new PrefixCheck(operations).run();
    },
  };
}

/** Who says that an element is at a position, first. */
interface Witness {
  readonly operation: Operation;
  readonly element: ValueKey;
}

class PrefixCheck {
  readonly #operations: readonly Operation[];
  readonly #reads: readonly LanesRead[];
  readonly #appends: readonly Append[];
  readonly #appendOf = new Map<string, Append>();
  readonly #anomalies = new AnomalyList();

  constructor(operations: readonly Operation[]) {
    this.#operations = operations;
    this.#reads = operations
      .filter(({ f, outcome }) => f !== 'append' && outcome === 'ok')
      .map(lanesOf);
    this.#appends = operations.filter(({ f }) => f === 'append').map(appendOf);
    for (const append of this.#appends) {
      this.#appendOf.set(placeName(valueKey(append.lane), valueKey(append.element)), append);
    }
  }

  run(): Verdict {
    if (this.#reads.length === 0) {
      return { kind: 'undecided', reason: 'no read of the lanes ended well, so nothing was seen' };
    }
    this.#findStrangers();
    this.#findHoles();
    this.#findContradictions();
    this.#findForks();
    this.#findReturns();
    this.#findReversals();
    this.#findStaleReads();
    const counts = outcomeCounts(this.#operations)
      .set('appends', this.#appends.length)
      .set('reads', this.#reads.length);
    if (this.#anomalies.isEmpty) return { kind: 'valid', counts };
    for (const [name, count] of this.#anomalies.counts) counts.set(name, count);
    return { kind: 'invalid', anomalies: this.#anomalies.told, counts };
  }

  #findStrangers(): void {
    for (const { read, lanes } of this.#reads) {
      for (const [lane, state] of lanes) {
        for (const { element } of state.tail) {
          const append = this.#appendOf.get(placeName(lane, valueKey(element)));
          this.#judgeOrigin(read, `${formatValue(element, 60)} in ${laneName(state)}`, append);
        }
      }
    }
  }

  #judgeOrigin(read: Operation, what: string, append: Append | undefined): void {
    if (append === undefined) {
      this.#anomalies.add('unexpected', () => ({
        explanation: `nobody asked to append ${what}, and a read sees it`,
        operations: [read],
      }));
    } else if (append.operation.outcome === 'fail') {
      this.#anomalies.add('failed-append', () => ({
        explanation: `whoever asked to append ${what} was told that it failed, and a read sees it`,
        operations: [append.operation, read],
      }));
    } else if (append.operation.callAt > read.endAt) {
      this.#anomalies.add('future-read', () => ({
        explanation: `a read saw ${what} before anybody began to append it`,
        operations: [read, append.operation],
      }));
    }
  }

  /** Positions without a gap up to the length: anything else is a state between two commits. */
  #findHoles(): void {
    for (const { read, lanes } of this.#reads) {
      for (const state of lanes.values()) {
        const { length, tail } = state;
        const first = length - tail.length + 1;
        const isWhole = tail.every(({ position }, index) => position === first + index);
        if (isWhole && (tail.length > 0 || length === 0)) continue;
        const positions = tail.map(({ position }) => position).join(', ');
        this.#anomalies.add('hole', () => ({
          explanation: `${laneName(state)} had ${length} elements, and the newest were at ${positions === '' ? 'no position' : positions}: no state after a commit looks like that`,
          operations: [read],
        }));
      }
    }
  }

  /** An element stays where it is, and is there once. */
  #findContradictions(): void {
    const elementAt = new Map<string, Witness>();
    const positionOf = new Map<
      string,
      { readonly operation: Operation; readonly position: number }
    >();
    for (const { operation, lane, position, element } of this.#placements()) {
      const key = valueKey(element);
      const place = placeName(lane, position);
      const known = elementAt.get(place);
      if (known === undefined) elementAt.set(place, { operation, element: key });
      else if (known.element !== key) {
        this.#anomalies.add('diverged', () => ({
          explanation: `two elements were seen at position ${position} of lane ${formatValue(lane, 60)}: there is more than one order of commits`,
          operations: [known.operation, operation],
        }));
      }
      const thing = placeName(lane, key);
      const earlier = positionOf.get(thing);
      if (earlier === undefined) positionOf.set(thing, { operation, position });
      else if (earlier.position !== position) {
        this.#anomalies.add('duplicate', () => ({
          explanation: `${formatValue(element, 60)} was seen at positions ${earlier.position} and ${position} of lane ${formatValue(lane, 60)}`,
          operations: [earlier.operation, operation],
        }));
      }
    }
  }

  *#placements(): Generator<{
    readonly operation: Operation;
    readonly lane: ValueKey;
    readonly position: number;
    readonly element: LaneState['tail'][number]['element'];
  }> {
    for (const { operation, lane, element, position } of this.#appends) {
      if (position !== null) yield { operation, lane: valueKey(lane), element, position };
    }
    for (const { read, lanes } of this.#reads) {
      for (const [lane, { tail }] of lanes) {
        for (const { position, element } of tail) {
          yield { operation: read, lane, position, element };
        }
      }
    }
  }

  /** By the sum of all lengths, each read must be at least as far in every lane as the one before it. */
  #findForks(): void {
    const byProgress = this.#reads
      .map((one) => ({ ...one, sum: sumOf(one) }))
      .sort((one, other) => one.sum - other.sum);
    for (const [index, later] of byProgress.entries()) {
      const earlier = byProgress[index - 1];
      const lane = earlier === undefined ? null : laneBehind(later, earlier);
      if (earlier === undefined || lane === null) continue;
      this.#anomalies.add('long-fork', () => ({
        explanation: `one read is ahead in some lanes and behind in lane ${formatValue(lane.lane, 60)}: they are no two states of one order of commits`,
        operations: [earlier.read, later.read].sort((one, other) => one.callAt - other.callAt),
      }));
    }
  }

  #findReturns(): void {
    const last = new Map<ProcessName, LanesRead>();
    for (const read of this.#reads) {
      const before = last.get(read.read.process);
      last.set(read.read.process, read);
      const lane = before === undefined ? null : laneBehind(read, before);
      if (before === undefined || lane === null) continue;
      this.#anomalies.add('went-back', () => ({
        explanation: `this connection had seen more of lane ${formatValue(lane.lane, 60)} before`,
        operations: [before.read, read.read],
      }));
    }
  }

  /** Of two appends to a lane, one after the other, the later has the higher position. */
  #findReversals(): void {
    const ended = new EndedAppends(this.#appends);
    for (const append of this.#appends) {
      const before = ended.newest(append.operation.callAt).get(valueKey(append.lane));
      const { position } = append;
      if (position === null || before === undefined || before.position < position) continue;
      this.#anomalies.add('reversed', () => ({
        explanation: `an append that began after another had ended was committed before it, at position ${position} instead of behind ${before.position}`,
        operations: [before.operation, append.operation],
      }));
    }
  }

  #findStaleReads(): void {
    const ended = new EndedAppends(this.#appends);
    for (const { read, lanes } of this.#reads) {
      if (read.f !== 'read-latest') continue;
      for (const [lane, append] of ended.newest(read.callAt)) {
        const length = lanes.get(lane)?.length ?? 0;
        if (length >= append.position) continue;
        this.#anomalies.add('stale-read', () => ({
          explanation: `position ${append.position} of lane ${formatValue(append.lane, 60)} was acknowledged before this read began, which sees ${length}`,
          operations: [append.operation, read],
        }));
      }
    }
  }
}

type Acknowledged = Append & { readonly position: number };

/** The newest acknowledged append of each lane as of a place in the history; places must be asked for in ascending order. */
class EndedAppends {
  readonly #byEnd: readonly Acknowledged[];
  readonly #newest = new Map<ValueKey, Acknowledged>();
  #next = 0;

  constructor(appends: readonly Append[]) {
    this.#byEnd = appends
      .flatMap((append) =>
        append.position === null ? [] : [{ ...append, position: append.position }],
      )
      .sort((one, other) => one.operation.endAt - other.operation.endAt);
  }

  newest(place: number): ReadonlyMap<ValueKey, Acknowledged> {
    for (let append = this.#byEnd[this.#next]; append !== undefined; ) {
      if (append.operation.endAt >= place) break;
      const lane = valueKey(append.lane);
      if (append.position > (this.#newest.get(lane)?.position ?? 0)) this.#newest.set(lane, append);
      this.#next += 1;
      append = this.#byEnd[this.#next];
    }
    return this.#newest;
  }
}

function sumOf({ lanes }: LanesRead): number {
  let sum = 0;
  for (const { length } of lanes.values()) sum += length;
  return sum;
}

/** A lane of which `read` saw less than `other`. */
function laneBehind(read: LanesRead, other: LanesRead): LaneState | null {
  for (const [lane, state] of other.lanes) {
    if ((read.lanes.get(lane)?.length ?? 0) < state.length) return state;
  }
  return null;
}

function laneName({ lane }: LaneState): string {
  return `lane ${formatValue(lane, 60)}`;
}

function placeName(lane: ValueKey, rest: ValueKey): string {
  return `${typeof lane}${lane} ${typeof rest}${rest}`;
}
