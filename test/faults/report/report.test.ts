import { Script } from 'node:vm';
import { expect, test } from 'vitest';
import { operationsOf } from '../../history/support/build.ts';
import { type Check, simpleCheck } from '../judge/check.ts';
import type { JudgedRun } from '../judge/judge-run.ts';
import { checkStream } from '../judge/stream-checks.ts';
import { bucketsOf } from './buckets.ts';
import { leaderSpans } from './leader-spans.ts';
import { reportPage } from './page.ts';
import { pageScript } from './page-script.ts';
import { clockText, durationText, summaryOf } from './summary.ts';
import { verdictTable } from './verdict-table.ts';
import { verdictsJson } from './verdicts-json.ts';

const hostile = '</script><img src="x" onerror="alert(1)">';
const lostOperations = operationsOf([
  { f: 'add', input: 1, at: [0, 1] },
  { f: 'read', output: [], at: [2, 3] },
]);

async function run(): Promise<JudgedRun> {
  const lost = await checkStream(
    { stream: 'set' },
    { operations: lostOperations, nemesis: [] },
    null,
  );
  const held = simpleCheck({
    group: 'clients',
    name: 'client processes',
    summary: hostile,
    violations: [],
  });
  const checks: Check[] = lost === null ? [held] : [held, lost];
  return {
    checks,
    faults: [
      {
        fault: 0,
        kind: hostile,
        name: `${hostile} leader`,
        detail: hostile,
        beginMs: 2_000,
        endMs: 5_000,
        isMajorityWhole: true,
        unconfirmed: [],
      },
      {
        fault: 1,
        kind: 'kill',
        name: 'kill all',
        detail: 'n1',
        beginMs: 6_000,
        endMs: null,
        isMajorityWhole: false,
        unconfirmed: ['end'],
      },
    ],
    failovers: [
      { atMs: 2_100, from: 'n1', to: 'n2', term: 2, writeGapMs: 900, isMajorityWhole: true },
      { atMs: 6_100, from: 'n2', to: 'n1', term: 3, writeGapMs: 1_400, isMajorityWhole: false },
    ],
    leaders: [
      { atMs: -5, leader: 'n1', term: 1 },
      { atMs: 2_100, leader: null, term: 1 },
      { atMs: 3_000, leader: 'n2', term: 2 },
    ],
    operations: Array.from({ length: 100 }, (_, index) => ({
      endMs: index * 100,
      latencyMs: 1 + index,
      outcome: index % 10 === 9 ? 'fail' : 'ok',
      isWrite: true,
      workload: 'set',
    })),
    windows: [],
    anomalousStreams: new Map([['set', lostOperations]]),
    stoppedMs: 10_000,
  };
}

test('the table says what held, what did not and why, and the run in numbers', async () => {
  const text = verdictTable(await run(), { colours: false });
  expect(text).toMatch(/set +VIOLATED/);
  expect(text).toContain('set: lost: 1 was acknowledged before this read began');
  expect(text).toContain('100 operations in 10 s: 90 ok, 10 failed, 0 unknown');
  expect(text).toContain('\n  kill 1: all 1\n');
  expect(text).toContain('failovers: 2, write gap median 900 ms, p99 1.4 s, max 1.4 s');
  expect(text).toContain('could serve: 1, write gap median 900 ms, p99 900 ms, max 900 ms');
  expect(text).toContain('not every check held');
});

test('a program reads the same from the verdicts', async () => {
  const judged = await run();
  const verdicts = JSON.parse(verdictsJson(judged, { seed: 7 }));
  expect(verdicts.about).toEqual({ seed: 7 });
  expect(verdicts.summary).toEqual(JSON.parse(JSON.stringify(summaryOf(judged))));
  expect(verdicts.summary.isSound).toBe(false);
  expect(verdicts.checks[1].anomalies[0].name).toBe('lost');
  expect(verdicts.failovers).toHaveLength(2);
});

test('the page asks for nothing, and no text of a run becomes a part of it', async () => {
  const page = reportPage(await run(), hostile);
  expect(page).not.toMatch(/<(?:link|img|script src|iframe src)|url\(["']?https?:|@import/);
  expect(page).not.toContain(hostile);
  expect(page.match(/<\/script>/g)).toHaveLength(2);
  const data = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(page)?.[1] ?? '';
  expect(JSON.parse(data)).toMatchObject({
    stoppedMs: 10_000,
    faults: [{ name: `${hostile} leader` }, {}],
  });
});

test('the page shows the anomaly among its operations', async () => {
  const page = reportPage(await run(), 'a run');
  expect(page).toContain('<details open><summary>set: lost</summary>');
  expect(page).toMatch(
    /<iframe title="anomalies of set" loading="lazy" srcdoc="&lt;!doctype html&gt;/,
  );
});

test('the script of the page is a script', () => {
  expect(() => new Script(pageScript)).not.toThrow();
});

test('stretches of time hold rates and latencies, and nothing where nothing ended', () => {
  const ended = (endMs: number, latencyMs: number) =>
    ({ endMs, latencyMs, outcome: 'ok', isWrite: true, workload: 'set' }) as const;
  const { buckets, widthMs } = bucketsOf([ended(100, 5), ended(900, 7), ended(2_500, 9)], 4_000);
  expect(widthMs).toBe(1_000);
  expect(buckets.map(({ ok }) => ok)).toEqual([2, 0, 1, 0]);
  expect(buckets.map(({ p50Ms }) => p50Ms)).toEqual([5, null, 9, null]);
  expect(bucketsOf([], 3_600_000)).toMatchObject({ widthMs: 10_000 });
});

test('who led is told from one change to the next', () => {
  const samples = [
    { atMs: -5, leader: 'n2', term: 1 },
    { atMs: 2_100, leader: null, term: 1 },
    { atMs: 3_000, leader: 'n1', term: 2 },
  ];
  expect(leaderSpans(samples, 4_000)).toEqual([
    { leader: 'n2', node: 1, term: 1, fromMs: 0, toMs: 2_100 },
    { leader: null, node: 0, term: 1, fromMs: 2_100, toMs: 3_000 },
    { leader: 'n1', node: 0, term: 2, fromMs: 3_000, toMs: 4_000 },
  ]);
});

test('times are told as people tell them', () => {
  expect([250, 1_400, 42_000, null].map(durationText)).toEqual(['250 ms', '1.4 s', '42 s', '–']);
  expect([5_000, 65_000, 3_723_000].map(clockText)).toEqual(['0:05', '1:05', '1:02:03']);
});
