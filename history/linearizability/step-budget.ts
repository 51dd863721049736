/**
 * Steps of a decision, counted where they are made. What loops asks at each round whether they are spent and then ends as if it were
 * through, so that a decision ends soon after its last step, in the middle of an event as well; what it gave so far is not an answer.
 */
export class StepBudget {
  readonly #stepsMax: number;
  readonly #weight: number;
  #steps = 0;

  /** A step counts `weight` times, where sets are so large that it takes longer. */
  constructor(stepsMax: number, weight: number) {
    this.#stepsMax = stepsMax;
    this.#weight = weight;
  }

  get steps(): number {
    return this.#steps;
  }

  get isSpent(): boolean {
    return this.#steps > this.#stepsMax;
  }

  spend(steps: number): void {
    this.#steps += steps * this.#weight;
  }
}
