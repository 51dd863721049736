import { type Clock, SystemClock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import { silentLogger } from '../../base/logger.ts';
import { SeededRandom } from '../../base/random.ts';
import type {
  LogStore,
  NodeId,
  Member as RaftMember,
  RaftStatus,
  SnapshotStore,
} from '../../raft/index.ts';
import {
  createRaftNode,
  defaultRaftTimings,
  membershipOfVoters,
  nodeId,
  type RaftNode,
  TcpTransport,
} from '../../raft/index.ts';
import { lowPort, lowPorts } from '../support/low-port.ts';

const clock = new SystemClock();

/** A system clock under which no time passes for timers while it is held: messages come and go, ticks do not. */
export class HoldableClock extends SystemClock {
  #isHeld = false;

  hold(): void {
    this.#isHeld = true;
  }

  override every(ms: number, callback: () => void): () => void {
    return super.every(ms, () => {
      if (!this.#isHeld) callback();
    });
  }
}

export interface Member {
  readonly id: NodeId;
  readonly node: RaftNode;
  readonly transport: TcpTransport;
  readonly store: LogStore;
}

/** Settles when `condition` holds, looking again every few milliseconds. */
export async function until<Value>(
  what: string,
  condition: () => Value | null | undefined | false,
  timeoutMs = 240_000,
): Promise<Value> {
  const deadline = clock.monotonicMs() + timeoutMs;
  for (;;) {
    const value = condition();
    if (value !== null && value !== undefined && value !== false) return value;
    if (clock.monotonicMs() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await clock.delay(2);
  }
}

/** Nodes in this process, on real TCP over loopback. */
export class RaftCluster {
  readonly #ports: Map<NodeId, number>;
  /** Whom the cluster began with. */
  readonly #initialIds: readonly NodeId[];
  readonly #openStore: (id: NodeId) => Promise<LogStore>;
  readonly #openSnapshots: ((id: NodeId) => Promise<SnapshotStore>) | null;
  readonly #isLeaseOn: boolean;
  readonly #clock: Clock;
  readonly #witness: NodeId | null;
  readonly #stateless = new Set<NodeId>();
  readonly members: Map<NodeId, Member> = new Map<NodeId, Member>();
  readonly failures: string[] = [];
  #seed = 1;

  private constructor(options: {
    readonly ports: Map<NodeId, number>;
    readonly openStore: (id: NodeId) => Promise<LogStore>;
    readonly openSnapshots: ((id: NodeId) => Promise<SnapshotStore>) | null;
    readonly isLeaseOn: boolean;
    readonly clock: Clock;
    readonly witness: NodeId | null;
  }) {
    this.#ports = options.ports;
    this.#initialIds = [...options.ports.keys()];
    this.#openStore = options.openStore;
    this.#openSnapshots = options.openSnapshots;
    this.#isLeaseOn = options.isLeaseOn;
    this.#clock = options.clock;
    this.#witness = options.witness;
  }

  static async start(options: {
    readonly openStore: (id: NodeId) => Promise<LogStore>;
    readonly openSnapshots?: (id: NodeId) => Promise<SnapshotStore>;
    readonly size?: number;
    readonly isLeaseOn?: boolean;
    /** That of the nodes. */
    readonly clock?: Clock;
    /** Of those the cluster begins with, the one that only stores the log and votes. */
    readonly witness?: NodeId;
  }): Promise<RaftCluster> {
    const ids = Array.from({ length: options.size ?? 3 }, (_, index) => nodeId(`n${index + 1}`));
    const ports = await lowPorts(ids.length);
    const cluster = new RaftCluster({
      ports: new Map(ids.map((id, index) => [id, ports[index] ?? 0])),
      openStore: options.openStore,
      openSnapshots: options.openSnapshots ?? null,
      isLeaseOn: options.isLeaseOn ?? false,
      clock: options.clock ?? clock,
      witness: options.witness ?? null,
    });
    await Promise.all(ids.map((id) => cluster.startMember(id)));
    return cluster;
  }

  get ids(): readonly NodeId[] {
    return [...this.#ports.keys()];
  }

  /** A node that knows of nobody, and waits to be added as this member; one that is to become a witness has no state. */
  async startWaiting(id: NodeId, promotion: 'voter' | 'witness' = 'voter'): Promise<RaftMember> {
    const port = await lowPort();
    this.#ports.set(id, port);
    if (promotion === 'witness') this.#stateless.add(id);
    await this.startMember(id);
    return { id, kind: 'learner', address: { host: '127.0.0.1', port }, promotion };
  }

  async startMember(id: NodeId): Promise<Member> {
    const store = await this.#openStore(id);
    const isStateless = this.#stateless.has(id) || id === this.#witness;
    const snapshots = isStateless ? null : ((await this.#openSnapshots?.(id)) ?? null);
    this.#seed += 1;
    const initialIds = this.#initialIds.includes(id) ? this.#initialIds : [];
    const transport = new TcpTransport({
      self: id,
      listen: { host: '127.0.0.1', port: this.#ports.get(id) ?? 0 },
      // Nobody is told of nodes that are added later: the log says where they are.
      peers: initialIds
        .filter((other) => other !== id)
        .map((other) => ({ id: other, host: '127.0.0.1', port: this.#ports.get(other) ?? 0 })),
      advertise: { host: '127.0.0.1', port: this.#ports.get(id) ?? 0 },
      initialMembers: initialIds.join(),
      clusterId: 'test',
      fingerprint: 'f',
      logger: silentLogger,
      random: new SeededRandom(this.#seed),
      clock,
      ...(snapshots !== null && { snapshots }),
    });
    const node = createRaftNode({
      config: {
        ...defaultRaftTimings,
        self: id,
        isStateless,
        initialMembers: membershipOfVoters(initialIds).incoming.map((initial) =>
          initial.id === this.#witness ? { ...initial, kind: 'witness' } : initial,
        ),
      },
      random: new SeededRandom(this.#seed + 1000),
      store,
      transport,
      clock: this.#clock,
      logger: silentLogger,
      isLeaseOn: this.#isLeaseOn,
      ...(snapshots !== null && { snapshots: { store: snapshots, source: transport } }),
      onFatal: (error) => this.failures.push(`${id}: ${messageOf(error)}`),
    });
    const member = { id, node, transport, store };
    await node.open();
    this.members.set(id, member);
    return member;
  }

  async stopMember(id: NodeId): Promise<void> {
    const member = this.members.get(id);
    this.members.delete(id);
    await member?.node.close();
    await member?.store.close();
  }

  /**
   * A leader of the newest term that anybody knows of, whose own-term entry everyone holds who runs and is named as a peer: what
   * a change of members asks for, a majority of those that stay, has then been heard, whoever leaves.
   */
  leader(): Promise<Member> {
    return until('a leader', () => {
      const statuses = [...this.members.values()].map((member) => member.node.status);
      const newest = Math.max(...statuses.map((status) => status.term));
      return [...this.members.values()].find(
        ({ node: { status } }) => status.term === newest && this.#isFollowed(status),
      );
    });
  }

  #isFollowed({ leaderReadyIndex, peers }: RaftStatus): boolean {
    if (leaderReadyIndex === null) return false;
    return peers.every(
      ({ id, matchIndex }) => !this.members.has(id) || (matchIndex ?? 0) >= leaderReadyIndex,
    );
  }

  followers(leader: Member): readonly Member[] {
    return [...this.members.values()].filter((member) => member !== leader);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.members.keys()].map((id) => this.stopMember(id)));
  }
}
