import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BackgroundProcess } from '../background-process.ts';
import type { Turn } from '../environment.ts';
import { BenchError } from '../errors.ts';
import { type SqlEndpoint, withSql } from '../sql.ts';
import { startSingle } from './single.ts';
import type { RunningSystem } from './system.ts';

/** A proxy that a session passes on its way to the one MySQL behind it; `node` is a limit (`limits/pass-through.ts`). */
export type FrontEnd = 'haproxy' | 'mysqlrouter' | 'node';

const sessionsMax = 4096;
const passThrough = fileURLToPath(new URL('../limits/pass-through.ts', import.meta.url));
const commands = { haproxy: haproxyCommand, mysqlrouter: routerCommand, node: nodeCommand };

/** One MySQL with a proxy in front; tables are made past the proxy, the load goes through it. */
export async function startBehind(turn: Turn, frontEnd: FrontEnd): Promise<RunningSystem> {
  await using started = new AsyncDisposableStack();
  const single = started.use(await startSingle(turn));
  const port = turn.ports.frontEnd;
  const command = await commands[frontEnd](turn, single.primary);
  const logPath = join(turn.folder, `${frontEnd}.log`);
  started.use(await BackgroundProcess.start(turn, { command, logPath, port }));
  const endpoint: SqlEndpoint = { ...single.primary, port };
  const parts = started.move();
  return {
    endpoints: [endpoint],
    primary: single.primary,
    followers: [],
    async check() {
      await single.check();
      await requireBehind(turn, frontEnd, { front: endpoint, behind: single.primary });
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** Layer 4, two addresses and generous time-outs: what every guide for MySQL behind HAProxy begins with. */
async function haproxyCommand(turn: Turn, server: SqlEndpoint): Promise<readonly string[]> {
  const path = join(turn.folder, 'haproxy.cfg');
  const lines = [
    'global',
    `  maxconn ${sessionsMax}`,
    'defaults',
    '  mode tcp',
    '  timeout connect 5s',
    '  timeout client 1h',
    '  timeout server 1h',
    'frontend mysql',
    `  bind 127.0.0.1:${turn.ports.frontEnd}`,
    '  default_backend primary',
    'backend primary',
    `  server primary 127.0.0.1:${server.port}`,
  ];
  await writeFile(path, `${lines.join('\n')}\n`);
  return [...turn.tools.find('haproxy').command, '-db', '-f', path];
}

/**
 * A route to one fixed address without TLS, everything else by default. The Router finds its folders by where its program is, which an
 * unpacked tree is not.
 */
async function routerCommand(turn: Turn, server: SqlEndpoint): Promise<readonly string[]> {
  const folder = join(turn.folder, 'router');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'mysqlrouter.conf');
  const { command, tree } = turn.tools.find('mysqlrouter');
  const lines = [
    '[DEFAULT]',
    ...(tree === null ? [] : [`plugin_folder=${join(tree, 'usr/lib/mysqlrouter/plugin')}`]),
    ...['logging', 'runtime', 'data', 'config'].map((name) => `${name}_folder=${folder}`),
    `max_total_connections=${sessionsMax}`,
    '[logger]',
    'level=WARNING',
    'sinks=consolelog',
    '[routing:primary]',
    'bind_address=127.0.0.1',
    `bind_port=${turn.ports.frontEnd}`,
    `destinations=127.0.0.1:${server.port}`,
    'routing_strategy=first-available',
    'protocol=classic',
    'client_ssl_mode=PASSTHROUGH',
    `max_connections=${sessionsMax}`,
  ];
  await writeFile(path, `${lines.join('\n')}\n`);
  return [...command, '-c', path];
}

/** Bytes in, bytes out. */
function nodeCommand(turn: Turn, server: SqlEndpoint): Promise<readonly string[]> {
  const ports = [turn.ports.frontEnd, server.port].map(String);
  return Promise.resolve([process.execPath, passThrough, ...ports]);
}

/** The proxy leads to the server that was meant, and to no other. */
async function requireBehind(
  turn: Turn,
  frontEnd: FrontEnd,
  ends: { readonly front: SqlEndpoint; readonly behind: SqlEndpoint },
): Promise<void> {
  const port = await withSql(ends.front, turn.clock, async (query) => {
    const [row] = await query('SELECT @@port AS port');
    return Number(row?.['port']);
  });
  if (port === ends.behind.port) return;
  const message = `${frontEnd} leads to port ${port}, not ${ends.behind.port}`;
  throw new BenchError('BENCH_MISCONFIGURED', message);
}
