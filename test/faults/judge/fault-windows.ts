import type { SeenFault } from './faults.ts';

// The stretches of a run in which a rate is judged. Pure. Times in milliseconds since the origin.

export type WindowKind = 'calm' | 'before' | 'during' | 'after';

export interface RateWindow {
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
/** A fault waits until all nodes have had their roles for some seconds, so right before it the cluster serves. */
const beforeMs = 10_000;
/** A shorter time says nothing about a rate. */
export const windowMsMin = 3_000;

/**
 * Calm is before the first fault and after the last. Each fault has a time before it, one during it where a majority is whole, and one
 * after it; but for what another fault disturbs that leaves no majority, and for what is too short to be judged.
 */
export function rateWindows({ faults, startedMs, stoppedMs }: WindowInput): readonly RateWindow[] {
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

function windowsOf(fault: SeenFault, input: WindowInput): readonly RateWindow[] {
  const { faults, startedMs, stoppedMs } = input;
  const { beginMs } = fault;
  const endMs = endOf(fault, stoppedMs);
  const others = faults.filter((other) => other !== fault);
  const isAlone = !others.some(
    (other) => other.beginMs <= beginMs && endOf(other, stoppedMs) > beginMs,
  );
  const endsBefore = others
    .map((other) => endOf(other, stoppedMs))
    .filter((otherEndMs) => otherEndMs <= beginMs);
  const place = `${fault.name} at ${(beginMs / 1000).toFixed(1)} s`;
  const windows: RateWindow[] = [
    {
      kind: 'before',
      what: `before ${place}`,
      fromMs: Math.max(startedMs, beginMs - beforeMs, ...endsBefore),
      toMs: isAlone ? beginMs : Number.NEGATIVE_INFINITY,
    },
    {
      kind: 'during',
      what: `during ${place}`,
      fromMs: beginMs,
      // A short one is over before anybody can have been elected.
      toMs: fault.isMajorityWhole
        ? Math.min(stoppedMs, Math.max(endMs, beginMs + failoverMs))
        : Number.NEGATIVE_INFINITY,
    },
    {
      kind: 'after',
      what: `after ${place}`,
      fromMs: endMs,
      toMs: Math.min(stoppedMs, endMs + failoverMs),
    },
  ];
  return windows.filter(
    (window) =>
      window.toMs - window.fromMs >= windowMsMin &&
      (window.kind === 'before' || !isDisturbed(window, others, stoppedMs)),
  );
}

/** Another fault leaves no majority for a part of it, or had left none a moment before. */
function isDisturbed(
  { fromMs, toMs }: RateWindow,
  others: readonly SeenFault[],
  stoppedMs: number,
): boolean {
  return others.some(
    (other) =>
      !other.isMajorityWhole &&
      other.beginMs < toMs &&
      endOf(other, stoppedMs) + failoverMs > fromMs,
  );
}

function endOf({ endMs }: SeenFault, stoppedMs: number): number {
  return endMs ?? stoppedMs;
}
