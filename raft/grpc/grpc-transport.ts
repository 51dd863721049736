import { assert } from '../../base/assert.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { Random } from '../../base/random.ts';
import type { Message } from '../core/messages.ts';
import type { NodeId } from '../core/types.ts';
import type { Transport, TransportEvents } from '../transport.ts';
import { InboundServer } from './inbound-server.ts';
import { defaultTransportLimits, type TransportLimits } from './limits.ts';
import { type PeerAddress, PeerLink } from './peer-link.ts';
import { wireVersion } from './wire-codec.ts';

export interface GrpcTransportOptions {
  readonly self: NodeId;
  readonly listen: { readonly host: string; readonly port: number };
  /** Every other member. */
  readonly peers: readonly PeerAddress[];
  /** Names the cluster; nodes of another are refused. */
  readonly clusterId: string;
  /** Of the settings that must be equal on all nodes. */
  readonly fingerprint: string;
  readonly logger: Logger;
  /** For pauses between dials only: must not be the machine's. */
  readonly random: Random;
  readonly clock: Clock;
  readonly limits?: Partial<TransportLimits>;
}

/** A peer as the transport sees it. */
export interface PeerLinkStatus {
  readonly id: NodeId;
  readonly isConnected: boolean;
  /** `refused: cluster-id, …` while the peer refuses this node; null otherwise. */
  readonly lastRefusal: string | null;
}

/** Messages over gRPC: one stream per peer and direction, each opened by the side that sends. */
export class GrpcTransport implements Transport {
  readonly #options: GrpcTransportOptions;
  readonly #limits: TransportLimits;
  readonly #links = new Map<NodeId, PeerLink>();
  #server: InboundServer | null = null;

  constructor(options: GrpcTransportOptions) {
    this.#options = options;
    this.#limits = { ...defaultTransportLimits, ...options.limits };
  }

  /** The port in use: of interest when 0 was asked for. */
  get port(): number {
    return this.#server?.port ?? 0;
  }

  /** In the order of the configuration. */
  get peers(): readonly PeerLinkStatus[] {
    return this.#options.peers.map(({ id }) => {
      const link = this.#links.get(id);
      return {
        id,
        isConnected: link?.isConnected ?? false,
        lastRefusal: link?.lastRefusal ?? null,
      };
    });
  }

  /** Rejects with FatalError PORT_TAKEN when another process listens there. */
  async open(events: TransportEvents): Promise<void> {
    assert(this.#server === null, 'a transport is opened once');
    const { self, listen, peers, clusterId, fingerprint, clock, logger } = this.#options;
    this.#server = new InboundServer({
      listen,
      here: { self, clusterId, fingerprint, peers: peers.map((peer) => peer.id) },
      clock,
      logger,
      limits: this.#limits,
      onMessage: (from, message) => events.onMessage(from, message),
      onHello: (from) => this.#links.get(from)?.nudge(),
    });
    await this.#server.open();
    for (const peer of peers) this.#links.set(peer.id, this.#buildLink(peer, events));
    for (const link of this.#links.values()) link.start();
  }

  send(to: NodeId, message: Message): void {
    this.#links.get(to)?.send(message);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#links.values()].map((link) => link.close()));
    await this.#server?.close();
  }

  #buildLink(peer: PeerAddress, events: TransportEvents): PeerLink {
    const { self, clusterId, fingerprint, clock, random, logger } = this.#options;
    return new PeerLink({
      peer,
      hello: { wireVersion, clusterId, fingerprint, from: self, to: peer.id },
      clock,
      random,
      logger,
      limits: this.#limits,
      onState: (state) => events.onPeer(peer.id, state),
    });
  }
}
