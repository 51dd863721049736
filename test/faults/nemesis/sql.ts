import type { Connection, RowDataPacket } from 'mysql2/promise';
import { isDead, lifeOf } from '../../support/processes.ts';
import { connectRoot } from '../../support/root-connection.ts';
import type { FaultSite } from '../site.ts';
import { sqlVariants } from './catalogue.ts';
import type { Nemesis, Strike, StruckFault } from './nemesis.ts';
import { rogueFollower, rogueLeader, rogueThatLeaves } from './rogue-replica.ts';
import { type ServingLeader, servingLeader } from './serving-leader.ts';
import {
  appSession,
  nodeOf,
  randomFollower,
  repeat,
  replacedFault,
  stormFault,
} from './sql-faults.ts';
import { unloggedOnFollower, unloggedOnPrimary } from './unlogged.ts';

// What a user or an administrator can do with SQL alone (HAZARDS N8, H2, H7, H9, H10).

/** By the names of the catalogue. */
export const sql: Nemesis = {
  async strike(strike): Promise<StruckFault> {
    const variant = sqlVariants.find((name) => name === strike.variant);
    if (variant === undefined) throw new Error(`no such variant: ${strike.variant}`);
    return await strikes[variant](strike, await servingLeader(strike.site));
  },
};

const strikes: Readonly<
  Record<
    (typeof sqlVariants)[number],
    (strike: Strike, leader: ServingLeader) => Promise<StruckFault>
  >
> = {
  'kill-storm': killStorm,
  'flush-logs': flushLogs,
  shutdown: shutDown,
  'semisync-off': semisyncOff,
  'writable-follower': writableFollower,
  'other-engine': otherEngine,
  'other-engine-by-admin': otherEngineByAdmin,
  xa: xaRefused,
  'rogue-replica': rogueLeader,
  'rogue-that-leaves': rogueThatLeaves,
  'rogue-on-follower': rogueFollower,
  'unlogged-on-primary': unloggedOnPrimary,
  'unlogged-on-follower': unloggedOnFollower,
};

/** The application's own user kills its sessions, every other one by KILL QUERY. */
async function killStorm({ site, over }: Strike, leader: ServingLeader): Promise<StruckFault> {
  const atMs = performance.now();
  let session: Connection | null = null;
  const storm = repeat(over, async (turn) => {
    session ??= await appSession(site, leader.id);
    try {
      const [rows] = await session.query<RowDataPacket[]>(
        'SELECT id AS id FROM information_schema.processlist WHERE id <> CONNECTION_ID() ORDER BY RAND() LIMIT 1',
      );
      const [victim] = rows;
      if (victim === undefined) return false;
      await session.query(`KILL ${turn % 2 === 0 ? 'QUERY ' : ''}${Number(victim['id'])}`);
      return true;
    } catch (thrown) {
      session.destroy();
      session = null;
      throw thrown;
    }
  });
  return await stormFault(site, {
    ...{ atMs, storm, detail: `sessions of ${site.appUser} on ${leader.id} are killed` },
    close: () => session?.destroy(),
  });
}

/** An administrator rotates the primary's binlog again and again. */
async function flushLogs({ site, over }: Strike, leader: ServingLeader): Promise<StruckFault> {
  const root = await connectRoot(nodeOf(site, leader.id));
  const atMs = performance.now();
  const storm = repeat(over, async () => {
    await root.query('FLUSH BINARY LOGS');
    return true;
  });
  return await stormFault(site, {
    ...{ atMs, storm, detail: `the binlog of ${leader.id} is rotated` },
    close: () => root.destroy(),
  });
}

/** An administrator stops the primary's server behind its sidecar's back. */
async function shutDown({ site }: Strike, leader: ServingLeader): Promise<StruckFault> {
  return await harm(site, leader, 'SHUTDOWN');
}

/** Commits would be answered that no majority has: the node must fence itself, and its server is built anew. */
async function semisyncOff({ site }: Strike, leader: ServingLeader): Promise<StruckFault> {
  return await harm(site, leader, 'SET GLOBAL rpl_semi_sync_source_enabled = 0');
}

