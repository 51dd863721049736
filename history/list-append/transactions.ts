import { HistoryOperationError } from '../errors.ts';
import type { HistoryValue, Operation } from '../history.ts';
import { formatValue, isArray, type ValueKey, valueKey } from '../values.ts';
import { byteAt, intAt, itemAt } from './numbers.ts';

/** A history of transactions on lists as rows of numbers. A transaction has the number of its operation's place in the list. */
export interface Transactions {
  readonly operations: readonly Operation[];
  /** Keys as the history writes them, by the number used here. */
  readonly keys: readonly HistoryValue[];
  /** The steps of transaction t are `starts[t]` up to, not including, `starts[t + 1]`. */
  readonly starts: Int32Array;
  /** By step: its key. */
  readonly keyOf: Int32Array;
  /** By step: the number of the append it is, or -1 for a read. */
  readonly appendOf: Int32Array;
  /** By step: what a read returned; null for an append, and for a read whose answer nobody got. */
  readonly listOf: readonly (List | null)[];
  readonly appends: Appends;
}

export type List = readonly HistoryValue[];

/** Every append of the history, also of transactions that failed. Each element is appended to a key once. */
export interface Appends {
  readonly count: number;
  readonly transaction: Int32Array;
  readonly key: Int32Array;
  readonly element: List;
  /** 1 where the same transaction appends to the same key again: a state nobody else may see (G1b). */
  readonly isIntermediate: Uint8Array;
  /** The number of the append of an element to a key; -1 if nobody appended it. */
  find(key: number, element: HistoryValue): number;
}

/** Takes the answer of a transaction that ended well, else what was asked. Throws `HistoryOperationError` on anything else. */
export function readTransactions(operations: readonly Operation[]): Transactions {
  const reader = new TransactionReader(operations);
  for (let number = 0; number < operations.length; number += 1) reader.read(number);
  return reader.finish();
}

/** How many steps all transactions have, to know the memory it takes before it is taken. */
export function countSteps(operations: readonly Operation[]): number {
  return operations.reduce((sum, operation) => sum + stepsOf(operation).length, 0);
}

class TransactionReader {
  readonly #operations: readonly Operation[];
  readonly #starts: Int32Array;
  readonly #keyOf: Int32Array;
  readonly #appendOf: Int32Array;
  readonly #listOf: (List | null)[] = [];
  readonly #keyNumbers = new Map<ValueKey, number>();
  readonly #keys: HistoryValue[] = [];
  readonly #appendsOfKey: Map<ValueKey, number>[] = [];
  /** By key: the last append seen. */
  readonly #lastAppend: number[] = [];
  readonly #transaction: Int32Array;
  readonly #keyOfAppend: Int32Array;
  readonly #isIntermediate: Uint8Array;
  readonly #elements: HistoryValue[] = [];
  #step = 0;

  constructor(operations: readonly Operation[]) {
    this.#operations = operations;
    const stepCount = countSteps(operations);
    this.#starts = new Int32Array(operations.length + 1);
    this.#keyOf = new Int32Array(stepCount);
    this.#appendOf = new Int32Array(stepCount).fill(-1);
    this.#transaction = new Int32Array(stepCount);
    this.#keyOfAppend = new Int32Array(stepCount);
    this.#isIntermediate = new Uint8Array(stepCount);
  }

  read(number: number): void {
    const operation = itemAt(this.#operations, number);
    for (const step of stepsOf(operation)) {
      if (!isArray(step) || step.length !== 3) {
        throw stepError(operation, step, 'is not [f key value]');
      }
      const [f, name = null, value = null] = step;
      const key = this.#keyNumber(name);
      this.#keyOf[this.#step] = key;
      if (f === 'append') {
        this.#listOf.push(null);
        this.#appendOf[this.#step] = this.#append(number, key, value);
      } else if (f === 'r') {
        this.#listOf.push(listOf(operation, step, value));
      } else {
        throw stepError(operation, step, 'is neither an append nor a read (r)');
      }
      this.#step += 1;
    }
    this.#starts[number + 1] = this.#step;
  }

  finish(): Transactions {
    const count = this.#elements.length;
    const appendsOfKey = this.#appendsOfKey;
    return {
      operations: this.#operations,
      keys: this.#keys,
      starts: this.#starts,
      keyOf: this.#keyOf,
      appendOf: this.#appendOf,
      listOf: this.#listOf,
      appends: {
        count,
        transaction: this.#transaction.subarray(0, count),
        key: this.#keyOfAppend.subarray(0, count),
        element: this.#elements,
        isIntermediate: this.#isIntermediate.subarray(0, count),
        find: (key, element) => itemAt(appendsOfKey, key).get(valueKey(element)) ?? -1,
      },
    };
  }

  #keyNumber(name: HistoryValue): number {
    const identity = valueKey(name);
    const known = this.#keyNumbers.get(identity);
    if (known !== undefined) return known;
    const key = this.#keys.length;
    this.#keyNumbers.set(identity, key);
    this.#keys.push(name);
    this.#appendsOfKey.push(new Map());
    this.#lastAppend.push(-1);
    return key;
  }

  #append(transaction: number, key: number, element: HistoryValue): number {
    const append = this.#elements.length;
    const ofKey = itemAt(this.#appendsOfKey, key);
    const identity = valueKey(element);
    const earlier = ofKey.get(identity);
    if (earlier !== undefined) this.#refuseSecond(transaction, earlier);
    ofKey.set(identity, append);
    this.#elements.push(element);
    this.#transaction[append] = transaction;
    this.#keyOfAppend[append] = key;
    const last = itemAt(this.#lastAppend, key);
    if (last >= 0 && intAt(this.#transaction, last) === transaction) this.#isIntermediate[last] = 1;
    this.#lastAppend[key] = append;
    return append;
  }

  #refuseSecond(transaction: number, earlier: number): never {
    const first = itemAt(this.#operations, intAt(this.#transaction, earlier));
    const key = itemAt(this.#keys, intAt(this.#keyOfAppend, earlier));
    throw new HistoryOperationError(
      itemAt(this.#operations, transaction),
      `appends ${formatValue(itemAt(this.#elements, earlier))} to key ${formatValue(key)}, as line ${first.callLine} did; ` +
        'to tell appends apart, each element may be appended to a key once',
    );
  }
}

function stepsOf(operation: Operation): List {
  const value = operation.outcome === 'ok' ? operation.output : operation.input;
  if (!isArray(value)) {
    throw new HistoryOperationError(
      operation,
      `the value ${formatValue(value)} is not a transaction: expected a list of [append key value] and [r key list]`,
    );
  }
  return value;
}

/** The initial state of a key is written as nil or as an empty list. */
function listOf(operation: Operation, step: List, value: HistoryValue): List | null {
  if (operation.outcome !== 'ok') return null;
  if (value === null) return [];
  if (!isArray(value)) throw stepError(operation, step, 'reads something that is not a list');
  return value;
}

function stepError(operation: Operation, step: HistoryValue, fault: string): HistoryOperationError {
  return new HistoryOperationError(operation, `the step ${formatValue(step)} ${fault}`);
}

/** Whether a transaction took effect for certain; an `info` one may have. */
export function isOk(transactions: Transactions, transaction: number): boolean {
  return itemAt(transactions.operations, transaction).outcome === 'ok';
}

export function isFailed(transactions: Transactions, transaction: number): boolean {
  return itemAt(transactions.operations, transaction).outcome === 'fail';
}

/** Whether another append of the same transaction to the same key follows. */
export function isIntermediate(appends: Appends, append: number): boolean {
  return byteAt(appends.isIntermediate, append) === 1;
}
