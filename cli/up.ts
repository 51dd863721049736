import { createHash } from 'node:crypto';
import { realpathSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join, relative } from 'node:path';
import type { ClusterStatus } from '../admin/node-status.ts';
import type { Clock } from '../base/clock.ts';
import { codeOf } from '../base/errors.ts';
import { FatalError } from '../base/fatal.ts';
import type { MySqlInstallation } from '../mysql-bridge/mysql-server.ts';
import { fetchCluster } from './admin-client.ts';
import { readSecret } from './config.ts';
import {
  defaultBasePort,
  type LocalCluster,
  type LocalClusterOptions,
  localPorts,
  makeClusterFolder,
  planLocalCluster,
  portUses,
  writeLocalCluster,
} from './local-cluster.ts';
import { NodeChild } from './node-child.ts';
import { checkPortsFree } from './ports.ts';
import { type Cell, renderTable } from './table.ts';
import type { Terminal } from './terminal.ts';

export interface UpOptions extends LocalClusterOptions {
  readonly clock: Clock;
  readonly terminal: Terminal;
  /** Finds a MySQL, or fetches one, showing its progress. */
  findMySql(): Promise<MySqlInstallation>;
}

const loopback = '127.0.0.1';
const stopDeadlineMs = 8000;
/** Longer than a node waits for its mysqld, which may have to recover from a crash first. */
const readyTimeoutMs = 12 * 60 * 1000;
const pollMs = 100;

/** Runs a whole cluster on this machine until `signal` aborts. Settles when no process of it is left. */
export async function runUp(options: UpOptions, signal: AbortSignal): Promise<void> {
  const { clock, terminal } = options;
  planLocalCluster(options);
  const installation = await options.findMySql();
  makeClusterFolder(options.directory);
  const lock = await lockFolder(options.directory);
  try {
    // Planned again, now that no other `up` can change what is there; written only when nothing is left to refuse.
    const cluster = planLocalCluster(options);
    await checkPortsFree(loopback, cluster.nodes.flatMap(portUses));
    writeLocalCluster(cluster, options);
    const clientCommand = writeClientScript(cluster, installation);
    const failure = Promise.withResolvers<never>();
    const stages = new Stages(terminal);
    const children = cluster.nodes.map(
      (node) =>
        new NodeChild(node, clock, {
          onProgress: (_node, text) => stages.tell(text),
          onReturn: ({ id }) => terminal.line(`${id}  is back`),
          onFatal: ({ id }, code, message) => {
            terminal.line(`${id}  stopped for good: ${code}: ${message}`);
            if (children.every((child) => child.isGivenUp)) {
              failure.reject(new FatalError(fatalCode(code), message));
            }
          },
          onRestart: ({ id }, why) => terminal.line(`${id}  died (${why}); starting it again`),
        }),
    );
    try {
      terminal.line(
        `MySQL ${installation.version} (${installation.origin}), data in ${display(cluster.directory)}`,
      );
      for (const child of children) child.start();
      const status = await Promise.race([
        waitUntilWritable(cluster, clock, signal),
        failure.promise,
      ]);
      stages.end();
      if (status !== null) announce(cluster, clientCommand, terminal, status);
      await Promise.race([aborted(signal), failure.promise]);
    } finally {
      failure.promise.catch(() => undefined);
      terminal.line('stopping …');
      await Promise.all(children.map((child) => child.stop(stopDeadlineMs)));
      terminal.line('stopped; the data stays where it is');
    }
  } finally {
    lock.close();
  }
}

/** What the nodes do until writes are possible: each thing once, whichever node is first. */
class Stages {
  readonly #terminal: Terminal;
  readonly #told = new Set<string>();
  #isEnded = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  tell(text: string): void {
    if (this.#isEnded || this.#told.has(text)) return;
    this.#told.add(text);
    this.#terminal.line(`… ${text}`);
  }

  end(): void {
    this.#isEnded = true;
  }
}

/**
 * One `up` per data folder: a listener on an abstract socket named after the folder, which the kernel
 * removes with the process however it ends (unix(7)).
 */
function lockFolder(directory: string): Promise<Server> {
  const name = createHash('sha256').update(realpathSync(directory)).digest('hex').slice(0, 32);
  const { promise, resolve, reject } = Promise.withResolvers<Server>();
  const server = createServer((socket) => socket.destroy());
  server.once('error', (cause) => {
    if (codeOf(cause) !== 'EADDRINUSE') return reject(cause);
    const message = `the data folder ${directory} is in use by another \`binraft up\`; stop it, or give another --data-dir`;
    return reject(new FatalError('DATA_IN_USE', message, { cause }));
  });
  server.listen(`\0binraft-up-${name}`, () => resolve(server));
  return promise;
}

