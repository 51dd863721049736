import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import type { ClusterLatency, MemberLatency } from '../../admin/latency-report.ts';
import type { HistogramSnapshot } from '../../base/histogram-snapshot.ts';
import { latencyBetween } from '../../cli/latency.ts';
import { renderLatency } from '../../cli/latency-table.ts';
import { latencyReport, nothingCounted } from '../support/latency-report.ts';

function snapshot(...buckets: [number, number][]): HistogramSnapshot {
  const count = buckets.reduce((sum, [, counted]) => sum + counted, 0);
  return { count, sumUs: count * 100, buckets };
}

const leader = latencyReport({
  node: 'n1',
  role: 'leader',
  stages: {
    'binlog-to-bridge': snapshot([500, 100]),
    'propose-to-durable': snapshot([1500, 60], [3000, 40]),
    'propose-to-quorum': snapshot([2000, 90], [4000, 9], [160_000, 1]),
    'quorum-to-ack': snapshot([30, 100]),
    'ack-to-client': snapshot([400, 100]),
  },
  logWrite: snapshot([1400, 80]),
});
const cluster: ClusterLatency = {
  askedNode: 'n1',
  nodes: [
    { kind: 'reached', id: 'n1', report: leader },
    {
      kind: 'reached',
      id: 'n2',
      report: latencyReport({ node: 'n2', logWrite: snapshot([14_000, 70]) }),
    },
    { kind: 'unreachable', id: 'n3', address: '127.0.0.1:7305', reason: 'ECONNREFUSED' },
  ],
};

test('the tables line up: stages of the primary with bars to p50 and p99, and the log writes of every node', () => {
  expect(renderLatency(cluster, { seconds: 5, colours: false }).split('\n')).toEqual([
    'commits on n1 (leader, term 3) in 5 s',
    'stage                                   count  p50 ms  p99 ms  max ms  █ to p50, ░ to p99',
    'binlog → bridge                           100   0.500   0.500   0.500  ████',
    'propose → local disk (beside the next)    100    1.50    3.00    3.00  ███████████░░░░░░░░░░░░',
    'propose → quorum                          100    2.00    4.00     160  ███████████████░░░░░░░░░░░░░░░',
    'quorum → ack                              100   0.030   0.030   0.030  █',
    'ack → client                              100   0.400   0.400   0.400  ███',
    '',
    'writes to the log, each with its sync, in 5 s',
    'node  raft         count  p50 ms  p99 ms  max ms  █ to p50, ░ to p99',
    'n1    leader          80    1.40    1.40    1.40  ███',
    'n2    follower        70    14.0    14.0    14.0  ██████████████████████████████',
    'n3    unreachable      -       -       -       -  127.0.0.1:7305: ECONNREFUSED',
  ]);
});

test('colours change no letter, and are there only when asked for', () => {
  const plain = renderLatency(cluster, { seconds: 0, colours: false });
  const coloured = renderLatency(cluster, { seconds: 0, colours: true });
  expect(plain).not.toContain('\u001b');
  expect(stripVTControlCharacters(coloured)).toBe(plain);
});

test.each([
  [
    'leader' as const,
    'no commit got through in 5 s: n1 leads; --seconds 0 shows what was counted since the nodes began',
  ],
  [
    'follower' as const,
    'no commit got through in 5 s: no node that was reached leads; see binraft status',
  ],
])('it says in words that nothing was committed, and whether there is a %s', (role, expected) => {
  const idle: ClusterLatency = {
    askedNode: 'n1',
    nodes: [{ kind: 'reached', id: 'n1', report: latencyReport({ role }) }],
  };
  expect(renderLatency(idle, { seconds: 5, colours: false }).split('\n')[0]).toBe(expected);
});

function reached(fields: Parameters<typeof latencyReport>[0]): MemberLatency {
  return { kind: 'reached', id: 'n1', report: latencyReport(fields) };
}

function writesBetween(before: MemberLatency, after: MemberLatency): number {
  const between = latencyBetween(
    { askedNode: 'n1', nodes: [before] },
    { askedNode: 'n1', nodes: [after] },
  );
  const [member] = between.nodes;
  return member?.kind === 'reached' ? member.report.logWrite.count : -1;
}

test('of two answers only what passed between them is shown', () => {
  const before = reached({ logWrite: snapshot([100, 5]) });
  const after = reached({ logWrite: snapshot([100, 7], [200, 1]), uptimeMs: 6000 });
  expect(writesBetween(before, after)).toBe(3);
});

test('a node that began anew, or was not reached at first, shows all that it has counted', () => {
  const before = reached({ logWrite: snapshot([100, 50]), uptimeMs: 60_000 });
  const counted = { logWrite: snapshot([100, 7]) };
  expect(writesBetween(before, reached({ ...counted, pid: 200, uptimeMs: 70_000 }))).toBe(7);
  expect(writesBetween(before, reached({ ...counted, uptimeMs: 900 }))).toBe(7);
  const down: MemberLatency = { kind: 'unreachable', id: 'n1', address: '', reason: '' };
  expect(writesBetween(down, reached(counted))).toBe(7);
  expect(writesBetween(before, down)).toBe(-1);
  expect(writesBetween(before, reached({ logWrite: nothingCounted, pid: 200 }))).toBe(0);
});
