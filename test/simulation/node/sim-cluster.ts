import type { MemberConfig } from '../../../cli/config-schema.ts';
import { deriveServerId } from '../../../cli/secrets.ts';
import type { RoleState } from '../../../mysql-bridge/role/role-types.ts';
import { portNames } from '../../../proxy/options.ts';
import type { Member } from '../../../raft/core/membership.ts';
import type { Message } from '../../../raft/core/messages.ts';
import type { RaftChecker } from '../checkers/raft-checker.ts';
import { Connections } from '../kernel/connections.ts';
import { Datagrams } from '../kernel/datagrams.ts';
import { Network } from '../kernel/network.ts';
import { SimHost } from '../kernel/sim-host.ts';
import { type DiskConditions, goodDisk, SimLogDisk } from '../kernel/sim-log-disk.ts';
import { Processes, type SimProcess } from '../kernel/sim-process.ts';
import type { Simulation } from '../kernel/simulation.ts';
import { messageText } from '../raft/message-text.ts';
import { RaftCluster } from '../raft/raft-cluster.ts';
import type { ByteConnections } from './byte-socket.ts';
import type { CommittedLog } from './committed-log.ts';
import { Machine } from './machine.ts';
import { MysqldHost, type ServerObserver } from './mysqld-host.ts';
import { raftCheckers } from './raft-checkers.ts';
import { type DumpObserver, listenForDumps } from './sim-dump.ts';
import { judgeEnd, type NodeSettings, SimNode, type Wires } from './sim-node.ts';
import { sourceLinkOf } from './sim-source.ts';
import { portNumbers } from './sim-workers.ts';
import { listenForAdmin } from './sql-channel.ts';
import { listenForClients, type StatementObserver } from './sql-front.ts';

export interface ClusterObservers {
  readonly server: ServerObserver;
  readonly dump: DumpObserver;
  readonly statement: StatementObserver;
  /** A node was built; its bridge is there once it is open. */
  readonly onNode: (node: SimNode) => void;
  readonly onGate: (node: SimNode) => void;
  readonly onRole: (node: SimNode, state: RoleState) => void;
}

export interface SimClusterOptions {
  readonly simulation: Simulation;
  readonly nodeCount: number;
  /** Whether the last of the first nodes keeps the log only. */
  readonly hasWitness: boolean;
  /** Of the disks under the Raft logs. */
  readonly disk: DiskConditions;
  readonly settings: NodeSettings;
  readonly binlogBytesMax: number;
  readonly applierWorkers: number;
  readonly log: CommittedLog;
  readonly observers: ClusterObservers;
  /** Counts what the operator did. */
  readonly count: (what: string) => void;
}

const clusterId = 'simulated';
/** Members beyond those of the beginning, at one time. */
const newcomersMax = 2;
/** A supervisor waits so long before it starts a dead sidecar again. */
const restartMs: readonly [number, number] = [100, 1_500];

/** The machines of a run, the network between them, and a supervisor on each that starts its sidecar again. */
export class SimCluster {
  readonly simulation: Simulation;
  readonly processes: Processes;
  readonly network: Network;
  readonly wires: Wires;
  /** All machines there ever were, and who adds, replaces and removes them. */
  readonly operator: RaftCluster<Machine>;
  readonly #options: SimClusterOptions;
  /** Where each node's ports are. Everybody's settings name every node there ever will be. */
  readonly #addresses: MemberConfig[] = [];
  readonly #raftCheckers: readonly RaftChecker[];
  #diskConditions: DiskConditions;

  constructor(options: SimClusterOptions) {
    const { simulation, nodeCount, hasWitness, count } = options;
    this.#options = options;
    this.#diskConditions = options.disk;
    this.simulation = simulation;
    this.processes = new Processes(simulation);
    this.network = new Network({ simulation, processes: this.processes });
    this.wires = wiresOf(this.network);
    this.operator = new RaftCluster<Machine>({
      simulation,
      nodeCount,
      hasWitness,
      membersMax: nodeCount + newcomersMax,
      create: (member, initialMembers) => this.#buildMachine(member, initialMembers),
      count,
    });
    const { operator } = this;
    this.#raftCheckers = raftCheckers(simulation, operator.initial, () => operator.everyMember);
  }

  /** Those that were not stopped for good, in the order in which they came. */
  get machines(): readonly Machine[] {
    return this.operator.members;
  }

  get ids(): readonly string[] {
    return this.machines.map(({ id }) => id);
  }

  /** The nodes that applications know. */
  get proxyIds(): readonly string[] {
    return this.machines.filter(({ isWitness }) => !isWitness).map(({ id }) => id);
  }

  machine(id: string): Machine {
    const found = this.machines.find((machine) => machine.id === id);
    if (found === undefined) throw new Error(`there is no machine ${id}`);
    return found;
  }

  /** Whoever leads in the newest term, as far as the nodes themselves know. */
  get leader(): Machine | null {
    let best: Machine | null = null;
    let bestTerm = -1;
    for (const machine of this.machines) {
      const status = machine.node?.raft.status;
      if (status?.role !== 'leader' || status.term <= bestTerm) continue;
      best = machine;
      bestTerm = status.term;
    }
    return best;
  }

