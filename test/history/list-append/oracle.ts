import type { HistoryValue, Operation } from '../../../history/history.ts';
import { isArray, valuesEqual } from '../../../history/values.ts';

// The definitions of the levels, tried out on every order there is. Good for a handful of transactions.

/** Whether some serial order explains all reads: with every transaction that ended well, and any of those of unknown end. */
export function hasSerialOrder(operations: readonly Operation[], isStrict: boolean): boolean {
  const candidates = operations.filter(({ outcome }) => outcome !== 'fail');
  const rest = new Set(candidates);
  return extend(new Map());

  function extend(state: ReadonlyMap<HistoryValue, readonly HistoryValue[]>): boolean {
    if ([...rest].every(({ outcome }) => outcome === 'info')) return true;
    for (const next of [...rest]) {
      const mustWait =
        isStrict && [...rest].some((other) => other.outcome === 'ok' && other.endAt < next.callAt);
      if (mustWait) continue;
      const after = execute(next, state);
      if (after === null) continue;
      rest.delete(next);
      if (extend(after)) return true;
      rest.add(next);
    }
    return false;
  }
}

/**
 * Whether there is an order of commits, and for each transaction a moment before its commit, so that it reads the state of that
 * moment and nobody commits to the keys it appends to in between (generalized snapshot isolation).
 */
export function hasSnapshotOrder(operations: readonly Operation[]): boolean {
  const candidates = operations.filter(({ outcome }) => outcome !== 'fail');
  const rest = new Set(candidates);
  const states: ReadonlyMap<HistoryValue, readonly HistoryValue[]>[] = [new Map()];
  const writes: ReadonlySet<HistoryValue>[] = [];
  return extend();

  function extend(): boolean {
    if ([...rest].every(({ outcome }) => outcome === 'info')) return true;
    for (const next of [...rest]) {
      if (!hasMoment(next)) continue;
      rest.delete(next);
      states.push(appendAll(next, states.at(-1) ?? new Map()));
      writes.push(appendedKeys(next));
      if (extend()) return true;
      states.pop();
      writes.pop();
      rest.add(next);
    }
    return false;
  }

  function hasMoment(next: Operation): boolean {
    const keys = appendedKeys(next);
    for (let moment = states.length - 1; moment >= 0; moment -= 1) {
      if (execute(next, states[moment] ?? new Map()) !== null) return true;
      const overwritten = writes[moment - 1] ?? new Set();
      if ([...keys].some((key) => overwritten.has(key))) return false;
    }
    return false;
  }
}

type State = ReadonlyMap<HistoryValue, readonly HistoryValue[]>;

/** The state after a transaction, or null if it cannot have read what it read. */
function execute(operation: Operation, before: State): State | null {
  const state = new Map(before);
  for (const [f, key, value] of stepsOf(operation)) {
    const list = state.get(key) ?? [];
    if (f === 'append') state.set(key, [...list, value]);
    else if (operation.outcome === 'ok' && !valuesEqual(value ?? [], list)) return null;
  }
  return state;
}

function appendAll(operation: Operation, before: State): State {
  const state = new Map(before);
  for (const [f, key, value] of stepsOf(operation)) {
    if (f === 'append') state.set(key, [...(state.get(key) ?? []), value]);
  }
  return state;
}

function appendedKeys(operation: Operation): Set<HistoryValue> {
  return new Set(stepsOf(operation).flatMap(([f, key]) => (f === 'append' ? [key] : [])));
}

function stepsOf(
  operation: Operation,
): readonly (readonly [HistoryValue, HistoryValue, HistoryValue])[] {
  const value = operation.outcome === 'ok' ? operation.output : operation.input;
  if (!isArray(value)) throw new Error('no transaction');
  return value.map((step) => {
    const [f = null, key = null, held = null] = isArray(step) ? step : [];
    return [f, key, held];
  });
}
