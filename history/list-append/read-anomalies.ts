import type { Operation } from '../history.ts';
import { valueKey } from '../values.ts';
import type { Anomaly } from '../verdict.ts';
import type { AnomalyCollector } from './anomaly-collector.ts';
import type { AnomalyName } from './consistency.ts';
import { intAt, itemAt } from './numbers.ts';
import { isFailed, isIntermediate, isOk, type List, type Transactions } from './transactions.ts';
import { incompatible, longestListOf, unread, type Versions } from './versions.ts';
import { elementText, keyText, listText } from './wording.ts';

/**
 * What single reads show, whatever else happened: elements nobody appended, appended by a failed transaction, seen twice, seen
 * halfway through a transaction, or in an order that another read contradicts.
 */
export function findReadAnomalies(
  transactions: Transactions,
  versions: Versions,
  collector: AnomalyCollector,
): void {
  const finder = new ReadAnomalyFinder(transactions, versions, collector);
  finder.findInReads();
  finder.findDirtyUpdates();
  finder.findReversedAppends();
}

/** How much of a list one must read to see a fault in it; 0 if it has none. */
interface ListFaults {
  readonly garbage: number;
  readonly aborted: number;
  readonly duplicate: number;
}

class ReadAnomalyFinder {
  readonly #transactions: Transactions;
  readonly #versions: Versions;
  readonly #collector: AnomalyCollector;
  /** Faults of the longest lists, by key: reads that are a beginning of them need not be looked through again. */
  readonly #faultsOfKey: ListFaults[];

