/** As a need: any state will do. As a start: nobody knows the state, and the search may choose one. */
export const anyState = -1;
/** As a result: the state stays, as after a read. */
export const sameState = -2;

/**
 * Operations as an automaton with numbered states sees them, in columns: row i needs the state `needs[i]` and leaves
 * `makes[i]`. Registers, compare-and-set registers and locks all have this form, and so one search serves them all.
 *
 * A row whose `endAt` is Infinity may take effect at any time after its call, or never. Rows are ordered by `callAt`, and no two
 * calls and ends share a place.
 */
export interface TransitionTable {
  /** States are 0 to `stateCount - 1`. */
  readonly stateCount: number;
  /** A state, or `anyState`. */
  readonly initial: number;
  readonly needs: Int32Array;
  readonly makes: Int32Array;
  readonly callAt: Float64Array;
  readonly endAt: Float64Array;
  /** Moves that are possible at any time and any number of times, as [needs, makes]; for searches in a part of a history. */
  readonly freeMoves: readonly (readonly [number, number])[];
}

export interface TransitionRow {
  readonly needs: number;
  readonly makes: number;
  readonly callAt: number;
  readonly endAt: number;
}

export function tableOf(
  rows: readonly TransitionRow[],
  options: {
    readonly stateCount: number;
    readonly initial: number;
    readonly freeMoves?: readonly (readonly [number, number])[];
  },
): TransitionTable {
  return {
    stateCount: options.stateCount,
    initial: options.initial,
    needs: Int32Array.from(rows, (row) => row.needs),
    makes: Int32Array.from(rows, (row) => row.makes),
    callAt: Float64Array.from(rows, (row) => row.callAt),
    endAt: Float64Array.from(rows, (row) => row.endAt),
    freeMoves: options.freeMoves ?? [],
  };
}

export function rowAt(table: TransitionTable, row: number): TransitionRow {
  return {
    needs: at(table.needs, row),
    makes: at(table.makes, row),
    callAt: at(table.callAt, row),
    endAt: at(table.endAt, row),
  };
}

/** An element that is known to be there. */
export function at(column: Int32Array | Float64Array | Uint8Array, index: number): number {
  return column[index] ?? 0;
}
