import type { CheckLimits } from '../verdict.ts';
import { decideLinearization } from './decide.ts';
import {
  anyState,
  at,
  rowAt,
  sameState,
  type TransitionRow,
  type TransitionTable,
  tableOf,
} from './transition-table.ts';

/** A part of a history that has no order by itself, whatever the rest of it did. */
export interface Core {
  /** Rows of the table given, by call. */
  readonly rows: readonly number[];
  /** False when the contradiction holds whatever the state was before these operations. */
  readonly needsInitialState: boolean;
}

/** Above it, single operations are not tried: the part found so far is told as it is. */
const reducibleRowsMax = 1500;

interface Part {
  readonly rows: readonly number[];
  readonly initial: number;
  readonly freeMoves: readonly (readonly [number, number])[];
}

/**
 * The smallest part of a history that shows why it has no order.
 *
 * Leaving operations out would not do: without its write any read is a contradiction. So what is left out is not forgotten but made
 * as weak as can be: a read that is left out saw something fitting, a write that is left out may happen at any time and any number of
 * times, and the state before the first operation kept is unknown. What still has no order then has none whatever the rest did.
 *
 * Bounded by steps: past them the part found so far is the answer, sound but perhaps not the smallest.
 */
export function shrink(table: TransitionTable, blockedRow: number, limits: CheckLimits): Core {
  const shrinker = new Shrinker(table, at(table.endAt, blockedRow), limits);
  return shrinker.run();
}

class Shrinker {
  readonly #table: TransitionTable;
  /** Nothing after it matters: up to there no order was found. */
  readonly #cutAt: number;
  readonly #limits: CheckLimits;
  #stepsLeft: number;

  constructor(table: TransitionTable, cutAt: number, limits: CheckLimits) {
    this.#table = table;
    this.#cutAt = cutAt;
    this.#limits = limits;
    this.#stepsLeft = limits.stepsMax;
  }

  run(): Core {
    const { callAt, endAt, makes, needs } = this.#table;
    const rows: number[] = [];
    for (let row = 0; row < needs.length; row += 1) {
      const isUnfinishedRead = at(makes, row) === sameState && at(endAt, row) > this.#cutAt;
      if (at(callAt, row) < this.#cutAt && !isUnfinishedRead) rows.push(row);
    }
    const all: Part = { rows, initial: this.#table.initial, freeMoves: this.#table.freeMoves };
    const window = this.#shortestWindow(rows) ?? all;
    const core = window.rows.length > reducibleRowsMax ? window : this.#withoutNeedless(window);
    return { rows: core.rows, needsInitialState: core.initial !== anyState };
  }

  /** The part since the latest moment after which nothing fits, whatever the state was then; null if the start of it all is needed. */
  #shortestWindow(rows: readonly number[]): Part | null {
    const ends = rows
      .map((row) => at(this.#table.endAt, row))
      .filter((end) => end <= this.#cutAt)
      .sort((one, other) => other - one);
    // `skipped` ends are inside the window, which grows backwards in time: first in leaps, then by halves.
    let tooShort = 0;
    let enough = 1;
    while (!this.#isImpossible(this.#since(rows, ends[enough]))) {
      if (enough >= ends.length) return null;
      tooShort = enough;
      enough = Math.min(ends.length, enough * 2);
    }
    while (enough - tooShort > 1) {
      const middle = (enough + tooShort) >>> 1;
      if (this.#isImpossible(this.#since(rows, ends[middle]))) enough = middle;
      else tooShort = middle;
    }
    return this.#since(rows, ends[enough]);
  }

  #since(rows: readonly number[], place: number = Number.NEGATIVE_INFINITY): Part {
    return {
      rows: rows.filter((row) => at(this.#table.endAt, row) > place),
      initial: anyState,
      freeMoves: this.#table.freeMoves,
    };
  }

  /** Leaves out halves, quarters, and in the end single operations, as long as there is no order without them either. */
  #withoutNeedless(start: Part): Part {
    let part = start;
    for (let size = part.rows.length >>> 1; size >= 1; size >>>= 1) {
      let from = 0;
      while (from < part.rows.length) {
        const smaller = this.#without(part, from, from + size);
        if (this.#isImpossible(smaller)) part = smaller;
        else from += size;
      }
    }
    return part;
  }

  #without(part: Part, from: number, to: number): Part {
    const freed = part.rows
      .slice(from, to)
      .filter((row) => at(this.#table.makes, row) !== sameState)
      .map((row) => [at(this.#table.needs, row), at(this.#table.makes, row)] as const);
    return {
      ...part,
      rows: part.rows.filter((_, index) => index < from || index >= to),
      freeMoves: [...part.freeMoves, ...freed],
    };
  }

  #isImpossible(part: Part): boolean {
    if (this.#stepsLeft <= 0 || part.rows.length === 0) return false;
    const table = this.#tableOfPart(part);
    const result = decideLinearization(table, { ...this.#limits, stepsMax: this.#stepsLeft });
    this.#stepsLeft -= result.steps + part.rows.length;
    return result.kind === 'impossible';
  }

  /** With the states numbered anew: those that do not occur would cost memory. */
  #tableOfPart(part: Part): TransitionTable {
    const numbers = new Map<number, number>();
    const renamed = (state: number): number => {
      if (state === anyState || state === sameState) return state;
      const number = numbers.get(state) ?? numbers.size;
      numbers.set(state, number);
      return number;
    };
    const rows: TransitionRow[] = part.rows.map((index) => {
      const row = rowAt(this.#table, index);
      return {
        needs: renamed(row.needs),
        makes: renamed(row.makes),
        callAt: row.callAt,
        endAt: row.endAt > this.#cutAt ? Number.POSITIVE_INFINITY : row.endAt,
      };
    });
    const initial = renamed(part.initial);
    const moves = new Map<string, readonly [number, number]>();
    for (const [need, made] of part.freeMoves) {
      moves.set(`${need} ${made}`, [renamed(need), renamed(made)]);
    }
    return tableOf(rows, { stateCount: numbers.size, initial, freeMoves: [...moves.values()] });
  }
}
