import { readFile, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import { FatalError } from '../../base/fatal.ts';
import type { Logger } from '../../base/logger.ts';
import type { MySqlInstallation } from '../mysql-server.ts';
import { type FetchProgress, fetchMySql } from './fetch-mysql.ts';
import { newestFetchedTree } from './fetched-trees.ts';
import { type Machine, pathExists, programsOnPath, readMachine } from './machine.ts';
import { fetchableArchitectures } from './mysql-tree.ts';
import {
  compareVersions,
  formatVersion,
  oldestSupportedVersion,
  parseServerProduct,
} from './mysql-version.ts';
import { failureOf, runProgram } from './run-program.ts';

export interface FindMySqlOptions {
  /** What the user named with `--mysqld` or `BINRAFT_MYSQLD`; null: look for one. */
  readonly mysqld: string | null;
  /** The PATH of this process. */
  readonly searchPath: string;
  /** Where fetched trees are kept; see `defaultCacheDirectory`. */
  readonly cacheDirectory: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onProgress?: (progress: FetchProgress) => void;
  readonly signal?: AbortSignal;
}

/** Folders that are searched besides PATH: servers are often installed where ordinary users do not look. */
const usualFolders = ['/usr/sbin', '/usr/libexec', '/usr/local/mysql/bin', '/usr/local/sbin'];
const askTimeoutMs = 20_000;
const mariaDbReason =
  'MariaDB lets a commit through when the session that waits for it is killed, and a table change of it ' +
  'cannot be undone by cutting the binlog: acknowledged writes could be lost';

/** `$XDG_CACHE_HOME/binraft`, or `~/.cache/binraft`. */
export function defaultCacheDirectory(options: {
  readonly xdgCacheHome: string | undefined;
  readonly home: string;
}): string {
  const { xdgCacheHome } = options;
  // The XDG specification: a relative path there is to be ignored.
  const base = xdgCacheHome?.startsWith('/') ? xdgCacheHome : join(options.home, '.cache');
  return join(base, 'binraft');
}

/**
 * The MySQL server to run: the one the user named, else one that is installed, else one fetched earlier, else one fetched
 * now. Rejects with FatalError MYSQL_VERSION when the named one will not do, MYSQL_NOT_FOUND when there is none.
 */
export async function findMySql(options: FindMySqlOptions): Promise<MySqlInstallation> {
  if (options.mysqld !== null) return await namedMySql(options.mysqld, options);
  const installed = await installedMySql(options);
  if (installed !== null) return installed;
  const machine = await readMachine();
  const fetched = await newestFetchedTree(options.cacheDirectory, machine.architecture);
  if (fetched !== null) return fetched;
  if (!(await canFetch(machine, options.searchPath))) {
    throw new FatalError('MYSQL_NOT_FOUND', `no MySQL server found; ${advice(machine)}`);
  }
  return await fetchOrExplain(options, machine);
}

async function fetchOrExplain(
  options: FindMySqlOptions,
  machine: Machine,
): Promise<MySqlInstallation> {
  try {
    return await fetchMySql({ ...options, machine });
  } catch (error) {
    if (error instanceof FatalError) throw error;
    options.signal?.throwIfAborted();
    throw new FatalError(
      'MYSQL_NOT_FOUND',
      `no MySQL server is installed and fetching one failed: ${messageOf(error)}; ${advice(machine)}`,
      { cause: error },
    );
  }
}

async function namedMySql(path: string, options: FindMySqlOptions): Promise<MySqlInstallation> {
  const verdict = await askProgram([path]);
  if (verdict.kind === 'suitable')
    return await installationOf(path, verdict.version, options, 'option');
  const reason = verdict.kind === 'unusable' ? 'MYSQL_NOT_FOUND' : 'MYSQL_VERSION';
  throw new FatalError(reason, `${path} cannot be used: ${verdict.reason}`);
}

async function installedMySql(options: FindMySqlOptions): Promise<MySqlInstallation | null> {
  const searchPath = [options.searchPath, ...usualFolders].join(':');
  for (const path of await programsOnPath('mysqld', searchPath)) {
    const verdict = await askProgram([path]);
    const confinement = verdict.kind === 'suitable' ? await confinementOf(path) : null;
    if (verdict.kind === 'suitable' && confinement === null) {
      return await installationOf(path, verdict.version, options, 'path');
    }
    const reason = verdict.kind === 'suitable' ? confinement : verdict.reason;
    options.logger.warn('mysql-skipped', { path, reason });
  }
  return null;
}

type Verdict =
  | { readonly kind: 'suitable'; readonly version: string }
  | { readonly kind: 'unsuitable'; readonly reason: string }
  | { readonly kind: 'unusable'; readonly reason: string };

/** Asks a program what it is. */
async function askProgram(command: readonly string[]): Promise<Verdict> {
  const result = await runProgram([...command, '--version'], { timeoutMs: askTimeoutMs });
  if (result.status !== 0) return { kind: 'unusable', reason: failureOf(result) };
  const product = parseServerProduct(result.stdout);
  switch (product.kind) {
    case 'unknown':
      return { kind: 'unusable', reason: `it answers --version with '${product.text}'` };
    case 'mariadb':
      return {
        kind: 'unsuitable',
        reason: `it is MariaDB ${formatVersion(product.version)}, MySQL is needed: ${mariaDbReason}`,
      };
    case 'mysql':
      break;
  }
  const version = formatVersion(product.version);
  if (compareVersions(product.version, oldestSupportedVersion) >= 0) {
    return { kind: 'suitable', version };
  }
  const oldest = formatVersion(oldestSupportedVersion);
  return { kind: 'unsuitable', reason: `it is MySQL ${version}, ${oldest} or newer is needed` };
}

/**
 * Why the operating system would keep this program out of our folders, or null. Ubuntu's AppArmor profile names the
 * program by path and lets it write to /var/lib/mysql alone.
 */
async function confinementOf(path: string): Promise<string | null> {
  const profile = '/etc/apparmor.d/usr.sbin.mysqld';
  if ((await realpath(path)) !== '/usr/sbin/mysqld' || !(await pathExists(profile))) return null;
  const enabled = await readFile('/sys/module/apparmor/parameters/enabled', 'utf8').catch(() => '');
  const isDisabled = await pathExists('/etc/apparmor.d/disable/usr.sbin.mysqld');
  if (enabled.trim() !== 'Y' || isDisabled) return null;
  return `the AppArmor profile ${profile} confines it to its own data folder`;
}

async function installationOf(
  path: string,
  version: string,
  options: FindMySqlOptions,
  origin: 'option' | 'path',
): Promise<MySqlInstallation> {
  const beside = dirname(await realpath(path));
  const near = [beside, join(beside, '../bin')];
  const find = async (name: string): Promise<readonly string[] | null> => {
    const candidates = await programsOnPath(name, [...near, options.searchPath].join(':'));
    return candidates[0] === undefined ? null : [candidates[0]];
  };
  const [mysqlCommand, mysqlbinlogCommand] = await Promise.all([
    find('mysql'),
    find('mysqlbinlog'),
  ]);
  return {
    version,
    origin,
    mysqldCommand: [path],
    mysqldOptions: [],
    mysqlCommand,
    mysqlbinlogCommand,
  };
}

async function canFetch(machine: Machine, searchPath: string): Promise<boolean> {
  if (machine.family === null || !fetchableArchitectures.includes(machine.architecture))
    return false;
  const tools = await Promise.all(
    ['apt-get', 'dpkg-deb'].map((name) => programsOnPath(name, searchPath)),
  );
  return tools.every((paths) => paths.length > 0);
}

function advice(machine: Machine): string {
  const oldest = formatVersion(oldestSupportedVersion);
  const how =
    machine.platform === 'darwin'
      ? 'install one with `brew install mysql`'
      : machine.family === 'ubuntu'
        ? 'install one with `sudo apt-get install mysql-server-core-8.0`'
        : machine.family === 'debian'
          ? 'install the Debian packages of https://dev.mysql.com/downloads/'
          : machine.platform === 'linux'
            ? 'install your distribution’s mysql-server (Fedora, RHEL: `sudo dnf install mysql-server`), or take one from https://dev.mysql.com/downloads/'
            : 'run on Linux or macOS';
  return `${how}, or name one with --mysqld PATH (MySQL ${oldest} or newer; not MariaDB)`;
}
