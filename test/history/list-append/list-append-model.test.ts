import { expect, test } from 'vitest';
import { SeededRandom } from '../../../base/random.ts';
import type { HistoryValue, Operation } from '../../../history/history.ts';
import { consistencyLevels } from '../../../history/list-append/consistency.ts';
import { createListAppendModel } from '../../../history/list-append/list-append-model.ts';
import { runStore } from './store.ts';
import { check, concurrent, inTurn, namesOf, unlimited } from './support.ts';

test('a valid history is counted: operations by outcome, keys, appends, reads', () => {
  const verdict = check(
    inTurn('ax1', 'rx1 ay1', { steps: 'ax2', outcome: 'fail' }, { steps: 'ay3', outcome: 'info' }),
    'strict-serializable',
  );
  expect(verdict.kind).toBe('valid');
  if (verdict.kind !== 'valid') return;
  expect(Object.fromEntries(verdict.counts)).toMatchObject({
    operations: 4,
    ok: 2,
    failed: 1,
    unknown: 1,
    keys: 2,
    appends: 4,
    reads: 1,
  });
});

test('a history in which nobody read anything is neither valid nor invalid', () => {
  for (const operations of [[], inTurn('ax1', 'ax2'), inTurn({ steps: 'rx', outcome: 'info' })]) {
    expect(check(operations, 'read-committed').kind).toBe('undecided');
  }
});

test('a check that would take more memory than allowed is not begun', () => {
  const model = createListAppendModel({ consistency: 'serializable' });
  const verdict = model.check(inTurn('ax1', 'rx1'), { ...unlimited, memoryBytesMax: 100 });
  expect(verdict).toMatchObject({
    kind: 'undecided',
    reason: expect.stringMatching(/100 are allowed/),
  });
});

test.each<[why: string, value: HistoryValue, message: RegExp]>([
  ['no list', 7, /line 1: the value 7 is not a transaction/],
  ['nothing', null, /the value nil is not a transaction/],
  ['steps that are no lists', ['append', 'x', 1], /the step append is not \[f key value\]/],
  ['steps too short', [['append', 'x']], /the step \[append x\] is not \[f key value\]/],
  ['other steps', [['w', 'x', 1]], /the step \[w x 1\] is neither an append nor a read/],
  ['reads of no list', [['r', 'x', 1]], /the step \[r x 1\] reads something that is not a list/],
  [
    'the same append twice',
    [
      ['append', 'x', 1],
      ['append', 'x', 1],
    ],
    /appends 1 to key x, as line 1 did/,
  ],
])('a transaction of %s is refused with its line', (_why, value, message) => {
  const [operation] = inTurn('rx');
  if (operation === undefined) throw new Error('no operation');
  const told: Operation = { ...operation, output: value };
  expect(() => check([told], 'serializable')).toThrow(message);
});

test('operations out of order are no history, and not judged as if they were one', () => {
  const operations = inTurn('ax1', 'rx1').reverse();
  expect(() => check(operations, 'strict-serializable')).toThrow(/operations come by call/);
});

test('the same element may be appended to different keys, and 1 is not "1"', () => {
  expect(namesOf(inTurn('ax1 ay1', 'rx1 ry1'), 'strict-serializable')).toEqual([]);
  const [first, second] = concurrent('ax1', 'rx1');
  if (first === undefined || second === undefined) throw new Error('no operations');
  const other = { ...second, output: [['r', 'x', ['1']]] };
  expect(namesOf([first, other], 'read-committed')).toEqual(['garbage-read']);
});

test('keys and elements may be anything', () => {
  const key: HistoryValue = [1, new Map([['a', null]])];
  const element: HistoryValue = [true, 12345678901234567890n];
  const operations = inTurn('rx', 'rx').map(
    (operation, index): Operation => ({
      ...operation,
      output: [
        index === 0
          ? ['append', key, element]
          : ['r', [1, new Map([['a', null]])], [[true, 12345678901234567890n]]],
      ],
    }),
  );
  expect(namesOf(operations, 'strict-serializable')).toEqual([]);
});

test('a key with thousands of appends that nobody sees, and as many readers, takes no pairs of them', () => {
  const count = 20_000;
  const operations = concurrent(
    ...Array.from({ length: count }, (_, place) => (place % 2 === 0 ? `ax${place}` : 'rx')),
  );
  const verdict = check(operations, 'strict-serializable');
  expect(verdict.kind).toBe('valid');
  if (verdict.kind !== 'valid') return;
  expect(verdict.counts.get('dependencies')).toBeLessThan(3 * count);
});

test('thousands of transactions in one cycle are judged without searching for ever', () => {
  // Each misses what the next appends, the last what the first does.
  const count = 3000;
  const keyOf = (place: number): number => place % count;
  const operations = concurrent(...Array.from({ length: count }, () => 'rx')).map(
    (operation, place): Operation => ({
      ...operation,
      output: [
        ['r', keyOf(place), null],
        ['append', keyOf(place + 1), place],
      ],
    }),
  );
  const model = createListAppendModel({ consistency: 'serializable' });
  const verdict = model.check(operations, { ...unlimited, stepsMax: 1000 });
  expect(verdict).toMatchObject({ kind: 'invalid', anomalies: [{ name: 'G2-item' }] });
  if (verdict.kind !== 'invalid') return;
  expect(verdict.anomalies[0]?.operations).toHaveLength(count);
  expect(verdict.anomalies[0]?.steps).toHaveLength(count);
  expect(verdict.counts.get('searches cut short')).toBeGreaterThan(0);
  expect(namesOf(operations, 'snapshot-isolation')).toEqual([]);
});

test('one stale read in a long history is found, with the append it misses', () => {
  const random = new SeededRandom(7);
  const operations = runStore({
    random,
    isolation: 'strict-serializable',
    transactionCount: 3000,
    clientCount: 10,
    keyCount: 5,
    appendsPerKey: 50,
    stepsMax: 4,
    failPercent: 5,
    infoPercent: 5,
  });
  for (const level of consistencyLevels) expect(namesOf(operations, level)).toEqual([]);
  const stale = operations.findLastIndex(({ output }) => isLongRead(output));
  const planted = operations.map((operation, place) =>
    place === stale ? { ...operation, output: withoutLast(operation.output, 30) } : operation,
  );
  expect(namesOf(planted, 'serializable')).toEqual([]);
  expect(namesOf(planted, 'strict-serializable')).toEqual(['G-single-realtime']);
});

/** One read, of a list long enough to leave out its end. */
function isLongRead(output: HistoryValue): boolean {
  if (!Array.isArray(output) || output.length !== 1) return false;
  const [f, , list] = output[0];
  return f === 'r' && Array.isArray(list) && list.length > 35;
}

function withoutLast(output: HistoryValue, count: number): HistoryValue {
  if (!Array.isArray(output)) return output;
  const [f, key, list] = output[0];
  return [[f, key, list.slice(0, -count)]];
}
