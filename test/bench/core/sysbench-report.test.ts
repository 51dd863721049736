import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { nearestRank } from '../../../base/nearest-rank.ts';
import { countOf } from '../../../bench/core/distribution.ts';
import { parseSysbench } from '../../../bench/core/sysbench-report.ts';

const output = readFileSync(new URL('testdata/sysbench-insert.txt', import.meta.url), 'utf8');

test('the output of a run is read with its whole histogram', () => {
  const parsed = parseSysbench(output);

  expect(parsed).toMatchObject({
    kind: 'report',
    report: {
      transactions: 1391,
      transactionsPerSecond: 1111.53,
      ignoredErrors: 0,
      reconnects: 0,
      meanMs: 3.5,
      maxMs: 290.21,
    },
  });
  const latencies = parsed.kind === 'report' ? parsed.report.latenciesMs : [];
  expect(latencies[0]).toEqual([0.432, 1]);
  expect(latencies.at(-1)).toEqual([292.601, 1]);
});

test('every transaction is in the histogram, and its 99th percentile is the one sysbench tells', () => {
  const parsed = parseSysbench(output);
  const latencies = parsed.kind === 'report' ? parsed.report.latenciesMs : [];

  expect(countOf(latencies)).toBe(1391);
  expect(nearestRank(latencies, 0.99)).toBeCloseTo(24.83, 1);
});

test.each([
  ['transactions', /^ *transactions:.*$/m],
  ['ignored errors', /^ *ignored errors:.*$/m],
  ['latency histogram', /^ *\d+\.\d+ \|.*$/gm],
  ['longest latency', /^ *max:.*$/m],
])('output without its %s is malformed', (missing, line) => {
  expect(parseSysbench(output.replaceAll(new RegExp(line, 'gm'), ''))).toEqual({
    kind: 'malformed',
    missing,
  });
});

test('a run in which nothing was committed is no measurement', () => {
  const none = output
    .replace(
      /transactions: +1391 +\(1111.53 per sec.\)/,
      'transactions:     0      (0.00 per sec.)',
    )
    .replaceAll(/^ *\d+\.\d+ \|.*$/gm, '');

  expect(parseSysbench(none).kind).toBe('malformed');
});
