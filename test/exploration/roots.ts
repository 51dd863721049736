import type { World, WorldState } from './world.ts';

/** Steps of a cluster in which nothing goes wrong, the first that can be done first. */
const happySteps: readonly RegExp[] = [
  /sidecar starts$/,
  /A: is elected in term 1 by B$/,
  /takes everything that leader A has$/,
  /Raft commits/,
  /task .*, piece/,
  /lifts read-only$/,
  /applies the next/,
];

/** A cluster at work: A leads in term 1 and is primary, the others are replicas; reached by steps of the model alone. */
export function settledCluster(world: World): WorldState {
  let state = world.blank;
  for (;;) {
    const steps = world.steps(state).filter(({ violation }) => violation === null);
    const next = happySteps
      .map((pattern) => steps.find(({ label }) => pattern.test(label)))
      .find((step) => step !== undefined);
    if (next === undefined) return state;
    state = next.next;
  }
}
