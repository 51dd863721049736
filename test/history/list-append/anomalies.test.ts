import { expect, test } from 'vitest';
import type { Operation } from '../../../history/history.ts';
import { type Consistency, consistencyLevels } from '../../../history/list-append/consistency.ts';
import { anomalyOf, check, concurrent, inTurn, namesOf } from './support.ts';

// The anomalies of Adya's thesis and of the Elle paper, each in the fewest transactions that show it.

const every: readonly Consistency[] = consistencyLevels;
const stable: readonly Consistency[] = every.filter((level) => level !== 'read-committed');
const serial: readonly Consistency[] = stable.filter((level) => level !== 'snapshot-isolation');
const strict: readonly Consistency[] = ['strict-serializable'];

/** Expects exactly these names at these levels, and nothing, or `others`, at the others. */
function expectAt(
  operations: readonly Operation[],
  names: readonly string[],
  forbidding: readonly Consistency[],
  others: readonly string[] = [],
): void {
  const found = Object.fromEntries(every.map((level) => [level, namesOf(operations, level)]));
  const expected = every.map((level) => [level, forbidding.includes(level) ? names : others]);
  expect(found).toEqual(Object.fromEntries(expected));
}

test('transactions one after the other that read what came before are valid at every level', () => {
  expectAt(inTurn('ax1 ry', 'rx1 ax2 ay1', 'rx1,2 ry1', 'ry1 ay2 ry1,2'), [], []);
});

test('G0: two transactions append to two keys in opposite orders', () => {
  expectAt(concurrent('ax1 ay1', 'ax2 ay2', 'rx1,2 ry2,1'), ['G0'], every);
});

test('G1a: a transaction reads what a failed one appended', () => {
  expectAt(concurrent({ steps: 'ax1', outcome: 'fail' }, 'rx1'), ['G1a'], every);
});

test('G1b: a transaction reads a key between two appends of another', () => {
  const operations = concurrent('ax1 ay1 ax2', 'rx1');
  expect(namesOf(operations, 'read-committed')).toEqual(['G1b']);
  // It depends on the first append and misses the second.
  for (const level of stable) expect(namesOf(operations, level)).toEqual(['G1b', 'G-single']);
});

test('a transaction may read its own appends one by one', () => {
  expectAt(concurrent('ax1 rx1 ax2 rx1,2', 'rx1,2'), [], []);
});

test('G1c: of two transactions the second reads the first, which stands on the second', () => {
  expectAt(concurrent('ax1 ry1', 'ax2 ay1', 'rx1,2'), ['G1c'], every);
});

test('G-single: a transaction sees one append of another and misses the other (read skew)', () => {
  expectAt(concurrent('ax1 ay1', 'rx1 ry', 'ry1'), ['G-single'], stable);
});

test('lost update: two transactions read the same list and both append to it', () => {
  const operations = concurrent('rx ax1', 'rx ax2', 'rx1,2');
  expectAt(operations, ['lost-update', 'G-single'], stable);
});

test('lost update is found by snapshot isolation even if nobody reads the key again', () => {
  const operations = concurrent('rx ax1', 'rx ax2');
  expect(namesOf(operations, 'snapshot-isolation')).toEqual(['lost-update']);
  expect(namesOf(operations, 'serializable')).toEqual(['lost-update', 'G2-item']);
});

test('G-single: an append after a read that missed the append before it, as Elle found in TiDB', () => {
  const operations = concurrent('ax2', 'ax1', 'rx2,1 ay5 ax4', 'ax5', 'rx2,1,5,4');
  expectAt(operations, ['G-single'], stable);
});

test('internal: an append that the next read does not show, as Elle found in FaunaDB', () => {
  expectAt(concurrent('ax6 rx'), ['internal'], every);
});

test('G-nonadjacent: two readers see two appends in opposite orders (long fork)', () => {
  expectAt(concurrent('ax1', 'ay1', 'rx1 ry', 'rx ry1'), ['G-nonadjacent'], stable);
});

test('G2-item: two transactions each read what the other appends to (write skew)', () => {
  expectAt(concurrent('rx ay1', 'ry ax1'), ['G2-item'], serial);
  expectAt(concurrent('rx ay1', 'ry ax1', 'rx1 ry1'), ['G2-item'], serial);
});

test('G2-item: three transactions each miss what the next appends', () => {
  expectAt(concurrent('rx ay1', 'ry az1', 'rz ax1'), ['G2-item'], serial);
});

