import { type Check, simpleCheck } from './check.ts';
import type { SeenFault } from './faults.ts';
import { type EndedOperation, ratePerSecond } from './operation-times.ts';

/** What a run must at least show to say anything (HAZARDS C11). Rates are operations per second that ended well. */
export interface VacuityMinima {
  /** Before the first fault, and after the last. */
  readonly calmPerSecond: number;
  /** While a fault lasts, where a majority is whole, and after each. */
  readonly faultyPerSecond: number;
  /** Of all operations that ended in the run. */
  readonly okShare: number;
}

/** Shares of the rate that was asked for: a loaded machine is slow, and a cluster that stands still is far below. */
export function minimaFor(rate: number): VacuityMinima {
  return { calmPerSecond: rate * 0.25, faultyPerSecond: rate * 0.02, okShare: 0.5 };
}

/** An election, a promotion and the reconnection of clients. */
const failoverMs = 15_000;
/** A shorter time says nothing about a rate. */
const windowMsMin = 3_000;
const shownMax = 10;

export interface VacuityInput {
  readonly operations: readonly EndedOperation[];
  readonly faults: readonly SeenFault[];
  /** The load ran from 0 to this. */
  readonly stoppedMs: number;
  /** How many faults the plan had; null where there was none. */
  readonly scheduled: number | null;
  readonly minima: VacuityMinima;
}

/** Whether the run did what it was for: operations before, during and after faults, and every fault for real. */
export function vacuityChecks(input: VacuityInput): readonly Check[] {
  return [shareCheck(input), calmCheck(input), faultyCheck(input), confirmationCheck(input)];
}

function shareCheck({ operations, minima }: VacuityInput): Check {
  const ok = operations.filter(({ outcome }) => outcome === 'ok').length;
  const share = operations.length === 0 ? 0 : ok / operations.length;
  const summary = `${percent(share)} of ${operations.length} operations ended well`;
  const isEnough = share >= minima.okShare;
  return simpleCheck({
    group: 'non-vacuity',
    name: 'share of ok',
    summary,
    violations: isEnough ? [] : [`${summary}, ${percent(minima.okShare)} are needed`],
    counts: { operations: operations.length, ok },
  });
}

function calmCheck({ operations, faults, stoppedMs, minima }: VacuityInput): Check {
  const first = faults[0]?.beginMs ?? stoppedMs;
  // Client processes take a while to start.
  const begunMs = operations.reduce((earliest, { endMs }) => Math.min(earliest, endMs), first);
  const last = faults.reduce((latest, { beginMs, endMs }) => Math.max(latest, endMs ?? beginMs), 0);
  // A short run does not leave much: half of it is for the last failover, at most.
  const recovered = last + Math.min(failoverMs, (stoppedMs - last) / 2);
  const windows = [
    { what: 'before the first fault', fromMs: begunMs, toMs: first },
    ...(faults.length === 0
      ? []
      : [{ what: 'after the last fault', fromMs: recovered, toMs: stoppedMs }]),
  ];
  const violations: string[] = [];
  const rates: string[] = [];
  for (const { what, fromMs, toMs } of windows) {
    if (toMs - fromMs < windowMsMin) {
      violations.push(`only ${seconds(toMs - fromMs)} ${what}: too short for a rate`);
      continue;
    }
    const rate = ratePerSecond(operations, fromMs, toMs);
    rates.push(`${perSecond(rate)} ${what}`);
    if (rate < minima.calmPerSecond) {
      violations.push(`${perSecond(rate)} ${what}, ${perSecond(minima.calmPerSecond)} are needed`);
    }
  }
  return simpleCheck({
    group: 'non-vacuity',
    name: 'rate in calm',
    summary: rates.join(', '),
    violations,
  });
}

/** From the beginning of each fault until a failover after its end, except where another one leaves no majority. */
function faultyCheck({ operations, faults, stoppedMs, minima }: VacuityInput): Check {
  const violations: string[] = [];
  let judged = 0;
  let lowest = Number.POSITIVE_INFINITY;
  for (const fault of faults) {
    for (const { when, fromMs, toMs } of windowsOf(fault, faults, stoppedMs)) {
      if (toMs - fromMs < windowMsMin) continue;
      judged += 1;
      const rate = ratePerSecond(operations, fromMs, toMs);
      lowest = Math.min(lowest, rate);
      if (rate >= minima.faultyPerSecond) continue;
      violations.push(
        `${perSecond(rate)} ${when} ${fault.name} at ${seconds(fault.beginMs)}, ${perSecond(minima.faultyPerSecond)} are needed`,
      );
    }
  }
  if (faults.length > 0 && judged === 0)
    violations.push('no fault left a time in which a rate could be judged');
  return simpleCheck({
    group: 'non-vacuity',
    name: 'rate during and after faults',
    summary:
      judged === 0
        ? 'no fault'
        : `at least ${perSecond(lowest)} in ${judged} windows around ${faults.length} faults`,
    violations,
  });
}

function windowsOf(
  fault: SeenFault,
  all: readonly SeenFault[],
  stoppedMs: number,
): readonly { readonly when: string; readonly fromMs: number; readonly toMs: number }[] {
  const endMs = fault.endMs ?? stoppedMs;
  const during = {
    when: 'during',
    fromMs: fault.beginMs,
    toMs: Math.min(stoppedMs, Math.max(endMs, fault.beginMs + failoverMs)),
  };
  const after = { when: 'after', fromMs: endMs, toMs: Math.min(stoppedMs, endMs + failoverMs) };
  const isDisturbed = ({ fromMs, toMs }: typeof during): boolean =>
    all.some(
      (other) =>
        other !== fault &&
        !other.isMajorityWhole &&
        other.beginMs < toMs &&
        (other.endMs ?? stoppedMs) + failoverMs > fromMs,
    );
  return [...(fault.isMajorityWhole ? [during] : []), after].filter(
    (window) => !isDisturbed(window),
  );
}

function confirmationCheck({ faults, scheduled }: VacuityInput): Check {
  const violations = faults.flatMap((fault) => {
    const place = `${fault.name} at ${seconds(fault.beginMs)}`;
    return [
      ...fault.unconfirmed.map((reason) => `${place}: ${reason}`),
      ...(fault.endMs === null ? [`${place} was not seen to end`] : []),
    ];
  });
  if (scheduled !== null && faults.length !== scheduled) {
    violations.unshift(`${faults.length} faults happened of ${scheduled} in the plan`);
  }
  const told = violations.slice(0, shownMax);
  if (violations.length > shownMax) told.push(`and ${violations.length - shownMax} more`);
  return simpleCheck({
    group: 'non-vacuity',
    name: 'faults confirmed',
    summary:
      faults.length === 0
        ? 'no fault'
        : `${faults.filter(isConfirmed).length} of ${faults.length} faults seen from outside, from beginning to end`,
    violations: told,
    counts: { faults: faults.length },
  });
}

function isConfirmed({ unconfirmed, endMs }: SeenFault): boolean {
  return unconfirmed.length === 0 && endMs !== null;
}

function perSecond(rate: number): string {
  return `${rate.toFixed(1)} ops/s`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
