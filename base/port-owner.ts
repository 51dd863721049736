import { readdir, readFile, readlink } from 'node:fs/promises';

const listenState = '0A';

/**
 * Which process listens on a TCP port, as `pid 123 (mysqld --port …)`: from `/proc`, so on Linux only, and only as far as this
 * user may look. Null when it cannot be found.
 */
export async function findPortOwner(port: number): Promise<string | null> {
  const inodes = new Set([
    ...(await listeningInodes('/proc/net/tcp', port)),
    ...(await listeningInodes('/proc/net/tcp6', port)),
  ]);
  if (inodes.size === 0) return null;
  for (const pid of await entriesOf('/proc')) {
    if (/^\d+$/.test(pid) && (await holdsSocket(pid, inodes)))
      return `pid ${pid}${await commandOf(pid)}`;
  }
  return null;
}

async function listeningInodes(path: string, port: number): Promise<string[]> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = (await textOf(path)).split('\n').slice(1);
  return lines.flatMap((line) => {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
    return state === listenState && local.endsWith(suffix) ? [inode] : [];
  });
}

async function holdsSocket(pid: string, inodes: ReadonlySet<string>): Promise<boolean> {
  for (const fd of await entriesOf(`/proc/${pid}/fd`)) {
    const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    if (inode !== undefined && inodes.has(inode)) return true;
  }
  return false;
}

/** The program alone: arguments may hold secrets (HAZARDS S2). */
async function commandOf(pid: string): Promise<string> {
  const [program = ''] = (await textOf(`/proc/${pid}/cmdline`)).split('\0');
  return program === '' ? '' : ` (${program})`;
}

// What vanishes or may not be read while we look is not there.

async function entriesOf(path: string): Promise<string[]> {
  return await readdir(path).catch(() => []);
}

async function textOf(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch(() => '');
}
