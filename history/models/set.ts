import type { HistoryValue, Operation } from '../history.ts';
import { formatValue, type ValueKey, valueKey } from '../values.ts';
import type { Model, Verdict } from '../verdict.ts';
import { AnomalyList, collectionRead, outcomeCounts, requireKnown } from './operations.ts';

/** All operations that add one element. */
export interface Adds {
  readonly element: HistoryValue;
  readonly operations: Operation[];
}

/**
 * Elements are added, and the last read that ended well must hold all that were acknowledged before it began, none that nobody added or
 * whose add failed, and none twice. Reads before it are not judged: `set-full` does that.
 */
export function createSet(): Model {
  return {
    name: 'set',
    check: (operations) => {
      requireKnown(operations, 'set', ['add', 'read']);
      return checkSet(operations);
    },
  };
}

function checkSet(operations: readonly Operation[]): Verdict {
  const last = operations.findLast(({ f, outcome }) => f === 'read' && outcome === 'ok');
  if (last === undefined) {
    return { kind: 'undecided', reason: 'no read of the set ended well, so nothing was seen' };
  }
  const adds = addsByElement(operations);
  const seen = collectionRead(last);
  const present = new Set(seen.map(valueKey));
  const anomalies = new AnomalyList();
  reportStrangers(last, adds, anomalies);
  let acknowledged = 0;
  let recovered = 0;
  for (const [key, { element, operations: added }] of adds) {
    const known = added.find(({ outcome, endAt }) => outcome === 'ok' && endAt < last.callAt);
    if (known !== undefined) acknowledged += 1;
    else if (present.has(key)) recovered += 1;
    if (known === undefined || present.has(key)) continue;
    anomalies.add('lost', () => ({
      explanation: `the add of ${formatValue(element)} was acknowledged, and the last read does not see it`,
      operations: [known, last],
    }));
  }
  const counts = outcomeCounts(operations)
    .set('elements asked', adds.size)
    .set('elements acknowledged', acknowledged)
    .set('elements read', present.size)
    .set('elements recovered', recovered);
  if (anomalies.isEmpty) return { kind: 'valid', counts };
  for (const [name, count] of anomalies.counts) counts.set(name, count);
  return { kind: 'invalid', anomalies: anomalies.told, counts };
}

export function addsByElement(operations: readonly Operation[]): ReadonlyMap<ValueKey, Adds> {
  const adds = new Map<ValueKey, Adds>();
  for (const operation of operations) {
    if (operation.f !== 'add') continue;
    const key = valueKey(operation.input);
    const known = adds.get(key);
    if (known === undefined) adds.set(key, { element: operation.input, operations: [operation] });
    else known.operations.push(operation);
  }
  return adds;
}

/** Elements of one read that cannot be there: nobody asked for them, only later, or only in vain; and those that are there twice. */
export function reportStrangers(
  read: Operation,
  adds: ReadonlyMap<ValueKey, Adds>,
  anomalies: AnomalyList,
): void {
  const present = new Set<ValueKey>();
  for (const element of collectionRead(read)) {
    const key = valueKey(element);
    const text = (): string => formatValue(element, 60);
    if (present.has(key)) {
      anomalies.add('duplicate', () => ({
        explanation: `${text()} is in the set more than once`,
        operations: [...(adds.get(key)?.operations ?? []).slice(0, 3), read],
      }));
    }
    present.add(key);
    const added = adds.get(key)?.operations ?? [];
    if (added.some(({ outcome, callAt }) => outcome !== 'fail' && callAt < read.endAt)) continue;
    reportStranger(read, added, { text, anomalies });
  }
}

function reportStranger(
  read: Operation,
  added: readonly Operation[],
  report: { readonly text: () => string; readonly anomalies: AnomalyList },
): void {
  const { text, anomalies } = report;
  const later = added.find(({ outcome }) => outcome !== 'fail');
  if (added.length === 0) {
    anomalies.add('unexpected', () => ({
      explanation: `nobody asked to add ${text()}, and a read sees it`,
      operations: [read],
    }));
  } else if (later !== undefined) {
    anomalies.add('future-read', () => ({
      explanation: `a read saw ${text()} before anybody began to add it`,
      operations: [read, later],
    }));
  } else {
    anomalies.add('failed-add', () => ({
      explanation: `whoever asked to add ${text()} was told that it failed, and a read sees it`,
      operations: [...added.slice(0, 3), read],
    }));
  }
}
