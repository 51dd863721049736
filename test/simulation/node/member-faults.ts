import type { Random } from '../../../base/random.ts';
import { pickFrom } from '../kernel/random-streams.ts';
import { type FaultTable, strikeOf } from './fault-table.ts';
import type { Machine } from './machine.ts';
import type { SimCluster } from './sim-cluster.ts';

interface MemberFaultContext {
  readonly cluster: SimCluster;
  readonly machine: Machine;
  readonly random: Random;
}

/**
 * Changes of members (HAZARDS N9, N10), each asked of the leader of that moment. The operator refuses what would leave too few; Raft
 * refuses the rest.
 */
const faultsByKind: FaultTable<MemberFaultContext> = {
  'member-add': ({ cluster }) => cluster.operator.add('voter'),
  'member-witness': ({ cluster }) => cluster.operator.add('witness'),
  'member-remove': ({ cluster, machine }) => cluster.operator.remove([machine.id]),
  'member-shrink': ({ cluster, machine, random }) =>
    cluster.operator.remove([machine.id, pickFrom(random, cluster.machines).id]),
  'member-swap': ({ cluster, machine }) => cluster.operator.swap(machine.id),
  'member-replace': ({ cluster, machine }) => cluster.operator.replace(machine.id),
  'lose-node': ({ cluster, machine }) => {
    if (cluster.operator.mayRuin(machine)) machine.loseDisks();
  },
};

export const memberFaultKinds: readonly string[] = Object.keys(faultsByKind);

/** Carries out what is a change of members; false for any other fault. */
export function changeMembers(kind: string, context: MemberFaultContext): boolean {
  return strikeOf(faultsByKind, kind, context);
}
