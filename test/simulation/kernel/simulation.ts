import { AssertionFailure, assert } from '../../../base/assert.ts';
import { messageOf } from '../../../base/errors.ts';
import type { Random } from '../../../base/random.ts';
import { drainPromises } from './drain-promises.ts';
import { EventQueue, type ScheduledEvent } from './event-queue.ts';
import { RandomStreams } from './random-streams.ts';
import type { Trace, TraceLevel } from './trace.ts';
import { Violation } from './violation.ts';

/** A run that needs more events than this does not end. */
const eventsMax = 20_000_000;

/**
 * Virtual time, luck, and the list of what is to come. Everything else of a run (hosts, network, disks, nodes, clients,
 * checkers) is built on it and holds no other source of time or luck.
 *
 * An event runs to its end, and so does every promise callback that follows from it, before the next event begins. Code under
 * test may therefore use promises as it likes, as long as all that it waits for are completions of this simulation.
 */
export class Simulation {
  readonly trace: Trace;
  readonly #queue = new EventQueue();
  readonly #streams: RandomStreams;
  #nowUs = 0;
  #eventCount = 0;
  #violation: Violation | null = null;

  constructor(options: { readonly seed: number; readonly trace: Trace }) {
    this.trace = options.trace;
    this.#streams = new RandomStreams(options.seed);
  }

  get seed(): number {
    return this.#streams.seed;
  }

  /** Microseconds since the start of the run: the time that only the simulation knows. */
  get nowUs(): number {
    return this.#nowUs;
  }

  get eventCount(): number {
    return this.#eventCount;
  }

  /** The first rule that broke; the run ends with the event in which it did. */
  get violation(): Violation | null {
    return this.#violation;
  }

  /** Luck for one concern, named by it. */
  random(stream: string): Random {
    return this.#streams.stream(stream);
  }

  at(atUs: number, run: () => void): ScheduledEvent {
    assert(atUs >= this.#nowUs, `${atUs} µs is over, it is ${this.#nowUs} µs`);
    return this.#queue.add(atUs, run);
  }

  after(delayUs: number, run: () => void): ScheduledEvent {
    return this.#queue.add(this.#nowUs + Math.max(0, Math.round(delayUs)), run);
  }

  /** Writes a line of the trace. */
  log(who: string, what: string, level: TraceLevel = 'event'): void {
    this.trace.write(this.#nowUs, { level, who, what });
  }

  /** Says that a rule broke. Never throws: the code under test must not be able to catch it. */
  violated(rule: string, message: string, cause?: unknown): void {
    if (this.#violation !== null) return;
    this.#violation = new Violation(rule, message, { cause });
    this.log('check', `VIOLATED ${rule}: ${message}`, 'news');
  }

  /** As `violated`, if the claim is false. */
  check(claim: boolean, rule: string, message: () => string): void {
    if (!claim) this.violated(rule, message());
  }

  /**
   * Runs until `untilUs`, until nothing is left to happen, until a rule broke, or until `isOver` says so after an event.
   * Time stands at `untilUs` afterwards unless the run ended early.
   */
  run(options: { readonly untilUs: number; readonly isOver?: () => boolean }): Promise<void> {
    // Promise callbacks cannot be drained in one of them, so the events are run in a turn of the event loop.
    return new Promise((resolve, reject) => {
      setImmediate(() => {
        try {
          this.#runAll(options);
          resolve();
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  /** Forgets what was to come. */
  end(): void {
    this.#queue.clear();
  }

  #runAll(options: { readonly untilUs: number; readonly isOver?: () => boolean }): void {
    const { untilUs, isOver } = options;
    while (this.#violation === null) {
      const event = this.#queue.take(untilUs);
      if (event === null) {
        this.#nowUs = Math.max(this.#nowUs, untilUs);
        return;
      }
      this.#nowUs = event.atUs;
      this.#eventCount += 1;
      this.#runOne(event.run);
      this.#runOne(drainPromises);
      if (isOver?.() === true) return;
    }
  }

  #runOne(run: () => void): void {
    try {
      run();
      assert(this.#eventCount < eventsMax, `${eventsMax} events and no end`);
    } catch (error) {
      const rule = error instanceof AssertionFailure ? 'assertion' : 'exception';
      this.violated(rule, messageOf(error), error);
    }
  }
}
