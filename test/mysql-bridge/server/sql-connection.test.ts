import { createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { SystemClock } from '../../../base/clock.ts';
import { SqlConnection } from '../../../mysql-bridge/server/sql-connection.ts';
import { lowPort } from '../../support/low-port.ts';

const clock = new SystemClock();

/** A listener that accepts and never says a word, as a stopped mysqld does. */
async function silentServer(): Promise<{ readonly port: number } & AsyncDisposable> {
  const sockets: Socket[] = [];
  const listener = createServer((socket) => sockets.push(socket));
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('a listener has a port');
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}

function connectionTo(port: number): SqlConnection {
  return new SqlConnection({ user: 'u', password: 'p', endpoint: { kind: 'port', port } }, clock);
}

test('a server that says nothing costs no more than the deadline, each time', async () => {
  await using server = await silentServer();
  const connection = connectionTo(server.port);

  for (let attempt = 1; attempt <= 2; attempt += 1) {
    await expect(connection.query('DO 1', { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'MYSQL_STATEMENT_TIMEOUT',
      message: 'DO 1: no answer within 50 ms',
    });
  }
  connection.close();
});

test('closing answers what waits, at once, and refuses what comes later', async () => {
  await using server = await silentServer();
  const connection = connectionTo(server.port);
  const waiting = connection.query('DO 1', { timeoutMs: 60_000 });

  connection.close();
  connection.close();

  await expect(waiting).rejects.toMatchObject({ code: 'MYSQL_NOT_RUNNING' });
  await expect(connection.open({ timeoutMs: 50 })).rejects.toMatchObject({
    code: 'MYSQL_NOT_RUNNING',
  });
});

test('a port without a server is refused by name, and may be tried again', async () => {
  const port = await lowPort();
  const connection = connectionTo(port);

  await expect(connection.query('DO 1', { timeoutMs: 60_000 })).rejects.toMatchObject({
    code: 'MYSQL_NOT_RUNNING',
    retryable: true,
    message: expect.stringContaining(`127.0.0.1:${port}`),
  });
  connection.close();
});
