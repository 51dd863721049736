import { parseArgs } from 'node:util';
import { boundOf } from './bounds.ts';
import type { Progress } from './explorer.ts';
import { reportOf } from './report.ts';
import { runBound, summaryOf } from './run-bound.ts';

// `npm run explore`: the bounded exploration at a bound of one's choice. Exit status 0: nothing was violated within the bound; 1: a
// property was, and the shortest way there is printed; 2: there were more states than allowed, or the arguments are wrong.

const defaults = {
  depth: '1000',
  'states-max': '20000000',
  nodes: '3',
  transactions: '2',
  terms: '3',
  crashes: '2',
  alarms: '1',
  transfers: '1',
  kills: '1',
  meddlings: '1',
  root: 'settled',
};

const maxima: Readonly<Record<string, number>> = {
  'states-max': 200_000_000,
  nodes: 3,
  transactions: 3,
  terms: 9,
  meddlings: 2,
};

class UsageError extends Error {
  override readonly name = 'UsageError';
}

function argumentsOf(line: readonly string[]): Record<keyof typeof defaults, string> {
  const options = Object.fromEntries(
    Object.entries(defaults).map(([name, value]) => [name, { type: 'string', default: value }]),
  ) as Record<keyof typeof defaults, { type: 'string'; default: string }>;
  try {
    return { ...defaults, ...parseArgs({ args: [...line], options }).values };
  } catch (thrown) {
    throw new UsageError(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

function numberIn(values: ReturnType<typeof argumentsOf>, name: keyof typeof defaults): number {
  const value = Number(values[name]);
  const max = maxima[name] ?? 1000;
  if (Number.isSafeInteger(value) && value >= 0 && value <= max) return value;
  throw new UsageError(`--${name} is a whole number from 0 to ${max}, not ${values[name]}`);
}

function main(line: readonly string[]): number {
  const values = argumentsOf(line);
  const { root } = values;
  if (root !== 'settled' && root !== 'blank') {
    throw new UsageError(`--root is settled or blank, not ${root}`);
  }
  const number = (name: keyof typeof defaults): number => numberIn(values, name);
  const statesMax = number('states-max');
  // An election is won with one other vote here, which is a majority of two and of three.
  if (number('nodes') < 2) throw new UsageError('--nodes is 2 or 3');
  const bound = boundOf('explore', {
    nodes: number('nodes'),
    transactions: number('transactions'),
    termMax: number('terms'),
    faults: {
      crash: number('crashes'),
      alarm: number('alarms'),
      transfer: number('transfers'),
      kill: number('kills'),
      meddle: number('meddlings'),
    },
    depthMax: number('depth'),
    root,
  });
  const begunMs = performance.now();
  const onProgress = (progress: Progress): void => print(progressLine(progress, begunMs));
  const run = runBound(bound, { statesMax, onProgress });
  print(`${summaryOf(bound.name, run)}, ${Math.round((performance.now() - begunMs) / 1000)} s`);
  const { outcome, counterexample } = run.exploration;
  if (counterexample !== null) print(`\n${reportOf(run.world, counterexample)}`);
  if (outcome === 'full') print(`stopped at ${statesMax} states: what lies beyond is not explored`);
  return outcome === 'violated' ? 1 : outcome === 'full' ? 2 : 0;
}

function progressLine({ depth, states, transitions, left }: Progress, begunMs: number): string {
  const seconds = (performance.now() - begunMs) / 1000;
  const memory = Math.round(process.memoryUsage.rss() / 1024 / 1024);
  const perSecond = Math.round(states / Math.max(seconds, 0.001));
  return `depth ${depth}: ${states} states, ${transitions} transitions, ${left} left at this depth, ${perSecond} states/s, ${memory} MiB`;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

try {
  process.exitCode = main(process.argv.slice(2));
} catch (thrown) {
  if (!(thrown instanceof UsageError)) throw thrown;
  process.stderr.write(`${thrown.message}\n`);
  process.exitCode = 2;
}
