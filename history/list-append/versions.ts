import { valueKey, valuesEqual } from '../values.ts';
import { IntList, intAt, itemAt } from './numbers.ts';
import { isFailed, isOk, type List, type Transactions } from './transactions.ts';

/**
 * In which order the appends of each key took effect. A list shows its own history, so the longest list read of a key is the
 * order of its appends, and every other read should be a beginning of it (Kingsbury & Alvaro, *Elle*, VLDB 2020).
 *
 * The *slots* of a key are the different elements of its longest read, in order. A *version* of a key is a number of slots:
 * version 0 is the empty list.
 */
export interface Versions {
  /** The slots of key k are `starts[k]` up to, not including, `starts[k + 1]`. */
  readonly starts: Int32Array;
  /** By slot: the append that put it there, or -1 if nobody appended that element. */
  readonly appendAt: Int32Array;
  /** By append: its slot, or -1 if the longest read does not show it. */
  readonly slotOf: Int32Array;
  /** By key: the step that read the longest list, or -1 if no read showed anything. */
  readonly longestOf: Int32Array;
  /** By step: the version it read; `incompatible` for a read that is no beginning of the longest, `unread` for all other steps. */
  readonly versionOf: Int32Array;
  /** By transaction: 1 if it took effect, because it ended well or because somebody read what it appended. */
  readonly happened: Uint8Array;
}

export const incompatible: number = -1;
export const unread: number = -2;

export function findVersions(transactions: Transactions): Versions {
  const longestOf = findLongest(transactions);
  const { starts, appendAt, slotOf, distinct } = findSlots(transactions, longestOf);
  const versionOf = findReadVersions(transactions, longestOf, distinct);
  const happened = findHappened(transactions, appendAt, versionOf);
  return { starts, appendAt, slotOf, longestOf, versionOf, happened };
}

/** The last version of a key, which its longest read shows. */
export function lastVersionOf(versions: Versions, key: number): number {
  return intAt(versions.starts, key + 1) - intAt(versions.starts, key);
}

/** The list that the longest read of a key returned. */
export function longestListOf(transactions: Transactions, versions: Versions, key: number): List {
  const step = intAt(versions.longestOf, key);
  return step < 0 ? [] : (itemAt(transactions.listOf, step) ?? []);
}

/** The transaction that filled a slot, or -1 if none that took effect did. */
export function writerAt(transactions: Transactions, versions: Versions, slot: number): number {
  const append = intAt(versions.appendAt, slot);
  if (append < 0) return -1;
  const transaction = intAt(transactions.appends.transaction, append);
  return versions.happened[transaction] === 1 ? transaction : -1;
}

/** The earliest of the longest reads: which one it is does not depend on where the others stand. */
function findLongest(transactions: Transactions): Int32Array {
  const { keyOf, listOf } = transactions;
  const longestOf = new Int32Array(transactions.keys.length).fill(-1);
  const lengths = new Int32Array(transactions.keys.length);
  for (const [step, list] of listOf.entries()) {
    if (list === null) continue;
    const key = intAt(keyOf, step);
    if (list.length <= intAt(lengths, key)) continue;
    lengths[key] = list.length;
    longestOf[key] = step;
  }
  return longestOf;
}

interface Slots {
  readonly starts: Int32Array;
  readonly appendAt: Int32Array;
  readonly slotOf: Int32Array;
  /** For keys whose longest read repeats elements: how many different ones its beginnings have, by length. */
  readonly distinct: ReadonlyMap<number, Int32Array>;
}

function findSlots(transactions: Transactions, longestOf: Int32Array): Slots {
  const { appends, listOf } = transactions;
  const starts = new Int32Array(longestOf.length + 1);
  const appendAt = new IntList();
  const slotOf = new Int32Array(appends.count).fill(-1);
  const distinct = new Map<number, Int32Array>();
  for (const [key, longest] of longestOf.entries()) {
    const list = longest < 0 ? [] : (itemAt(listOf, longest) ?? []);
    const counts = countDistinct(list);
    for (const [place, element] of list.entries()) {
      if (intAt(counts, place + 1) === intAt(counts, place)) continue;
      const append = appends.find(key, element);
      if (append >= 0) slotOf[append] = appendAt.length;
      appendAt.push(append);
    }
    starts[key + 1] = appendAt.length;
    if (intAt(counts, list.length) < list.length) distinct.set(key, counts);
  }
  return { starts, appendAt: appendAt.view(), slotOf, distinct };
}

/** How many different elements the beginnings of a list have, by their length. */
function countDistinct(list: List): Int32Array {
  const counts = new Int32Array(list.length + 1);
  const seen = new Set();
  for (const [place, element] of list.entries()) {
    seen.add(valueKey(element));
    counts[place + 1] = seen.size;
  }
  return counts;
}

function findReadVersions(
  transactions: Transactions,
  longestOf: Int32Array,
  distinct: ReadonlyMap<number, Int32Array>,
): Int32Array {
  const { keyOf, listOf } = transactions;
  const versionOf = new Int32Array(listOf.length).fill(unread);
  for (const [step, list] of listOf.entries()) {
    if (list === null) continue;
    const key = intAt(keyOf, step);
    const longest = intAt(longestOf, key);
    const longestList = longest < 0 ? [] : (itemAt(listOf, longest) ?? []);
    if (isBeginning(list, longestList)) {
      const counts = distinct.get(key);
      versionOf[step] = counts === undefined ? list.length : intAt(counts, list.length);
    } else {
      versionOf[step] = incompatible;
    }
  }
  return versionOf;
}

/** The innermost loop of the checker: as long as the history's reads have elements. */
function isBeginning(list: List, longest: List): boolean {
  for (let place = 0; place < list.length; place += 1) {
    const one = list[place];
    const other = longest[place];
    if (one === other) continue;
    if (one === undefined || other === undefined || !valuesEqual(one, other)) return false;
  }
  return true;
}

/** An `info` transaction took effect if anybody saw one of its appends. */
function findHappened(
  transactions: Transactions,
  appendAt: Int32Array,
  versionOf: Int32Array,
): Uint8Array {
  const { appends, keyOf, listOf } = transactions;
  const happened = new Uint8Array(transactions.operations.length);
  const noteSeen = (append: number): void => {
    if (append < 0) return;
    const transaction = intAt(appends.transaction, append);
    if (!isFailed(transactions, transaction)) happened[transaction] = 1;
  };
  for (let number = 0; number < happened.length; number += 1) {
    if (isOk(transactions, number)) happened[number] = 1;
  }
  for (const append of appendAt) noteSeen(append);
  for (const [step, list] of listOf.entries()) {
    if (list === null || intAt(versionOf, step) !== incompatible) continue;
    for (const element of list) noteSeen(appends.find(intAt(keyOf, step), element));
  }
  return happened;
}
