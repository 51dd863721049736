import type { CheckLimits } from '../verdict.ts';
import { clearBit, hasBit, setBit } from './bits.ts';
import { burdenOf, type Configuration, isDone, keepBest } from './configuration.ts';
import type { Decision } from './decision.ts';
import { OpenOperations } from './open-operations.ts';
import { type FreeMoves, Routes } from './routes.ts';
import { type Timeline, timelineOf } from './timeline.ts';
import { anyState, at, type TransitionTable } from './transition-table.ts';

/** Orders kept at first, and how many times more when those left out may matter. */
const widthMin = 8;
const widening = 8;
const bytesPerRow = 32;
const bytesPerConfiguration = 1024;
const setsPerConfiguration = 3;

/**
 * Decides as the search does, by keeping all configurations that are possible at a place, from event to event (Lowe, "Testing for
 * linearizability", 2017, §3, on which Knossos' `linear` rests), and of those just the ones that no other is better than.
 *
 * What keeps them few is that nothing is placed before it must be, and that writes need hardly ever be placed:
 *
 * - A write may take effect just before another one, unseen. So a *turn*, a write that takes effect and may be seen, excuses all writes
 *   that are open. Which of them went before it is never decided: those that are wanted later are put there then, with the reads that
 *   saw them. Only what was open at the turn may be; a set says which operations are still *offered* that.
 * - A state is made at an end that forces it: the end of what needs it, or of the write that makes it, after which it is too late. The latter is a
 *   bet that somebody will see it, lost at the next turn.
 * - A compare-and-set is placed in a chain: of a state before a turn, or of the one that holds now.
 * - Of what does the same, the one that ends first goes first.
 *
 * Where there are too many, those are kept that have the least to do. An order found so is an order; where none is left, more are kept in
 * another pass, as long as memory and steps go.
 */
export function sweep(table: TransitionTable, limits: CheckLimits): Decision {
  const timeline = timelineOf(table);
  const words = (timeline.slotCount + 31) >>> 5;
  const bytesEach = bytesPerConfiguration + setsPerConfiguration * 4 * words;
  const bytesLeft = limits.memoryBytesMax - table.needs.length * bytesPerRow;
  const widthMax = Math.floor(bytesLeft / bytesEach);
  let steps = 0;
  for (let width = widthMin; width <= widthMax && steps < limits.stepsMax; width *= widening) {
    const pass = new Sweep(table, timeline, { width, stepsMax: limits.stepsMax - steps });
    const outcome = pass.run();
    steps += outcome.steps;
    if (outcome.kind !== 'narrowed') return { ...outcome, steps };
  }
  const reason = `no answer after ${steps} steps within ${limits.memoryBytesMax} bytes`;
  return { kind: 'undecided', reason, steps };
}

type Outcome =
  | Exclude<Decision, { readonly kind: 'undecided' }>
  /** Orders were left out, and those that were not end nowhere. */
  | { readonly kind: 'narrowed'; readonly steps: number };

class Sweep {
  readonly #events: Int32Array;
  readonly #open: OpenOperations;
  readonly #routes: Routes;
  readonly #stepsMax: number;
  readonly #width: number;
  #frontier: Configuration[] = [];
  #steps = 0;
  #isNarrowed = false;

  constructor(
    table: TransitionTable,
    timeline: Timeline,
    limits: { readonly width: number; readonly stepsMax: number },
  ) {
    this.#events = timeline.events;
    this.#open = new OpenOperations(table, timeline);
    this.#width = limits.width;
    this.#stepsMax = limits.stepsMax;
    const free = freeMovesOf(table);
    this.#routes = new Routes({ open: this.#open, free, waysMax: limits.width });
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
      const steps = this.#steps + this.#routes.steps;
      if (steps > this.#stepsMax) return { kind: 'narrowed', steps };
      if (this.#frontier.length > 0) continue;
      if (this.#isNarrowed || this.#routes.isNarrowed) return { kind: 'narrowed', steps };
      return { kind: 'impossible', blockedRow: row, steps };
    }
    return { kind: 'linearizable', steps: this.#steps + this.#routes.steps };
  }

  #call(row: number): void {
    this.#open.open(row);
    const slot = this.#open.slotOf(row);
    const kind = this.#open.kindOf(row);
    const need = this.#open.needOf(row);
    const isOptional = hasBit(this.#open.optional, slot);
    for (const configuration of this.#frontier) {
      this.#steps += 1;
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
    const passed: Configuration[] = [];
    let isSame = true;
    for (const configuration of this.#frontier) {
      this.#steps += 1;
      if (isDone(configuration, slot)) {
        passed.push(configuration);
        continue;
      }
      isSame = false;
      passed.push(...this.#pass(configuration, row));
    }
    this.#open.close(row);
    const byState = new Map<number, Configuration[]>();
    for (const configuration of passed) {
      const { done, excused, offered, tails } = configuration;
      for (const set of [done, excused, offered]) clearBit(set, slot);
      for (const tail of tails) clearBit(tail.offered, slot);
      this.#routes.dropTails(configuration);
    }
    if (isSame && this.#frontier.length === 1) return;
    for (const configuration of passed) {
      const kept = byState.get(configuration.state) ?? [];
      byState.set(configuration.state, kept);
      this.#steps += keepBest(kept, configuration, this.#open);
    }
    this.#frontier = this.#narrowed([...byState.values()].flat());
  }

  /** No more than the width, and of those the ones that have the least to do and the most at hand. */
  #narrowed(configurations: Configuration[]): Configuration[] {
    if (configurations.length <= this.#width) return configurations;
    this.#isNarrowed = true;
    const ranked = configurations.map((configuration) => ({
      configuration,
      burden: burdenOf(configuration, this.#open),
    }));
    ranked.sort((one, other) => one.burden - other.burden);
    return ranked.slice(0, this.#width).map(({ configuration }) => configuration);
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
  const written: number[] = [];
  const from = new Map<number, number[]>();
  for (const [need, made] of freeMoves) {
    if (need === anyState) written.push(made);
    else from.set(need, [...(from.get(need) ?? []), made]);
  }
  return { written, from };
}
