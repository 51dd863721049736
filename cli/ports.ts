import { createServer } from 'node:net';
import { codeOf, messageOf } from '../base/errors.ts';
import { FatalError } from '../base/fatal.ts';
import { findPortOwner } from '../base/port-owner.ts';

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
    const owner = await findPortOwner(port);
    taken.push(`port ${port} (${purpose}) is taken${owner === null ? '' : ` by ${owner}`}`);
  }
  if (taken.length === 0) return;
  throw new FatalError('PORT_TAKEN', `${taken.join('; ')}; stop it, or choose other ports`);
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => {
      if (codeOf(error) === 'EADDRINUSE') return resolve(false);
      return reject(
        new FatalError('CONFIG_INVALID', `cannot listen on ${host}:${port}: ${messageOf(error)}`, {
          cause: error,
        }),
      );
    });
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
