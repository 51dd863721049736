import { assert } from '../../base/assert.ts';
import type { CheckLimits } from '../verdict.ts';
import { clearBit, hasBit, setBit } from './bits.ts';
import { type Timeline, timelineOf } from './timeline.ts';
import { anyState, at, sameState, type TransitionTable } from './transition-table.ts';
import { VisitedCache, type VisitedKey } from './visited-cache.ts';

export type SearchResult =
  /** Rows in an order in which they can have taken effect; those left out never did. */
  | { readonly kind: 'linearizable'; readonly order: readonly number[]; readonly steps: number }
  /** No order passes the end of this row; up to there, there is one. */
  | { readonly kind: 'impossible'; readonly blockedRow: number; readonly steps: number }
  | { readonly kind: 'undecided'; readonly reason: string; readonly steps: number };

/** What a search keeps per row besides the cache, rounded up. */
const bytesPerRow = 96;
const turnCount = 4;
/** Places in a history are smaller, and rows can still be told apart above it. */
const afterAllEnds = 2 ** 50;

/**
 * Is there an order of the operations, in keeping with real time, in which each finds the state that it needs?
 *
 * A depth-first search for a linearization with a memory of visited configurations (Wing and Gong 1993; Lowe, "Testing for
 * linearizability", 2017), walked by events rather than by operations: an operation takes effect no earlier than some end forces it
 * or another one before it. A configuration is then just a place in the history, a state, and which *open* operations have taken
 * effect: as many bits as clients, however long the history is.
 *
 * Three rules keep the tree small, and none loses a solution:
 * - an open read takes effect as soon as the state is the one it saw: it changes nothing, and waiting only keeps it owed;
 * - of open operations that do the same, the one that ends first goes first: the two can be swapped in any solution that has it otherwise;
 * - an operation that may never have happened is not used where it changes nothing.
 */
export function searchLinearization(table: TransitionTable, limits: CheckLimits): SearchResult {
  const bytes = table.needs.length * bytesPerRow;
  if (bytes > limits.memoryBytesMax) {
    const reason = `${table.needs.length} operations take more than ${limits.memoryBytesMax} bytes`;
    return { kind: 'undecided', reason, steps: 0 };
  }
  return new Search(table, limits, limits.memoryBytesMax - bytes).run();
}

class Search {
  readonly #table: TransitionTable;
  readonly #timeline: Timeline;
  readonly #stepsMax: number;
  readonly #cache: VisitedCache;
  readonly #reaches: Uint8Array | null;
  /** Place in the timeline, state, and which slots hold open operations that took effect. */
  readonly #now: VisitedKey;
  /** Which slots hold an open operation, and its row. */
  readonly #open: Int32Array;
  readonly #rowIn: Int32Array;
  readonly #tookEffect: Uint8Array;
  /** Rows in the order they took effect; also how to go back. */
  readonly #order: Int32Array;
  #ordered = 0;
  /** Choices made, outermost first: where, in which state, after how many effects, and how far alternatives were tried: by turns, within a turn by urgency. */
  readonly #choicePlace: Int32Array;
  readonly #choiceState: Int32Array;
  readonly #choiceOrdered: Int32Array;
  readonly #choiceTurn: Uint8Array;
  readonly #choiceTried: Float64Array;
  #choices = 0;
  readonly #firstOfKind: Int32Array;
  #furthest = -1;
  #steps = 0;

