import { expect, test } from 'vitest';
import { workloadNames } from './load/workload.ts';
import { commandLine, type FaultOptions, parseOptions } from './options.ts';

function parsed(...args: string[]): FaultOptions {
  const options = parseOptions(args, ['set', 'bank']);
  if ('length' in options) throw new Error(options.join('; '));
  return options;
}

test('nothing given is three nodes, every workload and every nemesis', () => {
  const { nodes, workloads, nemeses, ratePerSecond } = parsed();

  expect({ nodes, workloads, ratePerSecond }).toEqual({
    nodes: 3,
    workloads: ['set', 'bank'],
    ratePerSecond: 200,
  });
  expect(nemeses.map(({ name }) => name)).toContain('partition');
});

test('nemeses are chosen by name, and one variant alone behind a colon', () => {
  expect(parsed('--nemesis', 'none').nemeses).toEqual([]);
  const { nemeses } = parsed('--nemesis', 'kill,partition:ring');

  expect(nemeses.map(({ name }) => name)).toEqual(['kill', 'partition']);
  expect(nemeses[1]?.variants).toEqual(['ring']);
});

test('everything that is wrong is said at once', () => {
  const faults = parseOptions(
    ['--nodes', '4', '--minutes', '0', '--workload', 'bonk', '--nemesis', 'partition:cube,rain'],
    ['set'],
  );

  expect(faults).toEqual([
    '--workload has bonk; allowed: set, all',
    '--nodes is 4; allowed: 3, 5',
    expect.stringContaining(
      '--nemesis has partition:cube; variants of partition: leader-in-minority',
    ),
    expect.stringContaining('--nemesis has rain; allowed: partition'),
    '--minutes is 0; allowed: 0.5 to 1440',
  ]);
});

test('an unknown option is refused', () => {
  expect(parseOptions(['--rats', '3'], ['set'])).toEqual([expect.stringContaining('--rats')]);
});

test('the command to repeat a run asks for the same', () => {
  const asked = ['--nemesis', 'kill,disk:leader-log-full,disk:leader-mysql-full', '--seed', '7'];
  for (const args of [
    [],
    ['--nemesis', 'none'],
    asked,
    ['--nodes', '5', '--workload', 'bank', '--tick-ms', '100'],
  ]) {
    const options = parseOptions(args, workloadNames);
    if ('length' in options) throw new Error(options.join('; '));
    const [, words = ''] = commandLine(options).split(' -- ');

    expect(parseOptions(words.split(' '), workloadNames)).toEqual(options);
  }
});