test("the read-only anomaly of Fekete, O'Neil and O'Neil (2004) passes snapshot isolation alone", () => {
  // T1 withdraws having seen no deposit, T2 deposits, T3 reports the deposit but not the withdrawal.
  expectAt(concurrent('rx ry ax2', 'ry ay1', 'rx ry1', 'rx2 ry1'), ['G2-item'], serial);
});

test('G0-realtime: an append stands before one that had been committed earlier', () => {
  expectAt(inTurn('ax2', 'ax1', 'rx1,2'), ['G0-realtime'], strict);
});

test('G1c-realtime: a read shows what was appended only after it had ended', () => {
  expectAt(inTurn('rx1', 'ax1'), ['G1c-realtime'], strict);
});

test('G-single-realtime: a read misses what had been committed before it began', () => {
  expectAt(inTurn('ax1', 'rx', 'rx1'), ['G-single-realtime'], strict);
});

test('G-single-realtime: an append that later reads never show is lost', () => {
  expectAt(inTurn('ax1', 'ax2', 'rx1', 'rx1'), ['G-single-realtime'], strict);
});

test('G-nonadjacent-realtime: readers see appends in orders that only the clock tells apart', () => {
  const operations = concurrent(
    { steps: 'rx rz1', from: 0, to: 9 },
    { steps: 'az1', from: 1, to: 10 },
    { steps: 'ax1', from: 2, to: 3 },
    { steps: 'rz', from: 4, to: 5 },
  );
  expectAt(operations, ['G-nonadjacent-realtime'], strict);
});

test('G2-item-realtime: write skew that only the clock closes', () => {
  const operations = concurrent(
    { steps: 'rx', from: 0, to: 20 },
    { steps: 'ax1 ry', from: 1, to: 21 },
    { steps: 'ay1', from: 2, to: 3 },
    { steps: 'az1', from: 4, to: 22 },
    { steps: 'rz1 rx', from: 5, to: 6 },
  );
  // T1 misses T2, T2 misses T3, T3 had ended before the reader began, which misses T2.
  expect(namesOf(operations, 'serializable')).toEqual([]);
  expect(namesOf(operations, 'strict-serializable')).toContain('G2-item-realtime');
});

test('an append nobody knows the end of may take effect late, or never', () => {
  expectAt(
    concurrent(
      { steps: 'ax1', outcome: 'info', from: 0 },
      { steps: 'rx', from: 1, to: 2 },
      { steps: 'rx1', from: 3, to: 4 },
    ),
    [],
    [],
  );
  expectAt(
    concurrent({ steps: 'ax1', outcome: 'info', from: 0 }, { steps: 'rx', from: 1, to: 2 }),
    [],
    [],
  );
});

test('an append nobody knows the end of took effect once somebody saw it, and then whole', () => {
  const operations = concurrent({ steps: 'ax1 ay1', outcome: 'info' }, 'rx1 ry');
  expectAt(operations, ['G-single'], stable);
});

test('an append nobody knows the end of cannot take effect before it was called', () => {
  const operations = concurrent(
    { steps: 'rx1', from: 0, to: 1 },
    { steps: 'ax1', outcome: 'info', from: 2 },
  );
  expectAt(operations, ['G1c-realtime'], strict);
});

test('an append nobody knows the end of took effect also if only a read that contradicts others shows it', () => {
  const operations = concurrent(
    { steps: 'ax9 ay1', outcome: 'info' },
    ...['ax1', 'ax2', 'rx1,2', 'rx9 ry'],
  );
  expectAt(operations, ['incompatible-order', 'G-single'], stable, ['incompatible-order']);
});

test('that a client gave up on a transaction is not its end', () => {
  const operations = concurrent(
    { steps: 'ax1', outcome: 'info', from: 0, to: 1 },
    { steps: 'rx', from: 2, to: 3 },
    { steps: 'rx1', from: 4, to: 5 },
  );
  expectAt(operations, [], []);
});

test('what a transaction of unknown end would have read tells nothing', () => {
  expectAt(concurrent({ steps: 'ax2 ry', outcome: 'info' }, 'ax1 ay1', 'rx1,2 ry1'), [], []);
});

test('internal: a transaction does not see its own append', () => {
  expectAt(concurrent('rx ax1 rx'), ['internal'], every);
  expectAt(concurrent('ax1 rx'), ['internal'], every);
});

test('internal: a transaction reads a key twice and gets different lists', () => {
  expectAt(concurrent('ax1', 'rx rx1'), ['internal', 'G-single'], stable);
});

