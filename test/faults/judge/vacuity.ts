import { type Check, simpleCheck } from './check.ts';
import { type FaultWindow, faultWindows } from './fault-windows.ts';
import type { SeenFault } from './faults.ts';
import { isEnough, type Minima, type Rates, serviceMs, serviceWithinMs } from './minima.ts';
import { type EndedOperation, okTimes, ratePerSecond } from './operation-times.ts';

/** How many faults the plan had, and how many of them were left out because the time was over. */
export interface FaultSchedule {
  readonly planned: number;
  readonly leftOut: number;
}

export interface VacuityInput {
  readonly operations: readonly EndedOperation[];
  readonly faults: readonly SeenFault[];
  /** The load ran from 0 to this. */
  readonly stoppedMs: number;
  /** Null in a run that was asked to have no fault. */
  readonly schedule: FaultSchedule | null;
  /** What each workload was asked for. */
  readonly workloadRates: ReadonlyMap<string, number>;
  readonly minima: Minima;
}

/** A window with its mean rates. */
export interface JudgedWindow extends FaultWindow, Rates {
  /** How long after its beginning service had been there for long enough; null when it never was. */
  readonly servedAfterMs: number | null;
}

const serviceKinds = ['before', 'during', 'after'] as const;
const shownMax = 10;
const stepMs = 250;

/** Whether the run did what it was for: operations before, during and after faults, and every fault for real. */
export function vacuityChecks(
  input: VacuityInput,
  windows: readonly JudgedWindow[] = judgedWindows(input),
): readonly Check[] {
  const hasFaults = input.schedule !== null;
  return [
    shareCheck(input),
    workloadCheck(input),
    calmCheck(input, windows),
    ...(hasFaults ? serviceKinds.map((kind) => serviceCheck(input, windows, kind)) : []),
    confirmationCheck(input),
  ];
}

/** Every stretch of the run in which service is judged. */
export function judgedWindows({
  operations,
  faults,
  stoppedMs,
  minima,
}: Pick<VacuityInput, 'operations' | 'faults' | 'stoppedMs' | 'minima'>): readonly JudgedWindow[] {
  // Client processes take a while to start.
  const startedMs = operations.reduce(
    (earliest, { endMs }) => Math.min(earliest, endMs),
    stoppedMs,
  );
  const all = okTimes(operations);
  const writes = okTimes(operations.filter(({ isWrite }) => isWrite));
  const ratesIn = (fromMs: number, toMs: number): Rates => ({
    okPerSecond: ratePerSecond(all, fromMs, toMs),
    writesPerSecond: ratePerSecond(writes, fromMs, toMs),
  });
  return faultWindows({ faults, startedMs, stoppedMs }).map((window) => {
    const { fromMs, toMs } = window;
    let servedMs = fromMs + serviceMs;
    while (servedMs <= toMs && !isEnough(ratesIn(servedMs - serviceMs, servedMs), minima.service)) {
      servedMs += stepMs;
    }
    const servedAfterMs = servedMs <= toMs ? servedMs - fromMs : null;
    return { ...window, ...ratesIn(fromMs, toMs), servedAfterMs };
  });
}

function shareCheck({ operations, minima }: VacuityInput): Check {
  const ok = countOk(operations);
  const share = operations.length === 0 ? 0 : ok / operations.length;
  const found = `${percent(share)} of ${operations.length} operations ended well`;
  return simpleCheck({
    group: 'non-vacuity',
    name: 'share of ok',
    summary: `${found}; needed: ${percent(minima.okShare)}`,
    violations: share >= minima.okShare ? [] : [`${found}, ${percent(minima.okShare)} are needed`],
    counts: { operations: operations.length, ok },
  });
}

/** One that stood still is not made good by the others. */
function workloadCheck({ operations, stoppedMs, workloadRates, minima }: VacuityInput): Check {
  const byWorkload = Map.groupBy(operations, ({ workload }) => workload);
  const lastedSeconds = Math.max(1, stoppedMs) / 1000;
  const shares = [...workloadRates].map(([workload, asked]) => {
    const ok = countOk(byWorkload.get(workload) ?? []);
    return { workload, ok, share: ok / lastedSeconds / asked };
  });
  const [lowest] = shares.toSorted((one, other) => one.share - other.share);
  const needed = `${percent(minima.workloadShare)} of the rate each was asked for`;
  return simpleCheck({
    group: 'non-vacuity',
    name: 'each workload',
    summary:
      lowest === undefined
        ? 'no workload'
        : `at least ${percent(lowest.share)} (${lowest.workload}); needed: ${needed}`,
    violations:
      lowest === undefined
        ? ['there was no workload']
        : shares
            .filter(({ share }) => share < minima.workloadShare)
            .map(
              ({ workload, ok, share }) =>
                `${ok} operations of ${workload} ended well, ${percent(share)} of what was asked for; ${needed} is needed`,
            ),
  });
}

