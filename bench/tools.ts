import { existsSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../base/errors.ts';
import { type Machine, programsOnPath } from '../mysql-bridge/server/machine.ts';
import { treeLauncher } from '../mysql-bridge/server/mysql-tree.ts';
import {
  fetchOnce,
  type PackageFetch,
  type PackageFetchOptions,
} from '../mysql-bridge/server/package-fetch.ts';
import { runProgram } from '../mysql-bridge/server/run-program.ts';
import { BenchError } from './errors.ts';

/** Programs the benchmark runs besides MySQL. */
interface ToolKind {
  /** The Debian package that holds it. */
  readonly package: string;
  readonly program: string;
  /** Below the root of an unpacked package; null where it runs only installed. */
  readonly treePath: string | null;
  /** Where the package keeps libraries for itself, below that root. */
  readonly privateFolders: readonly string[];
  readonly versionOption: string;
}

export type ToolName = 'sysbench' | 'haproxy' | 'mysqlrouter' | 'etcd';

const kinds: Readonly<Record<ToolName, ToolKind>> = {
  sysbench: {
    package: 'sysbench',
    program: 'sysbench',
    // Its load programs and its client's log-in plug-ins are looked for where the package puts them.
    treePath: null,
    privateFolders: [],
    versionOption: '--version',
  },
  haproxy: {
    package: 'haproxy',
    program: 'haproxy',
    treePath: 'usr/sbin/haproxy',
    privateFolders: [],
    versionOption: '-v',
  },
  mysqlrouter: {
    // Debian has it in sid alone, as it has MySQL.
    package: 'mysql-router',
    program: 'mysqlrouter',
    treePath: 'usr/bin/mysqlrouter',
    privateFolders: ['usr/lib/mysql-router'],
    versionOption: '--version',
  },
  etcd: {
    package: 'etcd-server',
    program: 'etcd',
    // In every Debian release, so that there is no need to fetch it: the message says how to install it.
    treePath: null,
    privateFolders: [],
    versionOption: '--version',
  },
};

/** A program ready to execute; arguments that belong to it included. */
export interface Tool {
  readonly command: readonly string[];
  /** The first line it says of itself. */
  readonly version: string;
  /** The tree it was unpacked in; null where it is installed. */
  readonly tree: string | null;
}

export interface Tools {
  find(name: ToolName): Tool;
}

/** Services are often installed where ordinary users do not look. */
const usualFolders = '/usr/sbin:/usr/local/sbin';
const askTimeoutMs = 10_000;
const treeFile = 'binraft-tool.json';

/**
 * Finds all that a run needs before anything is started: on PATH, or fetched earlier, or fetched now from Debian's signed
 * packages as MySQL itself is. BENCH_TOOL_MISSING says in one line what to install.
 */
export async function findTools(
  names: readonly ToolName[],
  options: PackageFetchOptions & { readonly searchPath: string },
): Promise<Tools> {
  const found = new Map<ToolName, Tool>();
  const reasons: string[] = [];
  for (const name of names) {
    const installed = await installedTool(kinds[name], options.searchPath);
    const tool =
      installed ??
      (await fetchedTool(kinds[name], options).catch((thrown: unknown) => {
        options.signal?.throwIfAborted();
        reasons.push(`${name}: ${messageOf(thrown)}`);
        return null;
      }));
    if (tool !== null) found.set(name, tool);
  }
  const missing = names.filter((name) => !found.has(name)).map((name) => kinds[name].package);
  if (missing.length > 0) {
    const why = reasons.length === 0 ? '' : ` (fetching failed: ${reasons.join('; ')})`;
    const message = `not installed: ${missing.join(', ')}${why}; run: apt-get install ${missing.join(' ')}`;
    throw new BenchError('BENCH_TOOL_MISSING', message);
  }
  return {
    find(name) {
      const tool = found.get(name);
      if (tool !== undefined) return tool;
      throw new BenchError('BENCH_TOOL_MISSING', `${name} was not asked for when the run began`);
    },
  };
}

async function installedTool(kind: ToolKind, searchPath: string): Promise<Tool | null> {
  const [path] = await programsOnPath(kind.program, `${searchPath}:${usualFolders}`);
  if (path === undefined) return null;
  const version = await versionOf([path], kind);
  return version === null ? null : { command: [path], version, tree: null };
}

/** Null where a fetch would be of no use here. */
async function fetchedTool(kind: ToolKind, options: PackageFetchOptions): Promise<Tool | null> {
  const { machine, cacheDirectory } = options;
  if (kind.treePath === null || machine.family === null) return null;
  const folder = join(cacheDirectory, 'tools');
  const place = join(folder, `${kind.package}-${machine.family}-${machine.architecture}`);
  return await fetchOnce(options, {
    folder,
    earlier: () => toolInTree(kind, place, machine),
    fetch: (packages) => fetchTree({ kind, machine, place, packages }),
  });
}

async function fetchTree(parts: {
  readonly kind: ToolKind;
  readonly machine: Machine;
  readonly place: string;
  readonly packages: PackageFetch;
}): Promise<Tool> {
  const { kind, machine, place, packages } = parts;
  const plan = await packages.fetch([[kind.package]]);
  await packages.verify(
    [...(commandIn(kind, packages.tree, machine) ?? ['false']), kind.versionOption],
    `the fetched ${kind.program}`,
  );
  const digests = plan.map(({ digest, fileName }) => `${digest} ${fileName}`);
  await writeFile(join(packages.tree, treeFile), `${JSON.stringify(digests, null, 2)}\n`);
  await rm(place, { recursive: true, force: true });
  await rename(packages.tree, place);
  const tool = await toolInTree(kind, place, machine);
  if (tool !== null) return tool;
  throw new BenchError('BENCH_TOOL_MISSING', `the tree moved to ${place} does not run`);
}

/** Null when there is no such tree, or it does not run. */
async function toolInTree(kind: ToolKind, tree: string, machine: Machine): Promise<Tool | null> {
  const isWhole = (await readFile(join(tree, treeFile), 'utf8').catch(() => '')) !== '';
  const command = isWhole ? commandIn(kind, tree, machine) : null;
  if (command === null) return null;
  const version = await versionOf(command, kind);
  return version === null ? null : { command, version, tree };
}

function commandIn(kind: ToolKind, tree: string, machine: Machine): readonly string[] | null {
  const launcher = treeLauncher(tree, machine.architecture, kind.privateFolders);
  const program = join(tree, kind.treePath ?? '');
  return launcher === null || !existsSync(program) ? null : [...launcher, program];
}

async function versionOf(command: readonly string[], kind: ToolKind): Promise<string | null> {
  const result = await runProgram([...command, kind.versionOption], { timeoutMs: askTimeoutMs });
  if (result.status !== 0) return null;
  return result.stdout.trim().split('\n')[0] ?? '';
}
