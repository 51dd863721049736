import { type Connection, createConnection } from 'mysql2/promise';
import type { BinraftCluster } from './binraft-cluster.ts';
import { eventually } from './eventually.ts';

/** The proxy itself gives up sooner, when there is no primary. */
const connectTimeoutMs = 120_000;

/** A session of the account `app` that ends with its scope. Errors of an idle session surface at the next statement. */
export async function connectApp(
  cluster: BinraftCluster,
  port: number,
): Promise<Connection & AsyncDisposable> {
  const connection = await createConnection({
    host: '127.0.0.1',
    port,
    user: 'app',
    password: cluster.appPassword,
    connectTimeout: connectTimeoutMs,
    multipleStatements: true,
  });
  connection.on('error', () => undefined);
  return Object.assign(connection, {
    [Symbol.asyncDispose]: () => {
      connection.destroy();
      return Promise.resolve();
    },
  });
}

/** Runs statements that may be repeated, all of them on one primary: the leader may change in between. */
export async function runAsApp(
  cluster: BinraftCluster,
  statements: readonly string[],
): Promise<void> {
  await eventually(
    async () => {
      await using session = await connectApp(cluster, (await cluster.leader()).ports.readWrite);
      for (const sql of statements) await session.query(sql);
      return true;
    },
    `a primary ran ${statements.join('; ')}`,
  );
}
