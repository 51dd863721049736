import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { MySqlInstallation } from '../mysql-server.ts';

/** Where distributions put the dynamic loader inside a tree, per architecture as dpkg names it. */
const loaders: Readonly<Record<string, readonly string[]>> = {
  amd64: ['lib64/ld-linux-x86-64.so.2', 'lib/x86_64-linux-gnu/ld-linux-x86-64.so.2'],
  arm64: ['lib/ld-linux-aarch64.so.1', 'lib/aarch64-linux-gnu/ld-linux-aarch64.so.1'],
};

/** Architectures a fetched tree can be run on. */
export const fetchableArchitectures: readonly string[] = Object.keys(loaders);

/**
 * How to run a tree of unpacked packages in place: through its own loader and its own libraries, so that nothing of the
 * machine's C library is needed, and with every folder that its programs have compiled in given as an option.
 * Null when the tree is not complete.
 */
export function installationOfTree(options: {
  readonly root: string;
  readonly architecture: string;
  readonly version: string;
}): MySqlInstallation | null {
  const { root } = options;
  const launcher = treeLauncher(root, options.architecture);
  const mysqld = join(root, 'usr/sbin/mysqld');
  if (launcher === null || !existsSync(mysqld)) return null;
  const commandOf = (name: string): readonly string[] | null => {
    const program = join(root, 'usr/bin', name);
    return existsSync(program) ? [...launcher, program] : null;
  };
  return {
    version: options.version,
    origin: 'fetched',
    mysqldCommand: [...launcher, mysqld],
    mysqldOptions: [
      `--basedir=${join(root, 'usr')}`,
      `--lc-messages-dir=${join(root, 'usr/share/mysql')}`,
      `--character-sets-dir=${join(root, 'usr/share/mysql/charsets')}`,
      `--plugin-dir=${join(root, 'usr/lib/mysql/plugin')}`,
    ],
    mysqlCommand: commandOf('mysql'),
    mysqlbinlogCommand: commandOf('mysqlbinlog'),
  };
}

/**
 * What stands in front of a program of such a tree; null without a loader. `privateFolders` are those in which a package keeps
 * libraries for itself, below the root.
 */
export function treeLauncher(
  root: string,
  architecture: string,
  privateFolders: readonly string[] = [],
): readonly string[] | null {
  const loader = (loaders[architecture] ?? [])
    .flatMap((path) => [join(root, 'usr', path), join(root, path)])
    .find((path) => existsSync(path));
  if (loader === undefined) return null;
  const own = privateFolders.map((path) => join(root, path));
  return [loader, '--library-path', [...libraryFolders(root), ...own].join(':')];
}

/** `lib/<triplet>` folders, and the private folder in which some builds keep protobuf and ICU. */
function libraryFolders(root: string): readonly string[] {
  const libraries = [join(root, 'usr/lib'), join(root, 'lib')].filter((path) => existsSync(path));
  const triplets = libraries.flatMap((path) =>
    readdirSync(path)
      .filter((name) => name.endsWith('-linux-gnu'))
      .map((name) => join(path, name)),
  );
  return [...triplets, join(root, 'usr/lib/mysql/private')].filter((path) => existsSync(path));
}
