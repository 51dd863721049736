import type { Operation, Outcome } from '../../../history/history.ts';
import { isWrite } from '../load/is-write.ts';

/** When operations ended, and how: what rates, latencies and gaps are taken from. Times in milliseconds since the origin. */
export interface EndedOperation {
  readonly endMs: number;
  readonly latencyMs: number;
  readonly outcome: Outcome;
  readonly isWrite: boolean;
  readonly workload: string;
}

const nanosPerMs = 1e6;

/** What never ended counts as unknown at the time of its call. */
export function endedOperations(
  operations: readonly Operation[],
  workload: string,
): readonly EndedOperation[] {
  return operations.map((operation) => {
    const callNanos = operation.callNanos ?? 0;
    const endNanos = operation.endNanos ?? callNanos;
    return {
      endMs: endNanos / nanosPerMs,
      latencyMs: (endNanos - callNanos) / nanosPerMs,
      outcome: operation.outcome,
      isWrite: isWrite(operation),
      workload,
    };
  });
}

/** When operations ended well, ascending. */
export function okTimes(operations: readonly EndedOperation[]): readonly number[] {
  return operations
    .filter(({ outcome }) => outcome === 'ok')
    .map(({ endMs }) => endMs)
    .sort((one, other) => one - other);
}

/** How many of them were between two moments, per second. */
export function ratePerSecond(ascending: readonly number[], fromMs: number, toMs: number): number {
  const count = firstAtLeast(ascending, toMs) - firstAtLeast(ascending, fromMs);
  return (count * 1000) / Math.max(1, toMs - fromMs);
}

/** The place of the first that is not smaller; how many there are when all are. */
export function firstAtLeast(ascending: readonly number[], value: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
