import { codeOf, messageOf } from '../../../base/errors.ts';
import type { Random } from '../../../base/random.ts';
import { defaultRaftTimings, type RaftConfig } from '../../../raft/core/config.ts';
import { RaftMachine } from '../../../raft/core/machine.ts';
import type { Member, Membership } from '../../../raft/core/membership.ts';
import { decodeMembership } from '../../../raft/core/membership-codec.ts';
import type { Message } from '../../../raft/core/messages.ts';
import { type LogIndex, logIndex, type NodeId } from '../../../raft/core/types.ts';
import { RaftNode } from '../../../raft/node.ts';
import type { RaftChecker } from '../checkers/raft-checker.ts';
import {
  type Datagrams,
  type Network,
  type Processes,
  SimHost,
  SimLogDisk,
  SimLogStore,
  type SimProcess,
  type Simulation,
  simLogger,
} from '../kernel/index.ts';
import { ObservedMachine } from './observed-machine.ts';
import type { OperatedNode } from './raft-cluster.ts';
import { RegisterDatabase } from './register-database.ts';
import { type RegisterConnections, RegisterServer } from './register-server.ts';
import { RegisterSnapshots, SimSnapshotSource } from './register-snapshots.ts';
import { SimTransport } from './sim-transport.ts';

export const tickMs = 25;
const role = 'sidecar';

/** What a plan says about the members. */
export interface MemberSettings {
  readonly inflightAppendsMax: number;
  readonly appendEntriesMax: number;
  readonly appendBytesMax: number;
  readonly cacheBytesMax: number;
  readonly isLeaseOn: boolean;
  readonly applyMsMax: number;
  readonly flushEvery: number;
  readonly snapshotEvery: number;
  readonly keptEntries: number;
}

export interface RaftWorld {
  readonly simulation: Simulation;
  readonly processes: Processes;
  readonly network: Network;
  readonly datagrams: Datagrams<Message>;
  readonly connections: RegisterConnections;
  readonly checkers: readonly RaftChecker[];
  readonly settings: MemberSettings;
  readonly onApplied: (node: NodeId, index: number, isNext: boolean) => void;
  /** The snapshots of another node. */
  readonly snapshotsOf: (node: NodeId) => RegisterSnapshots | null;
  readonly durablyAppliedBy: (node: NodeId) => LogIndex | null;
}

/** One member of the cluster over all its lives: a host, a disk, a database, and the process that runs now, if one does. */
export class RaftMember implements OperatedNode {
  readonly id: NodeId;
  readonly host: SimHost;
  readonly disk: SimLogDisk;
  readonly database: RegisterDatabase = new RegisterDatabase();
  readonly snapshots: RegisterSnapshots = new RegisterSnapshots(this.database);
  readonly #world: RaftWorld;
  readonly #initialMembers: readonly Member[];
  readonly #isStateless: boolean;
  #process: SimProcess | null = null;
  #node: RaftNode | null = null;
  #ruin: string | null = null;
  #isHeld = false;
  #isRetired = false;

  constructor(options: {
    readonly id: NodeId;
    readonly initialMembers: readonly Member[];
    /** It has no database, nor any place for a snapshot's. */
    readonly isStateless: boolean;
    readonly world: RaftWorld;
    readonly clockRate: number;
  }) {
    const { id, initialMembers, isStateless, world, clockRate } = options;
    this.id = id;
    this.#world = world;
    this.#initialMembers = initialMembers;
    this.#isStateless = isStateless;
    const bootMs = world.simulation.random('hosts').below(1000, 1_000_000);
    this.host = new SimHost(world.simulation, id, { rate: clockRate, bootMs });
    this.disk = new SimLogDisk(world.simulation, id);
  }

  get process(): SimProcess | null {
    return this.#process;
  }

  /** Null while it is down, and while it starts. */
  get raft(): RaftNode | null {
    return this.#node;
  }

  get isLeader(): boolean {
    return this.#process?.state === 'running' && this.#node?.status.role === 'leader';
  }

  /** Why this member can never be started again; null while it can. */
  get ruin(): string | null {
    return this.#ruin;
  }

  /** Its log is as it was written; a damage that nobody has met yet counts. */
  get isWhole(): boolean {
    return this.#ruin === null && this.disk.content.damage.size === 0 && !this.disk.isRolledBack;
  }

  /** What no crash takes back: a database may be ahead of its log, where a snapshot was installed and not yet filed. */
  get durablyAppliedIndex(): LogIndex {
    return logIndex(Math.min(this.database.durableIndex, this.disk.content.lastIndex));
  }

