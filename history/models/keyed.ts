import { HistoryOperationError } from '../errors.ts';
import type { HistoryValue, Operation } from '../history.ts';
import { formatValue, isArray, type ValueKey, valueKey, valuesEqual } from '../values.ts';

/** The operations of one register among several, without the key; `key` is undefined where there is only one. */
export interface RegisterPart {
  readonly key: HistoryValue | undefined;
  readonly operations: readonly PartOperation[];
}

export interface PartOperation {
  readonly operation: Operation;
  readonly input: HistoryValue;
  readonly output: HistoryValue;
}

/**
 * Histories of many registers carry `[key, value]` (`jepsen.independent`). A history is linearizable exactly when each key's part is
 * (Herlihy and Wing 1990, locality), so each is checked alone.
 *
 * Keyed is a history in which every operation was asked with a pair, and every `cas` with a pair that holds a pair.
 */
export function partsOf(operations: readonly Operation[]): readonly RegisterPart[] {
  if (operations.length === 0) return [];
  if (!operations.every(isAskedWithKey))
    return [{ key: undefined, operations: operations.map(whole) }];
  const parts = new Map<ValueKey, { key: HistoryValue; operations: PartOperation[] }>();
  for (const operation of operations) {
    const [key, input] = pairOf(operation.input) ?? [null, null];
    const name = valueKey(key);
    const part = parts.get(name) ?? { key, operations: [] };
    parts.set(name, part);
    part.operations.push({ operation, input, output: outputOf(operation, key) });
  }
  return [...parts.values()];
}

function isAskedWithKey({ f, input }: Operation): boolean {
  const pair = pairOf(input);
  return pair !== null && (f !== 'cas' || pairOf(pair[1]) !== null);
}

function outputOf(operation: Operation, key: HistoryValue): HistoryValue {
  if (operation.outcome !== 'ok') return null;
  const pair = pairOf(operation.output);
  if (pair !== null && valuesEqual(pair[0], key)) return pair[1];
  const asked = formatValue(key, 60);
  const answered = formatValue(operation.output, 60);
  throw new HistoryOperationError(operation, `asked with key ${asked}, answered with ${answered}`);
}

export function pairOf(value: HistoryValue): readonly [HistoryValue, HistoryValue] | null {
  if (!isArray(value) || value.length !== 2) return null;
  const [first = null, second = null] = value;
  return [first, second];
}

function whole(operation: Operation): PartOperation {
  return { operation, input: operation.input, output: operation.output };
}
