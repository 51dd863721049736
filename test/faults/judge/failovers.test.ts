import { expect, test } from 'vitest';
import { failoversOf } from './failovers.ts';
import type { SeenFault } from './faults.ts';
import { contentDifferences } from './node-contents.ts';
import type { EndedOperation } from './operation-times.ts';

const write = (endMs: number): EndedOperation => ({
  endMs,
  latencyMs: 1,
  outcome: 'ok',
  isWrite: true,
  workload: 'set',
});
const sample = (atMs: number, leader: string | null, term: number) => ({ atMs, leader, term });

test('the write gap of a failover is the longest time without an acknowledged write around it', () => {
  const writes = [0, 9_100, 9_900, 10_000, 12_500, 12_600, 13_600].map(write);
  const reads: EndedOperation[] = [
    { ...write(11_000), isWrite: false },
    { ...write(11_500), outcome: 'info' },
  ];
  const samples = [sample(0, 'n1', 1), sample(10_200, null, 1), sample(12_400, 'n2', 2)];
  const operations = [...writes, ...reads];
  expect(failoversOf({ samples, operations, faults: [] })).toEqual([
    { atMs: 10_000, from: 'n1', to: 'n2', term: 2, writeGapMs: 2_500, isMajorityWhole: true },
  ]);
});

test('a leader that was not heard for a moment and still leads its term is no failover', () => {
  const samples = [sample(0, 'n1', 1), sample(5_000, null, 1), sample(5_200, 'n1', 1)];
  const operations = [write(1)];
  expect(failoversOf({ samples, operations, faults: [] })).toEqual([]);
  const later = [...samples, sample(9_000, 'n1', 2)];
  expect(failoversOf({ samples: later, operations, faults: [] })).toHaveLength(1);
});

test('a leader that served nobody before the next one is no failover of its own', () => {
  const operations = [0, 10_000, 20_000, 20_100].map(write);
  const samples = [sample(0, 'n1', 1), sample(15_000, 'n2', 2), sample(16_000, 'n3', 3)];
  expect(failoversOf({ samples, operations, faults: [] })).toEqual([
    { atMs: 10_000, from: 'n1', to: 'n3', term: 3, writeGapMs: 10_000, isMajorityWhole: true },
  ]);
});

test.each<[string, Partial<SeenFault>, boolean]>([
  ['before it', { beginMs: 1_000, endMs: 9_999 }, true],
  ['that ends in it', { beginMs: 1_000, endMs: 10_000 }, false],
  ['that nobody saw end', { beginMs: 12_000, endMs: null }, false],
  ['behind it', { beginMs: 12_501, endMs: 13_000 }, true],
  ['in it that leaves a majority', { beginMs: 11_000, isMajorityWhole: true }, true],
])(
  'a fault without a majority %s: could a majority serve all through the gap?',
  (_name, times, could) => {
    const fault: SeenFault = {
      ...{ fault: 0, kind: 'kill', name: 'kill all', detail: '', unconfirmed: [] },
      ...{ beginMs: 0, endMs: 12_000, isMajorityWhole: false },
      ...times,
    };
    const operations = [0, 10_000, 12_500, 13_000].map(write);
    const samples = [sample(0, 'n1', 1), sample(12_400, 'n2', 2)];
    const failovers = failoversOf({ samples, operations, faults: [fault] });
    expect(failovers.map(({ isMajorityWhole }) => isMajorityWhole)).toEqual([could]);
  },
);

test('what differs between two nodes is named', () => {
  const contents = { schema: ['a'], accounts: ['u'], checksums: ['faults.t 1'] };
  const first = { id: 'n1', contents };
  expect(contentDifferences(first, { id: 'n2', contents })).toEqual([]);
  const other = { id: 'n2', contents: { ...contents, checksums: ['faults.t 2'] } };
  expect(contentDifferences(first, other)).toEqual([
    'checksums of n2 differ from n1 in 2 lines: n1 alone has "faults.t 1", n2 alone "faults.t 2"',
  ]);
});
