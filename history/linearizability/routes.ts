import { addBits, type Bits, setBit } from './bits.ts';
import { type Configuration, copyOf, keepBest, type Tail } from './configuration.ts';
import type { OpenOperations } from './open-operations.ts';
import type { StepBudget } from './step-budget.ts';
import { anyState } from './transition-table.ts';

/** Moves that are possible at any time and any number of times. */
export interface FreeMoves {
  /** What can be made of any state. */
  readonly written: ReadonlySet<number>;
  /** What can be made of a state, and of which states it can be made. */
  readonly from: ReadonlyMap<number, ReadonlySet<number>>;
  readonly to: ReadonlyMap<number, ReadonlySet<number>>;
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

/** Tails of a configuration, and chains followed at a time for each way that may come of them. */
export const tailsMax = 16;
export const chainsPerWay = 8;
/** A copy takes as long as so many comparisons. */
const stepsPerCopy = 8;

/** Where a chain runs: at the end of everything so far, or before a turn, made of what was open at that turn. */
type Level = 'now' | Bits;

/**
 * The ways in which a configuration can come to a state: from the state it is in or a write, through exchanges. The shortest are found
 * first, and what is past a maximum is left out.
 */
export class Routes {
  readonly #open: OpenOperations;
  readonly #free: FreeMoves;
  readonly #budget: StepBudget;
  readonly #waysMax: number;
  readonly #chainsMax: number;
  /** Ways or tails were left out. */
  isNarrowed = false;

  constructor(options: {
    readonly open: OpenOperations;
    readonly free: FreeMoves;
    readonly budget: StepBudget;
    readonly waysMax: number;
  }) {
    this.#open = options.open;
    this.#free = options.free;
    this.#budget = options.budget;
    this.#waysMax = options.waysMax;
    this.#chainsMax = options.waysMax * chainsPerWay;
  }

  /** Every way to be in `goal` at the end of everything so far. */
  toStateNow(from: Configuration, goal: number): Configuration[] {
    const sources = this.#sourcesOf(goal);
    const starts = this.#startsAt(sources, (value) => {
      const isHere = from.state === value || from.state === anyState;
      return [...(isHere ? [this.#startHere(from, value)] : []), ...this.#turnsTo(from, value)];
    });
    return this.#follow(starts, { sources, level: 'now' });
  }

  /** The state is this one; where nobody had asked, it always was. */
  #startHere(from: Configuration, value: number): Chain {
    const configuration = this.#copyOf(from);
    this.#arrive(configuration, value, 'now');
    return { value, configuration };
  }

