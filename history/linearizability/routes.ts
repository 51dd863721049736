import { addBits, type Bits, intersection, setBit } from './bits.ts';
import { type Configuration, copyOf, keepBest, type Tail } from './configuration.ts';
import type { OpenOperations } from './open-operations.ts';
import { anyState } from './transition-table.ts';

/** Moves that are possible at any time and any number of times, by what they need. */
export interface FreeMoves {
  readonly written: readonly number[];
  readonly from: ReadonlyMap<number, readonly number[]>;
}

/** A chain of operations under way: it has come to `value`, and what it did so far is in `configuration`. */
interface Chain {
  readonly value: number;
  readonly configuration: Configuration;
}

/** A chain before a turn has come to a value, and is not yet put back to be gone on with. */
export interface ChainBeforeTurn {
  readonly configuration: Configuration;
  readonly tail: Tail;
}

/** Where a chain runs: at the end of everything so far, or before a turn, made of what was open at that turn. */
type Level = 'now' | Bits;

/**
 * The ways in which a configuration can come to a state: from the state it is in or a write, through exchanges. Counts what it
 * does in `steps`.
 */
export class Routes {
  readonly #open: OpenOperations;
  readonly #free: FreeMoves;
  readonly #waysMax: number;
  steps = 0;
  /** There were more ways than `waysMax`: not all were given. */
  isNarrowed = false;

  constructor(options: {
    readonly open: OpenOperations;
    readonly free: FreeMoves;
    readonly waysMax: number;
  }) {
    this.#open = options.open;
    this.#free = options.free;
    this.#waysMax = options.waysMax;
  }

