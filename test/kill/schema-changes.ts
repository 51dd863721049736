import type { Connection, RowDataPacket } from 'mysql2/promise';
import { createConnection } from 'mysql2/promise';
import type { BinraftCluster, TestNode } from '../support/binraft-cluster.ts';
import { eventually } from '../support/eventually.ts';
import { connectRoot } from '../support/root-connection.ts';
import { definiteFailure, type Outcome } from './workload.ts';

/** Someone who may change schemas and accounts through the read-write ports. */
export const schemaChanger = { user: 'dba', password: 'changes-schemas' } as const;

/** Makes the account, and an empty schema, on the present primary, as an operator would. */
export async function prepareSchemaChanges(cluster: BinraftCluster): Promise<void> {
  await eventually(async () => {
    await prepareOn(cluster);
    return true;
  }, 'a primary has the account and the schema');
}

async function prepareOn(cluster: BinraftCluster): Promise<void> {
  const leader = await cluster.leader();
  const { user, password } = schemaChanger;
  await using root = await connectRoot(cluster.node(leader.node));
  const [accounts] = await root.query<RowDataPacket[]>(
    "SELECT user FROM mysql.user WHERE user LIKE 'u\\_%'",
  );
  for (const row of accounts) await root.query(`DROP USER ${String(row['user'])}`);
  await root.query('DROP DATABASE IF EXISTS ddl');
  await root.query('CREATE DATABASE ddl');
  await root.query(`CREATE USER IF NOT EXISTS ${user} IDENTIFIED BY '${password}'`);
  await root.query(`GRANT ALL ON ddl.* TO ${user}`);
  await root.query(`GRANT CREATE USER ON *.* TO ${user}`);
}

/** What one object must look like in the end, as far as the answers tell. */
type Presence = 'there' | 'gone' | 'either';

/**
 * Creates, alters and drops tables and creates accounts until stopped, each object by one loop, and keeps what must be there.
 * Every statement is one atomic DDL (MySQL manual, "Atomic Data Definition Statement Support").
 */
export class SchemaChanges implements AsyncDisposable {
  readonly presences: Map<string, Presence> = new Map();
  statements = 0;
  readonly #cluster: BinraftCluster;
  #isOver = false;
  readonly #loops: Promise<void>[];

  constructor(cluster: BinraftCluster, loops: number) {
    this.#cluster = cluster;
    this.#loops = Array.from({ length: loops }, (_, loop) => this.#change(loop));
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#loops);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #change(loop: number): Promise<void> {
    let connection: Connection | null = null;
    for (let round = 0; !this.#isOver; round += 1) {
      connection ??= await this.#connect(loop + round);
      if (connection === null) continue;
      const table = `t_${loop}_${round}`;
      const account = `u_${loop}_${round}`;
      const steps: readonly (readonly [string, string, Presence])[] = [
        [table, `CREATE TABLE ddl.${table} (id INT PRIMARY KEY)`, 'there'],
        [`${table}.extra`, `ALTER TABLE ddl.${table} ADD COLUMN extra VARCHAR(20)`, 'there'],
        [account, `CREATE USER ${account} IDENTIFIED BY 'x${round}'`, 'there'],
        ...(round % 2 === 0 ? [[table, `DROP TABLE ddl.${table}`, 'gone'] as const] : []),
      ];
      for (const [object, sql, presence] of steps) {
        const outcome = await execute(connection, sql);
        this.statements += 1;
        this.#note(object, presence, outcome);
        if (outcome === 'acked') continue;
        connection.destroy();
        connection = null;
        break;
      }
    }
    connection?.destroy();
  }

  #note(object: string, presence: Presence, outcome: Outcome): void {
    if (outcome === 'failed') {
      // A definite failure changed nothing: what was said before stands, and a new object is not there.
      if (!this.presences.has(object)) this.presences.set(object, 'gone');
      return;
    }
    this.presences.set(object, outcome === 'acked' ? presence : 'either');
    if (presence === 'gone')
      this.presences.set(`${object}.extra`, outcome === 'acked' ? 'gone' : 'either');
  }

  async #connect(turn: number): Promise<Connection | null> {
    const { nodes } = this.#cluster;
    try {
      const connection = await createConnection({
        host: '127.0.0.1',
        port: nodes[turn % nodes.length]?.readWritePort ?? 0,
        ...schemaChanger,
        connectTimeout: 15_000,
      });
      connection.on('error', () => undefined);
      return connection;
    } catch {
      return null;
    }
  }
}

async function execute(connection: Connection, sql: string): Promise<Outcome> {
  try {
    await connection.query(sql);
    return 'acked';
  } catch (thrown) {
    return definiteFailure(thrown) ? 'failed' : 'unknown';
  }
}

/** Of every node, once all have applied everything. */
export async function schemasOf(cluster: BinraftCluster): Promise<readonly (readonly string[])[]> {
  return await eventually(async () => {
    await cluster.settled();
    // Fails where the leader changes meanwhile.
    return await Promise.all(cluster.nodes.map(schemaOf));
  }, 'all schemas can be read');
}

/** Every table, column and account of a node's own server that these changes may have made, one line each, sorted. */
async function schemaOf(node: TestNode): Promise<readonly string[]> {
  await using root = await connectRoot(node);
  const [columns] = await root.query<RowDataPacket[]>(
    `SELECT CONCAT(table_name, '.', column_name, ' ', column_type) AS line
       FROM information_schema.columns WHERE table_schema = 'ddl'`,
  );
  const [accounts] = await root.query<RowDataPacket[]>(
    `SELECT CONCAT(user, '@', host, ' ', HEX(authentication_string)) AS line
       FROM mysql.user WHERE user LIKE 'u\\_%' OR user IN ('dba', 'app')`,
  );
  return [...columns, ...accounts].map((row) => String(row['line'])).sort();
}

/** Objects whose presence contradicts what their creator was told. */
export function schemaViolations(
  presences: ReadonlyMap<string, Presence>,
  schema: readonly string[],
): string[] {
  const there = new Set(
    schema.flatMap((line) => {
      const [name = ''] = line.split(/[ @]/);
      const [table = '', column] = name.split('.');
      return column === 'id' || column === undefined ? [table] : [name];
    }),
  );
  return [...presences].flatMap(([object, presence]) => {
    if (presence === 'there' && !there.has(object))
      return [`${object} was acknowledged and is missing`];
    if (presence === 'gone' && there.has(object)) return [`${object} is there and must not be`];
    return [];
  });
}
