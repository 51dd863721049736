import type { HistoryValue, Operation } from '../history.ts';
import { formatValue, type ValueKey, valueKey } from '../values.ts';
import type { CheckLimits, Model, Verdict } from '../verdict.ts';
import { AnomalyList, collectionRead, outcomeCounts, requireKnown } from './operations.ts';
import { addsByElement, reportStrangers } from './set.ts';

export const setFullLevels = ['linearizable', 'eventual'] as const;
export type SetFullLevel = (typeof setFullLevels)[number];

export interface SetFullOptions {
  /**
   * `linearizable` (when not given): what was acknowledged or seen is in every read that begins later. `eventual`: a read may be stale as long as
   * a later one sees the element; Jepsen's `set-full` without `:linearizable?`.
   */
  readonly level?: SetFullLevel;
}

interface Element {
  readonly value: HistoryValue;
  /** Where it was first known to be there, and the operation that says so: an acknowledged add, or a read that saw it. */
  knownAt: number;
  knownBy: Operation | null;
  /** Where the last read that saw it was called. */
  lastSeenAt: number;
  isStale: boolean;
}

/** Like `set`, with every read judged: what is known to be there stays there. */
export function createSetFull(options: SetFullOptions = {}): Model {
  return {
    name: 'set-full',
    check: (operations, limits) => {
      requireKnown(operations, 'set-full', ['add', 'read']);
      return new SetFullCheck(operations, options, limits).run();
    },
  };
}

class SetFullCheck {
  readonly #operations: readonly Operation[];
  readonly #reads: readonly Operation[];
  readonly #allowsStale: boolean;
  readonly #stepsMax: number;
  readonly #elements = new Map<ValueKey, Element>();
  readonly #anomalies = new AnomalyList();
  #steps = 0;
  #staleCount = 0;

  constructor(operations: readonly Operation[], options: SetFullOptions, limits: CheckLimits) {
    this.#operations = operations;
    this.#reads = operations.filter(({ f, outcome }) => f === 'read' && outcome === 'ok');
    this.#allowsStale = options.level === 'eventual';
    this.#stepsMax = limits.stepsMax;
  }

  run(): Verdict {
    if (this.#reads.length === 0) {
      return { kind: 'undecided', reason: 'no read of the set ended well, so nothing was seen' };
    }
    const adds = addsByElement(this.#operations);
    for (const [key, { element, operations }] of adds) {
      const known = { value: element, knownAt: Number.POSITIVE_INFINITY, knownBy: null };
      const entry: Element = { ...known, lastSeenAt: Number.NEGATIVE_INFINITY, isStale: false };
      this.#elements.set(key, entry);
      for (const add of operations) if (add.outcome === 'ok') learn(entry, add);
    }
    for (const read of this.#reads) {
      reportStrangers(read, adds, this.#anomalies);
      for (const value of collectionRead(read)) this.#see(read, value);
    }
    if (!this.#findMissing()) {
      const reason = `no answer after ${this.#stepsMax} steps: too many reads miss too many elements`;
      return { kind: 'undecided', reason };
    }
    return this.#verdict();
  }

  #see(read: Operation, value: HistoryValue): void {
    const element = this.#elements.get(valueKey(value));
    if (element === undefined) return;
    learn(element, read);
    element.lastSeenAt = Math.max(element.lastSeenAt, read.callAt);
  }

  /** False when it would take too long. */
  #findMissing(): boolean {
    const waiting = [...this.#elements]
      .filter(([, { knownBy }]) => knownBy !== null)
      .sort(([, one], [, other]) => other.knownAt - one.knownAt);
    const known = new Map<ValueKey, Element>();
    for (const read of this.#reads) {
      for (let next = waiting.at(-1); next !== undefined; next = waiting.at(-1)) {
        if (next[1].knownAt >= read.callAt) break;
        known.set(...next);
        waiting.pop();
      }
      this.#compare(read, known);
      if (this.#steps > this.#stepsMax) return false;
    }
    return true;
  }

  /** A read that has as many known elements as there are misses none: most take no search. */
  #compare(read: Operation, known: Map<ValueKey, Element>): void {
    const present = new Set(collectionRead(read).map(valueKey));
    let found = 0;
    for (const key of present) if (known.has(key)) found += 1;
    if (found === known.size) return;
    this.#steps += known.size;
    for (const [key, element] of known) {
      if (present.has(key)) continue;
      if (this.#reportMissing(read, element) === 'lost') known.delete(key);
    }
  }

  #reportMissing(read: Operation, element: Element): 'lost' | 'stale' {
    const { value, knownBy, lastSeenAt } = element;
    const operations = knownBy === null ? [read] : [knownBy, read];
    const known = `${formatValue(value, 60)} was ${knownBy?.f === 'read' ? 'seen' : 'acknowledged'} before this read began`;
    if (lastSeenAt < read.callAt) {
      const explanation = `${known}, which does not see it, and no later one does`;
      this.#anomalies.add('lost', () => ({ explanation, operations }));
      return 'lost';
    }
    if (!element.isStale) this.#staleCount += 1;
    if (!element.isStale && !this.#allowsStale) {
      const explanation = `${known}, which does not see it, though a later one does`;
      this.#anomalies.add('stale-read', () => ({ explanation, operations }));
    }
    element.isStale = true;
    return 'stale';
  }

  #verdict(): Verdict {
    const known = [...this.#elements.values()].filter(({ knownBy }) => knownBy !== null);
    const unseen = known.filter(({ lastSeenAt }) => lastSeenAt === Number.NEGATIVE_INFINITY);
    const counts = outcomeCounts(this.#operations)
      .set('reads', this.#reads.length)
      .set('elements asked', this.#elements.size)
      .set('elements known', known.length)
      .set('elements never read', unseen.length)
      .set('elements stale', this.#staleCount);
    if (this.#anomalies.isEmpty) return { kind: 'valid', counts };
    for (const [name, count] of this.#anomalies.counts) counts.set(name, count);
    return { kind: 'invalid', anomalies: this.#anomalies.told, counts };
  }
}

function learn(element: Element, operation: Operation): void {
  if (operation.endAt >= element.knownAt) return;
  element.knownAt = operation.endAt;
  element.knownBy = operation;
}
