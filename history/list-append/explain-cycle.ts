import { valuesEqual } from '../values.ts';
import type { Anomaly } from '../verdict.ts';
import { type CycleName, nameOfCycle } from './cycle-kinds.ts';
import type { Cycle, CycleStep } from './cycle-search.ts';
import { kindName } from './dependency-graph.ts';
import { intAt, itemAt } from './numbers.ts';
import type { List, Transactions } from './transactions.ts';
import { type Versions, writerAt } from './versions.ts';
import { elementText, keyText, listText } from './wording.ts';

/** Puts a cycle into words: what it is called, and why each transaction comes before the next. */
export function explainCycle(
  transactions: Transactions,
  versions: Versions,
  cycle: Cycle,
): Anomaly {
  const name = nameOfCycle(cycle);
  const names = cycle.map((_, place) => `T${place + 1}`);
  return {
    name,
    explanation: `${meanings[name]} ${[...names, 'T1'].join(' → ')}: each comes before the next, so T1 comes before itself.`,
    operations: cycle.map(({ from }) => itemAt(transactions.operations, from)),
    steps: cycle.map((step, place) =>
      explainStep(
        { transactions, versions, step },
        { from: itemAt(names, place), to: itemAt(names, (place + 1) % names.length) },
      ),
    ),
  };
}

const meanings: Readonly<Record<CycleName, string>> = {
  G0: 'Transactions appended to keys in opposite orders (write cycle).',
  G1c: 'Each transaction depends on what the other did (circular information flow).',
  'G-single': 'A transaction saw a part of the database older than what it depends on (read skew).',
  'G-nonadjacent': 'Transactions saw the same changes in different orders (long fork).',
  'G2-item': 'Each of these transactions missed what another of them appended (write skew).',
  'G0-realtime': 'An append took effect before one that had been committed earlier.',
  'G1c-realtime': 'A transaction saw what was only begun after it had ended.',
  'G-single-realtime': 'A transaction missed what had been committed before it began (stale read).',
  'G-nonadjacent-realtime':
    'Transactions saw the same changes in different orders (long fork), going by the clock.',
  'G2-item-realtime':
    'Each of these transactions missed what another of them appended (write skew), going by the clock.',
};

interface Told {
  readonly transactions: Transactions;
  readonly versions: Versions;
  readonly step: CycleStep;
}

interface Names {
  readonly from: string;
  readonly to: string;
}

function explainStep(told: Told, names: Names): string {
  switch (kindName(told.step.kind)) {
    case 'ww':
      return explainAppends(told, names);
    case 'wr':
      return explainRead(told, names);
    case 'rw':
      return explainMissed(told, names);
    case 'realtime':
      return explainTime(told, names);
    case 'via':
      return `${names.from} comes before ${names.to}`;
  }
}

function explainAppends(told: Told, { from, to }: Names): string {
  const { transactions, versions } = told;
  const append = appendOfStep(told);
  const { key, element } = describe(transactions, append);
  const keyNumber = intAt(transactions.appends.key, append);
  const slot = intAt(versions.slotOf, append);
  const isSeen = slot >= 0;
  const end = isSeen ? slot : intAt(versions.starts, keyNumber + 1);
  const before = describe(transactions, lastAppendBefore(told, keyNumber, end)).element;
  return isSeen
    ? `${from} appended ${before} to ${key}, and ${to} the ${element} that stands next to it`
    : `${from} appended ${before} to ${key}, the last element that any read shows, and ${to} the ${element} that none shows yet`;
}

/** The last append of the step's first transaction to a key, before a slot. */
function lastAppendBefore(
  { transactions, versions, step }: Told,
  key: number,
  end: number,
): number {
  for (let slot = end - 1; slot >= intAt(versions.starts, key); slot -= 1) {
    if (writerAt(transactions, versions, slot) === step.from) return intAt(versions.appendAt, slot);
  }
  return -1;
}

function explainRead(told: Told, { from, to }: Names): string {
  const { transactions, step } = told;
  const { key, element } = describe(transactions, step.label);
  const list = findRead(told, step.to, true);
  return `${to} read ${key} as ${listText(list)}, to which ${from} had appended ${element}`;
}

function explainMissed(told: Told, { from, to }: Names): string {
  const { key, element } = describe(told.transactions, appendOfStep(told));
  const list = findRead(told, told.step.from, false);
  return `${from} read ${key} as ${listText(list)}, without the ${element} that ${to} appended to it`;
}

function explainTime({ transactions, step }: Told, { from, to }: Names): string {
  const ended = itemAt(transactions.operations, step.from).endLine;
  const began = itemAt(transactions.operations, step.to).callLine;
  return `${from} had ended${ended === null ? '' : ` (line ${ended})`} before ${to} began (line ${began})`;
}

/** The append a step is about; where it stands for several that no read shows, the first of the later transaction. */
function appendOfStep({ transactions, versions, step }: Told): number {
  if (step.label >= 0) return step.label;
  const key = -1 - step.label;
  const { starts, keyOf, appendOf } = transactions;
  for (let place = intAt(starts, step.to); place < intAt(starts, step.to + 1); place += 1) {
    const append = intAt(appendOf, place);
    if (append >= 0 && intAt(keyOf, place) === key && intAt(versions.slotOf, append) < 0) {
      return append;
    }
  }
  return -1;
}

/** What a transaction read of the step's key: the first list with, or without, the element the step is about. */
function findRead(told: Told, reader: number, isWith: boolean): List {
  const { starts, keyOf, listOf, appends } = told.transactions;
  const append = appendOfStep(told);
  const element = itemAt(appends.element, append);
  for (let place = intAt(starts, reader); place < intAt(starts, reader + 1); place += 1) {
    const list = itemAt(listOf, place);
    if (list === null || intAt(keyOf, place) !== intAt(appends.key, append)) continue;
    if (list.some((other) => valuesEqual(other, element)) === isWith) return list;
  }
  return [];
}

function describe(transactions: Transactions, append: number): { key: string; element: string } {
  const { appends, keys } = transactions;
  return {
    key: keyText(itemAt(keys, intAt(appends.key, append))),
    element: elementText(itemAt(appends.element, append)),
  };
}
