import { HistoryOperationError } from '../errors.ts';
import type { HistoryValue, Operation } from '../history.ts';
import {
  anyState,
  sameState,
  type TransitionRow,
  type TransitionTable,
  tableOf,
} from '../linearizability/transition-table.ts';
import { formatValue, type ValueKey, valueKey } from '../values.ts';
import { type PartOperation, pairOf, type RegisterPart } from './keyed.ts';

/** One register's history as an automaton over the values that occur. */
export interface RegisterTable {
  readonly table: TransitionTable;
  /** The operation of each row. */
  readonly operations: readonly Operation[];
  /** The value of each state. */
  readonly values: readonly HistoryValue[];
  /** The first operation that needs a value that nobody can have written, with the failed writes of it. */
  readonly orphan: Orphan | null;
}

export interface Orphan {
  readonly operation: Operation;
  readonly value: HistoryValue;
  readonly failedWrites: readonly Operation[];
}

interface Draft extends TransitionRow {
  readonly operation: Operation;
}

export function registerTable(part: RegisterPart, initial: HistoryValue): RegisterTable {
  const states = new StateNumbers(initial);
  const drafts: Draft[] = [];
  for (const asked of part.operations) {
    const draft = draftOf(asked, states);
    if (draft !== null) drafts.push(draft);
  }
  const kept = withoutUseless(drafts);
  return {
    table: tableOf(kept, { stateCount: states.values.length, initial: 0 }),
    operations: kept.map(({ operation }) => operation),
    values: states.values,
    orphan: orphanOf(kept, part, states),
  };
}

/** Null for what constrains nothing: operations that failed, and reads of which nobody knows what they saw. */
function draftOf(asked: PartOperation, states: StateNumbers): Draft | null {
  const { operation, input, output } = asked;
  const { f, outcome, callAt } = operation;
  if (outcome === 'fail') return null;
  const endAt = outcome === 'ok' ? operation.endAt : Number.POSITIVE_INFINITY;
  const place = { operation, callAt, endAt };
  if (f === 'read') {
    return outcome === 'ok' ? { ...place, needs: states.of(output), makes: sameState } : null;
  }
  if (f === 'write') return { ...place, needs: anyState, makes: states.of(input) };
  const [expected, replacement] = casPair(asked);
  return { ...place, needs: states.of(expected), makes: states.of(replacement) };
}

function casPair({ operation, input }: PartOperation): readonly [HistoryValue, HistoryValue] {
  const pair = pairOf(input);
  if (pair !== null) return pair;
  const found = formatValue(input, 60);
  throw new HistoryOperationError(operation, `a cas takes [expected new], not ${found}`);
}

/** An operation that may never have happened is of use only where it makes a value that another one needs. */
function withoutUseless(drafts: readonly Draft[]): readonly Draft[] {
  const needed = new Set<number>();
  for (const { needs, endAt } of drafts) {
    if (endAt !== Number.POSITIVE_INFINITY) needed.add(needs);
  }
  const optional = drafts.filter(({ endAt }) => endAt === Number.POSITIVE_INFINITY);
  const useful = new Set<Draft>();
  let isGrowing = true;
  while (isGrowing) {
    const before = useful.size;
    for (const draft of optional) {
      if (useful.has(draft) || !needed.has(draft.makes)) continue;
      useful.add(draft);
      needed.add(draft.needs);
    }
    isGrowing = useful.size > before;
  }
  return drafts.filter((draft) => draft.endAt !== Number.POSITIVE_INFINITY || useful.has(draft));
}

function orphanOf(
  drafts: readonly Draft[],
  part: RegisterPart,
  states: StateNumbers,
): Orphan | null {
  const made = new Set(drafts.map(({ makes }) => makes));
  const found = drafts.find(
    ({ needs, endAt }) => endAt !== Number.POSITIVE_INFINITY && needs > 0 && !made.has(needs),
  );
  if (found === undefined) return null;
  const failedWrites = part.operations
    .filter(
      (asked) => asked.operation.outcome === 'fail' && writtenBy(asked, states) === found.needs,
    )
    .map(({ operation }) => operation);
  const value = states.values[found.needs] ?? null;
  return { operation: found.operation, value, failedWrites };
}

function writtenBy({ operation, input }: PartOperation, states: StateNumbers): number | undefined {
  if (operation.f === 'write') return states.find(input);
  const pair = operation.f === 'cas' ? pairOf(input) : null;
  return pair === null ? undefined : states.find(pair[1]);
}

/** Numbers for values; 0 is the initial one. */
class StateNumbers {
  readonly #numbers = new Map<ValueKey, number>();
  readonly values: HistoryValue[] = [];

  constructor(initial: HistoryValue) {
    this.of(initial);
  }

  of(value: HistoryValue): number {
    const key = valueKey(value);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#numbers.set(key, this.values.length);
    this.values.push(value);
    return this.values.length - 1;
  }

  find(value: HistoryValue): number | undefined {
    return this.#numbers.get(valueKey(value));
  }
}
