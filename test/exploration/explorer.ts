import { StateTable } from './state-table.ts';
import type { Violation, World, WorldState } from './world.ts';

export interface Exploration {
  /** `complete`: no state was left out. `bounded`: everything within the depth. `full`: too many states, the rest is unknown. */
  readonly outcome: 'complete' | 'bounded' | 'full' | 'violated';
  readonly states: number;
  readonly transitions: number;
  readonly depth: number;
  readonly tableBytes: number;
  readonly counterexample: Counterexample | null;
}

/** A shortest way from a root to a state that violates a property, or to the step that does. */
export interface Counterexample {
  readonly violation: Violation;
  readonly path: readonly { readonly label: string; readonly state: WorldState }[];
  readonly root: WorldState;
}

export interface ExploreOptions {
  readonly world: World;
  readonly roots: readonly WorldState[];
  readonly depthMax: number;
  readonly statesMax: number;
  /** At the beginning of each level, and every so many states within it. */
  readonly onProgress?: (progress: Progress) => void;
  /** Each state once, in the order of its number. */
  readonly onState?: (state: WorldState) => void;
  /** Each step between two states, by their numbers in the order in which they were found. */
  readonly onStep?: (step: NumberedStep) => void;
}

export interface NumberedStep {
  readonly from: number;
  readonly to: number;
  /** Neither a fault nor a client's doing. */
  readonly isFree: boolean;
}

export interface Progress {
  readonly depth: number;
  readonly states: number;
  readonly transitions: number;
  /** States of this depth that are still to be expanded. */
  readonly left: number;
}

const statesPerProgress = 100_000;

/** Breadth first, so that the first violation found has a shortest path. Each state is visited once. */
export function explore(options: ExploreOptions): Exploration {
  return new Search(options).run();
}

class Search {
  readonly #options: ExploreOptions;
  readonly #table: StateTable;
  #transitions = 0;
  #depth = 0;
  #counterexample: Counterexample | null = null;

  constructor(options: ExploreOptions) {
    this.#options = options;
    const width = (options.roots[0] ?? []).length;
    this.#table = new StateTable({ width, statesMax: options.statesMax });
    for (const root of options.roots) this.#table.add(options.world.canonical(root), -1);
  }

  run(): Exploration {
    const outcome = this.#levels();
    return {
      outcome,
      states: this.#table.size,
      transitions: this.#transitions,
      depth: this.#depth,
      tableBytes: this.#table.bytes,
      counterexample: this.#counterexample,
    };
  }

  #levels(): Exploration['outcome'] {
    for (let first = 0; first < this.#table.size; this.#depth += 1) {
      const end = this.#table.size;
      this.#report(end - first);
      if (this.#depth === this.#options.depthMax) return 'bounded';
      for (let id = first; id < end; id += 1) {
        const ended = this.#expand(id);
        if (ended !== null) return ended;
        if ((id + 1) % statesPerProgress === 0) this.#report(end - id - 1);
      }
      first = end;
    }
    return 'complete';
  }

  #report(left: number): void {
    this.#options.onProgress?.({
      depth: this.#depth,
      states: this.#table.size,
      transitions: this.#transitions,
      left,
    });
  }

  #expand(id: number): 'violated' | 'full' | null {
    const { world, onState, onStep } = this.#options;
    const state = this.#table.at(id);
    onState?.(state);
    for (const { next, violation, isFree } of world.steps(state)) {
      this.#transitions += 1;
      if (violation !== null) {
        this.#depth += 1;
        this.#counterexample = retrace(this.#options, this.#table, id);
        return 'violated';
      }
      if (this.#table.isFull) return 'full';
      const to = this.#table.add(world.canonical(next), id);
      onStep?.({ from: id, to, isFree });
    }
    return null;
  }
}

/**
 * The path again, with one set of names: the table holds canonical states, in which a node's name may change from step to step.
 */
function retrace(options: ExploreOptions, table: StateTable, end: number): Counterexample {
  const { world } = options;
  const chain: number[] = [];
  for (let id = end; id !== -1; id = table.parentOf(id)) chain.unshift(id);
  const [rootId = 0, ...ids] = chain;
  const isSame = (left: WorldState, right: WorldState): boolean => left.join() === right.join();
  const root = options.roots.find((each) => isSame(world.canonical(each), table.at(rootId)));
  if (root === undefined) throw new Error('a path begins at a root');
  let state = root;
  const path: { label: string; state: WorldState }[] = [];
  for (const id of ids) {
    const target = table.at(id);
    const step = world.steps(state).find(({ next }) => isSame(world.canonical(next), target));
    if (step === undefined) throw new Error('a state is reached by a step of its parent');
    path.push({ label: step.label, state: step.next });
    state = step.next;
  }
  // Renaming changes no step: what violates there, violates here.
  const last = world.steps(state).find(({ violation }) => violation !== null);
  if (last === undefined || last.violation === null)
    throw new Error('the violation is found again');
  path.push({ label: last.label, state: last.next });
  return { violation: last.violation, path, root };
}
