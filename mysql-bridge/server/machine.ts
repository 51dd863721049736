import { access, readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** What of this machine decides where a MySQL can come from. */
export interface Machine {
  readonly platform: string;
  /** As dpkg names it: `amd64`, `arm64`; Node's own word for any other. */
  readonly architecture: string;
  /** Distributions whose packages fit; null where there is no apt. */
  readonly family: 'debian' | 'ubuntu' | null;
  /** `bookworm`, `noble`; empty when it has none. */
  readonly codename: string;
}

/** Reads the operating system's own description (os-release(5)). */
export async function readMachine(): Promise<Machine> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return machineOf({ platform: process.platform, nodeArchitecture: process.arch, osRelease: text });
}

/** As `readMachine`, from facts. A derivative counts as what it says it is like; Ubuntu itself says it is like Debian. */
export function machineOf(facts: {
  readonly platform: string;
  readonly nodeArchitecture: string;
  readonly osRelease: string;
}): Machine {
  const fields = new Map(
    facts.osRelease.split('\n').flatMap((line) => {
      const [, name, value] = /^([A-Z_]+)="?([^"]*)"?$/.exec(line.trim()) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value] as const];
    }),
  );
  const names = `${fields.get('ID') ?? ''} ${fields.get('ID_LIKE') ?? ''}`.split(' ');
  const isLinux = facts.platform === 'linux';
  const family = names.includes('ubuntu') ? 'ubuntu' : names.includes('debian') ? 'debian' : null;
  return {
    platform: facts.platform,
    architecture: facts.nodeArchitecture === 'x64' ? 'amd64' : facts.nodeArchitecture,
    family: isLinux ? family : null,
    codename: fields.get('UBUNTU_CODENAME') ?? fields.get('VERSION_CODENAME') ?? '',
  };
}

export async function pathExists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}

/** All places of a program in a search path, in order. */
export async function programsOnPath(name: string, searchPath: string): Promise<readonly string[]> {
  const folders = [...new Set(searchPath.split(delimiter).filter((folder) => folder !== ''))];
  const candidates = folders.map((folder) => join(folder, name));
  const found = await Promise.all(candidates.map((path) => pathExists(path)));
  return candidates.filter((_path, index) => found[index]);
}
