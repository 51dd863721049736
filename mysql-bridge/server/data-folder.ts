import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { escape as quote } from 'mysql2';
import { FatalError } from '../../base/fatal.ts';
import type { InternalAccount, MySqlInstallation } from '../mysql-server.ts';
import { fatalCauseOf } from './explain-failure.ts';
import { dataDirectoryArgument } from './left-behind.ts';
import { pathExists } from './machine.ts';
import { failureOf, runProgram } from './run-program.ts';

const initialiseTimeoutMs = 5 * 60 * 1000;
const secretMode = 0o600;

export interface DataFolderOptions {
  readonly installation: MySqlInstallation;
  /** In front of the server's command, such as `setpriv --pdeathsig KILL`. */
  readonly launcher: readonly string[];
  readonly account: InternalAccount;
  /** The folder whose `data` is to be made. */
  readonly directory: string;
  readonly temporaryDirectory: string;
  readonly runAs: 'root' | null;
}

export function dataDirectoryOf(directory: string): string {
  return join(directory, 'data');
}

/** Where a data folder is made before it is moved into place. */
export function draftDirectoryOf(directory: string): string {
  return join(directory, 'data.new');
}

/**
 * Makes a data folder unless there is one. It appears by one rename, complete, so that a crash in between leaves none. All
 * nodes start from the same content, but for the secrets, and none of it is in a binlog: the first GTID is the first write.
 */
export async function createDataFolder(options: DataFolderOptions): Promise<void> {
  const place = dataDirectoryOf(options.directory);
  if (await pathExists(place)) return;
  const draft = draftDirectoryOf(options.directory);
  await rm(draft, { recursive: true, force: true });
  const rootPassword = randomBytes(24).toString('base64url');
  const script = join(options.directory, 'init.sql');
  await writeSecret(script, initialStatements(options.account, rootPassword));
  try {
    await initialise(options, { draft, script });
  } finally {
    await rm(script, { force: true });
  }
  // A server makes itself a new identity when it starts without one; a copied folder must not keep another's.
  await rm(join(draft, 'auto.cnf'), { force: true });
  await writeSecret(join(options.directory, 'root.password'), `${rootPassword}\n`);
  await rename(draft, place);
  await syncFolder(options.directory);
}

/** Moves a data folder out of the way. One earlier copy is kept, for whoever must find out what went wrong. */
export async function moveDataFolderAside(directory: string): Promise<void> {
  const place = dataDirectoryOf(directory);
  if (!(await pathExists(place))) return;
  const aside = join(directory, 'data.previous');
  await rm(aside, { recursive: true, force: true });
  await rename(place, aside);
  await syncFolder(directory);
}

/** The account of the sidecar, from this machine alone; root gets a password nobody needs to know. */
function initialStatements(account: InternalAccount, rootPassword: string): string {
  const names = ['localhost', '127.0.0.1'].map((host) => `${quote(account.user)}@${quote(host)}`);
  const identified = (password: string): string =>
    `IDENTIFIED WITH caching_sha2_password BY ${quote(password)}`;
  const statements = [
    ...names.map((name) => `CREATE USER ${name} ${identified(account.password)}`),
    ...names.map((name) => `GRANT ALL ON *.* TO ${name} WITH GRANT OPTION`),
    `ALTER USER 'root'@'localhost' ${identified(rootPassword)}`,
  ];
  // mysqld wants each statement on one line (MySQL manual, init_file).
  return statements.map((statement) => `${statement};\n`).join('');
}

async function initialise(
  options: DataFolderOptions,
  paths: { readonly draft: string; readonly script: string },
): Promise<void> {
  const { installation } = options;
  const command = [
    ...options.launcher,
    ...installation.mysqldCommand,
    '--no-defaults',
    ...installation.mysqldOptions,
    '--initialize-insecure',
    dataDirectoryArgument(paths.draft),
    `--init-file=${paths.script}`,
    `--tmpdir=${options.temporaryDirectory}`,
    '--skip-log-bin',
    '--auto-generate-certs=OFF',
    '--secure-file-priv=NULL',
    '--default-time-zone=+00:00',
    ...(options.runAs === null ? [] : [`--user=${options.runAs}`]),
  ];
  const result = await runProgram(command, { timeoutMs: initialiseTimeoutMs });
  if (result.status === 0) return;
  const errors = result.stderr.split('\n').filter((line) => line.includes('[ERROR]'));
  const words = errors.length === 0 ? failureOf(result) : errors.slice(-3).join(' / ');
  const cause = fatalCauseOf([...errors, words], options.directory);
  if (cause !== null) throw cause;
  throw new FatalError('MYSQL_INIT_FAILED', `mysqld could not make ${paths.draft}: ${words}`);
}

async function writeSecret(path: string, content: string): Promise<void> {
  // Removed first: the mode counts only when the file is made.
  await rm(path, { force: true });
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(path, content, { mode: secretMode, flag: 'wx', flush: true });
}

/** A rename survives a power loss only once its folder is on disk. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