function calmCheck({ minima }: VacuityInput, all: readonly JudgedWindow[]): Check {
  const windows = all.filter(({ kind }) => kind === 'calm');
  return simpleCheck({
    group: 'non-vacuity',
    name: 'rate in calm',
    summary: `${windows.map((one) => `${ratesText(one)} ${one.what}`).join(', ')}; needed: ${ratesText(minima.calm)}`,
    violations: windows.flatMap((one) => tooLittle(one, minima.calm)),
  });
}

function tooLittle(window: JudgedWindow, needed: Rates): readonly string[] {
  const { what, fromMs, toMs } = window;
  if (toMs - fromMs < serviceMs) {
    return [`only ${seconds(toMs - fromMs)} ${what}: too short for a rate`];
  }
  if (isEnough(window, needed)) return [];
  return [`${ratesText(window)} ${what}; needed: ${ratesText(needed)}`];
}

/**
 * There is service before each fault, or there would be nothing to disturb; while it lasts where a majority is whole, and after it, service
 * comes back, and what that takes is told.
 */
function serviceCheck(
  { minima, schedule }: VacuityInput,
  all: readonly JudgedWindow[],
  kind: 'before' | 'during' | 'after',
): Check {
  const windows = all.filter((window) => window.kind === kind);
  const needed = `${ratesText(minima.service)} for ${seconds(serviceMs)} on end, within ${seconds(serviceWithinMs)}`;
  const violations = windows.flatMap(({ what, servedAfterMs, ...rates }) =>
    servedAfterMs !== null && servedAfterMs - serviceMs <= serviceWithinMs
      ? []
      : [`no service ${what}: ${ratesText(rates)}; needed: ${needed}`],
  );
  // Not every fault leaves a majority whole.
  if (windows.length === 0 && kind !== 'during' && schedule?.planned !== 0) {
    violations.push(`there was no time ${kind} a fault`);
  }
  const longestMs = Math.max(0, ...windows.map(({ servedAfterMs }) => servedAfterMs ?? 0));
  return simpleCheck({
    group: 'non-vacuity',
    name: `service ${kind} faults`,
    summary: `${windows.length} times, seen after ${seconds(longestMs)} at most; needed: ${needed}`,
    violations: shortened(violations),
  });
}

function confirmationCheck({ faults, schedule, minima }: VacuityInput): Check {
  const violations = faults.flatMap((fault) => {
    const place = `${fault.name} at ${seconds(fault.beginMs)}`;
    return [
      ...fault.unconfirmed.map((reason) => `${place}: ${reason}`),
      ...(fault.endMs === null ? [`${place} was not seen to end`] : []),
    ];
  });
  violations.unshift(...missingFaults(faults.length, schedule, minima));
  const leftOut = schedule?.leftOut ?? 0;
  const late = leftOut === 0 ? '' : `; ${leftOut} more were left out, as the time was over`;
  return simpleCheck({
    group: 'non-vacuity',
    name: 'faults confirmed',
    summary:
      faults.length === 0
        ? 'no fault'
        : `${faults.filter(isConfirmed).length} of ${faults.length} faults seen from outside, from beginning to end; needed: all${late}`,
    violations: shortened(violations),
    counts: { faults: faults.length },
  });
}

function missingFaults(
  happened: number,
  schedule: FaultSchedule | null,
  { faultShare }: Minima,
): readonly string[] {
  if (schedule === null) return [];
  const { planned, leftOut } = schedule;
  if (planned === 0) return ['faults were asked for, and the plan had none'];
  if (happened !== planned - leftOut) {
    return [`${happened} faults happened of ${planned - leftOut} for which there was time`];
  }
  if (happened >= planned * faultShare) return [];
  return [
    `there was time for ${happened} of ${planned} faults in the plan; needed: ${percent(faultShare)}`,
  ];
}

function isConfirmed({ unconfirmed, endMs }: SeenFault): boolean {
  return unconfirmed.length === 0 && endMs !== null;
}

function countOk(operations: readonly EndedOperation[]): number {
  return operations.reduce((sum, { outcome }) => sum + Number(outcome === 'ok'), 0);
}

function shortened(violations: readonly string[]): readonly string[] {
  if (violations.length <= shownMax) return violations;
  return [...violations.slice(0, shownMax), `and ${violations.length - shownMax} more`];
}

function ratesText({ okPerSecond, writesPerSecond }: Rates): string {
  return `${okPerSecond.toFixed(1)} ops/s (${writesPerSecond.toFixed(1)} writes)`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
