import type { RunPlan, RunReport } from './kernel/index.ts';

/** Runs that one shrinking may take. */
const attemptsMax = 250;

export interface Shrunk {
  readonly plan: RunPlan;
  readonly report: RunReport;
  readonly attempts: number;
}

type Run = (plan: RunPlan) => Promise<RunReport>;

/**
 * Makes a failing plan smaller while it breaks the same rule: a shorter run, fewer faults (halves first, then one by one, as
 * delta debugging does; Zeller and Hildebrandt 2002), troubles turned off, fewer nodes, shorter faults. The streams of luck are
 * apart from each other, so what is left out disturbs the rest little.
 */
export async function shrink(
  failing: { readonly plan: RunPlan; readonly report: RunReport },
  run: Run,
): Promise<Shrunk> {
  const shrinking = new Shrinking(failing, run);
  while (await shrinking.pass());
  return shrinking.result;
}

class Shrinking {
  readonly #run: Run;
  readonly #rule: string | undefined;
  #plan: RunPlan;
  #report: RunReport;
  #attempts = 0;

  constructor(failing: { readonly plan: RunPlan; readonly report: RunReport }, run: Run) {
    this.#run = run;
    this.#rule = failing.report.violation?.rule;
    this.#plan = failing.plan;
    this.#report = failing.report;
  }

  get result(): Shrunk {
    return { plan: this.#plan, report: this.#report, attempts: this.#attempts };
  }

  /** Tries everything once; whether anything helped. */
  async pass(): Promise<boolean> {
    const outcomes = [
      await this.#accepts(this.#shorter()),
      await this.#takeNodes(),
      await this.#dropFaults(),
      await this.#turnOff(),
      await this.#accepts(withShorterFaults(this.#plan)),
    ];
    return outcomes.includes(true);
  }

  async #accepts(smaller: RunPlan): Promise<boolean> {
    if (this.#attempts >= attemptsMax || isSamePlan(smaller, this.#plan)) return false;
    this.#attempts += 1;
    const found = await this.#run(smaller);
    if (found.violation === null || found.violation.rule !== this.#rule) return false;
    this.#plan = smaller;
    this.#report = found;
    return true;
  }

  /** Ends the first phase where the rule broke. */
  #shorter(): RunPlan {
    const plan = this.#plan;
    const faultyMs = Math.min(plan.faultyMs, this.#report.simulatedMs + 10);
    return { ...plan, faultyMs, faults: plan.faults.filter(({ atMs }) => atMs < faultyMs) };
  }

  async #takeNodes(): Promise<boolean> {
    for (const nodeCount of [3, 5]) {
      if (nodeCount >= this.#plan.nodeCount) break;
      if (await this.#accepts({ ...this.#plan, nodeCount })) return true;
    }
    return false;
  }

  async #dropFaults(): Promise<boolean> {
    let isSmaller = false;
    for (let size = this.#plan.faults.length; size >= 1; size = Math.floor(size / 2)) {
      // From the end, so that the places of what is still to be tried do not move.
      for (let end = this.#plan.faults.length; end > 0; end -= size) {
        const faults = this.#plan.faults.filter((_, place) => place < end - size || place >= end);
        if (await this.#accepts({ ...this.#plan, faults })) isSmaller = true;
      }
    }
    return isSmaller;
  }

  async #turnOff(): Promise<boolean> {
    let isSmaller = false;
    for (const name of Object.keys(this.#plan.knobs)) {
      if (this.#plan.knobs[name] === 0) continue;
      const knobs = { ...this.#plan.knobs, [name]: 0 };
      if (await this.#accepts({ ...this.#plan, knobs })) isSmaller = true;
    }
    return isSmaller;
  }
}

function isSamePlan(left: RunPlan, right: RunPlan): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

function withShorterFaults(plan: RunPlan): RunPlan {
  const faults = plan.faults.map((fault) => ({ ...fault, forMs: Math.ceil(fault.forMs / 2) }));
  return { ...plan, faults };
}
