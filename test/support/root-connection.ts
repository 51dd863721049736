import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Connection, createConnection } from 'mysql2/promise';
import { socketPathFor } from '../../mysql-bridge/server/socket-path.ts';
import type { TestNode } from './binraft-cluster.ts';

/** A session of root on a node's own server, past the proxy, as an operator on that machine could have one. */
export async function connectRoot(
  node: Pick<TestNode, 'directory'>,
): Promise<Connection & AsyncDisposable> {
  const directory = join(node.directory, 'mysql');
  const connection = await createConnection({
    socketPath: socketPathFor(directory),
    user: 'root',
    password: readFileSync(join(directory, 'root.password'), 'utf8').trim(),
  });
  connection.on('error', () => undefined);
  return Object.assign(connection, {
    [Symbol.asyncDispose]: () => {
      connection.destroy();
      return Promise.resolve();
    },
  });
}
