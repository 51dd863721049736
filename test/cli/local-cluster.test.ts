import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readNodeConfig, readSecret } from '../../cli/config.ts';
import {
  type LocalClusterOptions,
  makeClusterFolder,
  planLocalCluster,
  portUses,
  writeLocalCluster,
} from '../../cli/local-cluster.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

function optionsFor(directory: string, change: Partial<LocalClusterOptions> = {}) {
  return {
    directory,
    nodeCount: null,
    appPassword: null,
    basePort: 7000,
    mysqld: '',
    reads: 'read-index',
    tickMs: null,
    ...change,
  } satisfies LocalClusterOptions;
}

function plannedAndWritten(options: LocalClusterOptions): ReturnType<typeof planLocalCluster> {
  const cluster = planLocalCluster(options);
  makeClusterFolder(options.directory);
  writeLocalCluster(cluster, options);
  return cluster;
}

test('planning leaves no trace', () => {
  using folder = temporaryFolder();
  const directory = join(folder.path, 'data');
  expect(planLocalCluster(optionsFor(directory)).nodes.map(({ id }) => id)).toEqual([
    'n1',
    'n2',
    'n3',
  ]);
  expect(existsSync(directory)).toBe(false);
});

test('what is written is a valid configuration of every node, with paths that exist', () => {
  using folder = temporaryFolder();
  const cluster = plannedAndWritten(optionsFor(folder.path, { nodeCount: 5, reads: 'lease' }));
  for (const node of cluster.nodes) {
    const config = readNodeConfig(node.configPath);
    expect(config).toMatchObject({ node: node.id, clusterId: cluster.clusterId, reads: 'lease' });
    expect(config.members).toHaveLength(5);
    expect(config.dataDirectory).toBe(join(folder.path, node.id));
    expect(readSecret(config.accounts.clusterSecretFile)).not.toBe('');
    expect(readSecret(config.accounts.app?.passwordFile ?? '')).toBe(
      readSecret(cluster.appPasswordPath),
    );
  }
});

test('the length of a tick is that of all nodes, and the default unless given', () => {
  using folder = temporaryFolder();
  const tickOf = (tickMs: number | null): readonly number[] =>
    plannedAndWritten(optionsFor(folder.path, { tickMs })).nodes.map(
      ({ configPath }) => readNodeConfig(configPath).timings.tickMs,
    );

  expect(tickOf(200)).toEqual([200, 200, 200]);
  expect(tickOf(null)).toEqual([25, 25, 25]);
});

test('secrets are readable by their owner alone', () => {
  using folder = temporaryFolder();
  plannedAndWritten(optionsFor(folder.path));
  for (const name of ['cluster.secret', 'app.password', 'binlog.password', 'cluster.json']) {
    expect(statSync(join(folder.path, name)).mode & 0o777).toBe(0o600);
  }
});

test('a second start finds the same cluster and the same secrets', () => {
  using folder = temporaryFolder();
  const first = plannedAndWritten(optionsFor(folder.path, { nodeCount: 5 }));
  const read = (): string[] =>
    ['cluster.secret', 'app.password', 'binlog.password'].map((name) =>
      readFileSync(join(folder.path, name), 'utf8'),
    );
  const secrets = read();
  const second = plannedAndWritten(optionsFor(folder.path));
  expect(second).toEqual(first);
  expect(read()).toEqual(secrets);
});

test('a password that is given replaces the one that was found', () => {
  using folder = temporaryFolder();
  plannedAndWritten(optionsFor(folder.path));
  const { appPasswordPath } = plannedAndWritten(optionsFor(folder.path, { appPassword: 'mine' }));
  expect(readSecret(appPasswordPath)).toBe('mine');
});

test.each([
  ['an even number of nodes', { nodeCount: 4 }],
  ['ports above the highest', { basePort: 65_300 }],
  ['an empty password', { appPassword: '' }],
  ['a tick no node would take', { tickMs: 4 }],
  ['a password of two lines', { appPassword: 'one\ntwo' }],
])('%s is refused before anything is written', (_what, change) => {
  using folder = temporaryFolder();
  expect(() => planLocalCluster(optionsFor(folder.path, change))).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID' }),
  );
  expect(readdirSync(folder.path)).toEqual([]);
});

test('another number of nodes than the folder holds is refused', () => {
  using folder = temporaryFolder();
  plannedAndWritten(optionsFor(folder.path, { nodeCount: 3 }));
  expect(() => planLocalCluster(optionsFor(folder.path, { nodeCount: 5 }))).toThrow(
    expect.objectContaining({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('holds a cluster of 3 nodes'),
    }),
  );
});

test.each([['not JSON'], ['{}'], ['{"clusterId": "x", "nodes": 1000000}'], ['null']])(
  'a cluster.json that reads %j is refused as foreign',
  (text) => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, 'cluster.json'), text);
    expect(() => planLocalCluster(optionsFor(folder.path))).toThrow(
      expect.objectContaining({ code: 'DATA_FOREIGN' }),
    );
  },
);

test('no two nodes share a port, and each port says what it is for', () => {
  const { nodes } = planLocalCluster(optionsFor('/nonexistent', { nodeCount: 7 }));
  const uses = nodes.flatMap(portUses);
  expect(new Set(uses.map(({ port }) => port)).size).toBe(7 * 9);
  expect(uses).toContainEqual({ port: 7108, purpose: 'n1 forward-read-write' });
});
