import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { codeOf, messageOf } from '../base/errors.ts';
import { FatalError } from '../base/fatal.ts';
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
}

export const defaultBasePort = 7000;
const defaultNodeCount = 3;
const nodeCounts = [1, 3, 5, 7];
const loopback = '127.0.0.1';

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
 * Makes or opens the folder of a local cluster: its identity, secrets (mode 600) and one `node.yaml` per node, written
 * anew at each start. FatalError CONFIG_INVALID when the folder holds another number of nodes than asked for.
 */
export function openLocalCluster(options: LocalClusterOptions): LocalCluster {
  const { directory } = options;
  const identity = clusterIdentity(options);
  const ids = Array.from({ length: identity.nodes }, (_, index) => `n${index + 1}`);
  const nodes = ids.map((id, index) => ({
    id,
    ports: localPorts(options.basePort, index + 1),
    configPath: join(directory, id, 'node.yaml'),
    logPath: join(directory, id, 'node.log'),
  }));
  const appPasswordPath = join(directory, 'app.password');
  keepSecret(join(directory, 'cluster.secret'), null);
  keepSecret(appPasswordPath, options.appPassword);
  keepSecret(join(directory, 'binlog.password'), null);
  for (const node of nodes) {
    mkdirSync(join(directory, node.id), { recursive: true, mode: 0o700 });
    const config = nodeConfig(options, identity.clusterId, nodes, node);
    writePrivateFile(
      node.configPath,
      `# Written by \`binraft up\` at each start.\n${stringify(config)}`,
    );
  }
  return { directory, clusterId: identity.clusterId, nodes, appPasswordPath };
}

interface ClusterIdentity {
  readonly clusterId: string;
  readonly nodes: number;
}

function clusterIdentity(options: LocalClusterOptions): ClusterIdentity {
  const path = join(options.directory, 'cluster.json');
  const wanted = options.nodeCount ?? defaultNodeCount;
  if (!nodeCounts.includes(wanted)) {
    throw new FatalError(
      'CONFIG_INVALID',
      `--nodes is ${wanted}; allowed: ${nodeCounts.join(', ')}`,
    );
  }
  makeFolder(options.directory);
  if (!existsSync(path)) {
    const made = { clusterId: randomUUID(), nodes: wanted };
    writePrivateFile(path, `${JSON.stringify(made, null, 2)}\n`);
    return made;
  }
  const found = readIdentity(path);
  if (options.nodeCount === null || options.nodeCount === found.nodes) return found;
  throw new FatalError(
    'CONFIG_INVALID',
    `${options.directory} holds a cluster of ${found.nodes} nodes, --nodes asks for ${options.nodeCount}; ` +
      'leave the option out, or give another --data-dir',
  );
}

function makeFolder(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const message = `cannot make the data folder ${directory}: ${messageOf(cause)}`;
    throw new FatalError('DATA_NOT_WRITABLE', message, { cause });
  }
}

function readIdentity(path: string): ClusterIdentity {
  try {
    const { clusterId, nodes } = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof clusterId === 'string' && typeof nodes === 'number') return { clusterId, nodes };
  } catch (cause) {
    const message = `${path} cannot be read: ${messageOf(cause)}`;
    throw new FatalError('DATA_FOREIGN', message, { cause });
  }
  throw new FatalError('DATA_FOREIGN', `${path} names no cluster; give another --data-dir`);
}

/** Keeps what is there unless a value is given; makes a random one the first time. */
function keepSecret(path: string, given: string | null): void {
  if (given === null && existsSync(path)) return;
  try {
    writePrivateFile(path, `${given ?? randomBytes(18).toString('base64url')}\n`);
  } catch (cause) {
    const reason = codeOf(cause) === 'ENOSPC' ? 'DISK_FULL' : 'DATA_NOT_WRITABLE';
    throw new FatalError(reason, `cannot write ${path}: ${messageOf(cause)}`, { cause });
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
