import { homedir } from 'node:os';
import { SystemClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import type { MySqlInstallation } from '../mysql-bridge/mysql-server.ts';
import { defaultCacheDirectory, findMySql } from '../mysql-bridge/server/find-mysql.ts';
import { environment } from './config.ts';
import type { Terminal } from './terminal.ts';

/** Finds or fetches a MySQL server, drawing a bar while it fetches; `mysqld` empty looks for one. */
export function locateMySql(mysqld: string, terminal: Terminal | null): Promise<MySqlInstallation> {
  return findMySql({
    mysqld: mysqld === '' ? null : mysqld,
    searchPath: environment.searchPath,
    cacheDirectory: defaultCacheDirectory({
      xdgCacheHome: environment.xdgCacheHome,
      home: homedir(),
    }),
    clock: new SystemClock(),
    logger: silentLogger,
    onProgress: ({ phase, done, total }) => {
      terminal?.progress(
        `MySQL: ${phase}`.padEnd(18),
        total === null || total === 0 ? 0 : done / total,
      );
    },
  });
}
