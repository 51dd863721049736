import type { HistoryValue, Operation, Outcome } from '../../../history/history.ts';
import type { Consistency } from '../../../history/list-append/consistency.ts';
import { createListAppendModel } from '../../../history/list-append/list-append-model.ts';
import type { Anomaly, CheckLimits, Verdict } from '../../../history/verdict.ts';

export const unlimited: CheckLimits = {
  memoryBytesMax: Number.MAX_SAFE_INTEGER,
  stepsMax: Number.MAX_SAFE_INTEGER,
};

/** A transaction in short: `ax1` appends 1 to x, `rx1,2` reads x as [1 2], `ry` reads y as nil. */
export interface Told {
  readonly steps: string;
  readonly outcome?: Outcome;
  /** When it was called and when it ended; all at the same time unless told, and one of unknown end never. */
  readonly from?: number;
  readonly to?: number;
}

/** Transactions that all overlap, so that real time tells nothing. */
export function concurrent(...told: readonly (string | Told)[]): Operation[] {
  return told.map((one, index) =>
    operationOf(typeof one === 'string' ? { steps: one } : one, index, told.length),
  );
}

/** Transactions one after the other. */
export function inTurn(...told: readonly (string | Told)[]): Operation[] {
  return told.map((one, index) => {
    const { steps, outcome = 'ok' } = typeof one === 'string' ? { steps: one } : one;
    return operationOf({ steps, outcome, from: index * 2, to: index * 2 + 1 }, index, told.length);
  });
}

function operationOf(told: Told, index: number, count: number): Operation {
  const { steps, outcome = 'ok', from = index } = told;
  const to = told.to ?? (outcome === 'info' ? Number.POSITIVE_INFINITY : count + index);
  const parsed = steps.split(' ').filter(Boolean).map(stepOf);
  const asked = parsed.map(([f, key, value]): HistoryValue => [f, key, f === 'r' ? null : value]);
  return {
    index,
    process: index,
    f: 'txn',
    input: asked,
    output: outcome === 'ok' ? parsed : null,
    outcome,
    callAt: from,
    endAt: to,
    callNanos: null,
    endNanos: null,
    callLine: from + 1,
    endLine: Number.isFinite(to) ? to + 1 : null,
  };
}

function stepOf(text: string): readonly [string, string, HistoryValue] {
  const [, f, key = '', rest = ''] = /^([ar])([a-z])([\d,]*)$/.exec(text) ?? [];
  if (f === 'a') return ['append', key, Number(rest)];
  if (f === 'r') return ['r', key, rest === '' ? null : rest.split(',').map(Number)];
  throw new Error(`no step: ${text}`);
}

export function check(operations: readonly Operation[], consistency: Consistency): Verdict {
  return createListAppendModel({ consistency }).check(operations, unlimited);
}

/** The names of the anomalies found, worst first. */
export function namesOf(operations: readonly Operation[], consistency: Consistency): string[] {
  const verdict = check(operations, consistency);
  return verdict.kind === 'invalid' ? verdict.anomalies.map(({ name }) => name) : [];
}

export function anomalyOf(
  operations: readonly Operation[],
  consistency: Consistency,
  name: string,
): Anomaly {
  const verdict = check(operations, consistency);
  const found =
    verdict.kind === 'invalid' ? verdict.anomalies.find((one) => one.name === name) : undefined;
  if (found === undefined) throw new Error(`${name} was not found: ${JSON.stringify(verdict)}`);
  return found;
}
