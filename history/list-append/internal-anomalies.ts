import type { HistoryValue } from '../history.ts';
import { valuesEqual } from '../values.ts';
import type { AnomalyCollector } from './anomaly-collector.ts';
import { intAt, itemAt } from './numbers.ts';
import { isOk, type List, type Transactions } from './transactions.ts';
import { elementText, keyText, listText } from './wording.ts';

/** What a transaction must see of one key, as far as its own earlier steps tell. */
interface Expectation {
  /** The list before `own`; null when nothing tells. */
  base: List | null;
  own: HistoryValue[];
  /** The transaction appended to the key: from there on the state is its own, at every level. */
  hasAppended: boolean;
  /** A read told the whole state after an append of the transaction itself. */
  isSettled: boolean;
}

/**
 * Transactions that contradict themselves. `internal`: a read that does not agree with the transaction's own last read and
 * appends of the key (axiom INT of Cerone, Bernardi & Gotsman, CONCUR 2015). Where reads need not be stable, only what the
 * transaction itself appended counts: after its own append it must see its own state (Adya, *Weak Consistency*, 1999).
 * `future-read`: a read of what the same transaction appends only later.
 */
export function findInternalAnomalies(
  transactions: Transactions,
  hasStableReads: boolean,
  collector: AnomalyCollector,
): void {
  for (let transaction = 0; transaction < transactions.operations.length; transaction += 1) {
    if (!isOk(transactions, transaction) || !repeatsKeys(transactions, transaction)) continue;
    findInternal({ transactions, transaction, hasStableReads, collector });
    findFutureReads(transactions, transaction, collector);
  }
}

/** Most transactions touch each key once and cannot contradict themselves. */
function repeatsKeys(transactions: Transactions, transaction: number): boolean {
  const start = intAt(transactions.starts, transaction);
  const end = intAt(transactions.starts, transaction + 1);
  return end - start > 1 && new Set(transactions.keyOf.subarray(start, end)).size < end - start;
}

function findInternal(options: {
  readonly transactions: Transactions;
  readonly transaction: number;
  readonly hasStableReads: boolean;
  readonly collector: AnomalyCollector;
}): void {
  const { transactions, transaction, hasStableReads, collector } = options;
  const { starts, keyOf, appendOf, listOf, appends, keys, operations } = transactions;
  const expectations = new Map<number, Expectation>();
  for (let step = intAt(starts, transaction); step < intAt(starts, transaction + 1); step += 1) {
    const key = intAt(keyOf, step);
    const expectation = expectations.get(key) ?? nothingKnown();
    expectations.set(key, expectation);
    const list = itemAt(listOf, step);
    if (list === null) {
      expectAppend(expectation, itemAt(appends.element, intAt(appendOf, step)), hasStableReads);
      continue;
    }
    const { base, own } = expectation;
    const isJudged = hasStableReads || expectation.hasAppended;
    if (isJudged && !meets(list, expectation)) {
      collector.note('internal', list.length, () => ({
        name: 'internal',
        explanation:
          `T1 read ${keyText(itemAt(keys, key))} as ${listText(list)}, but after its own earlier steps it had to read ` +
          `${base === null ? `a list that ends in ${listText(own)}` : listText([...base, ...own])}.`,
        operations: [itemAt(operations, transaction)],
        steps: [],
      }));
    }
    expectRead(expectation, list);
  }
}

function nothingKnown(): Expectation {
  return { base: null, own: [], hasAppended: false, isSettled: false };
}

function expectAppend(
  expectation: Expectation,
  element: HistoryValue,
  hasStableReads: boolean,
): void {
  // Without stable reads others may commit between a read and the first append.
  if (!hasStableReads && !expectation.isSettled) expectation.base = null;
  expectation.own.push(element);
  expectation.hasAppended = true;
}

function expectRead(expectation: Expectation, list: List): void {
  expectation.base = list;
  expectation.own = [];
  expectation.isSettled = expectation.hasAppended;
}

function meets(list: List, { base, own }: Expectation): boolean {
  const before = list.length - own.length;
  if (before < 0 || (base !== null && base.length !== before)) return false;
  return sameFrom(list, 0, base ?? []) && sameFrom(list, before, own);
}

function sameFrom(list: List, start: number, part: List): boolean {
  return part.every((element, place) => valuesEqual(element, itemAt(list, start + place)));
}

function findFutureReads(
  transactions: Transactions,
  transaction: number,
  collector: AnomalyCollector,
): void {
  const { starts, keyOf, appendOf, listOf, appends, keys, operations } = transactions;
  const start = intAt(starts, transaction);
  const readsOfKey = new Map<number, List[]>();
  for (let step = start; step < intAt(starts, transaction + 1); step += 1) {
    const key = intAt(keyOf, step);
    const reads = readsOfKey.get(key) ?? [];
    readsOfKey.set(key, reads);
    const list = itemAt(listOf, step);
    if (list !== null) {
      reads.push(list);
      continue;
    }
    const element = itemAt(appends.element, intAt(appendOf, step));
    const early = reads.find((read) => includes(read, element));
    if (early === undefined) continue;
    collector.note('future-read', early.length, () => ({
      name: 'future-read',
      explanation:
        `T1 read ${keyText(itemAt(keys, key))} as ${listText(early)}, which shows the ${elementText(element)} ` +
        'that T1 itself appends only afterwards.',
      operations: [itemAt(operations, transaction)],
      steps: [],
    }));
  }
}

function includes(list: List, element: HistoryValue): boolean {
  return list.includes(element) || list.some((other) => valuesEqual(other, element));
}
