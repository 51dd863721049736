import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SystemClock } from '../../../base/clock.ts';
import { GtidSet } from '../../../mysql-bridge/binlog/gtid-set.ts';
import { DumpClient } from '../../../mysql-bridge/dump-client.ts';
import { socketPathFor } from '../../../mysql-bridge/server/socket-path.ts';
import { eventually } from '../../support/eventually.ts';
import { isDead, lifeOf } from '../../support/processes.ts';
import type { FaultNode } from '../site.ts';
import type { Strike, StruckFault } from './nemesis.ts';
import type { ServingLeader } from './serving-leader.ts';
import { nodeOf, randomFollower, replacedFault } from './sql-faults.ts';

// A second semisynchronous replica on a node's own server (HAZARDS H11): an administrator's, since no other account may replicate. It
// acknowledges at once a place far behind the end of the binlog, which the server takes at its word: no commit waits any more.

const farAhead = { file: 'binlog.999999', offset: 4n };
/** One look at the number of replicas falls into it. Within less the server may not have heard the ack at all, and nothing would be seen. */
const stayMs = 400;
const loginTimeoutMs = 10_000;
const attachMsMax = 30_000;
/** After a fault that another one joined. */
const followsMs = 60_000;
const rogueServerId = 4_294_967_000;
const rogueUuid = '0badc0de-0000-4000-8000-00000000beef';

/** Stays until it is thrown out, and acknowledges whatever comes. */
export async function rogueLeader({ site }: Strike, leader: ServingLeader): Promise<StruckFault> {
  return await strikeRogue({ site, node: nodeOf(site, leader.id), pid: leader.mysqldPid });
}

/** The ack stands when the replica is gone. */
export async function rogueThatLeaves(
  { site }: Strike,
  leader: ServingLeader,
): Promise<StruckFault> {
  const node = nodeOf(site, leader.id);
  return await strikeRogue({ site, node, pid: leader.mysqldPid, leaves: true });
}

/** Nobody writes there, yet a write that came would not be held back. */
export async function rogueFollower(strike: Strike, leader: ServingLeader): Promise<StruckFault> {
  const { site } = strike;
  const node = randomFollower(strike, leader);
  const pid = await eventually(
    async () => {
      const status = await site.status(node.id);
      return status?.mysql.role === 'replica' ? status.mysql.pid : null;
    },
    `${node.id} follows`,
    followsMs,
  );
  return await strikeRogue({ site, node, pid });
}

interface RogueStrike {
  readonly site: Strike['site'];
  readonly node: FaultNode;
  readonly pid: number;
  readonly leaves?: boolean;
}

async function strikeRogue({ site, node, pid, leaves = false }: RogueStrike): Promise<StruckFault> {
  const server = lifeOf(pid);
  const atMs = performance.now();
  const rogue = await attach(node);
  if (leaves) {
    await delay(stayMs);
    await rogue.close();
  }
  const fault = await replacedFault(site, {
    ...{ atMs, isReplaced: () => isDead(server) },
    detail: `a second replica ${leaves ? 'came and went' : 'acknowledges'} on ${node.id}, process ${pid}`,
  });
  await rogue.close();
  return fault;
}

/** Again when a transaction was applied, and purged from the binlog, between the look at what the server has and the dump. */
async function attach(node: FaultNode): Promise<DumpClient> {
  return await eventually(() => attachOnce(node), `${node.id} takes a second replica`, attachMsMax);
}

async function attachOnce(node: FaultNode): Promise<DumpClient> {
  const directory = join(node.directory, 'mysql');
  const rogue = await DumpClient.open({
    endpoint: { kind: 'unix', path: socketPathFor(directory) },
    account: {
      user: 'root',
      password: readFileSync(join(directory, 'root.password'), 'utf8').trim(),
    },
    serverId: rogueServerId,
    replicaUuid: rogueUuid,
    heartbeatPeriodMs: 1_000,
    isSemisync: true,
    loginTimeoutMs,
    clock: new SystemClock(),
  });
  const executed = GtidSet.parse(await rogue.executedGtids());
  // Before its first event the server does not listen to it.
  const attached = Promise.withResolvers<void>();
  rogue.start(executed.encode(), {
    onPieces: () => {
      rogue.sendAck(farAhead);
      attached.resolve();
    },
    onEnd: (error) => attached.reject(error),
  });
  try {
    await attached.promise;
    return rogue;
  } catch (thrown) {
    await rogue.close();
    throw thrown;
  }
}
