import type { Anomaly } from '../verdict.ts';
import type { AnomalyCollector } from './anomaly-collector.ts';
import { intAt, itemAt } from './numbers.ts';
import { isOk, type Transactions } from './transactions.ts';
import type { Versions } from './versions.ts';
import { elementText, keyText, listText } from './wording.ts';

/** Two transactions that updated the same version: by the steps in which the later one read it and appended to it. */
interface LostUpdate {
  readonly earlier: number;
  readonly later: number;
  readonly readStep: number;
  readonly appendStep: number;
}

/**
 * Two committed transactions that read the same version of a key and both appended to it (Adya's H-lost; Bailis et al., VLDB
 * 2014): each decided without knowing of the other. Where later reads show the order of both appends it is a cycle too;
 * here it is found even if none does.
 */
export function findLostUpdates(
  transactions: Transactions,
  versions: Versions,
  collector: AnomalyCollector,
): void {
  const { starts, operations, keys, keyOf, appendOf } = transactions;
  // A key with n slots has n + 1 versions, hence the `+ key` below.
  const updaterOf = new Int32Array(versions.appendAt.length + keys.length).fill(-1);
  /** By key: the transaction that touched it last, and where that transaction first touched it. */
  const toucherOf = new Int32Array(keys.length).fill(-1);
  const firstStepOf = new Int32Array(keys.length);

  const noteUpdate = (later: number, appendStep: number): void => {
    const key = intAt(keyOf, appendStep);
    const readStep = intAt(firstStepOf, key);
    const version = intAt(versions.versionOf, readStep);
    // Not a read, or one that no version order explains.
    if (version < 0) return;
    // A transaction updates a key once, however often it appends to it.
    firstStepOf[key] = appendStep;
    const place = intAt(versions.starts, key) + key + version;
    const earlier = intAt(updaterOf, place);
    if (earlier < 0) updaterOf[place] = later;
    else {
      const found: LostUpdate = { earlier, later, readStep, appendStep };
      collector.note('lost-update', version, () => lostUpdate(transactions, found));
    }
  };

  for (let transaction = 0; transaction < operations.length; transaction += 1) {
    if (!isOk(transactions, transaction)) continue;
    for (let step = intAt(starts, transaction); step < intAt(starts, transaction + 1); step += 1) {
      const key = intAt(keyOf, step);
      if (intAt(toucherOf, key) !== transaction) firstStepOf[key] = step;
      toucherOf[key] = transaction;
      if (intAt(appendOf, step) >= 0) noteUpdate(transaction, step);
    }
  }
}

function lostUpdate(transactions: Transactions, found: LostUpdate): Anomaly {
  const { keys, keyOf, listOf, appendOf, appends, operations } = transactions;
  const list = itemAt(listOf, found.readStep) ?? [];
  const element = itemAt(appends.element, intAt(appendOf, found.appendStep));
  const key = keyText(itemAt(keys, intAt(keyOf, found.readStep)));
  return {
    name: 'lost-update',
    explanation:
      `T1 and T2 both read ${key} as ${listText(list)}, both appended to it (T2 the ${elementText(element)}), and both ` +
      'committed: one of them updated what it had not seen.',
    operations: [itemAt(operations, found.earlier), itemAt(operations, found.later)],
    steps: [],
  };
}
