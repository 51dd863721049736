import type { Operation, Outcome } from '../../../history/history.ts';
import { isWrite } from './stream-checks.ts';

/** When operations ended, and how: what rates, latencies and gaps are taken from. Times in milliseconds since the origin. */
export interface EndedOperation {
  readonly endMs: number;
  readonly latencyMs: number;
  readonly outcome: Outcome;
  readonly isWrite: boolean;
}

const nanosPerMs = 1e6;

/** What never ended counts as unknown at the time of its call. */
export function endedOperations(operations: readonly Operation[]): readonly EndedOperation[] {
  return operations.map((operation) => {
    const callNanos = operation.callNanos ?? 0;
    const endNanos = operation.endNanos ?? callNanos;
    return {
      endMs: endNanos / nanosPerMs,
      latencyMs: (endNanos - callNanos) / nanosPerMs,
      outcome: operation.outcome,
      isWrite: isWrite(operation),
    };
  });
}

/** Ended well between two moments, per second. */
export function ratePerSecond(
  operations: readonly EndedOperation[],
  fromMs: number,
  toMs: number,
): number {
  let count = 0;
  for (const { endMs, outcome } of operations) {
    if (outcome === 'ok' && endMs >= fromMs && endMs < toMs) count += 1;
  }
  return (count * 1000) / Math.max(1, toMs - fromMs);
}
