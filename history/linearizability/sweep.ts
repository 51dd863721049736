import type { CheckLimits } from '../verdict.ts';
import { clearBit, hasBit, setBit } from './bits.ts';
import { type Configuration, isDone } from './configuration.ts';
import type { Decision } from './decision.ts';
import { Frontier } from './frontier.ts';
import { OpenOperations } from './open-operations.ts';
import { chainsPerWay, type FreeMoves, Routes, tailsMax } from './routes.ts';
import { StepBudget } from './step-budget.ts';
import { type Timeline, timelineOf } from './timeline.ts';
import { anyState, at, type TransitionTable } from './transition-table.ts';

/** Orders kept at first, and how many times more when those left out may matter. */
const widthMin = 8;
const widening = 4;
/** With so many more slots to a set, a step takes as long again. */
const slotsPerWeight = 512;
/** Narrow passes look for few ways from each configuration and are soon over; wide ones leave out little, for the sake of "impossible". */
const narrowMax = 128;
const waysOfNarrow = 8;
const waysShareOfWide = 1 / 4;
/** Rounded up; a set besides its words, as an array with a buffer of its own. */
const bytesPerRow = 32;
const bytesPerConfiguration = 1024;
const bytesPerSet = 512;

/**
 * Decides as the search does, by keeping all configurations that are possible at a place, from event to event (Lowe, "Testing for
 * linearizability", 2017, §3, on which Knossos' `linear` rests), and of those just the ones that no other is better than.
 *
 * What keeps them few is that nothing is placed before it must be, and that writes need hardly ever be placed:
 *
 * - A write may take effect just before another one, unseen. So a *turn*, a write that takes effect and may be seen, excuses all writes
 *   that are open. Which of them went before it is never decided: those that are wanted later are put there then, with the reads that
 *   saw them. Only what was open at the turn may be; a set says which operations are still *offered* that. One turn is enough to
 *   remember for this: what is open now and was at an earlier turn was open at the latest one, too.
 * - A chain before a turn that was broken off may go on from its *tail*, the value that it came to. So may what was there when the turn
 *   came. Of these each turn has its own, because the operations that led there are used up.
 * - A state is made at an end that forces it: the end of what needs it, or of the write that makes it, after which it is too late. The
 *   latter is a bet that somebody will see it, lost at the next turn; excused, the write could have been hidden as well.
 * - A compare-and-set is placed in a chain: of a state before a turn, or of the one that holds now.
 * - Of what does the same, the one that ends first goes first.
 *
 * Why a dominated configuration may be dropped (`dominates` has the conditions): take any way on from the worse one and let the better
 * one go it step by step. What a step needs is there, for the state is the same, and each write, optional exchange, place before
 * a turn and tail that the worse one has at hand the better one has, or has no more use for: a read that is done already is left out,
 * and leaving out a read changes no state. A write that only the worse one had used is excused in the better one, so its end passes.
 * Exchanges that must happen are done in both or in neither. After the step the conditions hold again. So the better one passes
 * each end that the worse one passes. A bet is worse than no bet, because only it forbids a turn.
 *
 * An answer of "impossible" rests on these drops and on the rules above, in a pass that left nothing else out; the tests hold it equal to
 * the search, which shares none of this.
 *
 * Where there are too many, those are kept that have the least to do, and the shortest ways of each. An order found so is an order; where
 * none is left, more are kept in another pass, as long as memory and steps go.
 */
export function sweep(table: TransitionTable, limits: CheckLimits): Decision {
  const timeline = timelineOf(table);
  const bytesLeft = limits.memoryBytesMax - table.needs.length * bytesPerRow;
  const budget = new StepBudget(
    limits.stepsMax,
    1 + Math.floor(timeline.slotCount / slotsPerWeight),
  );
  let width = widthMin;
  for (; bytesOf(width, table, timeline) <= bytesLeft && !budget.isSpent; width *= widening) {
    const outcome = new Sweep(table, timeline, { width, budget }).run();
    if (outcome.kind !== 'narrowed') return { ...outcome, steps: budget.steps };
  }
  const reason = budget.isSpent
    ? `no answer after ${limits.stepsMax} steps`
    : `${width} orders of up to ${timeline.slotCount} open operations take more than ${limits.memoryBytesMax} bytes`;
  return { kind: 'undecided', reason, steps: budget.steps };
}

