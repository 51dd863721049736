import { mkdir, mkdtemp, readdir, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { FatalError } from '../../base/fatal.ts';
import type { Logger } from '../../base/logger.ts';
import { makeFolder } from '../../base/make-folder.ts';
import {
  aptConfiguration,
  aptFolders,
  debianSource,
  mirrorsOf,
  networkSettings,
  type PlannedPackage,
  parsePlan,
} from './apt-plan.ts';
import { MySqlServerError } from './errors.ts';
import { withLockFile } from './lock-file.ts';
import { type Machine, pathExists } from './machine.ts';
import { failureOf, type ProgramResult, runProgram } from './run-program.ts';

/** How far a fetch is. Bytes while the index and the packages are downloaded, packages while they are unpacked. */
export interface FetchProgress {
  readonly phase: 'index' | 'download' | 'unpack' | 'verify';
  readonly done: number;
  /** Null where it cannot be known beforehand. */
  readonly total: number | null;
}

export interface PackageFetchOptions {
  readonly machine: Machine;
  /** Only named when there is no room for it. */
  readonly cacheDirectory: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onProgress?: (progress: FetchProgress) => void;
  readonly signal?: AbortSignal;
}

const keyrings = [
  '/usr/share/keyrings/debian-archive-keyring.gpg',
  '/usr/share/keyrings/debian-archive-keyring.pgp',
];
const defaultMirror = 'http://deb.debian.org/debian';
const aptTimeoutMs = 20 * 60 * 1000;
const shortTimeoutMs = 60 * 1000;
const progressEveryMs = 200;
/** Unpacked, the packages are about six and a half times what is downloaded. */
const unpackFactor = 8;
const abandonedAgeMs = 24 * 60 * 60 * 1000;
/**
 * Fetches something into a folder of such trees unless an earlier fetch left it there; one fetch at a time on this machine, and
 * nothing beside the tree is left behind.
 */
export async function fetchOnce<Result>(
  options: PackageFetchOptions,
  steps: {
    readonly folder: string;
    readonly earlier: () => Promise<Result | null>;
    readonly fetch: (packages: PackageFetch) => Promise<Result>;
  },
): Promise<Result> {
  const { folder } = steps;
  makeFolder(folder);
  return await withLockFile({ ...options, path: join(folder, 'fetch.lock') }, async () => {
    const earlier = await steps.earlier();
    if (earlier !== null) return earlier;
    await removeAbandoned(folder, options.clock);
    const work = await mkdtemp(join(folder, '.fetching-'));
    try {
      return await steps.fetch(new PackageFetch(options, work));
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  });
}

/**
 * Fetches packages and all they need from the distribution's signed archive, as whatever user this is, and unpacks them into
 * one tree. Touches nothing outside its work folder, which the caller makes and removes. Rejects with MYSQL_FETCH_FAILED, or
 * FatalError DISK_FULL.
 */
export class PackageFetch {
  /** Where everything is unpacked; the caller moves it away when it is satisfied. */
  readonly tree: string;
  readonly #options: PackageFetchOptions;
  readonly #work: string;

  constructor(options: PackageFetchOptions, work: string) {
    this.#options = options;
    this.#work = work;
    this.tree = join(work, 'tree');
  }

  /** The first of several lists of package names that the archive has. Answers what was fetched. */
  async fetch(alternatives: readonly (readonly string[])[]): Promise<readonly PlannedPackage[]> {
    const { packages, plan } = await this.#planFromSomeMirror(alternatives);
    await this.#checkSpace(plan);
    await this.#download(packages, plan);
    await this.#unpack();
    return plan;
  }

  /** Runs a program of the tree, in order to see whether it does. */
  async verify(command: readonly string[], what: string): Promise<ProgramResult> {
    this.#report({ phase: 'verify', done: 0, total: null });
    const result = await this.#run(command, shortTimeoutMs);
    requireSuccess(result, what);
    return result;
  }

  /** A mirror of the machine's own may lack the suite, so Debian's own host is asked last. */
  async #planFromSomeMirror(alternatives: readonly (readonly string[])[]): Promise<Plan> {
    const sources = await this.#sources();
    let failure: unknown = null;
    for (const source of sources) {
      try {
        return await this.#plan(source, alternatives);
      } catch (error) {
        failure = error;
        this.#options.logger.debug('mysql-source-failed', { source, error });
      }
    }
    throw failure ?? new MySqlServerError('MYSQL_FETCH_FAILED', 'no package source is configured');
  }

  /** Text of the source lists to try; null is the machine's own. */
  async #sources(): Promise<readonly (string | null)[]> {
    const { family, codename } = this.#options.machine;
    if (family === 'ubuntu') return [null];
    const found = await Promise.all(keyrings.map((path) => pathExists(path)));
    const keyring = keyrings.find((_path, index) => found[index]);
    if (keyring === undefined) {
      throw new MySqlServerError(
        'MYSQL_FETCH_FAILED',
        `none of ${keyrings.join(', ')} is there to verify packages with; install debian-archive-keyring`,
      );
    }
    const targets = await runProgram(
      ['apt-get', 'indextargets', '--format', '$(REPO_URI) $(RELEASE)', 'Created-By: Packages'],
      { timeoutMs: shortTimeoutMs },
    );
    const own = mirrorsOf(targets.stdout, codename)
      .map((uri) => uri.replace(/\/+$/, ''))
      .filter((uri) => uri !== defaultMirror);
    return [...own, defaultMirror].map((mirror) => debianSource({ mirror, keyring }));
  }

  async #plan(source: string | null, alternatives: readonly (readonly string[])[]): Promise<Plan> {
    await this.#writeAptFolders(source);
    const partial = aptFolders(this.#work).partialLists;
    const update = await this.#watching('index', { folders: [partial], total: null }, () =>
      this.#apt(['update', '-q', '--error-on=any']),
    );
    requireSuccess(update, 'apt-get update');
    let last: ProgramResult = update;
    for (const packages of alternatives) {
      last = await this.#apt(['install', '--print-uris', '-y', '-qq', ...packages]);
      const plan = parsePlan(last.stdout);
      if (last.status === 0 && plan.length > 0) return { packages, plan };
    }
    throw new MySqlServerError(
      'MYSQL_FETCH_FAILED',
      `the package source has no ${alternatives[0]?.[0]} that can be installed: ${failureOf(last)}`,
    );
  }

  async #writeAptFolders(source: string | null): Promise<void> {
    const folders = aptFolders(this.#work);
    await rm(folders.state, { recursive: true, force: true });
    await rm(folders.cache, { recursive: true, force: true });
    await mkdir(folders.partialLists, { recursive: true });
    await mkdir(folders.partialArchives, { recursive: true });
    await writeFile(join(folders.state, 'status'), '');
    const dump = await runProgram(['apt-config', 'dump', 'Acquire'], { timeoutMs: shortTimeoutMs });
    const sourcesPath = source === null ? null : join(this.#work, 'sources.list');
    if (source !== null && sourcesPath !== null) await writeFile(sourcesPath, source);
    const configuration = aptConfiguration({
      work: this.#work,
      architecture: this.#options.machine.architecture,
      sourcesPath,
      acquireLines: networkSettings(dump.stdout),
    });
    await writeFile(this.#configurationPath, configuration);
  }

  async #checkSpace(plan: readonly PlannedPackage[]): Promise<void> {
    const { bavail, bsize } = await statfs(this.#work);
    const needed = totalBytes(plan) * unpackFactor;
    if (bavail * bsize >= needed) return;
    throw new FatalError(
      'DISK_FULL',
      `${this.#options.cacheDirectory} has ${inMegabytes(bavail * bsize)} free, fetching packages needs ` +
        `${inMegabytes(needed)}; free some space or set another cache folder`,
    );
  }

  async #download(packages: readonly string[], plan: readonly PlannedPackage[]): Promise<void> {
    const { archives, partialArchives } = aptFolders(this.#work);
    const watched = { folders: [archives, partialArchives], total: totalBytes(plan) };
    const result = await this.#watching('download', watched, () =>
      this.#apt(['install', '--download-only', '-y', '-q', ...packages]),
    );
    requireSuccess(result, 'apt-get install --download-only');
  }

  async #unpack(): Promise<void> {
    const { archives } = aptFolders(this.#work);
    const files = (await readdir(archives)).filter((name) => name.endsWith('.deb')).sort();
    await mkdir(this.tree);
    for (const [done, name] of files.entries()) {
      this.#report({ phase: 'unpack', done, total: files.length });
      const command = ['dpkg-deb', '-x', join(archives, name), this.tree];
      requireSuccess(await this.#run(command, shortTimeoutMs), `dpkg-deb -x ${name}`);
    }
    this.#report({ phase: 'unpack', done: files.length, total: files.length });
  }

  get #configurationPath(): string {
    return join(this.#work, 'apt.conf');
  }

  #apt(args: readonly string[]): Promise<ProgramResult> {
    const environment = { APT_CONFIG: this.#configurationPath, LC_ALL: 'C' };
    return this.#run(['apt-get', ...args], aptTimeoutMs, environment);
  }

  #run(
    command: readonly string[],
    timeoutMs: number,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<ProgramResult> {
    const { signal } = this.#options;
    return runProgram(command, {
      timeoutMs,
      environment,
      ...(signal === undefined ? {} : { signal }),
    });
  }

  /** Reports the growth of folders while `work` runs: apt itself says nothing that a program may rely on. */
  async #watching<Result>(
    phase: FetchProgress['phase'],
    watched: { readonly folders: readonly string[]; readonly total: number | null },
    work: () => Promise<Result>,
  ): Promise<Result> {
    const look = async (): Promise<void> => {
      const bytes = await Promise.all(watched.folders.map((folder) => bytesIn(folder)));
      this.#report({
        phase,
        done: bytes.reduce((sum, size) => sum + size, 0),
        total: watched.total,
      });
    };
    const stop = this.#options.clock.every(progressEveryMs, () => void look());
    try {
      return await work();
    } finally {
      stop();
      await look();
    }
  }

  #report(progress: FetchProgress): void {
    this.#options.onProgress?.(progress);
  }
}

interface Plan {
  readonly packages: readonly string[];
  readonly plan: readonly PlannedPackage[];
}

function requireSuccess(result: ProgramResult, what: string): void {
  if (result.status === 0) return;
  throw new MySqlServerError('MYSQL_FETCH_FAILED', `${what} failed: ${failureOf(result)}`, {
    retryable: true,
  });
}

function totalBytes(plan: readonly PlannedPackage[]): number {
  return plan.reduce((sum, { bytes }) => sum + bytes, 0);
}

function inMegabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1_000_000)} MB`;
}

async function bytesIn(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  const sizes = await Promise.all(
    names.map(async (name) => {
      const status = await stat(join(folder, name)).catch(() => null);
      return status?.isFile() ? status.size : 0;
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Work folders of fetches that were killed. Young ones may belong to a fetch in another container on the same folder. */
async function removeAbandoned(folder: string, clock: Clock): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith('.fetching-')) continue;
    const status = await stat(join(folder, name)).catch(() => null);
    if (status === null || clock.wallMs() - status.mtimeMs < abandonedAgeMs) continue;
    await rm(join(folder, name), { recursive: true, force: true });
  }
}