  /** Every way to be in `goal` at the end of everything so far. */
  toStateNow(from: Configuration, goal: number): Configuration[] {
    const sources = this.#sourcesOf(goal);
    const starts = sources.flatMap((value) => {
      const isHere = from.state === value || from.state === anyState;
      return [...(isHere ? [this.#startHere(from, value)] : []), ...this.#turnsTo(from, value)];
    });
    return this.#follow(starts, { sources, level: 'now' });
  }

  /** The state is this one; where nobody had asked, it always was. */
  #startHere(from: Configuration, value: number): Chain {
    const configuration = copyOf(from);
    this.#arrive(configuration, value, 'now');
    return { value, configuration };
  }

  #turnsTo(from: Configuration, value: number): Chain[] {
    const isFree = this.#free.written.includes(value);
    const row = isFree ? -1 : this.#firstWrite(value, from.done, null);
    const configuration = row === -1 && !isFree ? null : this.turn(from, row, value);
    return configuration === null ? [] : [{ value, configuration }];
  }

  /** Every way to have been in `goal` before a turn, made of operations that were open at that turn, `row` among them. */
  toStateBeforeTurn(from: Configuration, goal: number, row: number): ChainBeforeTurn[] {
    const sources = this.#sourcesOf(goal);
    const found: ChainBeforeTurn[] = [];
    for (const tail of from.tails) {
      if (!this.#open.hasSlot(tail.offered, row)) continue;
      const values = tail.value === anyState ? sources : [tail.value];
      const starts = values.map((value) => {
        const configuration = copyOf(from);
        configuration.tails = from.tails.filter((other) => other !== tail);
        this.#arrive(configuration, value, tail.offered);
        return { value, configuration };
      });
      found.push(...this.#followBeforeTurn(starts, sources, tail.offered));
    }
    if (!this.#open.hasSlot(from.offered, row)) return found;
    const starts = sources.flatMap((value) => this.#startsBeforeTurn(from, value));
    return [...found, ...this.#followBeforeTurn(starts, sources, from.offered)];
  }

  #startsBeforeTurn(from: Configuration, value: number): Chain[] {
    const isFree = this.#free.written.includes(value);
    const row = isFree ? -1 : this.#firstWrite(value, from.done, from.offered);
    if (row === -1 && !isFree) return [];
    const configuration = copyOf(from);
    if (row !== -1) setBit(configuration.done, this.#open.slotOf(row));
    this.#arrive(configuration, value, configuration.offered);
    return [{ value, configuration }];
  }

  #followBeforeTurn(
    starts: readonly Chain[],
    sources: readonly number[],
    offered: Bits,
  ): ChainBeforeTurn[] {
    const tail = { value: sources[0] ?? anyState, offered };
    return this.#follow(starts, { sources, level: offered }).map((configuration) => ({
      configuration,
      tail,
    }));
  }

  /**
   * A turn: a write takes effect now, and over all open writes, which are excused. `row` is -1 for a free write. Null where that would
   * overwrite a state made for nothing.
   */
  turn(from: Configuration, row: number, value: number): Configuration | null {
    const isTailOfUse = this.canContinue(from.state, this.#open.all, from.done);
    const isSame = value === from.state;
    if (from.isUnseen && !isTailOfUse && !isSame) return null;
    const after = copyOf(from);
    after.isUnseen = from.isUnseen && isSame;
    after.offered.set(this.#open.all);
    if (isTailOfUse) {
      const tail = { value: from.state, offered: this.#open.all.slice() };
      after.tails = [...from.tails, tail];
    }
    addBits(after.excused, this.#open.writes);
    if (row !== -1) setBit(after.done, this.#open.slotOf(row));
    this.#arrive(after, value, 'now');
    return after;
  }

  /** An exchange takes effect now. */
  exchangeNow(configuration: Configuration, row: number): void {
    setBit(configuration.done, this.#open.slotOf(row));
    this.#arrive(configuration, this.#open.resultOf(row), 'now');
    configuration.isUnseen = false;
  }

  /** An exchange takes effect at the end of a chain before a turn. */
  exchangeBeforeTurn({ configuration, tail }: ChainBeforeTurn, row: number): void {
    setBit(configuration.done, this.#open.slotOf(row));
    const value = this.#open.resultOf(row);
    this.#arrive(configuration, value, tail.offered);
    this.endChain({ configuration, tail: { value, offered: tail.offered } });
  }

  /** A chain before a turn stops for now, where another operation may take it up. */
  endChain({ configuration, tail }: ChainBeforeTurn): void {
    if (!this.canContinue(tail.value, tail.offered, configuration.done)) return;
    configuration.tails = [...configuration.tails, tail];
  }

  /** A write that is excused, and was open at the turn, makes its value there for a moment. */
  writeBeforeTurn(configuration: Configuration, row: number): void {
    const { offered } = configuration;
    const value = this.#open.resultOf(row);
    this.#arrive(configuration, value, offered);
    this.endChain({ configuration, tail: { value, offered: offered.slice() } });
  }

  /** Leaves out the tails that nothing can take up any more. */
  dropTails(configuration: Configuration): void {
    if (configuration.tails.length === 0) return;
    configuration.tails = configuration.tails.filter(({ value, offered }) =>
      this.canContinue(value, offered, configuration.done),
    );
  }

  /**
   * Whether a chain that has come to a value, made of operations in a set, can still come to one of them that must take effect and has not.
   * An unknown value may be what it needs.
   */
  canContinue(value: number, within: Bits, done: Bits): boolean {
    if (value === anyState) return this.#open.hasOwed(this.#open.all, done, within);
    const values = [value];
    for (let index = 0; index < values.length; index += 1) {
      const here = values[index] ?? value;
      this.steps += 1;
      if (this.#isWantedAt(here, within, done)) return true;
      const exchanges = this.#open.exchangesFrom(here) ?? this.#open.none;
      for (const row of this.#open.rowsOf(exchanges, done, within)) {
        addValue(values, this.#open.resultOf(row));
      }
      for (const made of this.#free.from.get(here) ?? []) addValue(values, made);
    }
    return false;
  }

  #isWantedAt(value: number, within: Bits, done: Bits): boolean {
    return [this.#open.exchangesFrom(value), this.#open.readsOf(value)].some(
      (set) => set !== undefined && this.#open.hasOwed(set, done, within),
    );
  }

  /** The state is this value, or was for a moment before a turn. */
  #arrive(configuration: Configuration, value: number, level: Level): void {
    const { done, excused } = configuration;
    const reads = this.#open.readsOf(value);
    if (level !== 'now') {
      if (reads !== undefined) addBits(done, intersection(reads, level));
      return;
    }
    configuration.state = value;
    if (reads !== undefined) addBits(done, reads);
    const writes = this.#open.writesOf(value);
    if (writes !== undefined) addBits(excused, writes);
  }

  #firstWrite(value: number, done: Bits, within: Bits | null): number {
    const writes = this.#open.writesOf(value);
    return writes === undefined ? -1 : this.#open.firstToEnd(writes, done, within);
  }

  /** Values from which open exchanges and free moves may lead to `goal`: itself first. */
  #sourcesOf(goal: number): readonly number[] {
    const sources = [goal];
    for (let index = 0; index < sources.length; index += 1) {
      const target = sources[index] ?? goal;
      for (const row of this.#open.exchangesTo(target)) addValue(sources, this.#open.needOf(row));
      for (const [need, made] of this.#free.from)
        if (made.includes(target)) addValue(sources, need);
      this.steps += 1;
    }
    return sources;
  }

  /** What chains come to that go on from those given, through values that lead to the goal, which is the first of `sources`. */
  #follow(
    starts: readonly Chain[],
    { sources, level }: { readonly sources: readonly number[]; readonly level: Level },
  ): Configuration[] {
    const waiting = starts.filter(({ value }) => sources.includes(value));
    const bestAt = new Map<number, Configuration[]>();
    for (let chain = waiting.pop(); chain !== undefined; chain = waiting.pop()) {
      const { value, configuration } = chain;
      this.steps += 1;
      const best = bestAt.get(value) ?? [];
      bestAt.set(value, best);
      this.steps += keepBest(best, configuration, this.#open);
      if (best.at(-1) !== configuration) continue;
      if (best.length > this.#waysMax) {
        this.isNarrowed = true;
        best.length = this.#waysMax;
        continue;
      }
      const next = this.#next(chain, level);
      waiting.push(...next.filter((one) => sources.includes(one.value)));
    }
    return bestAt.get(sources[0] ?? anyState) ?? [];
  }

  #next({ value, configuration }: Chain, level: Level): Chain[] {
    const within = level === 'now' ? null : level;
    const next: Chain[] = [];
    for (const row of this.#open.bestExchanges(value, configuration, within)) {
      next.push(this.#step(configuration, this.#open.resultOf(row), level, row));
    }
    for (const made of this.#free.from.get(value) ?? []) {
      next.push(this.#step(configuration, made, level, -1));
    }
    return next;
  }

  #step(from: Configuration, value: number, level: Level, row: number): Chain {
    const configuration = copyOf(from);
    if (row !== -1) setBit(configuration.done, this.#open.slotOf(row));
    if (level === 'now') configuration.isUnseen = false;
    this.#arrive(configuration, value, level);
    return { value, configuration };
  }
}

function addValue(values: number[], value: number): void {
  if (!values.includes(value)) values.push(value);
}
