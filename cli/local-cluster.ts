import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { codeOf, messageOf } from '../base/errors.ts';
import { FatalError } from '../base/fatal.ts';
import { makeFolder } from '../base/make-folder.ts';
import { tickMsMax, tickMsMin } from './config-schema.ts';
import { writePrivateFile } from './data-folder.ts';
import type { PortUse } from './ports.ts';

/** The ports of node `number` (1, 2, …) of a local cluster. The first five are for people, the others between processes. */
export interface LocalPorts {
  readonly readWrite: number;
  readonly readOnly: number;
  readonly binlog: number;
  readonly raft: number;
  readonly admin: number;
  readonly mysql: number;
  readonly mysqlAdmin: number;
  readonly forwardReadWrite: number;
  readonly forwardReadOnly: number;
}

export interface LocalNode {
  readonly id: string;
  readonly ports: LocalPorts;
  readonly configPath: string;
  readonly logPath: string;
}

/** A cluster on this machine, as kept in a data folder. */
export interface LocalCluster {
  readonly directory: string;
  readonly clusterId: string;
  readonly nodes: readonly LocalNode[];
  readonly appPasswordPath: string;
}

export interface LocalClusterOptions {
  readonly directory: string;
  /** Null keeps the number found, or makes 3. */
  readonly nodeCount: number | null;
  /** Null keeps the password found, or makes one. */
  readonly appPassword: string | null;
  /** 7000 unless tests run beside each other. */
  readonly basePort: number;
  readonly mysqld: string;
  readonly reads: 'read-index' | 'lease';
  /** Length of a Raft tick; null leaves it to the default of `node.yaml`. */
  readonly tickMs: number | null;
}

export const defaultBasePort = 7000;
const defaultNodeCount = 3;
const nodeCounts = [1, 3, 5, 7];
const loopback = '127.0.0.1';
const portMax = 65_535;
const identityFile = 'cluster.json';

export function localPorts(basePort: number, number: number): LocalPorts {
  const first = basePort + number * 100;
  return {
    readWrite: first + 1,
    readOnly: first + 2,
    binlog: first + 3,
    raft: first + 4,
    admin: first + 5,
    mysql: first + 6,
    mysqlAdmin: first + 7,
    forwardReadWrite: first + 8,
    forwardReadOnly: first + 9,
  };
}

export function portUses(node: LocalNode): PortUse[] {
  return Object.entries(node.ports).map(([name, port]: [string, number]) => ({
    port,
    purpose: `${node.id} ${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
  }));
}

/**
 * What the folder holds, or would hold after a first start. Changes nothing, so that a start that is refused leaves no trace.
 * FatalError CONFIG_INVALID when it holds another number of nodes than asked for, DATA_FOREIGN when it is none of ours.
 */
export function planLocalCluster(options: LocalClusterOptions): LocalCluster {
  const { directory, basePort } = options;
  const identity = clusterIdentity(options);
  // It is kept as the first line of a file.
  if (options.appPassword !== null && !/^[^\r\n]+$/.test(options.appPassword)) {
    throw new FatalError('CONFIG_INVALID', '--app-password must be one line, and not empty');
  }
  const { tickMs } = options;
  if (tickMs !== null && (tickMs < tickMsMin || tickMs > tickMsMax)) {
    const message = `--tick-ms is ${tickMs}; allowed: ${tickMsMin} to ${tickMsMax}`;
    throw new FatalError('CONFIG_INVALID', message);
  }
  const highestPort = localPorts(basePort, identity.nodes).forwardReadOnly;
  if (highestPort > portMax) {
    const message = `--base-port is ${basePort}; allowed: at most ${basePort - highestPort + portMax}`;
    throw new FatalError('CONFIG_INVALID', message);
  }
  const nodes = Array.from({ length: identity.nodes }, (_, index): LocalNode => {
    const id = `n${index + 1}`;
    return {
      id,
      ports: localPorts(basePort, index + 1),
      configPath: join(directory, id, 'node.yaml'),
      logPath: join(directory, id, 'node.log'),
    };
  });
  const appPasswordPath = join(directory, 'app.password');
  return { directory, clusterId: identity.clusterId, nodes, appPasswordPath };
}

/** Makes the folder if it is not there. FatalError DATA_NOT_WRITABLE, DISK_FULL. */
export function makeClusterFolder(directory: string): void {
  writing(directory, () => makeFolder(directory));
}

/** Writes what was planned: identity, secrets (mode 600), and one `node.yaml` per node, anew at each start. */
export function writeLocalCluster(cluster: LocalCluster, options: LocalClusterOptions): void {
  const { directory, clusterId, nodes } = cluster;
  writing(directory, () => {
    const identityPath = join(directory, identityFile);
    if (!existsSync(identityPath)) {
      const identity: ClusterIdentity = { clusterId, nodes: nodes.length };
      writePrivateFile(identityPath, `${JSON.stringify(identity, null, 2)}\n`);
    }
    keepSecret(join(directory, 'cluster.secret'), null);
    keepSecret(cluster.appPasswordPath, options.appPassword);
    keepSecret(join(directory, 'binlog.password'), null);
    for (const node of nodes) {
      makeFolder(join(directory, node.id));
      const config = stringify(nodeConfig(options, clusterId, nodes, node));
      writePrivateFile(node.configPath, `# Written by \`binraft up\` at each start.\n${config}`);
    }
  });
}

