// What a run must at least show to say anything (HAZARDS C11). Rates are operations per second that ended well.

export interface Rates {
  readonly okPerSecond: number;
  /** Of these, acknowledged writes: reads of the read-only port go on without a leader. */
  readonly writesPerSecond: number;
}

export interface Minima {
  /** Before the first fault and after the last, as a mean. */
  readonly calm: Rates;
  /** For `serviceMs` on end: shortly before each fault, during it where a majority is whole, and after it. */
  readonly service: Rates;
  /** Of all operations that ended in the run. */
  readonly okShare: number;
  /** Of the faults in the plan: those for which there was time, where everything takes longer than planned. */
  readonly faultShare: number;
  /** Of the rate that a workload was asked for, over the whole run. */
  readonly workloadShare: number;
}

/** A shorter time says nothing about a rate. */
export const serviceMs = 4_000;
/** How long service may take to come: so long a fault is held, and the next one waits. */
export const serviceWithinMs = 60_000;

/** Shares of the rate that was asked for: a loaded machine is slow, and a cluster that stands still is far below. */
export function minimaFor(ratePerSecond: number): Minima {
  return {
    calm: { okPerSecond: ratePerSecond * 0.15, writesPerSecond: ratePerSecond * 0.03 },
    service: { okPerSecond: ratePerSecond * 0.1, writesPerSecond: ratePerSecond * 0.02 },
    okShare: 0.5,
    faultShare: 0.25,
    workloadShare: 0.03,
  };
}

export function isEnough(rates: Rates, needed: Rates): boolean {
  return rates.okPerSecond >= needed.okPerSecond && rates.writesPerSecond >= needed.writesPerSecond;
}
