import type { HistoryValue, Operation } from '../history.ts';
import { formatValue, isArray } from '../values.ts';
import type { Report } from './report.ts';

/** The verdict for a program. Integers beyond 2^53 are strings, maps are objects with their keys as text. */
export function jsonReport(report: Report): string {
  const { verdict } = report;
  const head = {
    file: report.file,
    model: report.model,
    modelGuessed: report.isGuessed,
    verdict: verdict.kind,
  };
  if (verdict.kind === 'undecided') {
    return JSON.stringify({ ...head, reason: verdict.reason }, null, 2);
  }
  const anomalies = verdict.kind === 'valid' ? [] : verdict.anomalies;
  const body = {
    ...head,
    counts: Object.fromEntries(verdict.counts),
    anomalies: anomalies.map(({ name, explanation, operations, steps }) => ({
      name,
      explanation,
      operations: operations.map(plainOperation),
      steps,
    })),
  };
  return JSON.stringify(body, null, 2);
}

function plainOperation(operation: Operation): Record<string, unknown> {
  const { process, f, outcome, callLine, endLine } = operation;
  return {
    process,
    f,
    outcome,
    input: plain(operation.input),
    output: plain(operation.output),
    callLine,
    endLine,
  };
}

export function plain(value: HistoryValue): unknown {
  if (isArray(value)) return value.map(plain);
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([key, held]) => [textOf(key), plain(held)]));
  }
  if (typeof value === 'bigint') return String(value);
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

function textOf(key: HistoryValue): string {
  return typeof key === 'string' ? key : formatValue(key);
}
