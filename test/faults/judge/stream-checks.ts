import { type CheckOptions, checkHistory } from '../../../history/check-history.ts';
import type { History, Operation } from '../../../history/history.ts';
import { readHistory } from '../../../history/parse/read-history.ts';
import { withTextFile } from '../../../history/parse/text-file.ts';
import type { Anomaly, Verdict } from '../../../history/verdict.ts';
import type { RecordedStream } from '../load/workload.ts';
import { bankTotal } from '../load/workloads/bank.ts';
import type { Check } from './check.ts';

/** By stream: the model that judges it. A stream that is not here only makes others harder, and what it left is compared node by node. */
const rules: Readonly<Record<string, CheckOptions>> = {
  register: { model: 'cas-register' },
  'list-append': { model: 'list-append', consistency: 'strict-serializable' },
  'list-append-rr': { model: 'list-append', consistency: 'repeatable-read' },
  bank: { model: 'bank', total: bankTotal },
  set: { model: 'set-full' },
  prefix: { model: 'prefix' },
  ddl: { model: 'register', initial: 'gone' },
  'ddl-rows': { model: 'set' },
  accounts: { model: 'register', initial: 'gone' },
  large: { model: 'set' },
  unknown: { model: 'set' },
};

/** The stream whose anomalies are compared with those of one plain server: MySQL's REPEATABLE READ is no level of the literature. */
export const controlledStream = 'list-append-rr';

/**
 * What a server that shows the first shows too, only much more seldom: a cycle of several `rw`, no two side by side, is made of the same
 * steps as one with a single `rw`, by two transactions at a time (Elle counts the second among the first). A short control misses it.
 */
const rarerForms: ReadonlyMap<string, string> = new Map([['G-single', 'G-nonadjacent']]);

export function readStream(file: string): History {
  return withTextFile(file, (source) => readHistory(source, { format: 'jsonl', name: file }));
}

/** Names of anomalies that a history of the controlled stream shows. */
export async function anomalyNamesIn(operations: readonly Operation[]): Promise<readonly string[]> {
  const { verdict } = await checkHistory(
    { operations, nemesis: [] },
    rules[controlledStream] ?? {},
  );
  if (verdict.kind === 'undecided') throw new Error(`the control is undecided: ${verdict.reason}`);
  return verdict.kind === 'valid'
    ? []
    : [...new Set(verdict.anomalies.map(({ name }) => name))].sort();
}

/** Null where a stream has no model. `control`: what one plain server shows, or null when it was not asked. */
export async function checkStream(
  { stream }: Pick<RecordedStream, 'stream'>,
  history: History,
  control: readonly string[] | null,
): Promise<Check | null> {
  const rule = rules[stream];
  if (rule === undefined) return null;
  const { verdict } = await checkHistory(history, rule);
  const needed = requiredOperations(history.operations);
  const check = checkOf(stream, verdict, stream === controlledStream ? control : []);
  if (needed.length === 0 || check.outcome !== 'held') return check;
  return { ...check, outcome: 'undecided', summary: needed.join('; '), violations: needed };
}

function checkOf(stream: string, verdict: Verdict, allowed: readonly string[] | null): Check {
  const base = { group: 'history', name: stream, violations: [], anomalies: [] } as const;
  if (verdict.kind === 'undecided') {
    return { ...base, outcome: 'undecided', summary: verdict.reason, counts: {} };
  }
  const counts = Object.fromEntries(verdict.counts);
  if (verdict.kind === 'valid') return { ...base, outcome: 'held', summary: 'no anomaly', counts };
  const names = [...new Set(verdict.anomalies.map(({ name }) => name))].sort();
  if (allowed === null) {
    const summary = `shows ${names.join(', ')}, and no control was run to compare with`;
    return { ...base, outcome: 'undecided', summary, counts, anomalies: verdict.anomalies };
  }
  const shown = new Set(allowed.flatMap((name) => [name, rarerForms.get(name) ?? name]));
  const forbidden = names.filter((name) => !shown.has(name));
  if (forbidden.length === 0) {
    return { ...base, outcome: 'held', summary: `as the control: ${names.join(', ')}`, counts };
  }
  const anomalies = verdict.anomalies.filter(({ name }) => forbidden.includes(name));
  return {
    ...base,
    outcome: 'violated',
    summary: forbidden.join(', '),
    counts,
    violations: anomalies.map(sentenceOf),
    anomalies,
  };
}

function sentenceOf({ name, explanation }: Anomaly): string {
  return `${name}: ${explanation}`;
}

/** A kind of operation that was tried and never ended well shows nothing (HAZARDS C11). */
function requiredOperations(operations: readonly Operation[]): readonly string[] {
  const tried = Map.groupBy(operations, ({ f }) => f);
  return [...tried].flatMap(([f, all]) =>
    all.some(({ outcome }) => outcome === 'ok')
      ? []
      : [`${f} was tried ${all.length} times and never ended well`],
  );
}
