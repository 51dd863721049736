import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { HistoryValue, Operation, Outcome } from '../../../history/history.ts';
import { createLongForkModel } from '../../../history/models/long-fork.ts';
import type { Verdict } from '../../../history/verdict.ts';

const limits = { memoryBytesMax: 2 ** 30, stepsMax: 1_000_000 };

function judge(operations: readonly Operation[]): Verdict {
  return createLongForkModel().check(operations, limits);
}

function namesOf(operations: readonly Operation[]): string[] {
  const verdict = judge(operations);
  return verdict.kind === 'invalid' ? verdict.anomalies.map(({ name }) => name) : [];
}

/** Transactions that overlap, as `[steps, outcome]`. */
function operationsOf(...told: readonly (readonly [HistoryValue, Outcome?])[]): Operation[] {
  return told.map(([value, outcome = 'ok'], index) => ({
    index,
    process: index,
    f: 'txn',
    input: value,
    output: outcome === 'ok' ? value : null,
    outcome,
    callAt: index,
    endAt: outcome === 'info' ? Number.POSITIVE_INFINITY : told.length + index,
    callNanos: null,
    endNanos: null,
    callLine: index + 1,
    endLine: null,
  }));
}

function write(key: HistoryValue): readonly [HistoryValue] {
  return [[['w', key, 1]]];
}

function read(
  ...pairs: readonly (readonly [HistoryValue, HistoryValue])[]
): readonly [HistoryValue] {
  return [pairs.map(([key, value]): HistoryValue => ['r', key, value])];
}

test('reads that see one write after the other, in one order, are valid', () => {
  const operations = operationsOf(
    write('x'),
    write('y'),
    read(['x', null], ['y', null]),
    read(['y', null], ['x', 1]),
    read(['x', 1], ['y', 1]),
  );
  expect(judge(operations).kind).toBe('valid');
});

test('two reads that see two writes in opposite orders are a long fork, told step by step', () => {
  const operations = operationsOf(
    write('x'),
    write('y'),
    read(['x', null], ['y', 1]),
    read(['x', 1], ['y', null]),
  );
  const verdict = judge(operations);
  expect(verdict.kind).toBe('invalid');
  if (verdict.kind !== 'invalid') return;
  expect(verdict.counts.get('long-fork')).toBe(1);
  const [fork] = verdict.anomalies;
  expect(fork?.name).toBe('long-fork');
  expect(fork?.operations.map(({ index }) => index)).toEqual([2, 0, 3, 1]);
  expect(fork?.steps).toEqual([
    'T1 read key x as nil, before T2 wrote it',
    'T3 read key x as 1, which T2 had written',
    'T3 read key y as nil, before T4 wrote it',
    'T1 read key y as 1, which T4 had written',
  ]);
});

test('groups of keys are judged each for itself', () => {
  const operations = operationsOf(
    ...[0, 1, 2, 3].map(write),
    read([0, 1], [1, null]),
    read([1, null], [0, null]),
    read([2, 1], [3, null]),
    read([2, null], [3, 1]),
  );
  expect(namesOf(operations)).toEqual(['long-fork']);
});

test('three reads of overlapping groups can fork where no two of them do', () => {
  const operations = operationsOf(
    ...['x', 'y', 'z'].map(write),
    read(['x', 1], ['y', null]),
    read(['y', 1], ['z', null]),
    read(['z', 1], ['x', null]),
  );
  expect(namesOf(operations)).toEqual(['long-fork']);
});

test('a write of unknown end that nobody saw tells nothing', () => {
  const operations = operationsOf(
    write('x'),
    [[['w', 'y', 1]], 'info'],
    read(['x', 1], ['y', null]),
    read(['x', null], ['y', null]),
  );
  expect(judge(operations).kind).toBe('valid');
});

test('a write of unknown end that somebody saw is a write', () => {
  const operations = operationsOf(
    write('x'),
    [[['w', 'y', 1]], 'info'],
    read(['x', 1], ['y', null]),
    read(['x', null], ['y', 1]),
  );
  expect(namesOf(operations)).toEqual(['long-fork']);
});

test('values that nobody wrote, and those of failed writes, are named', () => {
  expect(namesOf(operationsOf(write('x'), read(['x', 2])))).toEqual(['garbage-read']);
  expect(namesOf(operationsOf(read(['x', 1])))).toEqual(['garbage-read']);
  expect(namesOf(operationsOf([[['w', 'x', 1]], 'fail'], read(['x', 1])))).toEqual(['G1a']);
});

test('without a read there is nothing to judge', () => {
  expect(judge(operationsOf(write('x'))).kind).toBe('undecided');
});

test.each<[why: string, operations: Operation[], message: RegExp]>([
  [
    'a second write of a key',
    operationsOf(write('x'), write('x')),
    /line 2: writes key x, as line 1 did/,
  ],
  ['a key read twice', operationsOf(read(['x', null], ['x', 1])), /reads a key twice/],
  [
    'a write among reads',
    operationsOf([
      [
        ['r', 'x', null],
        ['w', 'y', 1],
      ],
    ]),
    /is neither a list of reads/,
  ],
  ['an append', operationsOf([[['append', 'x', 1]]]), /nor one write/],
  ['no transaction', operationsOf([7]), /line 1: 7 is neither/],
])('%s is refused with its line', (_why, operations, message) => {
  expect(() => judge(operations)).toThrow(message);
});

test('reads of one group are accepted exactly if of any two one saw all that the other did', () => {
  const seen = { valid: 0, forked: 0 };
  const keys = [0, 1, 2];
  fc.assert(
    fc.property(
      fc.array(fc.uniqueArray(fc.nat(2), { maxLength: 3 }), { minLength: 1, maxLength: 5 }),
      (views) => {
        const reads = views.map((view) =>
          read(...keys.map((key) => [key, view.includes(key) ? 1 : null] as const)),
        );
        const isChain = views.every((one) =>
          views.every((other) => isWithin(one, other) || isWithin(other, one)),
        );
        expect(namesOf(operationsOf(...keys.map(write), ...reads))).toEqual(
          isChain ? [] : ['long-fork'],
        );
        seen[isChain ? 'valid' : 'forked'] += 1;
      },
    ),
    { numRuns: 500 },
  );
  expect(Math.min(seen.valid, seen.forked)).toBeGreaterThan(50);
});

function isWithin(one: readonly number[], other: readonly number[]): boolean {
  return one.every((key) => other.includes(key));
}
