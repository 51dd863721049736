import { type Check, simpleCheck } from './check.ts';
import { type RateWindow, rateWindows, type WindowKind, windowMsMin } from './fault-windows.ts';
import type { SeenFault } from './faults.ts';
import { type Minima, rateMinimum } from './minima.ts';
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

/** A window with the rates in it. */
export interface JudgedWindow extends RateWindow {
  readonly okPerSecond: number;
  readonly writesPerSecond: number;
}

const shownMax = 10;

/** Whether the run did what it was for: operations before, during and after faults, and every fault for real. */
export function vacuityChecks(
  input: VacuityInput,
  windows: readonly JudgedWindow[] = judgedWindows(input),
): readonly Check[] {
  return [
    shareCheck(input),
    workloadCheck(input),
    rateCheck(input, windows, 'calm'),
    ...(input.scheduled === null
      ? []
      : [
          rateCheck(input, windows, 'before'),
          rateCheck(input, windows, 'during'),
          rateCheck(input, windows, 'after'),
        ]),
    confirmationCheck(input),
  ];
}

/** Every stretch of the run in which a rate is judged, with its rates. */
export function judgedWindows({
  operations,
  faults,
  stoppedMs,
}: Pick<VacuityInput, 'operations' | 'faults' | 'stoppedMs'>): readonly JudgedWindow[] {
  // Client processes take a while to start.
  const startedMs = operations.reduce(
    (earliest, { endMs }) => Math.min(earliest, endMs),
    stoppedMs,
  );
  const windows = rateWindows({ faults, startedMs, stoppedMs });
  const all = okTimes(operations);
  const writes = okTimes(operations.filter(({ isWrite }) => isWrite));
  return windows.map((window) => ({
    ...window,
    okPerSecond: ratePerSecond(all, window.fromMs, window.toMs),
    writesPerSecond: ratePerSecond(writes, window.fromMs, window.toMs),
  }));
}

function shareCheck({ operations, minima }: VacuityInput): Check {
  const ok = countOk(operations);
  const share = operations.length === 0 ? 0 : ok / operations.length;
  const found = `${percent(share)} of ${operations.length} operations ended well`;
  const isEnough = share >= minima.okShare;
  return simpleCheck({
    group: 'non-vacuity',
    name: 'share of ok',
    summary: `${found}; needed: ${percent(minima.okShare)}`,
    violations: isEnough ? [] : [`${found}, ${percent(minima.okShare)} are needed`],
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

const checkNames: Readonly<Record<WindowKind, string>> = {
  calm: 'rate in calm',
  before: 'rate before faults',
  during: 'rate during faults',
  after: 'rate after faults',
};

function rateCheck(
  { minima }: VacuityInput,
  all: readonly JudgedWindow[],
  kind: WindowKind,
): Check {
  const windows = all.filter((window) => window.kind === kind);
  const okNeeded = rateMinimum(minima, kind);
  const writesNeeded = okNeeded * minima.writeShare;
  const violations = windows.flatMap((window) => {
    const { what, fromMs, toMs, okPerSecond, writesPerSecond } = window;
    if (toMs - fromMs < windowMsMin)
      return [`only ${seconds(toMs - fromMs)} ${what}: too short for a rate`];
    if (okPerSecond < okNeeded)
      return [`${perSecond(okPerSecond)} ${what}, ${perSecond(okNeeded)} are needed`];
    if (writesPerSecond < writesNeeded) {
      return [
        `${perSecond(writesPerSecond)} of writes ${what}, ${perSecond(writesNeeded)} are needed`,
      ];
    }
    return [];
  });
  // Not every fault leaves a majority whole; after each of them there is service.
  if (windows.length === 0 && kind !== 'during')
    violations.push(
      `${checkNames[kind].replace('rate ', '')}: no window in which it could be judged`,
    );
  const lowest = (rates: readonly number[]): string => perSecond(Math.min(...rates));
  const found =
    windows.length === 0
      ? 'none'
      : `at least ${lowest(windows.map((one) => one.okPerSecond))}, of writes ${lowest(windows.map((one) => one.writesPerSecond))}, in ${windows.length} windows`;
  return simpleCheck({
    group: 'non-vacuity',
    name: checkNames[kind],
    summary: `${found}; needed: ${perSecond(okNeeded)}, ${perSecond(writesNeeded)}`,
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

function perSecond(rate: number): string {
  return `${rate.toFixed(1)} ops/s`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
