import { homedir } from 'node:os';
import { SystemClock } from '../base/clock.ts';
import { type LogFields, type Logger, silentLogger } from '../base/logger.ts';
import type { MySqlInstallation } from '../mysql-bridge/mysql-server.ts';
import { defaultCacheDirectory, findMySql } from '../mysql-bridge/server/find-mysql.ts';
import { environment } from './config.ts';
import type { Terminal } from './terminal.ts';

/** Finds or fetches a MySQL server, drawing a bar while it fetches; `mysqld` empty looks for one. */
export function locateMySql(
  mysqld: string,
  tell: { readonly logger: Logger; readonly terminal: Terminal | null },
): Promise<MySqlInstallation> {
  return findMySql({
    mysqld: mysqld === '' ? null : mysqld,
    searchPath: environment.searchPath,
    cacheDirectory: defaultCacheDirectory({
      xdgCacheHome: environment.xdgCacheHome,
      home: homedir(),
    }),
    clock: new SystemClock(),
    logger: tell.logger,
    onProgress: ({ phase, done, total }) => {
      tell.terminal?.progress(
        `MySQL: ${phase}`.padEnd(18),
        total === null || total === 0 ? 0 : done / total,
      );
    },
  });
}

/** Shows warnings to a person, one line each; the rest is for log files. */
export function terminalLogger(terminal: Terminal): Logger {
  const logger: Logger = {
    ...silentLogger,
    warn: (event, fields) => terminal.line(warningLine(event, fields ?? {})),
    child: () => logger,
  };
  return logger;
}

function warningLine(event: string, fields: LogFields): string {
  const values = Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`);
  return [`warning: ${event}`, ...values].join(' ');
}
