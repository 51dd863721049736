import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Operation } from '../../../history/history.ts';
import { searchLinearization } from '../../../history/linearizability/search.ts';
import {
  anyState,
  sameState,
  type TransitionTable,
  tableOf,
} from '../../../history/linearizability/transition-table.ts';
import {
  checkUniqueValues,
  hasUniqueValues,
} from '../../../history/linearizability/unique-values.ts';
import { VisitedCache } from '../../../history/linearizability/visited-cache.ts';
import { registerTable } from '../../../history/models/register-table.ts';
import { arbitraryOperations, arbitraryOutcome } from '../support/arbitrary.ts';
import { limits, operationsOf } from '../support/build.ts';

const stateCount = 4;

/** Operations as rows: writes, reads, and compare-and-sets over a few states. */
const arbitraryTable: fc.Arbitrary<TransitionTable> = arbitraryOperations(
  fc.record({
    f: fc.constantFrom('write', 'read', 'cas'),
    input: fc.integer({ min: 0, max: stateCount - 1 }),
    output: fc.integer({ min: 0, max: stateCount - 1 }),
    outcome: arbitraryOutcome,
  }),
  { maxLength: 10 },
).map((operations) => {
  const judged = operations.filter(
    ({ f, outcome }) => outcome === 'ok' || (outcome === 'info' && f !== 'read'),
  );
  return tableOf(judged.map(rowOf), { stateCount, initial: 0 });
});

function rowOf({ f, input, output, callAt, endAt }: Operation): {
  needs: number;
  makes: number;
  callAt: number;
  endAt: number;
} {
  return {
    needs: f === 'write' ? anyState : Number(output ?? 0),
    makes: f === 'read' ? sameState : Number(input),
    callAt,
    endAt,
  };
}

test('the order that is found is one that can have happened', () => {
  const found = { count: 0 };
  fc.assert(
    fc.property(arbitraryTable, (table) => {
      const result = searchLinearization(table, limits);
      if (result.kind !== 'linearizable') return;
      found.count += 1;
      let state = table.initial;
      for (const [place, row] of result.order.entries()) {
        const need = table.needs[row] ?? 0;
        const made = table.makes[row] ?? 0;
        expect([anyState, state]).toContain(need);
        if (made !== sameState) state = made;
        for (const later of result.order.slice(place + 1)) {
          expect(table.endAt[later]).toBeGreaterThan(table.callAt[row] ?? 0);
        }
      }
      const owed = [...table.endAt.keys()].filter((row) => Number.isFinite(table.endAt[row]));
      expect(result.order).toEqual(expect.arrayContaining(owed));
    }),
    { numRuns: 2000 },
  );
  expect(found.count).toBeGreaterThan(200);
});

test('up to the end that blocks there is an order, and with it there is none', () => {
  const blocked = { count: 0 };
  fc.assert(
    fc.property(arbitraryTable, (table) => {
      const result = searchLinearization(table, limits);
      if (result.kind !== 'impossible') return;
      blocked.count += 1;
      const end = table.endAt[result.blockedRow] ?? 0;
      expect(searchLinearization(upTo(table, end), limits).kind).toBe('impossible');
      expect(searchLinearization(upTo(table, end - 1), limits).kind).toBe('linearizable');
    }),
    { numRuns: 2000 },
  );
  expect(blocked.count).toBeGreaterThan(200);
});

/** What is known at a moment: operations that have not ended may or may not have happened, and open reads have seen nothing yet. */
function upTo(table: TransitionTable, place: number): TransitionTable {
  const rows = [...table.needs.keys()]
    .map((row) => ({
      needs: table.needs[row] ?? 0,
      makes: table.makes[row] ?? 0,
      callAt: table.callAt[row] ?? 0,
      endAt: (table.endAt[row] ?? 0) <= place ? (table.endAt[row] ?? 0) : Number.POSITIVE_INFINITY,
    }))
    .filter(({ callAt, endAt, makes }) => {
      const isOpenRead = makes === sameState && endAt === Number.POSITIVE_INFINITY;
      return callAt <= place && !isOpenRead;
    });
  return tableOf(rows, { stateCount, initial: table.initial });
}

