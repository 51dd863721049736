import { HistoryOperationError } from '../errors.ts';
import type { HistoryValue, Operation, Outcome } from '../history.ts';
import { formatValue, isArray } from '../values.ts';
import type { Anomaly } from '../verdict.ts';

/** More of one kind are counted, not told. */
const anomaliesToldMax = 20;

/** Refuses what a model does not know, rather than to pass over it and call the history valid. */
export function requireKnown(
  operations: readonly Operation[],
  model: string,
  known: readonly string[],
): void {
  const stranger = operations.find((operation) => !known.includes(operation.f));
  if (stranger === undefined) return;
  const names = known.map((name) => `"${name}"`).join(', ');
  throw new HistoryOperationError(stranger, `the model ${model} knows ${names} and no other`);
}

/** What a read that ended well saw, which must be a collection. */
export function collectionRead(read: Operation): readonly HistoryValue[] {
  if (isArray(read.output)) return read.output;
  const seen = formatValue(read.output, 60);
  throw new HistoryOperationError(read, `a read of a set gives a collection, not ${seen}`);
}

/** How many operations there are, and how they ended. */
export function outcomeCounts(operations: readonly Operation[]): Map<string, number> {
  const count = (outcome: Outcome): number =>
    operations.reduce((sum, operation) => sum + (operation.outcome === outcome ? 1 : 0), 0);
  return new Map([
    ['operations', operations.length],
    ['ok', count('ok')],
    ['failed', count('fail')],
    ['unknown', count('info')],
  ]);
}

/** Anomalies by name, all counted and the first of each told. */
export class AnomalyList {
  readonly #told: Anomaly[] = [];
  readonly #counts = new Map<string, number>();

  add(name: string, tell: () => Omit<Anomaly, 'name' | 'steps'>): void {
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    if (count <= anomaliesToldMax) this.#told.push({ name, steps: [], ...tell() });
  }

  get told(): readonly Anomaly[] {
    return this.#told;
  }

  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  get isEmpty(): boolean {
    return this.#told.length === 0;
  }
}

/** `read of 3 by process 2 (line 17)`. */
export function mention(operation: Operation, value: HistoryValue = operation.input): string {
  return `${operation.f} ${formatValue(value, 60)} by process ${operation.process} (line ${operation.callLine})`;
}
