import type { Message } from '../../../raft/core/messages.ts';
import { type NodeId, nodeId } from '../../../raft/core/types.ts';
import type { PeerPlace, Transport, TransportEvents } from '../../../raft/transport.ts';
import { type Datagrams, hostOf, type Network, type SimProcess } from '../kernel/index.ts';

/** How often a transport looks whether its peers can be reached, as keepalive pings do. */
const probeMs = 500;

export interface SimTransportOptions {
  readonly process: SimProcess;
  readonly network: Network;
  readonly datagrams: Datagrams<Message>;
  /** The process that a node's Raft messages go to. */
  readonly processOf: (peer: NodeId) => string;
  /** A message leaves the process. */
  readonly onSend: (to: NodeId, message: Message) => void;
}

/** Raft messages as datagrams, each one on its own; and now and then the news that a peer came or went, late. */
export class SimTransport implements Transport {
  readonly #options: SimTransportOptions;
  readonly #up = new Set<NodeId>();
  #peers: readonly NodeId[] = [];
  #stopProbing: () => void = () => undefined;
  #isOpen = false;

  constructor(options: SimTransportOptions) {
    this.#options = options;
  }

  open(events: TransportEvents): Promise<void> {
    const { process, datagrams } = this.#options;
    this.#isOpen = true;
    datagrams.bind(process, ({ from, message }) => events.onMessage(nodeId(hostOf(from)), message));
    this.#stopProbing = process.clock.every(probeMs, () => this.#probe(events));
    return Promise.resolve();
  }

  /** Everybody is reached by name, member or not; only members are watched. */
  setMembers(members: readonly PeerPlace[]): void {
    this.#peers = members.map(({ id }) => id);
    for (const peer of [...this.#up]) if (!this.#peers.includes(peer)) this.#up.delete(peer);
  }

  send(to: NodeId, message: Message): void {
    const { process, datagrams, processOf, onSend } = this.#options;
    if (!this.#isOpen || process.isDead) return;
    onSend(to, message);
    datagrams.send(process, processOf(to), message);
  }

  close(): Promise<void> {
    this.#isOpen = false;
    this.#stopProbing();
    this.#options.datagrams.unbind(this.#options.process);
    return Promise.resolve();
  }

  #probe(events: TransportEvents): void {
    const { process, network, processOf } = this.#options;
    for (const peer of this.#peers) {
      const name = processOf(peer);
      const isCut = network.isBlocked(process.name, name) || network.isBlocked(name, process.name);
      const isUp = !isCut && network.findProcess(name) !== null;
      if (isUp === this.#up.has(peer)) continue;
      if (isUp) this.#up.add(peer);
      else this.#up.delete(peer);
      events.onPeer(peer, isUp ? 'up' : 'down');
    }
  }
}
