import { SystemClock } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/logger.ts';
import { SeededRandom } from '../../../base/random.ts';
import type { NodeId } from '../../../raft/core/types.ts';
import { TcpTransport, type TcpTransportOptions } from '../../../raft/tcp/tcp-transport.ts';
import type { TransportEvents } from '../../../raft/transport.ts';

export type TransportWishes = Pick<TcpTransportOptions, 'peers'> & Partial<TcpTransportOptions>;

/** An open transport of `self` on loopback, on a port that the kernel chooses. */
export async function openTransport(
  self: NodeId,
  options: TransportWishes,
  events: TransportEvents = { onMessage: () => {}, onPeer: () => {} },
): Promise<TcpTransport> {
  const transport = new TcpTransport({
    self,
    listen: { host: '127.0.0.1', port: 0 },
    clusterId: 'c1',
    fingerprint: 'f1',
    logger: silentLogger,
    random: new SeededRandom(1),
    clock: new SystemClock(),
    ...options,
    // A hello is late only where a test says so.
    limits: {
      handshakeTimeoutMs: 60_000,
      reconnectMsMin: 5,
      reconnectMsMax: 20,
      ...options.limits,
    },
  });
  await transport.open(events);
  return transport;
}
