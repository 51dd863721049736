import fc from 'fast-check';
import { expect, test } from 'vitest';
import { searchLinearization } from '../../../history/linearizability/search.ts';
import { sweep } from '../../../history/linearizability/sweep.ts';
import {
  anyState,
  sameState,
  type TransitionRow,
  type TransitionTable,
  tableOf,
} from '../../../history/linearizability/transition-table.ts';
import { limits } from '../support/build.ts';

const stateCount = 4;
const state = fc.integer({ min: 0, max: stateCount - 1 });
const read = fc.record({ needs: state, makes: fc.constant(sameState) });
const write = fc.record({ needs: fc.constant(anyState), makes: state });
const exchange = fc.record({ needs: state, makes: state });
const forever = Number.POSITIVE_INFINITY;

/** Operations laid out at random in time, of any number of clients. */
function arbitraryTable(
  operation: fc.Arbitrary<{ readonly needs: number; readonly makes: number }>,
  move: fc.Arbitrary<readonly [number, number]>,
): fc.Arbitrary<TransitionTable> {
  const planned = fc.record({
    operation,
    start: fc.integer({ min: 0, max: 30 }),
    length: fc.integer({ min: 1, max: 14 }),
    isLost: fc.integer({ min: 0, max: 7 }).map((drawn) => drawn === 0),
  });
  return fc
    .record({
      plans: fc.array(planned, { minLength: 3, maxLength: 12 }),
      initial: fc.constantFrom(0, 0, anyState),
      freeMoves: fc.array(move, { maxLength: 2 }),
    })
    .map(({ plans, initial, freeMoves }) => {
      const rows: TransitionRow[] = plans.map(({ operation: made, ...plan }, index) => ({
        ...made,
        callAt: plan.start + index / 100,
        endAt:
          plan.isLost && made.makes !== sameState
            ? forever
            : plan.start + plan.length + index / 100,
      }));
      rows.sort((one, other) => one.callAt - other.callAt);
      return tableOf(rows, { stateCount, initial, freeMoves });
    });
}

const written = state.map((made): readonly [number, number] => [anyState, made]);
const exchanged = fc.tuple(state, state);

for (const { what, operation, move } of [
  { what: 'reads and writes', operation: fc.oneof(read, write), move: written },
  {
    what: 'reads, writes and exchanges',
    operation: fc.oneof(read, write, exchange),
    move: fc.oneof(written, exchanged),
  },
]) {
  test(`of ${what} the sweep says what the search says, and is stopped by the same end`, () => {
    const seen = { linearizable: 0, impossible: 0 };
    fc.assert(
      fc.property(arbitraryTable(operation, move), (table) => {
        const { steps: _, ...expected } = searchLinearization(table, limits);
        const { steps, ...found } = sweep(table, limits);
        if (expected.kind === 'linearizable') expect(found.kind).toBe('linearizable');
        else expect(found).toEqual(expected);
        if (expected.kind !== 'undecided') seen[expected.kind] += 1;
        expect(steps).toBeLessThan(limits.stepsMax);
      }),
      { numRuns: 4000 },
    );
    expect(Math.min(seen.linearizable, seen.impossible)).toBeGreaterThan(300);
  });
}

/** Clients that exchange this for that all at once, over and over, and one that asks for what nobody makes. */
function crowded(clients: number): TransitionTable {
  const rows = Array.from({ length: clients }, (_, client) => ({
    needs: client % 3,
    makes: (client * 7 + 1) % 5,
    callAt: client,
    endAt: 1000 + client,
  }));
  const last = { needs: 5, makes: sameState, callAt: 990, endAt: 3000 };
  return tableOf([...rows, last], { stateCount: 6, initial: 0 });
}

test('a sweep that had to leave orders out says so instead of an answer, as soon as its steps are spent', () => {
  for (const stepsMax of [1000, 20_000, 200_000]) {
    const result = sweep(crowded(60), { stepsMax, memoryBytesMax: 64 << 20 });
    expect(result).toMatchObject({ kind: 'undecided', reason: expect.stringContaining('steps') });
    expect(result.steps).toBeGreaterThan(stepsMax);
    // The last end takes far more by itself: the steps are looked at on the way.
    expect(result.steps).toBeLessThan(stepsMax + 5000);
  }
});

test('a sweep does not keep more orders than its memory holds', () => {
  const result = sweep(crowded(60), { stepsMax: 1e7, memoryBytesMax: 4 << 20 });
  expect(result).toMatchObject({ kind: 'undecided', reason: expect.stringContaining('bytes') });
  expect(result.steps).toBeGreaterThan(0);
});

test('a sweep without memory for a handful of orders is not begun', () => {
  expect(sweep(crowded(20), { stepsMax: 1e6, memoryBytesMax: 1000 })).toMatchObject({
    kind: 'undecided',
    steps: 0,
  });
});
