import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SeededRandom } from '../../../base/random.ts';
import type { HistoryValue, Operation, Outcome } from '../../../history/history.ts';
import { type Consistency, consistencyLevels } from '../../../history/list-append/consistency.ts';
import { hasSerialOrder, hasSnapshotOrder } from './oracle.ts';
import { runStore } from './store.ts';
import { check, namesOf } from './support.ts';

/** Each level, and those that everything it accepts is accepted by. */
const weaker: Readonly<Record<Consistency, readonly Consistency[]>> = {
  'strict-serializable': ['serializable'],
  serializable: ['repeatable-read', 'snapshot-isolation'],
  'repeatable-read': ['serializable', 'read-committed'],
  'snapshot-isolation': ['read-committed'],
  'read-committed': [],
};

const storeArbitrary = fc.record({
  seed: fc.integer(),
  transactionCount: fc.integer({ min: 20, max: 120 }),
  clientCount: fc.integer({ min: 1, max: 12 }),
  keyCount: fc.integer({ min: 1, max: 5 }),
  appendsPerKey: fc.integer({ min: 1, max: 30 }),
  stepsMax: fc.integer({ min: 1, max: 6 }),
  failPercent: fc.constantFrom(0, 5, 20),
  infoPercent: fc.constantFrom(0, 5, 30),
});

test('what a strict serializable store shows is accepted at every level', () => {
  fc.assert(
    fc.property(storeArbitrary, ({ seed, ...options }) => {
      const random = new SeededRandom(seed);
      const operations = runStore({ ...options, random, isolation: 'strict-serializable' });
      for (const level of consistencyLevels) expect(namesOf(operations, level)).toEqual([]);
    }),
    { numRuns: 150 },
  );
});

test('what a store with snapshots shows is accepted by snapshot isolation, and its write skew is seen by serializable', () => {
  let skewCount = 0;
  fc.assert(
    fc.property(storeArbitrary, ({ seed, ...options }) => {
      const random = new SeededRandom(seed);
      const operations = runStore({ ...options, random, isolation: 'snapshot-isolation' });
      expect(namesOf(operations, 'snapshot-isolation')).toEqual([]);
      expect(namesOf(operations, 'read-committed')).toEqual([]);
      const names = namesOf(operations, 'serializable');
      expect(names.filter((name) => name !== 'G2-item')).toEqual([]);
      skewCount += names.length;
    }),
    { numRuns: 150, seed: 1 },
  );
  expect(skewCount).toBeGreaterThan(10);
});

test('a level accepts what a stronger one accepts', () => {
  fc.assert(
    fc.property(tinyHistory(false), (operations) => {
      for (const level of consistencyLevels) {
        if (check(operations, level).kind === 'invalid') continue;
        for (const other of weaker[level]) expect(namesOf(operations, other)).toEqual([]);
      }
    }),
    { numRuns: 400 },
  );
});

test('a history is accepted as serializable exactly if some serial order explains it', () => {
  const seen = { valid: 0, invalid: 0 };
  fc.assert(
    fc.property(tinyHistory(false), (operations) => {
      const isValid = namesOf(operations, 'serializable').length === 0;
      expect(isValid).toBe(hasSerialOrder(operations, false));
      seen[isValid ? 'valid' : 'invalid'] += 1;
    }),
    { numRuns: 1500 },
  );
  expect(Math.min(seen.valid, seen.invalid)).toBeGreaterThan(100);
});

test('a history is accepted as strict serializable exactly if a serial order in real time explains it', () => {
  const seen = { valid: 0, invalid: 0 };
  fc.assert(
    fc.property(tinyHistory(false), (operations) => {
      const isValid = namesOf(operations, 'strict-serializable').length === 0;
      expect(isValid).toBe(hasSerialOrder(operations, true));
      seen[isValid ? 'valid' : 'invalid'] += 1;
    }),
    { numRuns: 1500 },
  );
  expect(Math.min(seen.valid, seen.invalid)).toBeGreaterThan(100);
});

