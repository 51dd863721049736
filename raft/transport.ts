import type { MemberAddress } from './core/membership.ts';
import type { Message } from './core/messages.ts';
import type { LogIndex, NodeId } from './core/types.ts';

/** Another member and where it is; a null address is known from the settings of this node, or not at all. */
export interface PeerPlace {
  readonly id: NodeId;
  readonly address: MemberAddress | null;
}

/** What a transport tells its node. */
export interface TransportEvents {
  /**
   * A message of a node of this cluster, whose settings were checked at the handshake. It need not be a member that this node knows
   * of: the machine decides whom it heeds.
   */
  onMessage(from: NodeId, message: Message): void;
  /** The outgoing stream to the peer came up or went down. */
  onPeer(peer: NodeId, state: 'up' | 'down'): void;
}

/** Carries messages, makes no promise: anything may be lost, and `send` never waits. Owned by raft. */
export interface Transport {
  /** Begins to accept and to connect. Rejects if the listener cannot be opened. */
  open(events: TransportEvents): Promise<void>;
  /**
   * The other members, before the first message and whenever they change: links are kept with them. `membershipIndex` is the entry their
   * configuration stands in; 0 is what the cluster began with, which must be the same at all of them.
   */
  setMembers(members: readonly PeerPlace[], membershipIndex: LogIndex): void;
  /** Dropped silently when the peer is away or its queue is full: Raft sends again. */
  send(to: NodeId, message: Message): void;
  close(): Promise<void>;
}