test('with unique values the fast check agrees with the search', () => {
  const sketch = fc.record({
    f: fc.constantFrom('read', 'write'),
    output: fc.integer({ min: 0, max: 6 }),
    outcome: arbitraryOutcome,
  });
  const seen = { linearizable: 0, impossible: 0 };
  fc.assert(
    fc.property(arbitraryOperations(sketch, { maxLength: 10 }), (operations) => {
      // The place in the history is a value that no other write has.
      const numbered = operations.map((operation) =>
        operation.f === 'write' ? { ...operation, input: operation.index + 1 } : operation,
      );
      const parts = numbered.map((operation) => ({
        operation,
        input: operation.input,
        output: operation.output,
      }));
      const { table, orphan } = registerTable({ key: undefined, operations: parts }, 0);
      if (orphan !== null) return;
      expect(hasUniqueValues(table)).toBe(true);
      const { kind } = searchLinearization(table, limits);
      if (kind !== 'undecided') seen[kind] += 1;
      expect(checkUniqueValues(table).kind).toBe(kind);
    }),
    { numRuns: 6000 },
  );
  expect(Math.min(seen.linearizable, seen.impossible)).toBeGreaterThan(300);
});

/** Clients that all write at once, and a read at the end of what nobody can have left there: every subset must be tried. */
function hardTable(writers: number): TransitionTable {
  const rows = Array.from({ length: writers }, (_, writer) => ({
    needs: anyState,
    makes: writer,
    callAt: writer,
    endAt: 1000 + writer * 2,
  }));
  const reads = rows.map(({ makes }) => ({
    needs: makes,
    makes: sameState,
    callAt: 1001 + makes * 2 - writers * 2,
    endAt: 2000 + makes,
  }));
  const impossible = { needs: writers, makes: sameState, callAt: 3000, endAt: 3001 };
  return tableOf(
    [...rows, ...reads, impossible].sort((one, other) => one.callAt - other.callAt),
    { stateCount: writers + 1, initial: writers },
  );
}

test('a search that would take too many steps says so instead of an answer', () => {
  const result = searchLinearization(hardTable(40), { ...limits, stepsMax: 10_000 });
  expect(result).toMatchObject({ kind: 'undecided', reason: expect.stringContaining('10000') });
  expect(result.steps).toBeLessThan(11_000);
});

test('a history that would take too much memory is not begun', () => {
  const result = searchLinearization(hardTable(40), { stepsMax: 1e6, memoryBytesMax: 1000 });
  expect(result).toMatchObject({ kind: 'undecided', steps: 0 });
});

test('a cache that forgets costs steps, not the answer', () => {
  fc.assert(
    fc.property(arbitraryTable, (table) => {
      const small = searchLinearization(table, { ...limits, memoryBytesMax: 2000 });
      expect(small.kind).toBe(searchLinearization(table, limits).kind);
    }),
  );
  const hard = hardTable(9);
  const cramped = searchLinearization(hard, { stepsMax: 1e8, memoryBytesMax: 4000 });
  expect(cramped.kind).toBe('impossible');
});

test('a cache answers yes only for what was added, grows to its maximum, and no further', () => {
  const cache = new VisitedCache({ bitWords: 2, bytesMax: 1 << 20 });
  const keys = Array.from({ length: 60_000 }, (_, index) => ({
    place: index % 7,
    state: index % 11,
    bits: Int32Array.of(index, index * 3),
  }));
  expect(keys.filter((key) => cache.testAndAdd(key))).toEqual([]);
  const known = keys.filter((key) => cache.testAndAdd(key)).length;
  expect(known).toBeGreaterThan(10_000);
  expect(known).toBeLessThan(60_000);
});

test('operations that end where another begins are concurrent', () => {
  const [operation] = operationsOf([{ f: 'write', input: 1, at: [0, 1] }]);
  expect(operation?.endAt).toBe(1);
  const rows = [
    { needs: anyState, makes: 1, callAt: 0, endAt: 2 },
    { needs: 0, makes: sameState, callAt: 2, endAt: 3 },
  ];
  expect(searchLinearization(tableOf(rows, { stateCount: 2, initial: 0 }), limits).kind).toBe(
    'linearizable',
  );
});
