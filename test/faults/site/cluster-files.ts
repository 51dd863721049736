import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';
import { readSecret } from '../../../cli/config.ts';
import { writePrivateFile } from '../../../cli/data-folder.ts';
import {
  type LocalClusterOptions,
  type LocalNode,
  makeClusterFolder,
  planLocalCluster,
  writeLocalCluster,
} from '../../../cli/local-cluster.ts';
import { derivePassword } from '../../../cli/secrets.ts';

/** A node of a local cluster with its place on the network. */
export interface SiteNode extends LocalNode {
  /** Where it listens, and clients reach it. */
  readonly host: string;
  /** Where the other nodes reach it. */
  readonly peerHost: string;
  readonly directory: string;
}

export interface ClusterFilesOptions {
  readonly directory: string;
  readonly nodeCount: number;
  readonly basePort: number;
  readonly tickMs: number | null;
  hosts(id: string): { readonly host: string; readonly peerHost: string };
}

/** Folder, secrets and configurations as `binraft up` writes them, each node with addresses of its own. */
export function writeClusterFiles(options: ClusterFilesOptions): {
  readonly nodes: readonly SiteNode[];
  readonly appPassword: string;
  readonly adminPassword: string;
} {
  const local: LocalClusterOptions = {
    directory: options.directory,
    nodeCount: options.nodeCount,
    appPassword: null,
    basePort: options.basePort,
    mysqld: '',
    reads: 'read-index',
    tickMs: options.tickMs,
  };
  makeClusterFolder(options.directory);
  const cluster = planLocalCluster(local);
  writeLocalCluster(cluster, local);
  for (const node of cluster.nodes) writeHosts(node, options);
  return {
    nodes: cluster.nodes.map((node) => ({
      ...node,
      ...options.hosts(node.id),
      directory: dirname(node.configPath),
    })),
    appPassword: readFileSync(cluster.appPasswordPath, 'utf8').trim(),
    adminPassword: derivePassword(readSecret(join(options.directory, 'cluster.secret')), 'admin'),
  };
}

interface WrittenConfig {
  readonly members: readonly { readonly id: string; readonly host: string }[];
  readonly listen: { readonly host: string };
}

function writeHosts({ id, configPath }: LocalNode, { hosts }: ClusterFilesOptions): void {
  // What was written a moment ago.
  const config = parse(readFileSync(configPath, 'utf8')) as WrittenConfig;
  const placed: WrittenConfig = {
    ...config,
    members: config.members.map((member) => ({ ...member, host: hosts(member.id).peerHost })),
    listen: { ...config.listen, host: hosts(id).host },
  };
  writePrivateFile(configPath, stringify(placed));
}

/** Where a node keeps what; the parts that a disk of their own can be put under. */
export function dataFolders(node: { readonly directory: string }): {
  readonly log: string;
  readonly mysql: string;
} {
  return { log: join(node.directory, 'log'), mysql: join(node.directory, 'mysql') };
}
