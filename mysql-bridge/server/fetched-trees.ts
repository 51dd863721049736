import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MySqlInstallation } from '../mysql-server.ts';
import { installationOfTree } from './mysql-tree.ts';
import { compareVersions, parseVersion } from './mysql-version.ts';
import { runProgram } from './run-program.ts';

/** Written into a tree as the last thing before it is moved into place. */
export interface TreeManifest {
  readonly version: string;
  readonly architecture: string;
  /** `SHA256:…  file name` of each package, as the signed index gave them. */
  readonly packages: readonly string[];
}

const askTimeoutMs = 20_000;
const manifestName = 'binraft-tree.json';

/** The folder below a cache folder that holds fetched trees, each in one folder of its own. */
export function treesFolder(cacheDirectory: string): string {
  return join(cacheDirectory, 'mysql');
}

export async function writeManifest(tree: string, manifest: TreeManifest): Promise<void> {
  await writeFile(join(tree, manifestName), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** The newest tree that an earlier fetch left for this architecture and that still runs, or null. */
export async function newestFetchedTree(
  cacheDirectory: string,
  architecture: string,
): Promise<MySqlInstallation | null> {
  const folder = treesFolder(cacheDirectory);
  const names = await readdir(folder).catch(() => []);
  const found = await Promise.all(names.map((name) => readTree(join(folder, name), architecture)));
  const newestFirst = found
    .flatMap((installation) => {
      const version = installation === null ? null : parseVersion(installation.version);
      return installation === null || version === null ? [] : [{ installation, version }];
    })
    .sort((left, right) => compareVersions(right.version, left.version));
  for (const { installation } of newestFirst) {
    const command = [...installation.mysqldCommand, '--version'];
    if ((await runProgram(command, { timeoutMs: askTimeoutMs })).status === 0) return installation;
  }
  return null;
}

async function readTree(path: string, architecture: string): Promise<MySqlInstallation | null> {
  const text = await readFile(join(path, manifestName), 'utf8').catch(() => null);
  const manifest = text === null ? null : parseManifest(text);
  if (manifest === null || manifest.architecture !== architecture) return null;
  return installationOfTree({ root: path, architecture, version: manifest.version });
}

function parseManifest(text: string): Pick<TreeManifest, 'version' | 'architecture'> | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return null;
    if (!('version' in value) || !('architecture' in value)) return null;
    const { version, architecture } = value;
    if (typeof version !== 'string' || typeof architecture !== 'string') return null;
    return { version, architecture };
  } catch {
    return null;
  }
}
