import { type Check, simpleCheck } from './check.ts';
import { type FaultWindow, faultWindows } from './fault-windows.ts';
import type { SeenFault } from './faults.ts';
import { isEnough, type Minima, type Rates, serviceMs, serviceWithinMs } from './minima.ts';
import { type EndedOperation, okTimes, ratePerSecond } from './operation-times.ts';

export interface VacuityInput {
  readonly operations: readonly EndedOperation[];
  readonly faults: readonly SeenFault[];
  /** The load ran from 0 to this. */
  readonly stoppedMs: number;
  /** How many faults the plan had; null in a run that was asked to have none. */
  readonly scheduled: number | null;
  /** What each workload was asked for. */
  readonly workloadRates: ReadonlyMap<string, number>;
  readonly minima: Minima;
}

/** A window with its mean rates. */
export interface JudgedWindow extends FaultWindow, Rates {
  /** How long after its beginning service had been there for long enough; null when it never was. */
  readonly servedAfterMs: number | null;
}

const shownMax = 10;
const stepMs = 250;

/** Whether the run did what it was for: operations before, during and after faults, and every fault for real. */
export function vacuityChecks(
  input: VacuityInput,
  windows: readonly JudgedWindow[] = judgedWindows(input),
): readonly Check[] {
  const hasFaults = input.scheduled !== null;
  return [
    shareCheck(input),
    workloadCheck(input),
    calmCheck(input, windows),
    ...(hasFaults ? [beforeCheck(input, windows)] : []),
    ...(hasFaults ? [serviceCheck(input, windows, 'during')] : []),
    ...(hasFaults ? [serviceCheck(input, windows, 'after')] : []),
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

/** What a fault ends must have been there. */
function beforeCheck({ minima, scheduled }: VacuityInput, all: readonly JudgedWindow[]): Check {
  const windows = all.filter(({ kind }) => kind === 'before');
  const violations = windows.flatMap((one) => tooLittle(one, minima.service));
  if (windows.length === 0 && scheduled !== 0) violations.push('there was no time before a fault');
  const lowest = {
    okPerSecond: Math.min(...windows.map(({ okPerSecond }) => okPerSecond)),
    writesPerSecond: Math.min(...windows.map(({ writesPerSecond }) => writesPerSecond)),
  };
  return simpleCheck({
    group: 'non-vacuity',
    name: 'rate before faults',
    summary: `at least ${ratesText(lowest)} before ${windows.length} faults; needed: ${ratesText(minima.service)}`,
    violations: shortened(violations),
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

/** While a fault lasts that leaves a majority whole, and after each, service comes back; what it takes is told. */
function serviceCheck(
  { minima, scheduled }: VacuityInput,
  all: readonly JudgedWindow[],
  kind: 'during' | 'after',
): Check {
  const windows = all.filter((window) => window.kind === kind);
  const needed = `${ratesText(minima.service)} for ${seconds(serviceMs)} on end, within ${seconds(serviceWithinMs)}`;
  const violations = windows.flatMap(({ what, servedAfterMs, ...rates }) =>
    servedAfterMs !== null && servedAfterMs - serviceMs <= serviceWithinMs
      ? []
      : [`no service ${what}: ${ratesText(rates)}; needed: ${needed}`],
  );
  // Not every fault leaves a majority whole; after each of them there is a time.
  if (windows.length === 0 && kind === 'after' && scheduled !== 0) {
    violations.push('there was no time after a fault');
  }
  const longestMs = Math.max(0, ...windows.map(({ servedAfterMs }) => servedAfterMs ?? 0));
  return simpleCheck({
    group: 'non-vacuity',
    name: `service ${kind} faults`,
    summary: `${kind} ${windows.length} faults, seen at most ${seconds(longestMs)} after the ${kind === 'during' ? 'beginning' : 'end'}; needed: ${needed}`,
    violations: shortened(violations),
  });
}

function confirmationCheck({ faults, scheduled }: VacuityInput): Check {
  const violations = faults.flatMap((fault) => {
    const place = `${fault.name} at ${seconds(fault.beginMs)}`;
    return [
      ...fault.unconfirmed.map((reason) => `${place}: ${reason}`),
      ...(fault.endMs === null ? [`${place} was not seen to end`] : []),
    ];
  });
  if (scheduled === 0) violations.unshift('faults were asked for, and the plan had none');
  else if (scheduled !== null && faults.length !== scheduled) {
    violations.unshift(`${faults.length} faults happened of ${scheduled} in the plan`);
  }
  return simpleCheck({
    group: 'non-vacuity',
    name: 'faults confirmed',
    summary:
      faults.length === 0
        ? 'no fault'
        : `${faults.filter(isConfirmed).length} of ${faults.length} faults seen from outside, from beginning to end; needed: all`,
    violations: shortened(violations),
    counts: { faults: faults.length },
  });
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
