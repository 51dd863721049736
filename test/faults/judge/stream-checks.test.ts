import { expect, test } from 'vitest';
import type { HistoryValue, Operation } from '../../../history/history.ts';
import { operationsOf, type Sketch } from '../../history/support/build.ts';
import { isWrite } from '../load/is-write.ts';
import { isSound } from './check.ts';
import { checkStream } from './stream-checks.ts';

// Violations planted in what the workloads record, each of which must be named.

type Plant = Omit<Sketch, 'at'>;

function history(...plants: readonly Plant[]): Operation[] {
  return operationsOf(plants.map((plant, index) => ({ ...plant, at: [index * 2, index * 2 + 1] })));
}

async function verdictOf(
  stream: string,
  operations: readonly Operation[],
  control: readonly string[] | null = null,
): Promise<readonly [string | undefined, string | undefined]> {
  const check = await checkStream({ stream }, { operations, nemesis: [] }, control);
  return [check?.outcome, check?.summary];
}

const add = (input: number): Plant => ({ f: 'add', input });
const read = (output: HistoryValue): Plant => ({ f: 'read', output });
const txn = (output: HistoryValue, process = 0): Plant => ({
  f: 'txn',
  input: output,
  output,
  process,
});

test('a register that goes back to an old value is a violation', async () => {
  const of = (f: string, value: HistoryValue): Plant => ({
    f,
    input: [3, f === 'read' ? null : value],
    output: [3, value],
  });
  expect(
    await verdictOf('register', history(of('write', 1), of('write', 2), of('read', 1))),
  ).toEqual(['violated', 'stale-read']);
  expect(
    (await verdictOf('register', history(of('write', 1), of('write', 2), of('read', 2))))[0],
  ).toBe('held');
});

test('a list that misses an acknowledged append is a violation', async () => {
  const lost = history(txn([['append', 1, 5]]), txn([['append', 1, 6]]), txn([['r', 1, [6]]]));
  expect((await verdictOf('list-append', lost))[0]).toBe('violated');
  const whole = history(txn([['append', 1, 5]]), txn([['append', 1, 6]]), txn([['r', 1, [5, 6]]]));
  expect((await verdictOf('list-append', whole))[0]).toBe('held');
});

test('at REPEATABLE READ a control that shows G-single allows its rarer form, and one that does not forbids it', async () => {
  const at = (plant: Plant): Sketch => ({ ...plant, at: [2, 10] });
  const longFork = operationsOf([
    at(txn([['append', 1, 1]], 0)),
    at(txn([['append', 2, 1]], 1)),
    at(
      txn(
        [
          ['r', 1, [1]],
          ['r', 2, []],
        ],
        2,
      ),
    ),
    at(
      txn(
        [
          ['r', 1, []],
          ['r', 2, [1]],
        ],
        3,
      ),
    ),
  ]);
  const held = await verdictOf('list-append-rr', longFork, ['G-single']);
  expect(held).toEqual(['held', 'as the control: G-nonadjacent']);
  const violated = await verdictOf('list-append-rr', longFork, ['G2-item', 'lost-update']);
  expect(violated).toEqual(['violated', 'G-nonadjacent']);
});

test('at REPEATABLE READ only what the control does not show is a violation, and without a control nothing is decided', async () => {
  const lostUpdate = operationsOf([
    { ...txn([['append', 1, 1]]), at: [0, 1] },
    {
      ...txn(
        [
          ['r', 1, [1]],
          ['append', 1, 2],
        ],
        1,
      ),
      at: [2, 10],
    },
    {
      ...txn(
        [
          ['r', 1, [1]],
          ['append', 1, 3],
        ],
        2,
      ),
      at: [3, 11],
    },
    { ...txn([['r', 1, [1, 2, 3]]]), at: [12, 13] },
  ]);
  expect(await verdictOf('list-append-rr', lostUpdate, ['G-single', 'lost-update'])).toEqual([
    'held',
    'as the control: G-single, lost-update',
  ]);
  expect(await verdictOf('list-append-rr', lostUpdate, ['G-single'])).toEqual([
    'violated',
    'lost-update',
  ]);
  expect((await verdictOf('list-append-rr', lostUpdate))[0]).toBe('undecided');
});

