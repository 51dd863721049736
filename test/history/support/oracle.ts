import type { HistoryValue, Operation } from '../../../history/history.ts';

export type Step<State> = (state: State, operation: Operation) => State | 'refused';

/** Linearizability by trying all orders: slow, and short enough to be right. */
export function isLinearizable<State>(
  operations: readonly Operation[],
  state: State,
  step: Step<State>,
): boolean {
  const owed = operations.filter(({ outcome }) => outcome === 'ok');
  if (owed.length === 0) return true;
  const firstEnd = Math.min(...owed.map(({ endAt }) => endAt));
  return operations
    .filter(({ callAt, outcome }) => outcome !== 'fail' && callAt < firstEnd)
    .some((next) => {
      const after = step(state, next);
      const rest = operations.filter((operation) => operation !== next);
      return after !== 'refused' && isLinearizable(rest, after, step);
    });
}

export const registerStep: Step<HistoryValue> = (state, { f, input, output, outcome }) => {
  if (f === 'write') return input;
  if (f === 'read') return outcome !== 'ok' || output === state ? state : 'refused';
  if (!Array.isArray(input)) throw new Error('a cas without a pair');
  return input[0] === state ? input[1] : 'refused';
};

export const mutexStep: Step<boolean> = (isTaken, { f }) => {
  if (f === 'acquire') return isTaken ? 'refused' : true;
  return isTaken ? false : 'refused';
};
