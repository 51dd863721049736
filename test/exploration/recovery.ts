import type { Bound } from './bounds.ts';
import type { NodeView } from './checkers/checker.ts';
import type { PlantedBug } from './planted-bugs.ts';
import { type BoundRun, runBound } from './run-bound.ts';
import type { World, WorldState } from './world.ts';

export interface Recovery extends BoundRun {
  /** How many states a way to a serving cluster is owed from. */
  readonly owed: number;
  /** Those of them that have none. */
  readonly stuck: readonly WorldState[];
}

/**
 * HAZARDS C10, as far as it can be said without time: from every state there is a way, without any fault, to a cluster with one
 * primary whose gate is open and replicas else. A server is promoted once in a term, so nothing is owed where the bound allows no
 * further leader, and the present one has been primary already.
 */
export function recoveryOf(
  bound: Bound,
  options: { readonly statesMax: number; readonly bug?: Omit<PlantedBug, 'property'> },
): Recovery {
  const steps: Steps = { from: [], to: [] };
  const states: WorldState[] = [];
  const { world, exploration } = runBound(bound, {
    ...options,
    onStep: ({ from, to, isFree }) => {
      if (!isFree) return;
      steps.from.push(from);
      steps.to.push(to);
    },
    onState: (state) => states.push(state),
  });
  const reaches = backwards(
    steps,
    states.map((state) => isServing(world, state)),
  );
  let owed = 0;
  const stuck: WorldState[] = [];
  states.forEach((state, id) => {
    if (!isOwed(world, state, bound.world.termMax)) return;
    owed += 1;
    if (reaches[id] !== 1) stuck.push(state);
  });
  return { world, exploration, owed, stuck };
}

/** Steps as two lists of numbers: there are millions. */
interface Steps {
  readonly from: number[];
  readonly to: number[];
}

/** Which states reach a goal, by the steps read against their direction. */
function backwards(steps: Steps, isGoal: readonly boolean[]): Uint8Array {
  // The steps into a state, one state behind the other: `ends` says where those of each begin.
  const ends = new Int32Array(isGoal.length + 1);
  for (const to of steps.to) ends[to + 1] = (ends[to + 1] ?? 0) + 1;
  for (let id = 0; id < isGoal.length; id += 1)
    ends[id + 1] = (ends[id + 1] ?? 0) + (ends[id] ?? 0);
  const free = ends.slice();
  const before = new Int32Array(steps.to.length);
  steps.to.forEach((to, place) => {
    const slot = free[to] ?? 0;
    before[slot] = steps.from[place] ?? 0;
    free[to] = slot + 1;
  });
  const reaches = new Uint8Array(isGoal.length);
  const open: number[] = [];
  isGoal.forEach((is, id) => {
    if (is) open.push(id);
  });
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (reaches[id] === 1) continue;
    reaches[id] = 1;
    open.push(...before.subarray(ends[id], ends[id + 1]));
  }
  return reaches;
}

function isServing(world: World, state: WorldState): boolean {
  const views = viewsOf(world, state);
  const primaries = views.filter(({ role, node }) => role.kind === 'primary' && node.gateTerm > 0);
  const replicas = views.filter(({ role }) => role.kind === 'replica');
  return primaries.length === 1 && replicas.length === views.length - 1;
}

function isOwed(world: World, state: WorldState, termMax: number): boolean {
  const views = viewsOf(world, state);
  const newest = Math.max(...views.map(({ node }) => node.term));
  return newest < termMax || views.some((view) => mayBePromoted(view, newest));
}

function mayBePromoted({ node, lastWritableTerm }: NodeView, newest: number): boolean {
  return node.isLeader && node.term === newest && lastWritableTerm < newest;
}

function viewsOf(world: World, state: WorldState): readonly NodeView[] {
  return state.slice(0, -1).map((_, position) => world.viewAt(state, position));
}