test('others may append between a read and an append of one transaction only where reads are not stable', () => {
  expectAt(concurrent('ax2', 'rx ax1 rx2,1'), ['internal', 'G-single'], stable);
});

test('nobody may append between an append and a later read of one transaction', () => {
  expect(namesOf(concurrent('ax2', 'ax1 rx1,2'), 'read-committed')).toContain('internal');
});

test('a transaction that has seen its own append knows the whole list from there on', () => {
  expect(namesOf(concurrent('ax5', 'ax1 rx1 ax2 rx5,1,2'), 'read-committed')).toContain('internal');
});

test('future read: a transaction reads what it appends only afterwards', () => {
  expectAt(concurrent('rx1 ax1'), ['future-read'], every);
});

test('duplicate elements: a list shows one append twice', () => {
  expectAt(concurrent('ax1', 'ax2', 'rx1,2,1'), ['duplicate-elements'], every);
});

test('garbage read: a list shows what nobody appended', () => {
  expectAt(concurrent('ax1', 'rx1,7'), ['garbage-read'], every);
});

test('incompatible order: two lists of which neither begins the other', () => {
  expectAt(concurrent('ax1', 'ax2', 'ax3', 'rx1,3', 'rx1,2,3'), ['incompatible-order'], every);
});

test('incompatible order: a list shows two appends of one transaction the wrong way round, or the second alone', () => {
  expectAt(concurrent('ax1 ax2', 'ax3', 'rx2,1,3'), ['incompatible-order'], every);
  expect(namesOf(concurrent('ax1 ax2', 'rx2'), 'read-committed')).toEqual(['incompatible-order']);
});

test('dirty update: a committed append stands on a failed one', () => {
  const operations = concurrent({ steps: 'ax1', outcome: 'fail' }, 'ax2', 'rx1,2');
  expectAt(operations, ['G1a', 'dirty-update'], every);
});

test('dirty update: also with appends of unknown end between', () => {
  const operations = concurrent(
    { steps: 'ax1', outcome: 'fail' },
    { steps: 'ax2', outcome: 'info' },
    'ax3',
    'rx1,2,3',
  );
  expectAt(operations, ['G1a', 'dirty-update'], every);
});

test('the order of appends that no read shows stays open, but they come after what is shown', () => {
  // Elle: y shows 2 and misses 1, x shows 1 before 2.
  const operations = concurrent('ax1 ay1', 'ax2 ay2', 'ax3 ay3', 'rx1,2', 'ry2');
  expect(namesOf(operations, 'serializable')).toEqual(['G0', 'G-single']);
  expectAt(concurrent('ax1', 'ax2', 'ax3', 'rx'), [], []);
});

test('a read of the last version that itself appends misses the other appends, not its own', () => {
  expectAt(concurrent('rx ax1', 'ax2', 'ax3', 'rx', 'rx'), [], []);
  expect(namesOf(concurrent('rx ax1', 'rx ax2', 'rx ax3', 'ax4'), 'serializable')).toEqual([
    'lost-update',
    'G2-item',
  ]);
});

test('a cycle is explained edge by edge, in its order', () => {
  const anomaly = anomalyOf(concurrent('ax1 ay1', 'rx1 ry', 'ry1'), 'serializable', 'G-single');
  expect(anomaly.operations.map(({ index }) => index)).toEqual([1, 0]);
  expect(anomaly.steps).toEqual([
    'T1 read key y as [], without the 1 that T2 appended to it',
    'T1 read key x as [1], to which T2 had appended 1',
  ]);
});

test('real time is explained by the lines of the file', () => {
  const anomaly = anomalyOf(inTurn('ax1', 'rx', 'rx1'), 'strict-serializable', 'G-single-realtime');
  expect(anomaly.operations.map(({ index }) => index)).toEqual([1, 0]);
  expect(anomaly.steps[1]).toBe('T2 had ended (line 2) before T1 began (line 3)');
});

test('the smallest cycle of each name is shown, and how many components have one', () => {
  const operations = concurrent(
    ...['rx ay1', 'ry az1', 'rz ax1'],
    ...['ra ab1', 'rb aa1'],
    ...['rc ad1', 'rd ae1', 're ac1'],
  );
  const verdict = check(operations, 'serializable');
  expect(verdict.kind).toBe('invalid');
  if (verdict.kind !== 'invalid') return;
  expect(verdict.counts.get('G2-item')).toBe(3);
  expect(verdict.anomalies.map((one) => one.operations.map(({ index }) => index))).toEqual([
    [3, 4],
  ]);
});
