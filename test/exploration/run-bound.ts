import type { Bound } from './bounds.ts';
import { type Exploration, type ExploreOptions, explore } from './explorer.ts';
import type { PlantedBug } from './planted-bugs.ts';
import { settledCluster } from './roots.ts';
import { World } from './world.ts';

export interface BoundRun {
  readonly world: World;
  readonly exploration: Exploration;
}

/** Explores one bound, of the product as it is or with a bug planted in it. */
export function runBound(
  bound: Bound,
  options: Pick<ExploreOptions, 'statesMax' | 'onProgress' | 'onState' | 'onStep'> & {
    readonly bug?: Omit<PlantedBug, 'property'>;
  },
): BoundRun {
  const { bug, ...limits } = options;
  const world = new World({
    ...bound.world,
    roleEdits: bug?.roleEdits ?? [],
    ackGateEdits: bug?.ackGateEdits ?? [],
    plants: bug?.plants ?? [],
  });
  const root = bound.root === 'blank' ? world.blank : settledCluster(world);
  const { depthMax } = bound;
  return { world, exploration: explore({ world, roots: [root], depthMax, ...limits }) };
}

/** One line of numbers. */
export function summaryOf(name: string, { world, exploration }: BoundRun): string {
  const { outcome, states, transitions, depth, tableBytes } = exploration;
  const parts = [
    `${name}: ${outcome}`,
    `${states} states`,
    `${transitions} transitions`,
    `depth ${depth}`,
    `${world.nodeStates} states of a node`,
    `${world.roleStates} of the role machine`,
    `table ${Math.ceil(tableBytes / 1024 / 1024)} MiB`,
  ];
  return parts.join(', ');
}
