import type { NodeStatus } from '../../../admin/node-status.ts';
import { eventually } from '../../support/eventually.ts';
import type { FaultSite } from '../site.ts';

/** The node that serves writes, by its own account, and nobody claims a higher term. */
export interface ServingLeader {
  readonly id: string;
  readonly term: number;
  readonly mysqldPid: number;
}

/** A fault may come while the cluster recovers from another. */
const leaderWaitMs = 30_000;

/** Waits for one; rejects when there is none for long. */
export async function servingLeader(site: FaultSite): Promise<ServingLeader> {
  return await eventually(async () => newest(await statuses(site)), 'a node leads', leaderWaitMs);
}

/** Of all nodes that answer. */
export async function statuses(site: FaultSite): Promise<readonly NodeStatus[]> {
  const answers = await Promise.all(site.nodes.map(({ id }) => site.status(id)));
  return answers.filter((status) => status !== null);
}

function newest(answers: readonly NodeStatus[]): ServingLeader | null {
  const term = Math.max(...answers.map(({ raft }) => raft.term));
  const leader = answers.find(({ raft, proxy }) => raft.term === term && proxy.isGateOpen);
  if (leader === undefined || leader.mysql.pid === null) return null;
  return { id: leader.node, term, mysqldPid: leader.mysql.pid };
}
