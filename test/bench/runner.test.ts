import { existsSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { SystemClock } from '../../base/clock.ts';
import { OperationalError } from '../../base/errors.ts';
import type { Comparison, Contender } from '../../bench/comparisons/comparison.ts';
import { p50 } from '../../bench/core/sample.ts';
import type { Turn } from '../../bench/environment.ts';
import { benchPorts } from '../../bench/ports.ts';
import { type RunOptions, runComparison } from '../../bench/runner.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

function comparisonOf(runs: Readonly<Record<string, (turn: Turn) => Promise<void>>>): Comparison {
  const contenders = Object.entries(runs).map(
    ([name, run]): Contender => ({ name, title: name, isOurs: false, turnSeconds: 1, run }),
  );
  const [first, ...others] = contenders;
  if (first === undefined) throw new Error('a comparison has contenders');
  return {
    name: 'demo',
    title: 'a demonstration',
    tools: [],
    contenders: [first, ...others],
    bars: [],
    charts: [],
    table: { x: '', distribution: 'latency', ratioOf: p50 },
  };
}

function optionsIn(workFolder: string, changes: Partial<RunOptions> = {}): RunOptions {
  return {
    environment: {
      clock: new SystemClock(),
      installation: {
        version: '9.9.9',
        origin: 'path',
        mysqldCommand: [],
        mysqldOptions: [],
        mysqlCommand: null,
        mysqlbinlogCommand: null,
      },
      launcher: [],
      tools: {
        find() {
          throw new Error('none is used');
        },
      },
      ports: benchPorts(20_000),
      templateData: '',
    },
    workFolder,
    rounds: 2,
    signal: new AbortController().signal,
    onProgress: () => undefined,
    ...changes,
  };
}

function record(turn: Turn, measure: string): Promise<void> {
  turn.record({ measure, x: 1, metrics: {}, distribution: [] });
  return Promise.resolve();
}

test('contenders take turns A B A B, each in a folder of its own that is gone behind it', async () => {
  using work = temporaryFolder();
  const folders: string[] = [];
  const run = (turn: Turn): Promise<void> => {
    expect(existsSync(turn.folder)).toBe(true);
    folders.push(turn.folder);
    return record(turn, 'work');
  };

  const { samples, failures } = await runComparison(
    comparisonOf({ a: run, b: run }),
    optionsIn(work.path),
  );

  expect(failures).toEqual([]);
  expect(samples.map(({ contender, round }) => [contender, round])).toEqual([
    ['a', 1],
    ['b', 1],
    ['a', 2],
    ['b', 2],
  ]);
  expect(new Set(folders).size).toBe(4);
  expect(readdirSync(work.path)).toEqual([]);
});

test('a turn planned with a part of a second that no number holds exactly is run', async () => {
  using work = temporaryFolder();
  // As planned for failover, by default.
  const turnSeconds = 12 + 17 * 11.2 + 35;
  expect(Number.isInteger(turnSeconds * 1000 * 4)).toBe(false);
  const whole = comparisonOf({ a: (turn) => record(turn, 'work') });
  const [contender] = whole.contenders;

  const { samples, failures } = await runComparison(
    { ...whole, contenders: [{ ...contender, turnSeconds }] },
    optionsIn(work.path),
  );

  expect(failures).toEqual([]);
  expect(samples).toHaveLength(2);
});

test('a turn that fails is told with its code, nothing it measured counts, and the others go on', async () => {
  using work = temporaryFolder();
  const comparison = comparisonOf({
    async a(turn) {
      await record(turn, 'work');
      if (turn.round === 1) throw new OperationalError('BENCH_MISCONFIGURED', 'semisync is off');
    },
    b: (turn) => record(turn, 'work'),
  });

  const { samples, failures } = await runComparison(comparison, optionsIn(work.path));

  expect(failures).toEqual(['round 1, a: BENCH_MISCONFIGURED: semisync is off']);
  expect(samples.map(({ contender, round }) => `${contender}${round}`)).toEqual(['b1', 'a2', 'b2']);
  expect(readdirSync(work.path)).toEqual([]);
});

test('an interrupted run rejects, starts nobody else, and removes the folder of the turn', async () => {
  using work = temporaryFolder();
  const stop = new AbortController();
  const began: string[] = [];
  const comparison = comparisonOf({
    a(turn) {
      began.push('a');
      stop.abort();
      return turn.clock.delay(60_000, { signal: turn.signal });
    },
    b() {
      began.push('b');
      return Promise.resolve();
    },
  });

  const running = runComparison(comparison, optionsIn(work.path, { signal: stop.signal }));

  await expect(running).rejects.toMatchObject({ name: 'AbortError' });
  expect(began).toEqual(['a']);
  expect(readdirSync(work.path)).toEqual([]);
});

test('what a reader should know is told once, with whose it is', async () => {
  using work = temporaryFolder();
  const comparison = comparisonOf({
    a(turn) {
      turn.note('followers were behind');
      turn.settings(new Map([['port', String(turn.round)]]));
      return Promise.resolve();
    },
  });

  const { notes, settings } = await runComparison(comparison, optionsIn(work.path));

  expect(notes).toEqual(['a: followers were behind']);
  expect(settings.get('a')?.get('port')).toBe('2');
});