  /** The machine whose gate is open under the newest term. */
  get primary(): Machine | null {
    let best: Machine | null = null;
    for (const machine of this.machines) {
      const term = machine.node?.openTerm ?? null;
      if (term !== null && term > (best?.node?.openTerm ?? -1)) best = machine;
    }
    return best;
  }

  startAll(): void {
    this.operator.start();
  }

  /** Network and disks, also those of machines to come, are good from now on. */
  heal(): void {
    this.network.heal();
    this.#diskConditions = goodDisk;
    for (const { disk } of this.machines) disk.heal();
  }

  /** Starts the sidecar of this machine, unless it runs. */
  start(machine: Machine): void {
    if (machine.node !== null || !machine.isSupervised) return;
    const process = this.processes.start(machine.host, 'sidecar');
    process.onDeath(() => {
      machine.node = null;
      this.#restartLater(machine);
    });
    let node: SimNode;
    try {
      node = new SimNode({
        process,
        disk: machine.disk,
        mysqld: machine.mysqld,
        checkpoint: machine.checkpoint,
        isWitness: machine.isWitness,
        initialMembers: machine.initialMembers,
        addresses: this.#addresses,
        wires: this.wires,
        settings: this.#options.settings,
        log: this.#options.log,
        dumpObserver: this.#options.observers.dump,
        raftCheckers: this.#raftCheckers,
        onGate: this.#options.observers.onGate,
        onRole: this.#options.observers.onRole,
      });
    } catch (thrown) {
      judgeEnd(process, thrown);
      return;
    }
    machine.node = node;
    this.#options.observers.onNode(node);
    node.open().catch((thrown: unknown) => judgeEnd(process, thrown));
  }

  /** A process for clients, on a machine of its own. */
  startClients(): SimProcess {
    const host = new SimHost(this.simulation, 'clients');
    return this.processes.start(host, 'apps');
  }

  #restartLater(machine: Machine): void {
    const random = this.simulation.random(`supervisor ${machine.id}`);
    this.simulation.after(random.below(...restartMs) * 1000, () => this.start(machine));
  }

  #buildMachine(member: Member, initialMembers: readonly Member[]): Machine {
    const { simulation, observers, binlogBytesMax, applierWorkers } = this.#options;
    const { id, kind, promotion } = member;
    const host = new SimHost(simulation, id);
    const mysqld = new MysqldHost({
      simulation,
      processes: this.processes,
      host,
      serverId: deriveServerId(clusterId, id),
      binlogBytesMax,
      applierWorkers,
      source: sourceLinkOf(this.wires.source, `${id}/sidecar`),
      observer: observers.server,
    });
    mysqld.onReady((process) => {
      listenForAdmin(mysqld, process, this.wires.admin);
      listenForDumps(mysqld, process, this.wires.dump);
      const parts = { connections: this.wires.proxy.mysql, observer: observers.statement };
      listenForClients(mysqld, process, parts);
    });
    this.#addresses.push(addressesOf(id));
    return new Machine({
      simulation,
      id,
      isWitness: kind === 'witness' || promotion === 'witness',
      initialMembers,
      host,
      disk: new SimLogDisk(simulation, id, this.#diskConditions),
      mysqld,
      start: (machine) => this.start(machine),
    });
  }
}

function addressesOf(id: string): MemberConfig {
  return {
    id,
    host: id,
    raftPort: 0,
    adminPort: 0,
    forwardReadWritePort: portNumbers.forwardReadWrite,
    forwardReadOnlyPort: portNumbers.forwardReadOnly,
  };
}

function wiresOf(network: Network): Wires {
  const bytes = (protocol: string): ByteConnections =>
    new Connections(network, {
      protocol,
      describe: (frame) => (frame === 'fin' ? 'fin' : `${(frame as Uint8Array).length} B`),
    });
  const named = (protocol: string) => ({ protocol, describe: kindOf });
  const [readWrite, readOnly, forwardReadWrite, forwardReadOnly] = portNames.map(bytes);
  if (!readWrite || !readOnly || !forwardReadWrite || !forwardReadOnly) {
    throw new Error('a proxy has four ports');
  }
  return {
    network,
    raft: new Datagrams<Message>(network, { protocol: 'raft', describe: messageText }),
    admin: new Connections(network, named('admin')),
    dump: new Connections(network, named('dump')),
    source: new Connections(network, named('source')),
    proxy: {
      ports: { readWrite, readOnly, forwardReadWrite, forwardReadOnly },
      mysql: bytes('mysql'),
    },
  };
}

/** Messages of all protocols but bytes are records; what they are about is in one of these. */
function kindOf(message: unknown): string {
  if (typeof message !== 'object' || message === null) return '';
  if ('statement' in message) return kindOf(message.statement);
  if ('kind' in message && typeof message.kind === 'string') return message.kind;
  return '';
}
