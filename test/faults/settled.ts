import type { NodeStatus } from '../../admin/node-status.ts';
import { isSettled } from '../support/binraft-cluster.ts';
import { eventually } from '../support/eventually.ts';
import { statuses } from './nemesis/serving-leader.ts';
import type { FaultSite } from './site.ts';

/** Healed, all nodes agree within this time. */
export const settleMsMax = 60_000;

/** Every node's status, once one is primary, the others are its replicas, and all have applied everything; rejects when that takes too long. */
export async function settled(site: FaultSite): Promise<readonly NodeStatus[]> {
  return await eventually(
    async () => {
      const answers = await statuses(site);
      return answers.length === site.nodes.length && isSettled(answers) ? answers : null;
    },
    'all nodes are settled',
    settleMsMax,
  );
}
