import { type Connection, createConnection } from 'mysql2/promise';
import type { BinraftCluster } from './binraft-cluster.ts';

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
    connectTimeout: 15_000,
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