test('a history that shows the order of all appends is accepted by snapshot isolation exactly if snapshots explain it', () => {
  const seen = { valid: 0, invalid: 0 };
  fc.assert(
    fc.property(tinyHistory(true), (operations) => {
      const isValid = namesOf(operations, 'snapshot-isolation').length === 0;
      expect(isValid).toBe(hasSnapshotOrder(operations));
      seen[isValid ? 'valid' : 'invalid'] += 1;
    }),
    { numRuns: 1500 },
  );
  expect(Math.min(seen.valid, seen.invalid)).toBeGreaterThan(100);
});

interface TinyStep {
  readonly key: number;
  readonly isAppend: boolean;
  /** How much of the key's order a read shows. */
  readonly luck: number;
}

interface TinyTransaction {
  readonly outcome: Outcome;
  readonly steps: readonly TinyStep[];
  readonly callAt: number;
  readonly length: number;
}

/**
 * Few transactions with reads that are nearly right: each shows a beginning of one order of the key's appends, and after an own append
 * what went before it and that. `isComplete`: a last transaction reads the whole order of every key.
 */
function tinyHistory(isComplete: boolean): fc.Arbitrary<Operation[]> {
  const step: fc.Arbitrary<TinyStep> = fc.record({
    key: fc.integer({ min: 0, max: 1 }),
    isAppend: fc.boolean(),
    luck: fc.nat(6),
  });
  const transaction: fc.Arbitrary<TinyTransaction> = fc.record({
    outcome: fc.constantFrom<Outcome>('ok', 'ok', 'ok', 'ok', 'info', 'fail'),
    steps: fc.array(step, { minLength: 1, maxLength: 3 }),
    callAt: fc.nat(12),
    length: fc.nat(8),
  });
  return fc
    .record({
      transactions: fc.array(transaction, { minLength: 1, maxLength: isComplete ? 4 : 5 }),
      order: fc.array(fc.nat(1000), { minLength: 15, maxLength: 15 }),
    })
    .map(({ transactions, order }) => tinyOperations(transactions, order, isComplete));
}

function tinyOperations(
  transactions: readonly TinyTransaction[],
  order: readonly number[],
  isComplete: boolean,
): Operation[] {
  const appends = transactions.flatMap(({ steps, outcome }, number) =>
    steps.flatMap(({ key, isAppend, luck }, place) =>
      isAppend ? [{ key, element: number * 3 + place, outcome, luck }] : [],
    ),
  );
  const orders = [0, 1].map((wanted) =>
    appends
      .filter(({ key }) => key === wanted)
      // Failed appends are there now and then; of unknown ones half are.
      .filter(
        ({ outcome, luck }) => outcome === 'ok' || (outcome === 'info' ? luck < 4 : luck === 0),
      )
      .map(({ element }) => element)
      .sort((one, other) => (order[one] ?? 0) - (order[other] ?? 0) || one - other),
  );
  const told = transactions.map((transaction, number) => {
    const own = new Map<number, HistoryValue[]>();
    const values = transaction.steps.map(({ key, isAppend, luck }, place): HistoryValue => {
      const element = number * 3 + place;
      const keyOrder = orders[key] ?? [];
      const seen = own.get(key) ?? keyOrder.slice(0, luck);
      if (!isAppend) {
        own.set(key, seen);
        return ['r', key, seen.length === 0 ? null : [...seen]];
      }
      const at = keyOrder.indexOf(element);
      own.set(key, [...(own.get(key) ?? keyOrder.slice(0, Math.max(at, 0))), element]);
      return ['append', key, element];
    });
    return { ...transaction, values };
  });
  const last = { outcome: 'ok' as const, callAt: 0, length: 20 };
  const everything = orders.map((list, key): HistoryValue => ['r', key, list]);
  const all = isComplete ? [...told, { ...last, values: everything }] : told;
  return all
    .toSorted((one, other) => one.callAt - other.callAt)
    .map(
      ({ outcome, callAt, length, values }, index): Operation => ({
        index,
        process: index,
        f: 'txn',
        input: values,
        output: outcome === 'ok' ? values : null,
        outcome,
        // Calls and ends have different places: no two events are at the same one.
        callAt: callAt * 100 + index,
        // Of some whose end is unknown it is known when the client gave up.
        endAt:
          outcome === 'info' && length < 4
            ? Number.POSITIVE_INFINITY
            : (callAt + length) * 100 + 50 + index,
        callNanos: null,
        endNanos: null,
        callLine: index + 1,
        endLine: null,
      }),
    );
}
