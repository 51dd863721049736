import type { Distribution } from './distribution.ts';

/** What one run of sysbench 1.0 printed. */
export interface SysbenchReport {
  readonly transactions: number;
  readonly transactionsPerSecond: number;
  /** Statements that failed and were tried again: deadlocks, lock waits. */
  readonly ignoredErrors: number;
  readonly reconnects: number;
  readonly meanMs: number;
  readonly maxMs: number;
  readonly latenciesMs: Distribution;
}

export type SysbenchParse =
  | { readonly kind: 'report'; readonly report: SysbenchReport }
  | { readonly kind: 'malformed'; readonly missing: string };

/** Rows of the histogram: value, a bar, how many. */
const histogramRow = /^ *(\d+\.\d+) \|\**\s+(\d+)$/gm;

/** Reads what `sysbench … --histogram=on run` prints. Says what is missing of anything else. */
export function parseSysbench(output: string): SysbenchParse {
  const missing: string[] = [];
  const number = (name: string, pattern: RegExp): number => {
    const found = pattern.exec(output)?.[1];
    if (found === undefined) missing.push(name);
    return Number(found ?? Number.NaN);
  };
  const latenciesMs = histogramOf(output);
  const transactions = number('transactions', /^ *transactions: +(\d+) /m);
  const report: SysbenchReport = {
    transactions,
    transactionsPerSecond: number('transactions per second', /transactions: +\d+ +\(([\d.]+) per/),
    ignoredErrors: number('ignored errors', /ignored errors: +(\d+) /),
    reconnects: number('reconnects', /reconnects: +(\d+) /),
    meanMs: number('mean latency', /^ *avg: +([\d.]+)/m),
    maxMs: number('longest latency', /^ *max: +([\d.]+)/m),
    latenciesMs,
  };
  // A run without a histogram measured nothing: its latencies would silently be those of other runs.
  if (latenciesMs.length === 0 || transactions === 0) missing.push('latency histogram');
  const [first] = missing;
  return first === undefined ? { kind: 'report', report } : { kind: 'malformed', missing: first };
}

function histogramOf(output: string): Distribution {
  const from = output.indexOf('Latency histogram');
  if (from < 0) return [];
  return [...output.slice(from).matchAll(histogramRow)].map(
    ([, value = '', count = '']) => [Number(value), Number(count)] as const,
  );
}
