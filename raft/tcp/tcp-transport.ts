import { assert } from '../../base/assert.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { Random } from '../../base/random.ts';
import type { MemberAddress } from '../core/membership.ts';
import type { Message } from '../core/messages.ts';
import type { SnapshotMeta } from '../core/snapshot.ts';
import { type LogIndex, logIndex, type NodeId } from '../core/types.ts';
import { SnapshotFetchError } from '../errors.ts';
import type { SnapshotSource, SnapshotStore } from '../snapshot-store.ts';
import type { PeerPlace, Transport, TransportEvents } from '../transport.ts';
import type { Cluster, Hello } from './handshake.ts';
import { InboundServer } from './inbound-server.ts';
import { defaultTransportLimits, type TransportLimits } from './limits.ts';
import { type PeerAddress, PeerLink, type PeerLinkOptions } from './peer-link.ts';
import { PeerLinks } from './peer-links.ts';
import { fetchSnapshot } from './snapshot-fetcher.ts';
import { wireVersion } from './wire-codec.ts';

export interface TcpTransportOptions {
  readonly self: NodeId;
  readonly listen: { readonly host: string; readonly port: number };
  /** Other nodes that the settings name. Who is a member, and where, the configuration says from `setMembers` on. */
  readonly peers: readonly PeerAddress[];
  /** Where others can call this node; null leaves them to their settings. */
  readonly advertise?: MemberAddress | null;
  /** Names the cluster; nodes of another are refused. */
  readonly clusterId: string;
  /** Of the settings that must be equal on all nodes. */
  readonly fingerprint: string;
  /** Of the members the cluster begins with; empty at a node that waits to be added. */
  readonly initialMembers?: string;
  readonly logger: Logger;
  /** For pauses between dials only: must not be the machine's. */
  readonly random: Random;
  readonly clock: Clock;
  /** What the other nodes may fetch from this one. */
  readonly snapshots?: SnapshotStore;
  readonly limits?: Partial<TransportLimits>;
}

/** A peer as the transport sees it. */
export interface PeerLinkStatus {
  readonly id: NodeId;
  readonly isConnected: boolean;
  /** `refused: cluster-id, …` while the peer refuses this node; null otherwise. */
  readonly lastRefusal: string | null;
}

/** Messages over TCP: one connection per peer and direction, each opened by the side that sends. */
export class TcpTransport implements Transport, SnapshotSource {
  readonly #options: TcpTransportOptions;
  readonly #limits: TransportLimits;
  #links: PeerLinks | null = null;
  #membershipIndex: LogIndex = logIndex(0);
  #server: InboundServer | null = null;

  constructor(options: TcpTransportOptions) {
    this.#options = options;
    this.#limits = { ...defaultTransportLimits, ...options.limits };
  }

  /** The port in use: of interest when 0 was asked for. */
  get port(): number {
    return this.#server?.port ?? 0;
  }

  /** Members in the order of the configuration, then others that called. */
  get peers(): readonly PeerLinkStatus[] {
    const links = this.#links;
    if (links === null) return [];
    return links.ids.map((id) => {
      const link = links.get(id);
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
    const { self, listen, peers, clock, logger } = this.#options;
    const links = new PeerLinks({
      known: peers,
      limits: this.#limits,
      build: (peer, callbacks) => this.#buildLink(peer, { events, ...callbacks }),
    });
    this.#links = links;
    this.#server = new InboundServer({
      listen,
      here: () => ({ self, ...this.#cluster }),
      clock,
      logger,
      limits: this.#limits,
      snapshots: this.#options.snapshots ?? null,
      onMessage: (from, message) => events.onMessage(from, message),
      onHello: (from, address) => links.called(from, address),
    });
    await this.#server.open();
    links.open();
  }

  setMembers(members: readonly PeerPlace[], membershipIndex: LogIndex): void {
    this.#membershipIndex = membershipIndex;
    this.#links?.setMembers(members);
  }

  send(to: NodeId, message: Message): void {
    this.#links?.send(to, message);
  }

  async *fetch(
    from: NodeId,
    meta: SnapshotMeta,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const place = this.#links?.addressOf(from) ?? null;
    if (place === null) throw new SnapshotFetchError(`nobody knows where ${from} is`);
    yield* fetchSnapshot({
      ...{ host: place.host, port: place.port },
      hello: this.#helloTo(from),
      meta,
      clock: this.#options.clock,
      limits: this.#limits,
      signal,
    });
  }

  async close(): Promise<void> {
    await this.#links?.close();
    await this.#server?.close();
  }

  /** As it is now: what the cluster began with matters until another configuration is in the log. */
  get #cluster(): Cluster {
    const { clusterId, fingerprint, initialMembers = '' } = this.#options;
    const isInitial = this.#membershipIndex === 0;
    return { clusterId, fingerprint, initialMembers: isInitial ? initialMembers : '' };
  }

  #helloTo(to: NodeId): Hello {
    const { self, advertise = null } = this.#options;
    return { wireVersion, ...this.#cluster, from: self, to, address: advertise };
  }

  #buildLink(
    peer: PeerAddress,
    options: Pick<PeerLinkOptions, 'mayDialAgain' | 'onEnd'> & { readonly events: TransportEvents },
  ): PeerLink {
    const { clock, random, logger } = this.#options;
    const { events, mayDialAgain, onEnd } = options;
    return new PeerLink({
      peer,
      mayDialAgain,
      onEnd,
      hello: () => this.#helloTo(peer.id),
      clock,
      random,
      logger,
      limits: this.#limits,
      onState: (state) => events.onPeer(peer.id, state),
    });
  }
}
