import type { Message } from '../../../raft/core/messages.ts';
import { type NodeId, nodeId } from '../../../raft/core/types.ts';
import type { PeerPlace, Transport, TransportEvents } from '../../../raft/transport.ts';
import type { Datagrams } from '../kernel/datagrams.ts';
import { hostOf, type SimProcess } from '../kernel/sim-process.ts';

/** A stream to a peer is taken to be down when nothing came from it for so long. */
const silenceMs = 2_000;
const checkMs = 500;

/**
 * Raft messages as datagrams: a harsher network than the streams of gRPC, which keep order. A peer counts as connected while
 * something is heard of it.
 */
export class SimTransport implements Transport {
  readonly #process: SimProcess;
  readonly #datagrams: Datagrams<Message>;
  #peers: readonly NodeId[];
  readonly #heardMs = new Map<NodeId, number>();
  readonly #connected = new Set<NodeId>();
  #stop: () => void = () => undefined;
  #isClosed = false;

  constructor(options: {
    readonly process: SimProcess;
    readonly datagrams: Datagrams<Message>;
    readonly peers: readonly NodeId[];
  }) {
    this.#process = options.process;
    this.#datagrams = options.datagrams;
    this.#peers = options.peers;
  }

  open(events: TransportEvents): Promise<void> {
    this.#datagrams.bind(this.#process, ({ from, message }) => {
      if (this.#isClosed) return;
      const peer = nodeId(hostOf(from));
      this.#heardMs.set(peer, this.#process.clock.monotonicMs());
      if (!this.#connected.has(peer)) {
        this.#connected.add(peer);
        events.onPeer(peer, 'up');
      }
      events.onMessage(peer, message);
    });
    this.#stop = this.#process.clock.every(checkMs, () => {
      const now = this.#process.clock.monotonicMs();
      for (const peer of this.#peers) {
        if (!this.#connected.has(peer) || now - (this.#heardMs.get(peer) ?? 0) < silenceMs)
          continue;
        this.#connected.delete(peer);
        events.onPeer(peer, 'down');
      }
    });
    return Promise.resolve();
  }

  /** Everybody can be reached by name. */
  setMembers(members: readonly PeerPlace[]): void {
    this.#peers = members.map(({ id }) => id);
  }

  send(to: NodeId, message: Message): void {
    if (!this.#isClosed) this.#datagrams.send(this.#process, `${to}/sidecar`, message);
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#stop();
    this.#datagrams.unbind(this.#process);
    return Promise.resolve();
  }
}
