import type { Message } from './core/messages.ts';
import type { NodeId } from './core/types.ts';

/** What a transport tells its node. */
export interface TransportEvents {
  /** A message of a peer whose cluster id and configuration were checked at the handshake. */
  onMessage(from: NodeId, message: Message): void;
  /** The outgoing stream to the peer came up or went down. */
  onPeer(peer: NodeId, state: 'up' | 'down'): void;
}

/** Carries messages, makes no promise: anything may be lost, and `send` never waits. Owned by raft. */
export interface Transport {
  /** Begins to accept and to connect. Rejects if the listener cannot be opened. */
  open(events: TransportEvents): Promise<void>;
  /** Dropped silently when the peer is away or its queue is full: Raft sends again. */
  send(to: NodeId, message: Message): void;
  close(): Promise<void>;
}
