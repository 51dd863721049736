import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { comparisons } from '../../bench/comparisons/registry.ts';
import { benchErrorCodes } from '../../bench/errors.ts';
import { defaultOut, readOptions, usage } from '../../bench/options.ts';
import { benchPorts, portsUsed } from '../../bench/ports.ts';

test('without arguments everything is compared, with 1, 16 and 64 threads in three rounds', () => {
  expect(readOptions([], undefined)).toMatchObject({
    chosen: [...comparisons.keys()],
    threads: [1, 16, 64],
    rounds: 3,
    peers: null,
    withLimits: false,
    out: defaultOut,
    updatesReadme: true,
    mysqld: null,
  });
});

test('results that go elsewhere leave the page as it is', () => {
  expect(readOptions(['commit', '--out', '/tmp/elsewhere'], undefined)).toMatchObject({
    chosen: ['commit'],
    out: '/tmp/elsewhere',
    updatesReadme: false,
  });
});

test.each([
  [['nothing'], /no comparison nothing; there are: commit/],
  [['--threads', '1,x'], /--threads is x; allowed: whole numbers from 1 to 1024/],
  [['--threads', ''], /--threads is ;/],
  [['--seconds', '0'], /--seconds is 0/],
  [['--rounds', '1000'], /--rounds is 1000/],
  [['--base-port', '60000'], /--base-port is 60000/],
  [['--sideways'], /--sideways/],
])('%j is refused by name and value', (args, message) => {
  expect(() => readOptions(args, undefined)).toThrow(
    expect.objectContaining({
      code: 'BENCH_OPTION',
      message: expect.stringMatching(message),
    }),
  );
});

test('the help names every comparison and every option', () => {
  for (const name of comparisons.keys()) expect(usage).toContain(name);
  for (const option of [
    'threads',
    'seconds',
    'rounds',
    'faults',
    'peers',
    'limits',
    'out',
    'data-dir',
    'base-port',
  ]) {
    expect(usage).toContain(`--${option}`);
  }
});

test('no two things listen on one port, and all ports are among those that are checked first', () => {
  const ports = benchPorts(20_000);
  const peers = [1, 2, 3].flatMap((number) => Object.values(ports.server(number)));
  const nodes = [1, 2, 3, 4, 5, 6, 7].flatMap((node) =>
    [1, 2, 3, 4, 5, 6, 7, 8, 9].map((offset) => ports.binraftBase + node * 100 + offset),
  );
  const all = [...peers, ports.frontEnd, ...nodes];

  expect(new Set(all).size).toBe(all.length);
  expect(Math.max(...all)).toBeLessThan(20_000 + portsUsed);
});

test('every code of an error has a row in the page of the benchmark', () => {
  const page = readFileSync(new URL('../../bench/README.md', import.meta.url), 'utf8');
  for (const code of benchErrorCodes) expect(page).toContain(`| \`${code}\` |`);
});

test('everything together is planned to take at most half an hour', () => {
  const options = readOptions([], undefined);
  const seconds = [...comparisons.values()]
    .flatMap((make) => make(options).contenders)
    .filter(({ isLimit = false }) => !isLimit)
    .reduce((sum, { turnSeconds }) => sum + turnSeconds * options.rounds, 0);

  expect(seconds).toBeLessThanOrEqual(30 * 60);
});

test('each comparison has a contender of ours first, and bars about contenders it has', () => {
  for (const [name, make] of comparisons) {
    const comparison = make({
      threads: [1, 16, 64],
      clients: [1],
      seconds: 1,
      rounds: 3,
      faults: 50,
    });
    const names = comparison.contenders.map((contender) => contender.name);
    expect(comparison.name).toBe(name);
    expect(comparison.contenders[0].isOurs).toBe(true);
    expect(new Set(names).size).toBe(names.length);
    for (const { subject } of comparison.bars) {
      const used = [subject.ours, ...('theirs' in subject ? [subject.theirs] : [])];
      for (const series of used) expect(names).toContain(series.contender);
    }
  }
});