/** Null when aborted before writes were possible. */
async function waitUntilWritable(
  cluster: LocalCluster,
  clock: Clock,
  signal: AbortSignal,
): Promise<ClusterStatus | null> {
  const deadlineMs = clock.monotonicMs() + readyTimeoutMs;
  while (!signal.aborted) {
    for (const node of cluster.nodes) {
      const status = await fetchCluster(loopback, node.ports.admin).catch(() => null);
      if (status !== null && isServing(status)) return status;
    }
    if (clock.monotonicMs() > deadlineMs) {
      const logs = cluster.nodes.map((node) => display(node.logPath)).join(', ');
      throw new FatalError(
        'START_TIMEOUT',
        `no writes were possible after ${readyTimeoutMs / 1000} s; see ${logs}`,
      );
    }
    await clock.delay(pollMs, { signal }).catch(() => undefined);
  }
  return null;
}

/** Writes are possible, and every node that answers has found its role. */
function isServing(cluster: ClusterStatus): boolean {
  const statuses = cluster.nodes.flatMap((member) =>
    member.kind === 'reached' ? [member.status] : [],
  );
  const isComplete = statuses.length === cluster.nodes.length;
  return (
    isComplete &&
    // Healthy too: the gate opens a moment before the account for applications is complete.
    statuses.some(({ proxy, mysql }) => proxy.isGateOpen && mysql.health === 'ok') &&
    statuses.every((status) => status.mysql.role === 'primary' || status.mysql.role === 'replica')
  );
}

function announce(
  cluster: LocalCluster,
  clientCommand: string,
  terminal: Terminal,
  status: ClusterStatus,
): void {
  const roles = new Map(
    status.nodes.flatMap((member) =>
      member.kind === 'reached' ? [[member.id, member.status] as const] : [],
    ),
  );
  const headers = [
    'node',
    'raft',
    'mysql',
    'read-write',
    'read-only',
    'binlog',
    'raft port',
    'admin',
  ];
  const rows = cluster.nodes.map(({ id, ports }): Cell[] => {
    const role = roles.get(id)?.mysql.role ?? 'starting';
    return [
      id,
      roles.get(id)?.raft.role ?? '-',
      role === 'primary' ? { text: role, style: 'green' } : role,
      ...[ports.readWrite, ports.readOnly, ports.binlog, ports.raft, ports.admin].map(String),
    ];
  });
  const [first] = cluster.nodes;
  const password = readSecret(cluster.appPasswordPath);
  terminal.line('');
  terminal.line(renderTable(headers, rows, { colours: terminal.hasColours }));
  terminal.line('');
  terminal.line(
    'Writes are possible. Any read-write port will do, and stays the same when the leader changes:',
  );
  terminal.line('');
  // Without TLS, an account's first log-in at a server sends its password under that server's key.
  const options = `--get-server-public-key --host=${loopback} --port=${first?.ports.readWrite ?? 0}`;
  terminal.line(`  ${clientCommand} ${options} --user=app --password=${quoteForShell(password)}`);
  terminal.line('');
  terminal.line(
    `Ctrl-C stops the cluster. \`${statusCommand(first?.ports.admin ?? 0)}\` shows it.`,
  );
}

/** As one types it in a checkout, or with the package installed. */
function statusCommand(adminPort: number): string {
  const binraft = import.meta.url.endsWith('.ts') ? 'npm run -s binraft --' : 'npx binraft';
  const isDefault = adminPort === localPorts(defaultBasePort, 1).admin;
  return `${binraft} status${isDefault ? '' : ` --admin ${adminPort}`}`;
}

/** The `mysql` client of a fetched tree needs its own loader: a script in the data folder spares the user that. */
function writeClientScript(cluster: LocalCluster, installation: MySqlInstallation): string {
  const command = installation.mysqlCommand;
  if (command === null) return 'mysql';
  if (command.length === 1 && installation.origin !== 'fetched') return command[0] ?? 'mysql';
  const path = join(cluster.directory, 'mysql');
  const quoted = command.map(quoteForShell).join(' ');
  writeFileSync(
    path,
    `#!/bin/sh\n# The mysql client that belongs to the server of this cluster.\nexec ${quoted} "$@"\n`,
    {
      mode: 0o700,
    },
  );
  return display(path);
}

/** One word of a command line, whatever is in it. */
function quoteForShell(word: string): string {
  return /^[\w./:=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** Short where it can be, and always something a shell takes as a path. */
function display(path: string): string {
  const short = relative(process.cwd(), path);
  if (short.startsWith('..')) return path;
  return `./${short}`;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) =>
    signal.addEventListener('abort', () => resolve(), { once: true }),
  );
}

function fatalCode(code: string): ConstructorParameters<typeof FatalError>[0] {
  return code as ConstructorParameters<typeof FatalError>[0];
}
