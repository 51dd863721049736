import { setTimeout as delay } from 'node:timers/promises';
import { type BinraftCluster, kill } from '../support/binraft-cluster.ts';

/** What is done to the leader while writers write. HAZARDS N3, N5. */
export const faultKinds = ['sidecar', 'mysqld', 'both', 'pause'] as const;
export type FaultKind = (typeof faultKinds)[number];

const pauseMs = 10_000;

/** Hits the present leader; settles when the fault itself is over. Answers which node it hit. */
export async function strikeLeader(cluster: BinraftCluster, kind: FaultKind): Promise<string> {
  const leader = await cluster.leader();
  const { pid: mysqldPid } = leader.mysql;
  if (mysqldPid === null) throw new Error(`${leader.node} leads without a mysqld`);
  switch (kind) {
    case 'sidecar':
      kill(leader.pid, 'SIGKILL');
      break;
    case 'mysqld':
      kill(mysqldPid, 'SIGKILL');
      break;
    case 'both':
      kill(mysqldPid, 'SIGKILL');
      kill(leader.pid, 'SIGKILL');
      break;
    case 'pause':
      kill(leader.pid, 'SIGSTOP');
      await delay(pauseMs);
      kill(leader.pid, 'SIGCONT');
      break;
    default: {
      const unknown: never = kind;
      throw new Error(`no fault ${unknown}`);
    }
  }
  return leader.node;
}
