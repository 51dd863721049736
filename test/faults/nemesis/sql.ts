import { setTimeout as delay } from 'node:timers/promises';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { eventually } from '../../support/eventually.ts';
import { isDead, lifeOf } from '../../support/processes.ts';
import { connectRoot } from '../../support/root-connection.ts';
import type { FaultSite } from '../site.ts';
import { sqlVariants } from './catalogue.ts';
import { allPlayRoles } from './everyone-back.ts';
import type { Nemesis, Observation, Strike, StruckFault } from './nemesis.ts';
import { type ServingLeader, servingLeader } from './serving-leader.ts';

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
};

/** Sessions killed and logs rotated per second: as a nuisance, not so that nothing else gets through. */
const stormPauseMs = 100;
const seenMs = 20_000;

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
async function writableFollower(
  { site, random }: Strike,
  leader: ServingLeader,
): Promise<StruckFault> {
  const others = site.nodes.filter(({ id }) => id !== leader.id);
  const follower = others[random.below(0, others.length)];
  if (follower === undefined) throw new Error('nobody follows');
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
async function otherEngine({ site, over }: Strike, leader: ServingLeader): Promise<StruckFault> {
  const session = await appSession(site, leader.id);
  await session.query('CREATE DATABASE IF NOT EXISTS fault_engines');
  const atMs = performance.now();
  const refusals = repeat(over, async (turn) => {
    const engine = turn % 2 === 0 ? 'MyISAM' : 'MEMORY';
    return await session
      .query(`CREATE TABLE fault_engines.t (id INT) ENGINE=${engine}`)
      .then(() => Promise.reject(new Error(`${engine} was taken`)))
      .catch((thrown: { errno?: number }) => thrown.errno === disabledEngine);
  });
  return await stormFault(site, {
    ...{ atMs, storm: refusals, detail: `tables of other engines are refused by ${leader.id}` },
    close: () => session.destroy(),
  });
}

/** ER_DISABLED_STORAGE_ENGINE. */
const disabledEngine = 3161;

interface Storm {
  readonly done: number;
  readonly failed: number;
}

/** Runs it again and again until it is over; what fails (the primary may change) is counted. */
function repeat(
  over: AbortSignal,
  once: (turn: number) => Promise<boolean>,
): { readonly counts: Storm; readonly ended: Promise<void> } {
  const counts = { done: 0, failed: 0 };
  const run = async (): Promise<void> => {
    for (let turn = 0; !over.aborted; turn += 1) {
      const done = await once(turn).catch(() => false);
      counts[done ? 'done' : 'failed'] += 1;
      await delay(stormPauseMs, undefined, { signal: over }).catch(() => undefined);
    }
  };
  return { counts, ended: run() };
}

interface StormOptions {
  readonly atMs: number;
  readonly storm: ReturnType<typeof repeat>;
  readonly detail: string;
  close(): void;
}

async function stormFault(
  site: FaultSite,
  { atMs, storm, detail, close }: StormOptions,
): Promise<StruckFault> {
  const { counts, ended } = storm;
  const seen = await eventually(
    async () => counts.done > 0 || null,
    'it took effect',
    seenMs,
  ).catch(() => false);
  return {
    ...{ atMs, confirmed: seen, isMajorityWhole: true },
    detail: `${detail}; ${seen ? 'seen' : 'NOT seen'}`,
    end: async (): Promise<Observation> => {
      await ended;
      close();
      const back = await allPlayRoles(site);
      return { ...back, detail: `${counts.done} times, ${counts.failed} failed; ${back.detail}` };
    },
  };
}

async function replacedFault(
  site: FaultSite,
  options: { readonly atMs: number; readonly detail: string; isReplaced(): boolean },
): Promise<StruckFault> {
  const { atMs, detail, isReplaced } = options;
  const gone = await eventually(
    async () => isReplaced() || null,
    'that server is gone',
    seenMs,
  ).catch(() => false);
  return {
    ...{ atMs, confirmed: gone, isMajorityWhole: true },
    detail: `${detail}: ${gone ? 'that server is gone' : 'that server lives on'}`,
    end: () => allPlayRoles(site),
  };
}

async function appSession(site: FaultSite, id: string): Promise<Connection> {
  const { host, readWritePort } = nodeOf(site, id);
  const session = await createConnection({
    ...{ host, port: readWritePort, user: site.appUser, password: site.appPassword },
  });
  // Errors of an idle session surface at the next statement.
  session.on('error', () => undefined);
  return session;
}

function nodeOf(site: FaultSite, id: string): FaultSite['nodes'][number] {
  const found = site.nodes.find((node) => node.id === id);
  if (found === undefined) throw new Error(`no node ${id}`);
  return found;
}
