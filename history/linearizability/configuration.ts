import { type Bits, bitCount, hasBit, isWithin } from './bits.ts';
import type { OpenOperations } from './open-operations.ts';
import { at } from './transition-table.ts';

/**
 * What one way of ordering the operations so far leaves to be decided; sets are sets of open operations. See `sweep.ts` for what a
 * turn is, and for what can still be put before it.
 */
export interface Configuration {
  /** A state, or `anyState` while nobody has asked. */
  state: number;
  /** The state was made by a write that might as well have been overwritten, and nobody has seen it. */
  isUnseen: boolean;
  /** Where chains of operations may go on that are over for good otherwise, because a turn came after them. */
  tails: readonly Tail[];
  /** Those that took effect where that matters: reads saw their value, writes and exchanges made theirs. */
  readonly done: Bits;
  /** Writes that need not be placed: they can have been overwritten at once, or have written what was there. */
  readonly excused: Bits;
  /** Those that were open at the turn, and can be put before it even now. */
  readonly offered: Bits;
}

/** A state just before a turn, and what was open at that turn. */
export interface Tail {
  readonly value: number;
  readonly offered: Bits;
}

export function copyOf(configuration: Configuration): Configuration {
  const { done, excused, offered } = configuration;
  return {
    ...configuration,
    done: done.slice(),
    excused: excused.slice(),
    offered: offered.slice(),
  };
}

/**
 * Whether any way on from `worse` is a way on from `better` too, so that only `better` needs to be followed; `sweep.ts` says why. Of equal
 * states, the better one
 *
 * - is no bet that somebody will see the state, unless the other one is;
 * - did all reads that the other one did, which are then owed no more;
 * - did the same exchanges of those that must happen: each changes the state when it does, so neither is better;
 * - used no write and no optional exchange that the other one still has;
 * - excuses the writes that the other one excuses or used, unless it used them;
 * - offers what the other one offers, unless one of them did it;
 * - has a tail for each tail of the other one, of the same value and offered to as many.
 */
export function dominates(
  better: Configuration,
  worse: Configuration,
  open: OpenOperations,
): boolean {
  if (better.state !== worse.state || (better.isUnseen && !worse.isUnseen)) return false;
  for (let word = 0; word < better.done.length; word += 1) {
    const reads = at(open.reads, word);
    const writes = at(open.writes, word);
    const exchanges = at(open.exchanges, word);
    const optional = at(open.optional, word);
    const done = at(better.done, word);
    const otherDone = at(worse.done, word);
    if ((reads & otherDone & ~done) !== 0) return false;
    if ((exchanges & ~optional & (done ^ otherDone)) !== 0) return false;
    if (((writes | (exchanges & optional)) & done & ~otherDone) !== 0) return false;
    // A write that the other one used needs no excuse there.
    const excused = at(worse.excused, word) | otherDone;
    if ((writes & ~done & excused & ~at(better.excused, word)) !== 0) return false;
    if ((at(worse.offered, word) & ~otherDone & ~done & ~at(better.offered, word)) !== 0) {
      return false;
    }
  }
  return haveTails(better.tails, worse.tails);
}

/** Adds to the configurations kept what none of them dominates, and drops those that it dominates. Gives the comparisons made. */
export function keepBest(
  kept: Configuration[],
  candidate: Configuration,
  open: OpenOperations,
): number {
  let comparisons = 0;
  for (let index = 0; index < kept.length; index += 1) {
    const other = kept[index];
    comparisons += 1;
    if (other !== undefined && dominates(other, candidate, open)) return comparisons;
  }
  let count = 0;
  for (const other of kept) {
    comparisons += 1;
    if (dominates(candidate, other, open)) continue;
    kept[count] = other;
    count += 1;
  }
  kept.length = count;
  kept.push(candidate);
  return comparisons;
}

export function isDone({ done }: Configuration, slot: number): boolean {
  return hasBit(done, slot);
}

/** Whether each tail of `worse` has one of its own in `better` that is as good. */
function haveTails(better: readonly Tail[], worse: readonly Tail[]): boolean {
  if (better.length < worse.length) return false;
  const left = [...better];
  return worse.every(({ value, offered }) => {
    const index = left.findIndex((tail) => tail.value === value && isWithin(offered, tail.offered));
    if (index !== -1) left.splice(index, 1);
    return index !== -1;
  });
}

/** How much is still to be done, and how much is used up that nobody had to use. */
export function burdenOf(configuration: Configuration, open: OpenOperations): number {
  const { done, isUnseen } = configuration;
  let burden = isUnseen ? 1 : 0;
  for (let word = 0; word < done.length; word += 1) {
    const taken = at(done, word);
    const optional = at(open.optional, word);
    const owed = at(open.reads, word) | (at(open.exchanges, word) & ~optional);
    burden += bitCount(owed & ~taken) + bitCount((optional | at(open.writes, word)) & taken);
  }
  return burden;
}
