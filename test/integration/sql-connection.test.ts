import { expect, test } from 'vitest';
import { SystemClock } from '../../base/clock.ts';
import { SqlConnection, type SqlRow } from '../../mysql-bridge/server/sql-connection.ts';
import { collectGarbage } from '../support/live-memory.ts';
import { startTestMySql, testAccount } from '../support/mysql-server.ts';

const asked = 200;
const soon = { timeoutMs: 10_000 };

test('a connection that stays open for months keeps none of the answers it gave', async () => {
  await using mysql = await startTestMySql();
  const endpoint = { kind: 'socket', path: mysql.server.socketPath } as const;
  const connection = new SqlConnection({ ...testAccount, endpoint }, new SystemClock());
  const answers: WeakRef<readonly SqlRow[]>[] = [];
  for (let time = 0; time < asked; time += 1) {
    answers.push(new WeakRef(await connection.query("SHOW STATUS LIKE 'Uptime%'", soon)));
  }
  // A weak reference lives to the end of the turn that looked at it.
  await connection.query('DO 1', soon);
  collectGarbage();
  const kept = answers.filter((answer) => answer.deref() !== undefined).length;
  connection.close();

  expect(kept).toBeLessThan(asked / 10);
});
