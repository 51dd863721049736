import { createServer, type Server } from 'node:net';
import { codeOf, messageOf } from '../base/errors.ts';
import { FatalError } from '../base/fatal.ts';
import { findPortOwner } from '../base/port-owner.ts';
import { type ListenAddress, type PortName, portNames } from './options.ts';

type Addresses = Readonly<Record<PortName, ListenAddress>>;

/**
 * Finds out whether the ports are free, and which ones stand for port 0. Listeners that share a port (`reusePort`) would join those
 * of another process of the same user without a word, so each port is first claimed for itself alone.
 * Rejects FatalError PORT_TAKEN.
 */
export async function claimPorts(addresses: Addresses): Promise<Addresses> {
  const servers: Server[] = [];
  try {
    const claimed: [PortName, ListenAddress][] = [];
    for (const name of portNames) {
      const { host, port } = addresses[name];
      const server = createServer();
      servers.push(server);
      claimed.push([name, { host, port: await listen(server, { host, port }) }]);
    }
    return Object.fromEntries(claimed) as Record<PortName, ListenAddress>;
  } finally {
    await Promise.all(servers.map((server) => closed(server)));
  }
}

export async function portTaken(address: ListenAddress, reason: string): Promise<FatalError> {
  const owner = await findPortOwner(address.port);
  const by = owner === null ? '' : ` by ${owner}`;
  return new FatalError(
    'PORT_TAKEN',
    `port ${address.port} on ${address.host} is taken${by} (${reason}); stop what uses it, or choose another port`,
  );
}

async function listen(server: Server, address: ListenAddress): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ ...address, exclusive: true }, resolve);
  try {
    await promise;
  } catch (thrown) {
    throw await portTaken(address, codeOf(thrown) ?? messageOf(thrown));
  }
  const bound = server.address();
  return typeof bound === 'object' && bound !== null ? bound.port : address.port;
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
