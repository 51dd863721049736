import type { Distribution } from './distribution.ts';

/** Values within a step of each other count as one: finer than sysbench's histogram, and a few hundred numbers whatever is measured. */
const stepFactor = 1.01;
const stepLog = Math.log(stepFactor);
/** What is shorter is counted as this long: a thousandth of the fastest sync. */
const shortestMs = 0.000_1;

/** Counts latencies as they come, in steps of one percent, at a cost that does not grow with their number. */
export class LatencyRecorder {
  readonly #counts = new Map<number, number>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(ms: number): void {
    const step = Math.round(Math.log(Math.max(ms, shortestMs)) / stepLog);
    this.#counts.set(step, (this.#counts.get(step) ?? 0) + 1);
    this.#count += 1;
  }

  /** Each value is the middle of its step, with four digits. */
  get distribution(): Distribution {
    return [...this.#counts]
      .sort(([left], [right]) => left - right)
      .map(([step, count]) => [Number((stepFactor ** step).toPrecision(4)), count] as const);
  }
}