/** One statement on the primary's server after which that server must not live on. */
async function harm(
  site: FaultSite,
  leader: ServingLeader,
  statement: string,
): Promise<StruckFault> {
  const server = lifeOf(leader.mysqldPid);
  await using root = await connectRoot(nodeOf(site, leader.id));
  const atMs = performance.now();
  // The server may be gone before it answers.
  await root.query(statement).catch(() => undefined);
  return await replacedFault(site, {
    ...{ atMs, isReplaced: () => isDead(server) },
    detail: `${statement} on ${leader.id}, process ${server.pid}`,
  });
}

/** A follower is made writable and written to: the write must never commit, and the server must go. */
async function writableFollower(strike: Strike, leader: ServingLeader): Promise<StruckFault> {
  const { site } = strike;
  const follower = randomFollower(strike, leader);
  const pid = (await site.status(follower.id))?.mysql.pid ?? null;
  if (pid === null) throw new Error(`${follower.id} runs no server`);
  const server = lifeOf(pid);
  await using root = await connectRoot(follower);
  const atMs = performance.now();
  await root.query('SET GLOBAL read_only = 0').catch(() => undefined);
  const answer = await root
    .query(`CREATE DATABASE errant_${follower.id}`)
    .then(() => 'was answered')
    .catch(() => 'was refused');
  const fault = await replacedFault(site, {
    ...{ atMs, isReplaced: () => isDead(server) },
    detail: `a write on ${follower.id}, process ${pid}, ${answer}`,
  });
  return { ...fault, confirmed: fault.confirmed && answer === 'was refused' };
}

/** What would not be rolled back with the binlog's tail is refused by the server. */
async function otherEngine(strike: Strike, leader: ServingLeader): Promise<StruckFault> {
  const session = await appSession(strike.site, leader.id);
  await session.query(engineDatabase);
  return await refused(strike, {
    session,
    statements: engines,
    errno: disabledEngine,
    detail: `tables of other engines are refused by ${leader.id}`,
  });
}

/** No privilege gets past that. */
async function otherEngineByAdmin(strike: Strike, leader: ServingLeader): Promise<StruckFault> {
  const session = await connectRoot(nodeOf(strike.site, leader.id));
  await session.query(engineDatabase);
  return await refused(strike, {
    session,
    statements: engines,
    errno: disabledEngine,
    detail: `tables of other engines are refused by ${leader.id}, to root as well`,
  });
}

/** A prepared transaction would keep its locks through every failover. */
async function xaRefused(strike: Strike, leader: ServingLeader): Promise<StruckFault> {
  return await refused(strike, {
    session: await appSession(strike.site, leader.id),
    statements: ["XA START 'x'", "/* a comment */ xa begin 'x'", 'XA RECOVER'],
    errno: notSupported,
    detail: `XA is refused on the port of ${leader.id}`,
  });
}

/** Statements in turns, each of which must be refused with that error; one that is not is what the end of the storm tells. */
async function refused(
  { site, over }: Strike,
  what: {
    readonly session: Connection;
    readonly statements: readonly string[];
    readonly errno: number;
    readonly detail: string;
  },
): Promise<StruckFault> {
  const { session, statements, errno, detail } = what;
  const taken = new Set<string>();
  const atMs = performance.now();
  const storm = repeat(over, async (turn) => {
    const statement = statements[turn % statements.length] ?? '';
    return await session.query(statement).then(
      () => {
        taken.add(statement);
        return false;
      },
      (thrown: { errno?: number }) => thrown.errno === errno,
    );
  });
  const fault = await stormFault(site, { atMs, storm, detail, close: () => session.destroy() });
  return {
    ...fault,
    end: async () => {
      const end = await fault.end();
      const [first] = taken;
      if (first === undefined) return end;
      return { ...end, confirmed: false, detail: `TAKEN: ${first}; ${end.detail}` };
    },
  };
}

const engineDatabase = 'CREATE DATABASE IF NOT EXISTS fault_engines';
const engines: readonly string[] = ['MyISAM', 'MEMORY', 'CSV', 'ARCHIVE', 'BLACKHOLE'].map(
  (engine) => `CREATE TABLE fault_engines.t (id INT NOT NULL) ENGINE=${engine}`,
);
/** ER_NOT_SUPPORTED_YET. */
const notSupported = 1235;
/** ER_DISABLED_STORAGE_ENGINE. */
const disabledEngine = 3161;
