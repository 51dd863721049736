import { SeededRandom } from '../../../base/random.ts';
import { eventually } from '../../support/eventually.ts';
import { connectRoot } from '../../support/root-connection.ts';
import { type ClientWorkload, changer, faultsDatabase } from './client-workload.ts';
import { SqlSession } from './sql-session.ts';
import type { LoadNode, LoadSite } from './workload.ts';

const schemaTimeoutMs = 60_000;

/** An empty schema with the tables of all workloads, seen by every node before the first client begins. */
export async function prepareSite(
  site: LoadSite,
  workloads: readonly ClientWorkload[],
): Promise<void> {
  const mark = Date.now();
  const statements = [
    `DROP DATABASE IF EXISTS ${faultsDatabase}`,
    `CREATE DATABASE ${faultsDatabase}`,
    ...workloads.flatMap(({ schema }) => schema),
    `CREATE TABLE ${faultsDatabase}.ready (mark BIGINT PRIMARY KEY)`,
    `INSERT INTO ${faultsDatabase}.ready (mark) VALUES (${mark})`,
  ];
  if (workloads.some(({ sessions }) => sessions.some(({ account }) => account === 'changer'))) {
    await eventually(() => makeChanger(site), 'a primary has the account that changes accounts');
  }
  await eventually(async () => {
    using session = sessionOn(site, site.nodes, 'read-write');
    await session.ready(AbortSignal.timeout(schemaTimeoutMs));
    for (const sql of statements) await session.change(sql);
    return true;
  }, 'a primary has the tables of all workloads');
  await Promise.all(site.nodes.map((node) => awaitMark(site, node, mark)));
}

function sessionOn(
  site: LoadSite,
  nodes: readonly LoadNode[],
  port: 'read-write' | 'read-only',
): SqlSession {
  return new SqlSession({
    nodes,
    port,
    user: site.appUser,
    password: site.appPassword,
    random: new SeededRandom(1),
    setup: [],
    statementTimeoutMs: schemaTimeoutMs,
  });
}

async function awaitMark(site: LoadSite, node: LoadNode, mark: number): Promise<void> {
  await eventually(async () => {
    using session = sessionOn(site, [node], 'read-only');
    await session.ready(AbortSignal.timeout(schemaTimeoutMs));
    const rows = await session.rows(`SELECT mark FROM ${faultsDatabase}.ready WHERE mark = ?`, [
      mark,
    ]);
    return rows.length === 1 ? true : null;
  }, `${node.id} has the tables of all workloads`);
}

/** On the one server that takes writes, by its root account, as an operator would. */
async function makeChanger({ nodes }: LoadSite): Promise<true | null> {
  const { user, password } = changer;
  for (const node of nodes) {
    await using root = await connectRoot(node);
    const [rows] = await root.query('SELECT @@global.super_read_only AS is_read_only');
    if (!JSON.stringify(rows).includes('"is_read_only":0')) continue;
    await root.query(`CREATE USER IF NOT EXISTS ${user} IDENTIFIED BY '${password}'`);
    await root.query(`GRANT ALL ON ${faultsDatabase}.* TO ${user} WITH GRANT OPTION`);
    await root.query(`GRANT CREATE USER ON *.* TO ${user}`);
    await root.query(`GRANT SELECT ON mysql.* TO ${user}`);
    return true;
  }
  return null;
}
