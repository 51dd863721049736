import { assert } from '../../../base/assert.ts';

/**
 * The body of one thread of the server, written as a generator: it runs until it must wait, and goes on when woken. No
 * promises, so that a whole run of the simulation is one call stack, and a crash is forgetting the generators.
 */
export type Steps<Result = void> = Generator<undefined, Result, undefined>;

/** An error that a statement ends with, thrown through its steps. */
export class SimSqlError extends Error {
  override readonly name = 'SimSqlError';
  readonly number: number;

  constructor(number: number, message: string) {
    super(message);
    this.number = number;
  }
}

export class Fiber {
  readonly steps: Steps;
  isParked = false;
  isDone = false;
  /** Takes back what the wait registered; null when the wait cannot be interrupted. */
  cancel: (() => void) | null = null;
  error: SimSqlError | null = null;

  constructor(steps: Steps) {
    this.steps = steps;
  }
}

/** Runs fibers one at a time, in the order in which they were woken. */
export class Fibers {
  #ready: Fiber[] = [];
  #current: Fiber | null = null;
  #isRunning = false;

  get current(): Fiber {
    assert(this.#current !== null, 'only a running fiber can wait');
    return this.#current;
  }

  spawn(steps: Steps): Fiber {
    const fiber = new Fiber(steps);
    this.#ready.push(fiber);
    return fiber;
  }

  /** Waits until somebody wakes this fiber. Whoever shall do so has been told before. */
  *park(cancel: (() => void) | null): Steps {
    const fiber = this.current;
    fiber.isParked = true;
    fiber.cancel = cancel;
    yield;
    if (fiber.error === null) return;
    const { error } = fiber;
    fiber.error = null;
    throw error;
  }

  wake(fiber: Fiber): void {
    if (!fiber.isParked) return;
    fiber.isParked = false;
    fiber.cancel = null;
    this.#ready.push(fiber);
  }

  /** False when the fiber is in no wait, or in one that nothing interrupts. */
  interrupt(fiber: Fiber, error: SimSqlError): boolean {
    if (!fiber.isParked || fiber.cancel === null) return false;
    fiber.cancel();
    fiber.error = error;
    this.wake(fiber);
    return true;
  }

  /** Runs everything that can run. */
  run(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    for (let next = 0; next < this.#ready.length; next += 1) {
      const fiber = this.#ready[next];
      if (fiber === undefined) break;
      this.#current = fiber;
      fiber.isDone = fiber.steps.next().done === true;
    }
    this.#ready = [];
    this.#current = null;
    this.#isRunning = false;
  }
}

/** Fibers that wait for one thing to happen. */
export class WaitList {
  readonly #fibers: Fibers;
  #waiting: Fiber[] = [];

  constructor(fibers: Fibers) {
    this.#fibers = fibers;
  }

  get count(): number {
    return this.#waiting.length;
  }

  *wait(options: { readonly isInterruptible: boolean }): Steps {
    const fiber = this.#fibers.current;
    this.#waiting.push(fiber);
    const leave = (): void => this.leave(fiber);
    yield* this.#fibers.park(options.isInterruptible ? leave : null);
  }

  leave(fiber: Fiber): void {
    this.#waiting = this.#waiting.filter((other) => other !== fiber);
  }

  wakeAll(): void {
    if (this.#waiting.length === 0) return;
    const woken = this.#waiting;
    this.#waiting = [];
    for (const fiber of woken) this.#fibers.wake(fiber);
  }
}
