import { type Bits, clearBit, hasBit, isEmptyBits, setBit } from './bits.ts';
import type { Configuration } from './configuration.ts';
import type { StepBudget } from './step-budget.ts';
import type { Timeline } from './timeline.ts';
import { anyState, at, sameState, type TransitionTable } from './transition-table.ts';

/**
 * - `read`: needs a state and leaves it
 * - `write`: needs no state, and leaves one
 * - `exchange`: needs a state and leaves one, as a compare-and-set does
 */
export type OperationKind = 'read' | 'write' | 'exchange';

/** The operations that are open at a place of a timeline, in their slots, by what they need and leave. */
export class OpenOperations {
  readonly #table: TransitionTable;
  readonly #timeline: Timeline;
  readonly #budget: StepBudget;
  readonly #wordCount: number;
  readonly #rowIn: Int32Array;
  readonly #readsOf = new Map<number, Bits>();
  readonly #writesOf = new Map<number, Bits>();
  readonly #exchangesFrom = new Map<number, Bits>();
  readonly #exchangesTo = new Map<number, Bits>();
  readonly none: Bits;
  readonly all: Bits;
  readonly reads: Bits;
  readonly writes: Bits;
  readonly exchanges: Bits;
  /** Those that may never have happened. */
  readonly optional: Bits;

  constructor(table: TransitionTable, timeline: Timeline, budget: StepBudget) {
    this.#budget = budget;
    this.#table = table;
    this.#timeline = timeline;
    this.#wordCount = (timeline.slotCount + 31) >>> 5;
    this.#rowIn = new Int32Array(timeline.slotCount);
    this.none = this.emptySet();
    this.all = this.emptySet();
    this.reads = this.emptySet();
    this.writes = this.emptySet();
    this.exchanges = this.emptySet();
    this.optional = this.emptySet();
  }

  emptySet(): Bits {
    return new Int32Array(this.#wordCount);
  }

  open(row: number): void {
    const slot = this.slotOf(row);
    this.#rowIn[slot] = row;
    setBit(this.all, slot);
    setBit(this.#setOf(row), slot);
    if (at(this.#table.endAt, row) === Number.POSITIVE_INFINITY) setBit(this.optional, slot);
    for (const [byValue, value] of this.#groupsOf(row)) {
      const group = byValue.get(value) ?? this.emptySet();
      byValue.set(value, group);
      setBit(group, slot);
    }
  }

  close(row: number): void {
    const slot = this.slotOf(row);
    clearBit(this.all, slot);
    clearBit(this.#setOf(row), slot);
    for (const [byValue, value] of this.#groupsOf(row)) {
      const group = byValue.get(value);
      if (group === undefined) continue;
      clearBit(group, slot);
      if (isEmptyBits(group)) byValue.delete(value);
    }
  }

  slotOf(row: number): number {
    return at(this.#timeline.slotOf, row);
  }

  kindOf(row: number): OperationKind {
    if (at(this.#table.makes, row) === sameState) return 'read';
    return at(this.#table.needs, row) === anyState ? 'write' : 'exchange';
  }

  needOf(row: number): number {
    return at(this.#table.needs, row);
  }

  resultOf(row: number): number {
    return at(this.#table.makes, row);
  }

  readsOf(value: number): Bits | undefined {
    return this.#readsOf.get(value);
  }

  writesOf(value: number): Bits | undefined {
    return this.#writesOf.get(value);
  }

  exchangesFrom(value: number): Bits | undefined {
    return this.#exchangesFrom.get(value);
  }

  exchangesTo(value: number): readonly number[] {
    const set = this.#exchangesTo.get(value);
    return set === undefined ? [] : this.rowsOf(set, this.none, null);
  }

  /** Whether a set holds one that must take effect, of those not in `without` and in `within`. */
  hasOwed(set: Bits, without: Bits, within: Bits): boolean {
    for (let word = 0; word < set.length; word += 1) {
      const settled = at(without, word) | at(this.optional, word) | at(this.writes, word);
      if ((at(set, word) & at(within, word) & ~settled) !== 0) return true;
    }
    return false;
  }

  /** The row of a set that ends first, of those that are not in `without` and, where it is given, are in `within`; -1 if none. */
  firstToEnd(set: Bits, without: Bits, within: Bits | null): number {
    let found = -1;
    for (const row of this.rowsOf(set, without, within)) {
      if (found === -1 || at(this.#table.endAt, row) < at(this.#table.endAt, found)) found = row;
    }
    return found;
  }

  rowsOf(set: Bits, without: Bits, within: Bits | null): number[] {
    const rows: number[] = [];
    for (let word = 0; word < set.length; word += 1) {
      let left = at(set, word) & ~at(without, word) & (within === null ? -1 : at(within, word));
      while (left !== 0) {
        rows.push(at(this.#rowIn, word * 32 + 31 - Math.clz32(left & -left)));
        left &= left - 1;
      }
    }
    this.#budget.spend(rows.length);
    return rows;
  }

  /**
   * The exchanges from a value that are worth trying. Of two with one result the one that ends first is as good as the other, unless it could
   * be put before some turn that the other one was called too late for.
   */
  bestExchanges(value: number, configuration: Configuration, within: Bits | null): number[] {
    const set = this.#exchangesFrom.get(value);
    if (set === undefined) return [];
    const { done, offered, tails } = configuration;
    const turns = [offered, ...tails.map((tail) => tail.offered)];
    const rows = this.rowsOf(set, done, within);
    rows.sort((one, other) => at(this.#table.endAt, one) - at(this.#table.endAt, other));
    const best: number[] = [];
    for (const row of rows) {
      const isAsGood = (earlier: number): boolean =>
        this.resultOf(earlier) === this.resultOf(row) &&
        turns.every((turn) => !this.hasSlot(turn, earlier) || this.hasSlot(turn, row));
      this.#budget.spend(best.length);
      if (!best.some(isAsGood)) best.push(row);
    }
    return best;
  }

  hasSlot(set: Bits, row: number): boolean {
    return hasBit(set, this.slotOf(row));
  }

  #setOf(row: number): Bits {
    const kind = this.kindOf(row);
    if (kind === 'read') return this.reads;
    return kind === 'write' ? this.writes : this.exchanges;
  }

  #groupsOf(row: number): readonly (readonly [Map<number, Bits>, number])[] {
    const kind = this.kindOf(row);
    if (kind === 'read') return [[this.#readsOf, this.needOf(row)]];
    if (kind === 'write') return [[this.#writesOf, this.resultOf(row)]];
    return [
      [this.#exchangesFrom, this.needOf(row)],
      [this.#exchangesTo, this.resultOf(row)],
    ];
  }
}
