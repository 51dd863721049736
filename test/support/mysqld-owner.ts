import { SystemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/logger.ts';
import { MysqldProcess } from '../../mysql-bridge/server/mysqld-process.ts';
import { defaultTuning } from '../../mysql-bridge/server/server-config.ts';
import { testAccount, testInstallation } from './mysql-server.ts';

// A process that owns a mysqld, for tests that kill it: `node mysqld-owner.ts DIRECTORY PORT ADMIN-PORT` writes the server's
// process id once it runs, then waits for its end.

const [directory = '', port = '', adminPort = ''] = process.argv.slice(2);
const server = new MysqldProcess({
  installation: await testInstallation(),
  directory,
  port: Number(port),
  adminPort: Number(adminPort),
  serverId: 1,
  account: testAccount,
  tuning: defaultTuning,
  startTimeoutMs: 600_000,
  clock: new SystemClock(),
  logger: silentLogger,
});
await server.prepare();
await server.start();
process.stdout.write(`${server.pid}\n`);