  constructor(transactions: Transactions, versions: Versions, collector: AnomalyCollector) {
    this.#transactions = transactions;
    this.#versions = versions;
    this.#collector = collector;
    this.#faultsOfKey = transactions.keys.map((_, key) =>
      this.#faultsOf(key, longestListOf(transactions, versions, key)),
    );
  }

  findInReads(): void {
    const { operations, starts, listOf } = this.#transactions;
    for (let transaction = 0; transaction < operations.length; transaction += 1) {
      const end = intAt(starts, transaction + 1);
      for (let step = intAt(starts, transaction); step < end; step += 1) {
        const list = itemAt(listOf, step);
        if (list !== null && list.length > 0) this.#inspect(transaction, step, list);
      }
    }
  }

  /** A committed append on top of an aborted one (Elle: dirty update): what failed lives on in what did not. */
  findDirtyUpdates(): void {
    const { keys } = this.#transactions;
    const { starts } = this.#versions;
    for (let key = 0; key < keys.length; key += 1) {
      let aborted = -1;
      for (let slot = intAt(starts, key); slot < intAt(starts, key + 1); slot += 1) {
        const writer = this.#appenderAt(slot);
        if (writer < 0) continue;
        if (isFailed(this.#transactions, writer)) {
          aborted = slot;
        } else if (aborted >= 0 && isOk(this.#transactions, writer)) {
          this.#noteDirtyUpdate(key, aborted, slot);
          aborted = -1;
        }
      }
    }
  }

  /** Two appends of one transaction to a key, of which a read shows the second before the first, or without it. */
  findReversedAppends(): void {
    const { appends, keys } = this.#transactions;
    const lastOfKey = new Int32Array(keys.length).fill(-1);
    for (let append = 0; append < appends.count; append += 1) {
      const key = intAt(appends.key, append);
      const before = intAt(lastOfKey, key);
      lastOfKey[key] = append;
      const transaction = intAt(appends.transaction, append);
      const slot = intAt(this.#versions.slotOf, append);
      if (before < 0 || slot < 0 || intAt(appends.transaction, before) !== transaction) continue;
      const slotBefore = intAt(this.#versions.slotOf, before);
      if (slotBefore < 0 || slotBefore > slot) this.#noteReversed(before, append);
    }
  }

  #inspect(transaction: number, step: number, list: List): void {
    const key = intAt(this.#transactions.keyOf, step);
    const isIncompatible = intAt(this.#versions.versionOf, step) === incompatible;
    const faults = isIncompatible ? this.#faultsOf(key, list) : itemAt(this.#faultsOfKey, key);
    const shows = (length: number): boolean => length > 0 && length <= list.length;
    if (shows(faults.garbage)) this.#noteGarbage(transaction, step, faults.garbage);
    if (shows(faults.aborted)) this.#noteAborted(transaction, step, faults.aborted);
    if (shows(faults.duplicate)) this.#noteDuplicate(transaction, step, faults.duplicate);
    if (isIncompatible) this.#noteIncompatible(transaction, step, list);
    this.#inspectEnd(transaction, step, list);
  }

  /** Adya's G1b: the state of a key between two appends of one transaction, seen by another. */
  #inspectEnd(transaction: number, step: number, list: List): void {
    const { appends } = this.#transactions;
    const append = this.#lastAppendOf(step, list);
    if (append < 0 || !isIntermediate(appends, append)) return;
    const writer = intAt(appends.transaction, append);
    if (writer === transaction || isFailed(this.#transactions, writer)) return;
    this.#note('G1b', list.length, () => {
      const key = intAt(this.#transactions.keyOf, step);
      return this.#anomaly({
        name: 'G1b',
        transactions: [writer, transaction],
        explanation:
          `T2 read ${this.#keyText(key)} as ${listText(list)}, which ends where T1 had appended ` +
          `${elementText(itemAt(list, list.length - 1))} but was yet to append more to it: no committed state ends there.`,
      });
    });
  }

  /** The append that a read shows last. */
  #lastAppendOf(step: number, list: List): number {
    const { versionOf, starts, appendAt } = this.#versions;
    const key = intAt(this.#transactions.keyOf, step);
    const version = intAt(versionOf, step);
    if (version === unread || version === 0) return -1;
    if (version > 0) return intAt(appendAt, intAt(starts, key) + version - 1);
    return this.#transactions.appends.find(key, itemAt(list, list.length - 1));
  }

  #faultsOf(key: number, list: List): ListFaults {
    const { appends } = this.#transactions;
    const seen = new Set();
    const faults = { garbage: 0, aborted: 0, duplicate: 0 };
    for (const [place, element] of list.entries()) {
      const append = appends.find(key, element);
      if (append < 0) {
        faults.garbage ||= place + 1;
      } else if (isFailed(this.#transactions, intAt(appends.transaction, append))) {
        faults.aborted ||= place + 1;
      }
      seen.add(valueKey(element));
      if (seen.size <= place) faults.duplicate ||= place + 1;
    }
    return faults;
  }

  #noteGarbage(transaction: number, step: number, length: number): void {
    this.#note('garbage-read', length, () => {
      const list = this.#listOf(step);
      return this.#anomaly({
        name: 'garbage-read',
        transactions: [transaction],
        explanation:
          `T1 read ${elementText(itemAt(list, length - 1))} in ${this.#keyText(intAt(this.#transactions.keyOf, step))}, ` +
          `which nobody ever appended to it: it read ${listText(list)}.`,
      });
    });
  }

  #noteAborted(transaction: number, step: number, length: number): void {
    this.#note('G1a', length, () => {
      const list = this.#listOf(step);
      const key = intAt(this.#transactions.keyOf, step);
      const element = itemAt(list, length - 1);
      const { appends } = this.#transactions;
      const writer = intAt(appends.transaction, appends.find(key, element));
      return this.#anomaly({
        name: 'G1a',
        transactions: [writer, transaction],
        explanation:
          `T2 read ${elementText(element)} in ${this.#keyText(key)}, which T1 had appended, but T1 failed: ` +
          `what it appended must never be seen. T2 read ${listText(list)}.`,
      });
    });
  }

  #noteDuplicate(transaction: number, step: number, length: number): void {
    this.#note('duplicate-elements', length, () => {
      const list = this.#listOf(step);
      const key = intAt(this.#transactions.keyOf, step);
      const element = itemAt(list, length - 1);
      const append = this.#transactions.appends.find(key, element);
      const writer = append < 0 ? -1 : intAt(this.#transactions.appends.transaction, append);
      const isOther = writer >= 0 && writer !== transaction;
      return this.#anomaly({
        name: 'duplicate-elements',
        transactions: isOther ? [writer, transaction] : [transaction],
        explanation:
          `${isOther ? 'T2' : 'T1'} read ${elementText(element)} in ${this.#keyText(key)} more than once, ` +
          `though it was appended once${isOther ? ', by T1' : ''}: it read ${listText(list)}.`,
      });
    });
  }

  #noteIncompatible(transaction: number, step: number, list: List): void {
    this.#note('incompatible-order', list.length, () => {
      const key = intAt(this.#transactions.keyOf, step);
      const longestStep = intAt(this.#versions.longestOf, key);
      const longest = longestListOf(this.#transactions, this.#versions, key);
      const other = this.#transactionOf(longestStep);
      const [first, second] = other === transaction ? ['T1', 'T1 also'] : ['T1', 'T2'];
      return this.#anomaly({
        name: 'incompatible-order',
        transactions: other === transaction ? [transaction] : [other, transaction],
        explanation:
          `${first} read ${this.#keyText(key)} as ${listText(longest)}, ${second} as ${listText(list)}: ` +
          'neither list is the beginning of the other, so the key had two histories.',
      });
    });
  }

  #noteReversed(first: number, second: number): void {
    const { appends } = this.#transactions;
    const key = intAt(appends.key, second);
    const longest = longestListOf(this.#transactions, this.#versions, key);
    this.#note('incompatible-order', longest.length, () => {
      const writer = intAt(appends.transaction, second);
      const reader = this.#transactionOf(intAt(this.#versions.longestOf, key));
      const [one, other] = [first, second].map((append) =>
        elementText(itemAt(appends.element, append)),
      );
      return this.#anomaly({
        name: 'incompatible-order',
        transactions: writer === reader ? [writer] : [writer, reader],
        explanation:
          `T1 appended ${one} to ${this.#keyText(key)} and then ${other}, but ${writer === reader ? 'T1' : 'T2'} read ` +
          `${listText(longest)}, where the second is not preceded by the first.`,
      });
    });
  }

  #noteDirtyUpdate(key: number, aborted: number, slot: number): void {
    this.#note('dirty-update', slot - aborted, () => {
      const { appends } = this.#transactions;
      const elementAt = (place: number): string =>
        elementText(itemAt(appends.element, intAt(this.#versions.appendAt, place)));
      const reader = this.#transactionOf(intAt(this.#versions.longestOf, key));
      return this.#anomaly({
        name: 'dirty-update',
        transactions: [this.#appenderAt(aborted), this.#appenderAt(slot), reader],
        explanation:
          `T1 failed, and yet T2's append of ${elementAt(slot)} to ${this.#keyText(key)} stands on T1's append of ` +
          `${elementAt(aborted)}, as T3 read.`,
      });
    });
  }

  #note(name: AnomalyName, size: number, build: () => Anomaly): void {
    this.#collector.note(name, size, build);
  }

  #anomaly(options: {
    readonly name: AnomalyName;
    readonly transactions: readonly number[];
    readonly explanation: string;
  }): Anomaly {
    return {
      name: options.name,
      explanation: options.explanation,
      operations: options.transactions.map(
        (transaction): Operation => itemAt(this.#transactions.operations, transaction),
      ),
      steps: [],
    };
  }

  #appenderAt(slot: number): number {
    const append = intAt(this.#versions.appendAt, slot);
    return append < 0 ? -1 : intAt(this.#transactions.appends.transaction, append);
  }

  #listOf(step: number): List {
    return itemAt(this.#transactions.listOf, step) ?? [];
  }

  #keyText(key: number): string {
    return keyText(itemAt(this.#transactions.keys, key));
  }

  /** The transaction a step belongs to, by halving. */
  #transactionOf(step: number): number {
    const { starts } = this.#transactions;
    let low = 0;
    let high = starts.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (intAt(starts, middle) <= step) low = middle;
      else high = middle;
    }
    return low;
  }
}