  constructor(table: TransitionTable, limits: CheckLimits, cacheBytesMax: number) {
    const rowCount = table.needs.length;
    this.#table = table;
    this.#timeline = timelineOf(table);
    this.#stepsMax = limits.stepsMax;
    const bitWords = (this.#timeline.slotCount + 31) >>> 5;
    this.#cache = new VisitedCache({ bitWords, bytesMax: cacheBytesMax });
    this.#reaches = table.freeMoves.length === 0 ? null : reachability(table);
    this.#now = { place: 0, state: table.initial, bits: new Int32Array(bitWords) };
    this.#open = new Int32Array(bitWords);
    this.#rowIn = new Int32Array(this.#timeline.slotCount);
    this.#tookEffect = new Uint8Array(rowCount);
    this.#order = new Int32Array(rowCount);
    this.#choicePlace = new Int32Array(rowCount + 1);
    this.#choiceState = new Int32Array(rowCount + 1);
    this.#choiceOrdered = new Int32Array(rowCount + 1);
    this.#choiceTurn = new Uint8Array(rowCount + 1);
    this.#choiceTried = new Float64Array(rowCount + 1);
    this.#firstOfKind = new Int32Array(this.#timeline.kindCount);
  }

  run(): SearchResult {
    let isForward = true;
    while (this.#steps <= this.#stepsMax) {
      if (isForward) {
        if (this.#advance()) return this.#found();
        isForward = false;
        if (this.#cache.testAndAdd(this.#now)) this.#retreat();
        else this.#pushChoice();
      }
      if (this.#choices === 0) return this.#impossible();
      const row = this.#nextCandidate();
      if (row === -1) {
        this.#choices -= 1;
        this.#retreat();
        continue;
      }
      this.#takeEffect(row, this.#resultOf(row));
      isForward = true;
    }
    const reason = `no answer after ${this.#stepsMax} steps of the search for an order`;
    return { kind: 'undecided', reason, steps: this.#steps };
  }

  #found(): SearchResult {
    const order = [...this.#order.subarray(0, this.#ordered)];
    return { kind: 'linearizable', order, steps: this.#steps };
  }

  #impossible(): SearchResult {
    const event = at(this.#timeline.events, this.#furthest);
    assert(event < 0, 'a search is stopped by the end of an operation only');
    return { kind: 'impossible', blockedRow: -event - 1, steps: this.#steps };
  }

  /** Passes events until the end of an operation that has not taken effect; true when there is none left. */
  #advance(): boolean {
    const { events, slotOf } = this.#timeline;
    const { bits } = this.#now;
    while (this.#now.place < events.length) {
      this.#steps += 1;
      const event = at(events, this.#now.place);
      if (event >= 0) {
        const slot = at(slotOf, event);
        setBit(this.#open, slot);
        this.#rowIn[slot] = event;
        if (this.#isSatisfiedRead(event)) this.#mark(event);
      } else {
        const row = -event - 1;
        if (at(this.#tookEffect, row) === 0) {
          this.#furthest = Math.max(this.#furthest, this.#now.place);
          return false;
        }
        const slot = at(slotOf, row);
        clearBit(this.#open, slot);
        clearBit(bits, slot);
      }
      this.#now.place += 1;
    }
    return true;
  }

  #pushChoice(): void {
    this.#choicePlace[this.#choices] = this.#now.place;
    this.#choiceState[this.#choices] = this.#now.state;
    this.#choiceOrdered[this.#choices] = this.#ordered;
    this.#choiceTurn[this.#choices] = 0;
    this.#choiceTried[this.#choices] = Number.NEGATIVE_INFINITY;
    this.#choices += 1;
  }

  /** Back to the newest choice; to the start when there is none, where nothing is left to undo that matters. */
  #retreat(): void {
    if (this.#choices === 0) return;
    const choice = this.#choices - 1;
    const { slotOf } = this.#timeline;
    const kept = at(this.#choiceOrdered, choice);
    while (this.#ordered > kept) {
      this.#ordered -= 1;
      const row = at(this.#order, this.#ordered);
      this.#tookEffect[row] = 0;
      clearBit(this.#now.bits, at(slotOf, row));
    }
    const place = at(this.#choicePlace, choice);
    while (this.#now.place > place) this.#stepBack();
    this.#now.state = at(this.#choiceState, choice);
  }

  /** Undoes one event, after the effects that were later than the choice have been undone. */
  #stepBack(): void {
    const { events, slotOf } = this.#timeline;
    this.#now.place -= 1;
    this.#steps += 1;
    const event = at(events, this.#now.place);
    if (event >= 0) {
      clearBit(this.#open, at(slotOf, event));
      return;
    }
    const row = -event - 1;
    const slot = at(slotOf, row);
    setBit(this.#open, slot);
    this.#rowIn[slot] = row;
    // Another operation may have had the slot since.
    if (at(this.#tookEffect, row) === 1) setBit(this.#now.bits, slot);
    else clearBit(this.#now.bits, slot);
  }

  /**
   * The next operation to try at the newest choice, or -1. Any sequence is complete; this one finds an order soon where there is one: first
   * operations that need the very state there is, which is soon gone; then the one whose end forces the choice; then those that leave
   * the state it needs; then all others; in each turn the one that ends first.
   */
  #nextCandidate(): number {
    const choice = this.#choices - 1;
    const forced = -at(this.#timeline.events, this.#now.place) - 1;
    this.#findFirstOfKinds();
    for (let turn = at(this.#choiceTurn, choice); turn < turnCount; turn += 1) {
      const row = this.#mostUrgent(turn, forced, at(this.#choiceTried, choice));
      if (row !== -1) {
        this.#choiceTurn[choice] = turn;
        this.#choiceTried[choice] = this.#urgencyOf(row);
        return row;
      }
      this.#choiceTried[choice] = Number.NEGATIVE_INFINITY;
    }
    this.#choiceTurn[choice] = turnCount;
    return -1;
  }

  /** Of the operations of a turn that are less urgent than those tried, the most urgent. */
  #mostUrgent(turn: number, forced: number, tried: number): number {
    let found = -1;
    let foundUrgency = Number.POSITIVE_INFINITY;
    for (let slot = 0; slot < this.#timeline.slotCount; slot += 1) {
      if (!this.#isWaiting(slot)) continue;
      this.#steps += 1;
      const row = at(this.#rowIn, slot);
      const urgency = this.#urgencyOf(row);
      if (urgency <= tried || urgency >= foundUrgency) continue;
      if (!this.#isWorthTrying(row) || this.#turnOf(row, forced) !== turn) continue;
      found = row;
      foundUrgency = urgency;
    }
    return found;
  }

  #turnOf(row: number, forced: number): number {
    const need = at(this.#table.needs, row);
    const isOptional = at(this.#table.endAt, row) === Number.POSITIVE_INFINITY;
    if (need !== anyState && need === this.#now.state && !isOptional) return 0;
    if (row === forced) return 1;
    return this.#resultOf(row) === at(this.#table.needs, forced) ? 2 : 3;
  }

  /** Where it ends; what may never happen comes after all ends, by call. No two are equal. */
  #urgencyOf(row: number): number {
    const end = at(this.#table.endAt, row);
    return end === Number.POSITIVE_INFINITY ? afterAllEnds + row : end;
  }

  /** Whether a slot holds an open operation that has not taken effect. */
  #isWaiting(slot: number): boolean {
    return hasBit(this.#open, slot) && !hasBit(this.#now.bits, slot);
  }

  #isWorthTrying(row: number): boolean {
    if (at(this.#firstOfKind, at(this.#timeline.kindOf, row)) !== row) return false;
    if (!this.#isPossible(row)) return false;
    const isOptional = at(this.#table.endAt, row) === Number.POSITIVE_INFINITY;
    return !isOptional || this.#resultOf(row) !== this.#now.state;
  }

  /** Of the open operations of each kind that have not taken effect, the one that ends first. */
  #findFirstOfKinds(): void {
    const { kindOf, slotCount } = this.#timeline;
    this.#firstOfKind.fill(-1);
    for (let slot = 0; slot < slotCount; slot += 1) {
      if (!this.#isWaiting(slot)) continue;
      this.#steps += 1;
      const row = at(this.#rowIn, slot);
      const kind = at(kindOf, row);
      const best = at(this.#firstOfKind, kind);
      if (best === -1 || at(this.#table.endAt, row) < at(this.#table.endAt, best)) {
        this.#firstOfKind[kind] = row;
      }
    }
  }

  #isPossible(row: number): boolean {
    const need = at(this.#table.needs, row);
    const { state } = this.#now;
    if (need === anyState || state === anyState || need === state) return true;
    return this.#reaches !== null && at(this.#reaches, state * this.#table.stateCount + need) === 1;
  }

  #resultOf(row: number): number {
    const made = at(this.#table.makes, row);
    if (made !== sameState) return made;
    const need = at(this.#table.needs, row);
    return need === anyState ? this.#now.state : need;
  }

  #isSatisfiedRead(row: number): boolean {
    const need = at(this.#table.needs, row);
    return (
      at(this.#table.makes, row) === sameState && (need === anyState || need === this.#now.state)
    );
  }

  #takeEffect(row: number, state: number): void {
    this.#steps += 1;
    this.#mark(row);
    if (state === this.#now.state) return;
    this.#now.state = state;
    for (let slot = 0; slot < this.#timeline.slotCount; slot += 1) {
      if (!this.#isWaiting(slot)) continue;
      this.#steps += 1;
      const open = at(this.#rowIn, slot);
      if (this.#isSatisfiedRead(open)) this.#mark(open);
    }
  }

  #mark(row: number): void {
    this.#tookEffect[row] = 1;
    this.#order[this.#ordered] = row;
    this.#ordered += 1;
    setBit(this.#now.bits, at(this.#timeline.slotOf, row));
  }
}

/** Which states the free moves lead to from which, as a square of flags. */
function reachability({ stateCount, freeMoves }: TransitionTable): Uint8Array {
  const reaches = new Uint8Array(stateCount * stateCount);
  for (let from = 0; from < stateCount; from += 1) {
    const reached = [from];
    for (let state = reached.pop(); state !== undefined; state = reached.pop()) {
      for (const [need, made] of freeMoves) {
        const isNew = at(reaches, from * stateCount + made) === 0;
        if (!isNew || (need !== anyState && need !== state)) continue;
        reaches[from * stateCount + made] = 1;
        reached.push(made);
      }
    }
  }
  return reaches;
}
