import type { SeenFault } from './faults.ts';
import { serviceMs } from './minima.ts';

// The stretches of a run in which service is judged. Pure. Times in milliseconds since the origin.

export type WindowKind = 'calm' | 'before' | 'during' | 'after';

export interface FaultWindow {
  readonly kind: WindowKind;
  /** Which it is, in words. */
  readonly what: string;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface WindowInput {
  readonly faults: readonly SeenFault[];
  /** The load ran from the first to the second. */
  readonly startedMs: number;
  readonly stoppedMs: number;
}

/** An election, a promotion and the reconnection of clients. */
const failoverMs = 15_000;
/** A fault begins when there is service and a node leads: on a busy machine another may have to be found in between. */
const beforeMs = 20_000;

/**
 * Calm is before the first fault and after the last. Each fault has a time right before it, one during it where a majority is whole, and one
 * after it, until the next begins. One that comes beside another shares the time before and after with it; so does one that was meant to
 * and came so late that there is no time between the two in which service could show.
 */
export function faultWindows({
  faults,
  startedMs,
  stoppedMs,
}: WindowInput): readonly FaultWindow[] {
  const firstMs = Math.min(stoppedMs, ...faults.map(({ beginMs }) => beginMs));
  const calm = { kind: 'calm', fromMs: startedMs, toMs: firstMs } as const;
  if (faults.length === 0) return [{ ...calm, what: 'without a fault' }];
  const lastMs = Math.max(...faults.map((fault) => endOf(fault, stoppedMs)));
  // A short run does not leave much: half of it is for the last failover, at most.
  const recoveredMs = lastMs + Math.min(failoverMs, (stoppedMs - lastMs) / 2);
  return [
    { ...calm, what: 'before the first fault' },
    ...faults.flatMap((fault) => windowsOf(fault, { faults, startedMs, stoppedMs })),
    { kind: 'calm', what: 'after the last fault', fromMs: recoveredMs, toMs: stoppedMs },
  ];
}

function windowsOf(fault: SeenFault, input: WindowInput): readonly FaultWindow[] {
  const { faults, startedMs, stoppedMs } = input;
  const { beginMs } = fault;
  const endMs = endOf(fault, stoppedMs);
  const others = faults.filter((other) => other !== fault);
  const isBesideBegin = others.some(
    (other) => other.beginMs <= beginMs && endOf(other, stoppedMs) + serviceMs > beginMs,
  );
  const isBesideEnd = others.some(
    (other) => other.beginMs < endMs + serviceMs && endOf(other, stoppedMs) > endMs,
  );
  const place = `${fault.name} at ${(beginMs / 1000).toFixed(1)} s`;
  const nextMs = Math.min(stoppedMs, ...others.map((o) => o.beginMs).filter((at) => at > endMs));
  const windows: FaultWindow[] = [];
  const ends = others.map((other) => endOf(other, stoppedMs)).filter((at) => at <= beginMs);
  const beforeFromMs = Math.max(startedMs, beginMs - beforeMs, ...ends);
  if (!isBesideBegin) {
    windows.push({ kind: 'before', what: `before ${place}`, fromMs: beforeFromMs, toMs: beginMs });
  }
  if (fault.isMajorityWhole) {
    windows.push({ kind: 'during', what: `during ${place}`, fromMs: beginMs, toMs: endMs });
  }
  if (!isBesideEnd) {
    windows.push({ kind: 'after', what: `after ${place}`, fromMs: endMs, toMs: nextMs });
  }
  return windows;
}

function endOf({ endMs }: SeenFault, stoppedMs: number): number {
  return endMs ?? stoppedMs;
}
