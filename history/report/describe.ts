import type { HistoryValue, Operation } from '../history.ts';
import { formatValue, isArray } from '../values.ts';

/** What was asked and what was answered, in as few words as tell it: `read → 3`, `write 3`, `txn [[append 1 2]]`. */
export function describe(operation: Operation, charactersMax: number = 100): string {
  const { f, input, output, outcome } = operation;
  const half = Math.max(10, charactersMax);
  const asked = isEmpty(input) ? f : `${f} ${formatValue(input, half)}`;
  if (outcome !== 'ok' || isEmpty(output) || sameText(input, output)) {
    return f === 'read' && outcome === 'ok' ? `${asked} → ${formatValue(output, half)}` : asked;
  }
  // A transaction's answer repeats what was asked, with the reads filled in.
  const isRepeated = isArray(input) && isArray(output) && input.length === output.length;
  return `${isRepeated ? f : asked} → ${formatValue(output, half)}`;
}

/** When it was called and ended, by lines of the file. */
export function lines({ callLine, endLine }: Operation): string {
  return endLine === null ? `${callLine}–` : `${callLine}–${endLine}`;
}

function isEmpty(value: HistoryValue): boolean {
  return value === null;
}

function sameText(one: HistoryValue, other: HistoryValue): boolean {
  return formatValue(one, 500) === formatValue(other, 500);
}
