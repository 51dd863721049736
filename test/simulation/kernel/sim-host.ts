import { assert } from '../../../base/assert.ts';
import type { Simulation } from './simulation.ts';

/** How the clocks of one machine differ from the time of the simulation. */
export interface HostClockOptions {
  /** Local seconds per second: 1.03 runs three percent fast. */
  readonly rate: number;
  /** What the monotonic clock shows when the run begins; comparable within one boot only. */
  readonly bootMs: number;
  /** By how much the wall clock is wrong. */
  readonly wallOffsetMs: number;
}

const defaultClock: HostClockOptions = { rate: 1, bootMs: 1000, wallOffsetMs: 0 };
/** 2026-01-01, so that wall clock times look like such. */
const wallEpochMs = 1_767_225_600_000;

/**
 * A machine: its clocks, which all processes on it share (as CLOCK_MONOTONIC is), and nothing else. What runs on it are
 * `SimProcess`es, what it keeps are disks.
 */
export class SimHost {
  readonly name: string;
  readonly #simulation: Simulation;
  #rate: number;
  /** A moment that both clocks know: the line through it has the slope `rate`. */
  #baseUs: number;
  #baseLocalUs: number;
  #wallOffsetMs: number;

  constructor(simulation: Simulation, name: string, clock: Partial<HostClockOptions> = {}) {
    const { rate, bootMs, wallOffsetMs } = { ...defaultClock, ...clock };
    assert(rate > 0, `a clock of rate ${rate} stands still`);
    assert(!name.includes('/'), `${name} is no host: a slash is for processes`);
    this.name = name;
    this.#simulation = simulation;
    this.#rate = rate;
    this.#baseUs = simulation.nowUs;
    this.#baseLocalUs = bootMs * 1000;
    this.#wallOffsetMs = wallOffsetMs;
  }

  /** Microseconds on this machine's monotonic clock, fractional. */
  get localUs(): number {
    return this.#baseLocalUs + (this.#simulation.nowUs - this.#baseUs) * this.#rate;
  }

  get wallMs(): number {
    return wallEpochMs + this.#wallOffsetMs + this.localUs / 1000;
  }

  get rate(): number {
    return this.#rate;
  }

  /** How long `localUs` of this machine last, rounded up to whole microseconds. */
  durationUs(localUs: number): number {
    return Math.max(0, Math.ceil(localUs / this.#rate));
  }

  /** The clock runs faster or slower from now on (HAZARDS N6). Timers that are set already keep their moment. */
  setRate(rate: number): void {
    assert(rate > 0, `a clock of rate ${rate} stands still`);
    this.#baseLocalUs = this.localUs;
    this.#baseUs = this.#simulation.nowUs;
    this.#rate = rate;
  }

  /** Somebody sets the wall clock. The monotonic clock is not touched: no decision may follow from this. */
  bumpWallClock(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }
}