test('money that came or went is a violation', async () => {
  const transfer: Plant = { f: 'transfer', input: new Map([['amount', 5]]) };
  const accounts = (...balances: readonly number[]): HistoryValue =>
    new Map(balances.map((balance, id) => [String(id), balance]));
  const whole = accounts(100, 100, 100, 100, 100, 100, 100, 100);
  const short = accounts(95, 100, 100, 100, 100, 100, 100, 100);
  expect(await verdictOf('bank', history(transfer, read(whole), read(short)))).toEqual([
    'violated',
    'wrong-total',
  ]);
});

test('a lost, an unexpected and a failed insert are violations', async () => {
  expect(await verdictOf('set', history(add(1), read([])))).toEqual(['violated', 'lost']);
  expect(await verdictOf('set', history(add(1), read([1, 2])))).toEqual(['violated', 'unexpected']);
  expect(
    await verdictOf('set', history(add(1), { ...add(2), outcome: 'fail' }, read([1, 2]))),
  ).toEqual(['violated', 'failed-add']);
});

test('half a transaction of a client that went away in COMMIT is a violation, none or all of it is not', async () => {
  const left: Plant = { ...add(2), outcome: 'info' };
  expect(await verdictOf('unknown', history(add(1), left, read([1, 'half of 2'])))).toEqual([
    'violated',
    'unexpected',
  ]);
  expect((await verdictOf('unknown', history(add(1), left, read([1]))))[0]).toBe('held');
  expect((await verdictOf('unknown', history(add(1), left, read([1, 2]))))[0]).toBe('held');
});

test('a large row that is damaged is a violation', async () => {
  expect(await verdictOf('large', history(add(1), read(['1 damaged'])))).toEqual([
    'violated',
    'lost, unexpected',
  ]);
});

test('a table, or an account, that was acknowledged and is gone is a violation', async () => {
  const object = (f: string, presence: string): Plant => ({
    f,
    input: ['t_1', f === 'read' ? null : presence],
    output: ['t_1', presence],
  });
  for (const stream of ['ddl', 'accounts']) {
    expect(
      (
        await verdictOf(
          stream,
          history(object('read', 'gone'), object('write', 'there'), object('read', 'gone')),
        )
      )[0],
    ).toBe('violated');
    expect(
      (
        await verdictOf(
          stream,
          history(object('read', 'gone'), object('write', 'there'), object('read', 'there')),
        )
      )[0],
    ).toBe('held');
  }
});

test('a read-only connection that goes back is a violation', async () => {
  const appended: Plant = { f: 'append', input: [0, 7], output: [0, 7, 1] };
  const seen = (length: number): Plant => ({
    process: 5,
    f: 'read',
    output: [[0, length, length === 0 ? [] : [[1, 7]]]],
  });
  expect(await verdictOf('prefix', history(appended, seen(1), seen(0)))).toEqual([
    'violated',
    'went-back',
  ]);
});

test('an operation that never ended well shows nothing, so nothing is decided (C11)', async () => {
  const check = await checkStream(
    { stream: 'register' },
    {
      operations: history(
        { f: 'read', input: [1, null], output: [1, null] },
        { f: 'write', input: [1, 2], outcome: 'info' },
      ),
      nemesis: [],
    },
    null,
  );
  expect(check?.outcome).toBe('undecided');
  expect(check?.violations).toEqual(['write was tried 1 times and never ended well']);
  expect(isSound(check === null ? [] : [check])).toBe(false);
  expect(isSound([])).toBe(false);
});

test('a stream without a model of its own is not judged here', async () => {
  expect(
    await checkStream({ stream: 'ddl-alter' }, { operations: [], nemesis: [] }, null),
  ).toBeNull();
});

test('what would have changed something is a write', () => {
  expect(isWrite({ f: 'read', input: null })).toBe(false);
  expect(isWrite({ f: 'read-latest', input: null })).toBe(false);
  expect(isWrite({ f: 'txn', input: [['r', 1, null]] })).toBe(false);
  expect(
    isWrite({
      f: 'txn',
      input: [
        ['r', 1, null],
        ['append', 1, 2],
      ],
    }),
  ).toBe(true);
  expect(isWrite({ f: 'cas', input: [1, [2, 3]] })).toBe(true);
});