/**
 * What a sweep of a width holds at most: its frontier, the next one, which grows to twice the width, what comes of one configuration,
 * and the sets of the open operations by value.
 */
function bytesOf(width: number, { stateCount }: TransitionTable, { slotCount }: Timeline): number {
  const configurations = 3 * width + (2 * chainsPerWay + tailsMax + 2) * waysOf(width);
  const groups = Math.min(3 * stateCount, 2 * slotCount);
  const sets = groups + configurations * (3 + tailsMax);
  return configurations * bytesPerConfiguration + sets * (bytesPerSet + slotCount / 8);
}

function waysOf(width: number): number {
  return width <= narrowMax ? waysOfNarrow : width * waysShareOfWide;
}

type Outcome =
  | { readonly kind: 'linearizable' }
  | { readonly kind: 'impossible'; readonly blockedRow: number }
  /** The steps are spent; or orders were left out, and those that were not end nowhere. */
  | { readonly kind: 'narrowed' };

class Sweep {
  readonly #events: Int32Array;
  readonly #open: OpenOperations;
  readonly #routes: Routes;
  readonly #budget: StepBudget;
  readonly #width: number;
  #frontier: Configuration[] = [];
  #isNarrowed = false;

  constructor(
    table: TransitionTable,
    timeline: Timeline,
    limits: { readonly width: number; readonly budget: StepBudget },
  ) {
    this.#events = timeline.events;
    this.#open = new OpenOperations(table, timeline, limits.budget);
    this.#width = limits.width;
    this.#budget = limits.budget;
    this.#routes = new Routes({
      open: this.#open,
      free: freeMovesOf(table),
      budget: this.#budget,
      waysMax: waysOf(limits.width),
    });
    this.#frontier.push({
      state: table.initial,
      isUnseen: false,
      tails: [],
      done: this.#open.emptySet(),
      excused: this.#open.emptySet(),
      offered: this.#open.emptySet(),
    });
  }

  run(): Outcome {
    for (const event of this.#events) {
      if (event >= 0) {
        this.#call(event);
        continue;
      }
      const row = -event - 1;
      this.#end(row);
      if (this.#budget.isSpent) return { kind: 'narrowed' };
      if (this.#frontier.length > 0) continue;
      const isNarrowed = this.#isNarrowed || this.#routes.isNarrowed;
      return isNarrowed ? { kind: 'narrowed' } : { kind: 'impossible', blockedRow: row };
    }
    return { kind: 'linearizable' };
  }

  #call(row: number): void {
    this.#open.open(row);
    const slot = this.#open.slotOf(row);
    const kind = this.#open.kindOf(row);
    const need = this.#open.needOf(row);
    const isOptional = hasBit(this.#open.optional, slot);
    for (const configuration of this.#frontier) {
      this.#budget.spend(1);
      const { state } = configuration;
      if (kind === 'read' && (need === anyState || need === state)) {
        setBit(configuration.done, slot);
        if (need === state) configuration.isUnseen = false;
      } else if (kind === 'write' && (isOptional || this.#open.resultOf(row) === state)) {
        setBit(configuration.excused, slot);
      }
    }
  }

  #end(row: number): void {
    const slot = this.#open.slotOf(row);
    const isDoneInAll = this.#frontier.every((configuration) => isDone(configuration, slot));
    this.#budget.spend(this.#frontier.length);
    const passed = isDoneInAll ? this.#frontier : this.#passAll(row);
    this.#open.close(row);
    for (const { done, excused, offered, tails } of passed) {
      for (const set of [done, excused, offered]) clearBit(set, slot);
      for (const tail of tails) clearBit(tail.offered, slot);
    }
    this.#frontier = passed;
  }

  #passAll(row: number): Configuration[] {
    const slot = this.#open.slotOf(row);
    const next = new Frontier({ open: this.#open, budget: this.#budget, width: this.#width });
    for (const configuration of this.#frontier) {
      if (this.#budget.isSpent) break;
      const ways = isDone(configuration, slot) ? [configuration] : this.#pass(configuration, row);
      for (const way of ways) {
        if (this.#budget.isSpent) break;
        this.#routes.dropTails(way);
        // It will not be asked for again, and so it does not tell configurations apart. Tails are shared with those still to be asked.
        for (const set of [way.done, way.excused, way.offered]) clearBit(set, slot);
        next.add(way);
      }
    }
    const passed = next.all();
    this.#isNarrowed ||= next.isNarrowed;
    return passed;
  }

  /** Ways past the end of an operation that is not done. */
  #pass(configuration: Configuration, row: number): Configuration[] {
    switch (this.#open.kindOf(row)) {
      case 'read':
        return this.#passRead(configuration, row);
      case 'write':
        return this.#passWrite(configuration, row);
      default:
        return this.#passExchange(configuration, row);
    }
  }

  #passRead(configuration: Configuration, row: number): Configuration[] {
    const need = this.#open.needOf(row);
    const seenBefore = this.#routes.toStateBeforeTurn(configuration, need, row);
    for (const chain of seenBefore) this.#routes.endChain(chain);
    const seenNow = this.#routes.toStateNow(configuration, need);
    return [...seenNow, ...seenBefore.map((chain) => chain.configuration)];
  }

  #passWrite(configuration: Configuration, row: number): Configuration[] {
    const value = this.#open.resultOf(row);
    const isExcused = hasBit(configuration.excused, this.#open.slotOf(row));
    const passed: Configuration[] = [];
    const after = this.#routes.turn(configuration, row, value);
    if (after !== null) {
      if (configuration.state !== value) {
        after.isUnseen = isExcused && !this.#isSeenFirst(configuration, value);
      }
      passed.push(after);
    }
    if (isExcused) {
      // Nobody else can have it any more: whatever it is good for before the turn costs nothing.
      if (this.#open.hasSlot(configuration.offered, row)) {
        this.#routes.writeBeforeTurn(configuration, row);
      }
      passed.push(configuration);
    }
    return passed;
  }

  /** Whether a read that is open waits for this value. */
  #isSeenFirst({ done }: Configuration, value: number): boolean {
    const reads = this.#open.readsOf(value);
    return reads?.some((word, index) => (word & ~at(done, index)) !== 0) === true;
  }

  #passExchange(configuration: Configuration, row: number): Configuration[] {
    const need = this.#open.needOf(row);
    const passed: Configuration[] = [];
    for (const ready of this.#routes.toStateNow(configuration, need)) {
      if (!isDone(ready, this.#open.slotOf(row))) this.#routes.exchangeNow(ready, row);
      passed.push(ready);
    }
    for (const chain of this.#routes.toStateBeforeTurn(configuration, need, row)) {
      const { configuration: ready } = chain;
      if (isDone(ready, this.#open.slotOf(row))) this.#routes.endChain(chain);
      else this.#routes.exchangeBeforeTurn(chain, row);
      passed.push(ready);
    }
    return passed;
  }
}

function freeMovesOf({ freeMoves }: TransitionTable): FreeMoves {
  const written = new Set<number>();
  const from = new Map<number, Set<number>>();
  const to = new Map<number, Set<number>>();
  for (const [need, made] of freeMoves) {
    if (need === anyState) written.add(made);
    else {
      from.set(need, (from.get(need) ?? new Set()).add(made));
      to.set(made, (to.get(made) ?? new Set()).add(need));
    }
  }
  return { written, from, to };
}
