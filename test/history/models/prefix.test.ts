import { expect, test } from 'vitest';
import type { HistoryValue } from '../../../history/history.ts';
import { createPrefix } from '../../../history/models/prefix.ts';
import { guessModel } from '../../../history/models/registry.ts';
import { anomalyNames, limits, operationsOf, type Sketch } from '../support/build.ts';

type Lane = readonly [lane: string, length: number, tail: readonly (readonly [number, number])[]];

const append = (
  [lane, element, position]: readonly [string, number, number],
  at: readonly [number, number],
): Sketch => ({
  process: element,
  f: 'append',
  input: [lane, element],
  output: [lane, element, position],
  at,
});

const read = (
  lanes: readonly Lane[],
  at: readonly [number, number],
  { process = 90, f = 'read' } = {},
): Sketch => ({ process, f, output: lanes as HistoryValue, at });

const names = (...sketches: readonly Sketch[]): string[] =>
  anomalyNames(createPrefix().check(operationsOf(sketches), limits));

test('stale reads of one order, each connection forward, are valid', () => {
  const sketches = [
    append(['a', 1, 1], [0, 1]),
    append(['b', 2, 1], [2, 3]),
    append(['a', 3, 2], [4, 5]),
    read(
      [
        ['a', 1, [[1, 1]]],
        ['b', 0, []],
      ],
      [6, 7],
      { process: 91 },
    ),
    read(
      [
        [
          'a',
          2,
          [
            [1, 1],
            [2, 3],
          ],
        ],
        ['b', 1, [[1, 2]]],
      ],
      [8, 9],
    ),
    read(
      [
        ['a', 1, [[1, 1]]],
        ['b', 1, [[1, 2]]],
      ],
      [10, 11],
      { process: 92 },
    ),
    read(
      [
        ['a', 2, [[2, 3]]],
        ['b', 1, [[1, 2]]],
      ],
      [12, 13],
      { f: 'read-latest' },
    ),
  ];
  expect(createPrefix().check(operationsOf(sketches), limits).kind).toBe('valid');
  expect(guessModel(operationsOf(sketches))).toBe('prefix');
});

test('a connection that sees less than before went back', () => {
  expect(
    names(
      append(['a', 1, 1], [0, 1]),
      append(['a', 2, 2], [2, 3]),
      read([['a', 2, [[2, 2]]]], [4, 5]),
      read([['a', 1, [[1, 1]]]], [6, 7]),
    ),
  ).toEqual(['went-back']);
});

test('two reads each ahead of the other in a lane are a long fork', () => {
  expect(
    names(
      append(['a', 1, 1], [0, 10]),
      append(['b', 2, 1], [1, 11]),
      read(
        [
          ['a', 1, [[1, 1]]],
          ['b', 0, []],
        ],
        [2, 3],
        { process: 91 },
      ),
      read(
        [
          ['a', 0, []],
          ['b', 1, [[1, 2]]],
        ],
        [4, 5],
        { process: 92 },
      ),
    ),
  ).toEqual(['long-fork']);
});

test('a gap below the length is a hole, and so is more than the length', () => {
  const appends = [
    append(['a', 1, 1], [0, 1]),
    append(['a', 2, 2], [2, 3]),
    append(['a', 3, 3], [4, 5]),
  ];
  expect(
    names(
      ...appends,
      read(
        [
          [
            'a',
            3,
            [
              [1, 1],
              [3, 3],
            ],
          ],
        ],
        [6, 7],
      ),
    ),
  ).toEqual(['hole']);
  expect(
    names(
      ...appends,
      read(
        [
          [
            'a',
            2,
            [
              [2, 2],
              [3, 3],
            ],
          ],
        ],
        [6, 7],
      ),
    ),
  ).toEqual(['hole']);
  expect(names(...appends, read([['a', 2, []]], [6, 7]))).toEqual(['hole']);
});

test('what nobody asked for, only later, or in vain is named', () => {
  expect(names(read([['a', 1, [[1, 7]]]], [0, 1]))).toEqual(['unexpected']);
  expect(names(read([['a', 1, [[1, 1]]]], [0, 1]), append(['a', 1, 1], [2, 3]))).toEqual([
    'future-read',
  ]);
  expect(
    names(
      { process: 1, f: 'append', input: ['a', 1], outcome: 'fail', at: [0, 1] },
      read([['a', 1, [[1, 1]]]], [2, 3]),
    ),
  ).toEqual(['failed-append']);
});

test('two elements at one position, or one at two, are named', () => {
  const appends = [append(['a', 1, 1], [0, 9]), append(['a', 2, 2], [1, 8])];
  expect(names(...appends, read([['a', 1, [[1, 2]]]], [2, 3])).sort()).toEqual([
    'diverged',
    'duplicate',
  ]);
});

test('an append that is ordered before one that had ended is reversed', () => {
  expect(
    names(
      append(['a', 1, 2], [0, 1]),
      append(['a', 2, 1], [2, 3]),
      read(
        [
          [
            'a',
            2,
            [
              [1, 2],
              [2, 1],
            ],
          ],
        ],
        [4, 5],
      ),
    ),
  ).toEqual(['reversed']);
});

test('only a latest read must see what was acknowledged before it', () => {
  const appended = append(['a', 1, 1], [0, 1]);
  expect(names(appended, read([['a', 0, []]], [2, 3]))).toEqual([]);
  expect(names(appended, read([['a', 0, []]], [2, 3], { f: 'read-latest' }))).toEqual([
    'stale-read',
  ]);
});

test('a history without a read is undecided, and values of another form are refused', () => {
  const verdict = createPrefix().check(operationsOf([append(['a', 1, 1], [0, 1])]), limits);
  expect(verdict.kind).toBe('undecided');
  expect(() => names({ f: 'read', output: [1], at: [0, 1] })).toThrow(/a read of lanes gives/);
  expect(() => names({ f: 'append', input: 3, at: [0, 1] })).toThrow(/an append is asked as/);
});
