import type { MemberAddress } from '../core/membership.ts';
import type { Message } from '../core/messages.ts';
import type { NodeId } from '../core/types.ts';
import type { PeerPlace } from '../transport.ts';
import type { TransportLimits } from './limits.ts';
import type { PeerAddress, PeerLink } from './peer-link.ts';

export interface PeerLinksOptions {
  /** Where peers are by the settings of this node, for members whose record does not say. */
  readonly known: readonly PeerAddress[];
  readonly limits: Pick<TransportLimits, 'strangersMax' | 'strangerDialsMax'>;
  readonly build: (
    peer: PeerAddress,
    callbacks: {
      readonly mayDialAgain: (failedDials: number) => boolean;
      readonly onEnd: (link: PeerLink) => void;
    },
  ) => PeerLink;
}

/**
 * The links of this node: one to each member, for as long as it is one, and one to any other node that called, to answer it. Such a
 * stranger may be a leader that this node has not heard of yet, or a node that was removed and asks why nobody answers. A
 * link to a stranger is not dialled for ever, and there are only so many.
 */
export class PeerLinks {
  readonly #options: PeerLinksOptions;
  readonly #links = new Map<NodeId, { readonly link: PeerLink; readonly address: MemberAddress }>();
  #members: ReadonlySet<NodeId>;
  /** Links that are on their way out. */
  readonly #ending = new Set<Promise<void>>();
  #isClosed = false;

  constructor(options: PeerLinksOptions) {
    this.#options = options;
    this.#members = new Set(options.known.map(({ id }) => id));
  }

  get(peer: NodeId): PeerLink | null {
    return this.#links.get(peer)?.link ?? null;
  }

  /** Where a peer is called, as far as is known. */
  addressOf(peer: NodeId): MemberAddress | null {
    return this.#links.get(peer)?.address ?? this.#knownAddress(peer);
  }

  /** Members first, in the order of the configuration. */
  get ids(): readonly NodeId[] {
    return [...new Set([...this.#members, ...this.#links.keys()])];
  }

  send(to: NodeId, message: Message): void {
    this.#links.get(to)?.link.send(message);
  }

  /** Dials whom the settings name. */
  open(): void {
    for (const { id, host, port } of this.#options.known) this.#connect(id, { host, port });
  }

  /** Links to those that ceased to be members end with their stream: they may still have to be told so. */
  setMembers(members: readonly PeerPlace[]): void {
    this.#members = new Set(members.map(({ id }) => id));
    for (const { id, address } of members) {
      const place = address ?? this.#knownAddress(id);
      if (place !== null) this.#connect(id, place);
    }
    for (const [id, { link }] of this.#links) {
      if (this.#members.has(id) || link.isConnected) continue;
      this.#links.delete(id);
      this.#end(link);
    }
  }

  /** The peer called. It says where it can be reached; a member's record or the settings say it better. */
  called(from: NodeId, address: MemberAddress | null): void {
    const known = this.#links.get(from);
    if (known !== undefined) {
      known.link.nudge();
      return;
    }
    const place = address ?? this.#knownAddress(from);
    if (place !== null && this.#hasRoomFor(from)) this.#connect(from, place);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { link } of this.#links.values()) this.#end(link);
    await Promise.all(this.#ending);
  }

  #end(link: PeerLink): void {
    const ending: Promise<void> = link.close().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  #connect(id: NodeId, address: MemberAddress): void {
    if (this.#isClosed) return;
    const existing = this.#links.get(id);
    if (existing?.address.host === address.host && existing.address.port === address.port) return;
    const { strangerDialsMax } = this.#options.limits;
    const link = this.#options.build(
      { id, ...address },
      {
        mayDialAgain: (failedDials) => this.#members.has(id) || failedDials < strangerDialsMax,
        onEnd: (ended) => {
          if (this.#links.get(id)?.link === ended) this.#links.delete(id);
        },
      },
    );
    this.#links.set(id, { link, address });
    // The peer moved: the old link must not go on knocking where somebody else may live now.
    if (existing !== undefined) this.#end(existing.link);
    link.start();
  }

  #hasRoomFor(id: NodeId): boolean {
    if (this.#members.has(id)) return true;
    const strangers = [...this.#links.keys()].filter((known) => !this.#members.has(known));
    return strangers.length < this.#options.limits.strangersMax;
  }

  #knownAddress(id: NodeId): MemberAddress | null {
    const known = this.#options.known.find((peer) => peer.id === id);
    return known === undefined ? null : { host: known.host, port: known.port };
  }
}
