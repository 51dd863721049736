import { burdenOf, type Configuration, keepBest } from './configuration.ts';
import type { OpenOperations } from './open-operations.ts';
import type { StepBudget } from './step-budget.ts';

/**
 * The configurations of one place that no other one there dominates, and not many more than the width of them: past twice the width
 * those with the most to do are left out.
 */
export class Frontier {
  readonly #open: OpenOperations;
  readonly #budget: StepBudget;
  readonly #width: number;
  /** By state: configurations of different states do not compare. */
  readonly #byState = new Map<number, Configuration[]>();
  #count = 0;
  /** Some were left out that none dominates. */
  isNarrowed = false;

  constructor(options: {
    readonly open: OpenOperations;
    readonly budget: StepBudget;
    readonly width: number;
  }) {
    this.#open = options.open;
    this.#budget = options.budget;
    this.#width = options.width;
  }

  add(configuration: Configuration): void {
    const kept = this.#byState.get(configuration.state) ?? [];
    this.#byState.set(configuration.state, kept);
    this.#count -= kept.length;
    this.#budget.spend(keepBest(kept, configuration, this.#open));
    this.#count += kept.length;
    if (this.#count > this.#width * 2) this.#narrow();
  }

  /** At most as many as the width. */
  all(): Configuration[] {
    if (this.#count > this.#width) this.#narrow();
    return [...this.#byState.values()].flat();
  }

  #narrow(): void {
    this.isNarrowed = true;
    const ranked = [...this.#byState.values()].flat().map((configuration) => ({
      configuration,
      burden: burdenOf(configuration, this.#open),
    }));
    this.#budget.spend(ranked.length);
    ranked.sort((one, other) => one.burden - other.burden);
    this.#byState.clear();
    this.#count = Math.min(ranked.length, this.#width);
    for (const { configuration } of ranked.slice(0, this.#width)) {
      const kept = this.#byState.get(configuration.state) ?? [];
      this.#byState.set(configuration.state, kept);
      kept.push(configuration);
    }
  }
}
