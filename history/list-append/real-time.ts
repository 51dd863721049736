import { assert } from '../../base/assert.ts';
import { type GraphBuilder, realtime, via } from './dependency-graph.ts';
import { intAt, itemAt } from './numbers.ts';
import { isOk, type Transactions } from './transactions.ts';
import type { Versions } from './versions.ts';

/**
 * Adds an order between transactions of which one ended before the other began. There may be n² such pairs, and even the pairs
 * that no others imply are n times the number of clients. So time itself becomes a row of nodes, one for each stretch in which
 * transactions ended and none began: who ended there leads into it, it leads to the next, and who began next comes out of it.
 *
 * A transaction whose end nobody saw (`info`) may take effect at any later time: it comes out of the row and never leads into it.
 */
export function addRealTime(
  transactions: Transactions,
  versions: Versions,
  builder: GraphBuilder,
): void {
  const { operations } = transactions;
  const ended = endedInOrder(transactions);
  let place = 0;
  let moment = -1;
  let lastCallAt = Number.NEGATIVE_INFINITY;
  for (let transaction = 0; transaction < operations.length; transaction += 1) {
    if (versions.happened[transaction] !== 1) continue;
    const { callAt } = itemAt(operations, transaction);
    assert(callAt >= lastCallAt, 'operations come by call');
    lastCallAt = callAt;
    let isNew = false;
    while (place < ended.length && endAt(transactions, intAt(ended, place)) < callAt) {
      if (!isNew) moment = nextMoment(builder, moment);
      isNew = true;
      builder.addEdge(intAt(ended, place), moment, realtime, 0);
      place += 1;
    }
    if (moment >= 0) builder.addEdge(moment, transaction, via, 0);
  }
}

function nextMoment(builder: GraphBuilder, moment: number): number {
  const next = builder.addNode();
  if (moment >= 0) builder.addEdge(moment, next, via, 0);
  return next;
}

function endedInOrder(transactions: Transactions): Int32Array {
  const numbers = new Int32Array(transactions.operations.length);
  let count = 0;
  for (let transaction = 0; transaction < numbers.length; transaction += 1) {
    if (!isOk(transactions, transaction)) continue;
    numbers[count] = transaction;
    count += 1;
  }
  return numbers
    .subarray(0, count)
    .sort((one, other) => endAt(transactions, one) - endAt(transactions, other));
}

function endAt(transactions: Transactions, transaction: number): number {
  return itemAt(transactions.operations, transaction).endAt;
}
