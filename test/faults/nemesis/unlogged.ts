import type { Connection } from 'mysql2/promise';
import { eventually } from '../../support/eventually.ts';
import { lifeOf } from '../../support/processes.ts';
import { connectRoot } from '../../support/root-connection.ts';
import type { FaultSite } from '../site.ts';
import { allPlayRoles } from './everyone-back.ts';
import type { Strike, StruckFault } from './nemesis.ts';
import type { ServingLeader } from './serving-leader.ts';
import { nodeOf, randomFollower } from './sql-faults.ts';

// An administrator writes where nothing sees it: without the binlog (HAZARDS N8, H10).

const seenMs = 20_000;
const codeOfVerdict = 'MYSQL_BINLOG_OFF';
const downRoles: readonly string[] = ['condemning', 'rebuilding', 'quarantined'];

/** On the server that serves: it has to give leadership away, and to be built anew. */
export async function unloggedOnPrimary(
  { site }: Strike,
  leader: ServingLeader,
): Promise<StruckFault> {
  return await unlogged(site, leader.id, async (root) => {
    await root.query('SET SESSION sql_log_bin = 0');
  });
}

/** On a server that follows, by the lines that mysqldump puts in front of an import. */
export async function unloggedOnFollower(
  strike: Strike,
  leader: ServingLeader,
): Promise<StruckFault> {
  return await unlogged(strike.site, randomFollower(strike, leader).id, async (root) => {
    await root.query('SET GLOBAL read_only = 0');
    await root.query('SET @MYSQLDUMP_TEMP_LOG_BIN = @@SESSION.SQL_LOG_BIN');
    await root.query('SET @@SESSION.SQL_LOG_BIN= 0');
  });
}

/** Seen when the node itself says why its server is down. The server may be killed at any moment from the first statement on. */
async function unlogged(
  site: FaultSite,
  id: string,
  turnOff: (root: Connection) => Promise<void>,
): Promise<StruckFault> {
  const node = nodeOf(site, id);
  const pid = (await site.status(id))?.mysql.pid ?? null;
  if (pid === null) throw new Error(`${id} runs no server`);
  const server = lifeOf(pid);
  await using root = await connectRoot(node);
  const atMs = performance.now();
  const written = await turnOff(root)
    .then(() => root.query(`CREATE DATABASE unlogged_${id}`))
    .then(() => 'was made')
    .catch(() => 'did not get through');
  const reason = await verdictOf(site, id);
  return {
    ...{ atMs, confirmed: reason !== null, isMajorityWhole: true },
    detail: `a database without binlog on ${id}, process ${pid}, ${written}; ${reason ?? 'NOT condemned'}`,
    end: () => allPlayRoles(site, [server]),
  };
}

/** What the node says while it keeps that server down. */
async function verdictOf(site: FaultSite, id: string): Promise<string | null> {
  const said = eventually(
    async () => {
      const { role, reason } = (await site.status(id))?.mysql ?? { role: '', reason: '' };
      return downRoles.includes(role) && reason.includes(codeOfVerdict)
        ? `${role}: ${reason}`
        : null;
    },
    `${id} says why its server is down`,
    seenMs,
  );
  return await said.catch(() => null);
}
