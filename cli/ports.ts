import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { codeOf } from '../base/errors.ts';
import { FatalError } from '../base/fatal.ts';

/** A port about to be used, and what for. */
export interface PortUse {
  readonly port: number;
  readonly purpose: string;
}

/** FatalError PORT_TAKEN naming every port that is taken, and by what where the system tells. */
export async function checkPortsFree(host: string, uses: readonly PortUse[]): Promise<void> {
  const taken: string[] = [];
  for (const { port, purpose } of uses) {
    if (await isFree(host, port)) continue;
    const owner = portOwner(port);
    taken.push(`port ${port} (${purpose}) is taken${owner === null ? '' : ` by ${owner}`}`);
  }
  if (taken.length === 0) return;
  throw new FatalError('PORT_TAKEN', `${taken.join('; ')}; stop it, or choose other ports`);
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => {
      if (codeOf(error) === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

const listening = '0A';

/**
 * The process that listens on a TCP port of this machine, as `pid 12 (mysqld)`; null where the system does not tell
 * (another user's process, or no /proc).
 */
export function portOwner(port: number): string | null {
  try {
    const inode = listeningInode(port);
    return inode === null ? null : processWithSocket(inode);
  } catch {
    // Only a hint for a person: whatever goes wrong here must not hide the refusal itself.
    return null;
  }
}

/** proc(5), /proc/net/tcp: local address in hexadecimal, state, …, inode. */
function listeningInode(port: number): string | null {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  for (const path of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of readFileSync(path, 'utf8').split('\n').slice(1)) {
      const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
      if (local.endsWith(wanted) && state === listening && inode !== undefined) return inode;
    }
  }
  return null;
}

function processWithSocket(inode: string): string | null {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const pid = pids.find((candidate) => hasSocket(candidate, inode));
  return pid === undefined
    ? null
    : `pid ${pid} (${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()})`;
}

function hasSocket(pid: string, inode: string): boolean {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).some(
      (fd) => readlinkSync(`${folder}/${fd}`) === `socket:[${inode}]`,
    );
  } catch {
    // Gone meanwhile, or another user's.
    return false;
  }
}
