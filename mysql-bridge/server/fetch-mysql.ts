import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { MySqlInstallation } from '../mysql-server.ts';
import type { PlannedPackage } from './apt-plan.ts';
import { MySqlServerError } from './errors.ts';
import { newestFetchedTree, treesFolder, writeManifest } from './fetched-trees.ts';
import { installationOfTree } from './mysql-tree.ts';
import {
  compareVersions,
  formatVersion,
  oldestSupportedVersion,
  parseServerProduct,
} from './mysql-version.ts';
import {
  type FetchProgress,
  fetchOnce,
  type PackageFetch,
  type PackageFetchOptions,
} from './package-fetch.ts';

export type { FetchProgress };
/** Trees are kept below the cache folder, in `mysql/`. */
export type FetchOptions = PackageFetchOptions;

/** Ubuntu carries the version in the name, up to 24.04. */
const packageNames: Readonly<Record<'debian' | 'ubuntu', readonly (readonly string[])[]>> = {
  debian: [['mysql-server-core', 'mysql-client-core']],
  ubuntu: ['', '-8.4', '-8.0'].map((end) => [`mysql-server-core${end}`, `mysql-client-core${end}`]),
};

/**
 * Fetches MySQL's server and client from the distribution's signed packages into a folder of its own, touching nothing
 * outside `cacheDirectory`, as whatever user this is. A half fetch is never used: the tree is checked by running it, then
 * moved into place by one rename. Rejects with MYSQL_FETCH_FAILED, or FatalError DISK_FULL.
 */
export async function fetchMySql(options: FetchOptions): Promise<MySqlInstallation> {
  const { machine, cacheDirectory } = options;
  return await fetchOnce(options, {
    folder: treesFolder(cacheDirectory),
    earlier: () => newestFetchedTree(cacheDirectory, machine.architecture),
    async fetch(packages) {
      const plan = await packages.fetch(packageNames[machine.family ?? 'debian']);
      const version = await verify(packages, machine.architecture);
      return await moveIntoPlace(options, { tree: packages.tree, version, plan });
    },
  });
}

/** Runs what was fetched: a tree that cannot say its version here would fail later, with less to go on. */
async function verify(packages: PackageFetch, architecture: string): Promise<string> {
  const candidate = installationOfTree({ root: packages.tree, architecture, version: '' });
  if (candidate === null) {
    throw new MySqlServerError('MYSQL_FETCH_FAILED', 'the packages hold no mysqld with a loader');
  }
  const command = [...candidate.mysqldCommand, '--version'];
  const result = await packages.verify(command, 'the fetched mysqld');
  const product = parseServerProduct(result.stdout);
  if (product.kind !== 'mysql' || compareVersions(product.version, oldestSupportedVersion) < 0) {
    throw new MySqlServerError(
      'MYSQL_FETCH_FAILED',
      `the package source holds ${result.stdout.trim()}, MySQL ${formatVersion(oldestSupportedVersion)} or newer is needed`,
    );
  }
  return formatVersion(product.version);
}

async function moveIntoPlace(
  options: FetchOptions,
  fetched: {
    readonly tree: string;
    readonly version: string;
    readonly plan: readonly PlannedPackage[];
  },
): Promise<MySqlInstallation> {
  const { cacheDirectory, machine } = options;
  const { tree, version } = fetched;
  const packages = fetched.plan.map(({ digest, fileName }) => `${digest} ${fileName}`);
  await writeManifest(tree, { version, architecture: machine.architecture, packages });
  const place = join(
    treesFolder(cacheDirectory),
    `${machine.family}-${machine.architecture}-${version}`,
  );
  // What is there has no valid manifest, or it would have been used instead of fetching.
  await rm(place, { recursive: true, force: true });
  await rename(tree, place);
  const installation = await newestFetchedTree(cacheDirectory, machine.architecture);
  if (installation !== null) return installation;
  throw new MySqlServerError('MYSQL_FETCH_FAILED', `the tree moved to ${place} is not complete`);
}