interface ClusterIdentity {
  readonly clusterId: string;
  readonly nodes: number;
}

function clusterIdentity(options: LocalClusterOptions): ClusterIdentity {
  const { directory, nodeCount } = options;
  const wanted = nodeCount ?? defaultNodeCount;
  if (!nodeCounts.includes(wanted)) {
    throw new FatalError(
      'CONFIG_INVALID',
      `--nodes is ${wanted}; allowed: ${nodeCounts.join(', ')}`,
    );
  }
  const found = readIdentity(join(directory, identityFile));
  if (found === null) return { clusterId: randomUUID(), nodes: wanted };
  if (nodeCount === null || nodeCount === found.nodes) return found;
  throw new FatalError(
    'CONFIG_INVALID',
    `${directory} holds a cluster of ${found.nodes} nodes, --nodes asks for ${nodeCount}; ` +
      'leave the option out, or give another --data-dir',
  );
}

/** Null when there is none yet. */
function readIdentity(path: string): ClusterIdentity | null {
  let found: unknown;
  try {
    found = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return null;
    const message = `${path} cannot be read: ${messageOf(cause)}; give another --data-dir`;
    throw new FatalError('DATA_FOREIGN', message, { cause });
  }
  if (typeof found === 'object' && found !== null && 'clusterId' in found && 'nodes' in found) {
    const { clusterId, nodes } = found;
    const isKnown = typeof nodes === 'number' && nodeCounts.includes(nodes);
    if (typeof clusterId === 'string' && isKnown) return { clusterId, nodes };
  }
  throw new FatalError('DATA_FOREIGN', `${path} names no cluster; give another --data-dir`);
}

/** Keeps what is there unless a value is given; makes a random one the first time. */
function keepSecret(path: string, given: string | null): void {
  if (given === null && existsSync(path)) return;
  writePrivateFile(path, `${given ?? randomBytes(18).toString('base64url')}\n`);
}

function writing(directory: string, write: () => void): void {
  try {
    write();
  } catch (cause) {
    const reason = codeOf(cause) === 'ENOSPC' ? 'DISK_FULL' : 'DATA_NOT_WRITABLE';
    const message = `cannot write to the data folder ${directory}: ${messageOf(cause)}`;
    throw new FatalError(reason, message, { cause });
  }
}

function nodeConfig(
  options: LocalClusterOptions,
  clusterId: string,
  nodes: readonly LocalNode[],
  self: LocalNode,
): unknown {
  const { ports } = self;
  return {
    clusterId,
    node: self.id,
    members: nodes.map((node) => ({
      id: node.id,
      host: loopback,
      raftPort: node.ports.raft,
      adminPort: node.ports.admin,
      forwardReadWritePort: node.ports.forwardReadWrite,
      forwardReadOnlyPort: node.ports.forwardReadOnly,
    })),
    reads: options.reads,
    ...(options.tickMs !== null && { timings: { tickMs: options.tickMs } }),
    dataDirectory: '.',
    listen: {
      host: loopback,
      readWritePort: ports.readWrite,
      readOnlyPort: ports.readOnly,
      binlogPort: ports.binlog,
    },
    mysql: { mysqld: options.mysqld, port: ports.mysql, adminPort: ports.mysqlAdmin },
    accounts: {
      clusterSecretFile: '../cluster.secret',
      app: { user: 'app', passwordFile: '../app.password' },
      binlog: { user: 'binlog', passwordFile: '../binlog.password' },
    },
  };
}