  #turnsTo(from: Configuration, value: number): Chain[] {
    const isFree = this.#free.written.has(value);
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
      const starts = this.#startsAt(values, (value) => {
        const configuration = this.#copyOf(from);
        configuration.tails = from.tails.filter((other) => other !== tail);
        this.#arrive(configuration, value, tail.offered);
        return [{ value, configuration }];
      });
      found.push(...this.#followBeforeTurn(starts, sources, tail.offered));
    }
    if (!this.#open.hasSlot(from.offered, row)) return found;
    const starts = this.#startsAt(sources, (value) => this.#startsBeforeTurn(from, value));
    return [...found, ...this.#followBeforeTurn(starts, sources, from.offered)];
  }

  #startsBeforeTurn(from: Configuration, value: number): Chain[] {
    const isFree = this.#free.written.has(value);
    const row = isFree ? -1 : this.#firstWrite(value, from.done, from.offered);
    if (row === -1 && !isFree) return [];
    const configuration = this.#copyOf(from);
    if (row !== -1) setBit(configuration.done, this.#open.slotOf(row));
    this.#arrive(configuration, value, configuration.offered);
    return [{ value, configuration }];
  }

  #followBeforeTurn(
    starts: readonly Chain[],
    sources: ReadonlySet<number>,
    offered: Bits,
  ): ChainBeforeTurn[] {
    const [goal = anyState] = sources;
    const tail = { value: goal, offered };
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
    const after = this.#copyOf(from);
    after.isUnseen = from.isUnseen && isSame;
    after.offered.set(this.#open.all);
    if (isTailOfUse) {
      this.#addTail(after, { value: from.state, offered: this.#open.all.slice() });
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
    this.#addTail(configuration, tail);
  }

  /** Past the maximum the oldest goes, which the fewest operations are offered to. */
  #addTail(configuration: Configuration, tail: Tail): void {
    const isFull = configuration.tails.length === tailsMax;
    if (isFull) this.isNarrowed = true;
    configuration.tails = [...configuration.tails.slice(isFull ? 1 : 0), tail];
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
    // A set that grows while it is walked gives what is added, too.
    const values = new Set([value]);
    for (const here of values) {
      this.#budget.spend(1);
      if (this.#isWantedAt(here, within, done)) return true;
      const exchanges = this.#open.exchangesFrom(here) ?? this.#open.none;
      for (const row of this.#open.rowsOf(exchanges, done, within)) {
        values.add(this.#open.resultOf(row));
      }
      for (const made of this.#free.from.get(here) ?? []) values.add(made);
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
      if (reads !== undefined) addBits(done, reads, level);
      return;
    }
    configuration.state = value;
    if (reads !== undefined) addBits(done, reads);
    const writes = this.#open.writesOf(value);
    if (writes !== undefined) addBits(excused, writes);
  }

  #copyOf(from: Configuration): Configuration {
    this.#budget.spend(stepsPerCopy);
    return copyOf(from);
  }

  #firstWrite(value: number, done: Bits, within: Bits | null): number {
    const writes = this.#open.writesOf(value);
    return writes === undefined ? -1 : this.#open.firstToEnd(writes, done, within);
  }

  /** Values from which open exchanges and free moves may lead to `goal`: itself first. */
  #sourcesOf(goal: number): ReadonlySet<number> {
    const sources = new Set([goal]);
    for (const target of sources) {
      this.#budget.spend(1);
      for (const row of this.#open.exchangesTo(target)) sources.add(this.#open.needOf(row));
      for (const need of this.#free.to.get(target) ?? []) sources.add(need);
    }
    return sources;
  }

  /** Chains that begin at the values given, those nearest to the goal first. */
  #startsAt(values: Iterable<number>, startsAt: (value: number) => readonly Chain[]): Chain[] {
    const starts: Chain[] = [];
    for (const value of values) {
      if (this.#budget.isSpent) break;
      if (starts.length >= this.#chainsMax) {
        this.isNarrowed = true;
        break;
      }
      starts.push(...startsAt(value));
    }
    return starts;
  }

  /** What chains come to that go on from those given, through values that lead to the goal, which is the first of `sources`. */
  #follow(
    starts: readonly Chain[],
    { sources, level }: { readonly sources: ReadonlySet<number>; readonly level: Level },
  ): Configuration[] {
    const [goal = anyState] = sources;
    const best = new Map([[goal, [] as Configuration[]]]);
    const chains = starts.filter(({ value }) => sources.has(value));
    // An array that grows while it is walked gives what is added, too: the shortest chains first.
    for (const chain of chains) {
      if (this.#budget.isSpent) break;
      if (!this.#isAmongBest(best, chain)) continue;
      const next = this.#next(chain, level).filter(({ value }) => sources.has(value));
      const room = Math.max(0, this.#chainsMax - chains.length);
      if (next.length > room) this.isNarrowed = true;
      chains.push(...next.slice(0, room));
    }
    return best.get(goal) ?? [];
  }

  /** Keeps a chain, unless another one that came to its value dominates it, or enough did. */
  #isAmongBest(best: Map<number, Configuration[]>, { value, configuration }: Chain): boolean {
    const there = best.get(value) ?? [];
    best.set(value, there);
    if (there.length === this.#waysMax) {
      this.isNarrowed = true;
      return false;
    }
    this.#budget.spend(keepBest(there, configuration, this.#open));
    return there.at(-1) === configuration;
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
    const configuration = this.#copyOf(from);
    if (row !== -1) setBit(configuration.done, this.#open.slotOf(row));
    if (level === 'now') configuration.isUnseen = false;
    this.#arrive(configuration, value, level);
    return { value, configuration };
  }
}