  /** The newest configuration that it has, if need be on its disk. */
  get membership(): Membership {
    if (this.#node !== null) return this.#node.status.membership;
    const { membershipEntries, snapshot } = this.disk.content.state();
    const newest = membershipEntries.at(-1);
    const decoded = newest === undefined ? null : decodeMembership(newest.payload);
    if (decoded?.kind === 'membership') return decoded.membership;
    return snapshot?.membership?.membership ?? { incoming: this.#initialMembers, outgoing: [] };
  }

  /** A supervisor starts it again after a while, unless it is held down. */
  start(): void {
    if (this.#process !== null || this.#ruin !== null || this.#isRetired) return;
    const { simulation, processes } = this.#world;
    const process = processes.start(this.host, role);
    this.#process = process;
    process.onDeath(() => this.#died());
    const loadMs = drawShort(simulation.random(`start ${this.id}`), 200);
    void process.clock.delay(loadMs).then(() => this.#open(process));
  }

  /** Stays down until `release`. */
  holdDown(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    this.start();
  }

  /** Stopped for good: it is no member any more. */
  retire(): void {
    this.#isRetired = true;
    this.kill('retired');
  }

  get isRetired(): boolean {
    return this.#isRetired;
  }

  /** Its supervisor does not wait. */
  restart(reason: string): void {
    this.kill(reason);
    if (!this.#isHeld) this.start();
  }

  kill(reason: string): void {
    this.#process?.kill(reason);
  }

  #open(process: SimProcess): void {
    const { simulation, checkers, settings } = this.#world;
    let store: SimLogStore;
    try {
      store = new SimLogStore(process, this.disk);
    } catch (error) {
      this.#ruin = messageOf(error);
      process.kill(`refuses to open: ${this.#ruin}`);
      return;
    }
    const config = this.#config();
    const machine = new RaftMachine({
      config,
      random: simulation.random(`raft ${this.id}`),
      restored: store.opened,
    });
    const observed = new ObservedMachine({
      id: this.id,
      disk: this.disk,
      process,
      machine,
      checkers,
    });
    this.#checkBase(observed);
    const node = new RaftNode({
      config,
      machine: observed,
      store,
      transport: this.#transport(process, observed),
      clock: process.clock,
      logger: simLogger(process, () => true),
      ...(!this.#isStateless && {
        snapshots: { store: this.snapshots, source: this.#snapshotSource(process) },
      }),
      onFatal: (error) => this.#failed(process, error),
      tickMs,
      isLeaseOn: settings.isLeaseOn,
      cacheBytesMax: settings.cacheBytesMax,
      afterPendingIo: (callback) => process.afterPendingIo(callback),
    });
    this.#node = node;
    this.#serve(process, node);
    void node.open();
  }

  #config(): RaftConfig {
    const { inflightAppendsMax, appendEntriesMax, appendBytesMax } = this.#world.settings;
    return {
      ...defaultRaftTimings,
      inflightAppendsMax,
      appendEntriesMax,
      appendBytesMax,
      uncommittedBytesMax: 16 * appendBytesMax,
      self: this.id,
      initialMembers: this.#initialMembers,
      isStateless: this.#isStateless,
    };
  }

  #transport(process: SimProcess, observed: ObservedMachine): SimTransport {
    const { network, datagrams, checkers } = this.#world;
    return new SimTransport({
      process,
      network,
      datagrams,
      processOf: processNameOf,
      onSend: (to, message) => {
        for (const checker of checkers) checker.sent?.(observed, to, message);
      },
    });
  }

  #serve(process: SimProcess, raft: RaftNode): RegisterServer {
    const { simulation, connections, settings, onApplied, durablyAppliedBy } = this.#world;
    const random = simulation.random(`apply ${this.id}`);
    const { applyMsMax, flushEvery, snapshotEvery, keptEntries } = settings;
    return new RegisterServer({
      process,
      raft,
      isStateless: this.#isStateless,
      database: this.database,
      connections,
      applyMs: () => (applyMsMax === 0 ? 0 : random.below(0, applyMsMax)),
      flushEvery,
      snapshots: this.snapshots,
      snapshotEvery,
      keptEntries,
      durablyAppliedBy,
      onApplied: (index, isNext) => onApplied(this.id, index, isNext),
    });
  }

  /** What the log no longer holds must be in the database, whatever a crash took from it. */
  #checkBase({ status, log }: ObservedMachine): void {
    // A witness has no database, nor has what was one before it was removed.
    const { memberKind } = status;
    const isServing = memberKind === 'voter' || memberKind === 'learner';
    const hasDatabase = isServing && !this.#isStateless;
    const isThere = !hasDatabase || this.database.appliedIndex >= log.firstIndex - 1;
    this.#world.simulation.check(
      isThere,
      'base',
      () =>
        `the log of ${this.id} begins at ${log.firstIndex}, its database ends at ${this.database.appliedIndex}`,
    );
  }

  #snapshotSource(process: SimProcess): SimSnapshotSource {
    const { network, snapshotsOf } = this.#world;
    return new SimSnapshotSource({ process, network, snapshotsOf, processOf: processNameOf });
  }

  /** The node ended itself. A disk that failed is a reason; anything else is a bug. */
  #failed(process: SimProcess, error: unknown): void {
    if (process.isDead) return;
    const code = codeOf(error);
    const isEnvironment = code?.startsWith('LOG_STORE_') === true || code === 'DISK_FULL';
    if (!isEnvironment) {
      const rule = error instanceof Error ? error.name : 'exception';
      this.#world.simulation.violated(rule, `${this.id}: ${messageOf(error)}`, error);
    }
    process.kill(`fatal ${code ?? ''} ${messageOf(error)}`);
  }

  #died(): void {
    this.#process = null;
    this.#node = null;
    this.database.crash();
    const { simulation } = this.#world;
    const restartMs = drawShort(simulation.random(`start ${this.id}`), 1000);
    simulation.after(restartMs * 1000, () => {
      if (!this.#isHeld) this.start();
    });
  }
}

/** Between 1 and `max`, by orders of magnitude: what restarts at once forgets as much as what restarts late. */
function drawShort(random: Random, max: number): number {
  return Math.round(max ** (random.below(0, 1001) / 1000));
}

export function processNameOf(id: NodeId | string): string {
  return `${id}/${role}`;
}
