import { HistoryOperationError } from '../errors.ts';
import type { HistoryValue, Operation } from '../history.ts';
import { formatValue } from '../values.ts';
import type { Model, Verdict } from '../verdict.ts';
import { AnomalyList, outcomeCounts, requireKnown } from './operations.ts';

const addsToldMax = 8;

interface Change {
  readonly place: number;
  readonly lower: number;
  readonly upper: number;
}

/**
 * A counter starts at 0 and is added to, also negative numbers. A read must lie between the least and the most that the adds can come to:
 * those acknowledged before it began count, those that failed do not, and of the others, asked for before it ended, any may or may not.
 *
 * These bounds are what Jepsen's `counter` checks, here with decrements. They are necessary, not sufficient: reads are not held
 * against each other, and a sum within the bounds that no subset of the open adds gives is accepted.
 */
export function createCounter(): Model {
  return {
    name: 'counter',
    check: (operations) => {
      requireKnown(operations, 'counter', ['add', 'read']);
      return checkCounter(operations);
    },
  };
}

function checkCounter(operations: readonly Operation[]): Verdict {
  const adds = operations.filter(({ f, outcome }) => f === 'add' && outcome !== 'fail');
  const asked = new PrefixSums(adds.map((add) => ({ place: add.callAt, ...split(amountOf(add)) })));
  const acknowledged = new PrefixSums(
    adds
      .filter(({ outcome }) => outcome === 'ok')
      .map((add) => ({ place: add.endAt, ...split(amountOf(add)) }))
      .sort((one, other) => one.place - other.place),
  );
  const anomalies = new AnomalyList();
  let readCount = 0;
  for (const read of operations) {
    if (read.f !== 'read' || read.outcome !== 'ok') continue;
    readCount += 1;
    const seen = numberOf(read, read.output);
    const sure = acknowledged.before(read.callAt);
    const possible = asked.before(read.endAt);
    // Increments that are sure raise both bounds; decrements that are only possible lower the lower one; and the reverse.
    const least = sure.upper + possible.lower;
    const most = possible.upper + sure.lower;
    if (seen >= least && seen <= most) continue;
    anomalies.add(seen < least ? 'too-low' : 'too-high', () => ({
      explanation: `the counter was read as ${seen}, and the adds can have come to ${least} at least and ${most} at most`,
      operations: [...openAdds(adds, read), read],
    }));
  }
  const counts = outcomeCounts(operations).set('reads', readCount);
  if (!anomalies.isEmpty) {
    for (const [name, count] of anomalies.counts) counts.set(name, count);
    return { kind: 'invalid', anomalies: anomalies.told, counts };
  }
  if (readCount > 0) return { kind: 'valid', counts };
  return { kind: 'undecided', reason: 'no read of the counter ended well, so nothing was seen' };
}

/** The newest adds before the end of a read: those it should have seen, or may have. */
function openAdds(adds: readonly Operation[], read: Operation): readonly Operation[] {
  return adds.filter(({ callAt }) => callAt < read.endAt).slice(-addsToldMax);
}

function split(amount: number): { readonly lower: number; readonly upper: number } {
  return { lower: Math.min(0, amount), upper: Math.max(0, amount) };
}

function amountOf(add: Operation): number {
  return numberOf(add, add.input);
}

function numberOf(operation: Operation, value: HistoryValue): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new HistoryOperationError(
    operation,
    `a counter has numbers, not ${formatValue(value, 60)}`,
  );
}

/** Sums of negative and of positive changes up to a place. */
class PrefixSums {
  readonly #changes: readonly Change[];

  constructor(changes: readonly Change[]) {
    let lower = 0;
    let upper = 0;
    this.#changes = changes.map((change) => {
      lower += change.lower;
      upper += change.upper;
      return { place: change.place, lower, upper };
    });
  }

  before(place: number): { readonly lower: number; readonly upper: number } {
    let low = 0;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#changes[middle]?.place ?? place) < place) low = middle + 1;
      else high = middle;
    }
    return this.#changes[low - 1] ?? { lower: 0, upper: 0 };
  }
}
