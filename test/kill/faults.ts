import { setTimeout as delay } from 'node:timers/promises';
import type { BinraftCluster } from '../support/binraft-cluster.ts';
import { eventually } from '../support/eventually.ts';
import { kill, pause } from '../support/processes.ts';

/**
 * What is done to the leader, or for its sake to the cluster, while writers write. HAZARDS N3, N4, N5, N11: `shutdown` tells its server
 * to stop behind its back (H2), `power` kills every process of all nodes and starts again, `lag` stops a follower instead, `transfer`
 * is the planned hand-over.
 */
export const faultKinds = [
  'sidecar',
  'mysqld',
  'shutdown',
  'both',
  'pause',
  'transfer',
  'power',
  'lag',
] as const;
export type FaultKind = (typeof faultKinds)[number];

const pauseMs = 10_000;
const lagMs = 120_000;

/** Hits the present leader; settles when the fault itself is over. Answers which node it hit. */
export async function strikeLeader(cluster: BinraftCluster, kind: FaultKind): Promise<string> {
  const leader = await cluster.leader();
  const { pid: mysqldPid } = leader.mysql;
  switch (kind) {
    case 'sidecar':
      kill(leader.pid, 'SIGKILL');
      break;
    case 'mysqld':
      kill(mysqldPid, 'SIGKILL');
      break;
    case 'shutdown':
      kill(mysqldPid, 'SIGTERM');
      break;
    case 'both':
      kill(mysqldPid, 'SIGKILL');
      kill(leader.pid, 'SIGKILL');
      break;
    case 'pause':
      await pause(leader.pid);
      await delay(pauseMs);
      kill(leader.pid, 'SIGCONT');
      break;
    case 'transfer': {
      const report = await cluster.transfer(null);
      if (report.outcome !== 'handed-over')
        throw new Error(`transfer ${report.outcome}: ${report.reason}`);
      break;
    }
    case 'power':
      await cluster.killEverything();
      await cluster.up();
      break;
    case 'lag':
      return await stopFollower(cluster, leader.node);
    default: {
      const unknown: never = kind;
      throw new Error(`no fault ${unknown}`);
    }
  }
  return leader.node;
}

/** A follower, sidecar and server, stands still for two minutes. */
async function stopFollower(cluster: BinraftCluster, leader: string): Promise<string> {
  const id = cluster.nodes.find((node) => node.id !== leader)?.id ?? leader;
  const pids = await eventually(async () => {
    const { pid, mysql } = await cluster.nodeStatus(id);
    return mysql.pid === null ? null : [pid, mysql.pid];
  }, `${id} runs a server`);
  for (const pid of pids) await pause(pid);
  await delay(lagMs);
  for (const pid of pids.reverse()) kill(pid, 'SIGCONT');
  return id;
}
