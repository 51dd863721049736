import type { MemberConfig } from '../../../cli/config-schema.ts';
import { deriveServerId } from '../../../cli/secrets.ts';
import type { RoleState } from '../../../mysql-bridge/role/role-types.ts';
import { portNames } from '../../../proxy/options.ts';
import type { Message } from '../../../raft/core/messages.ts';
import { nodeId } from '../../../raft/core/types.ts';
import type { RaftChecker } from '../checkers/raft-checker.ts';
import { Connections } from '../kernel/connections.ts';
import { Datagrams } from '../kernel/datagrams.ts';
import { Network } from '../kernel/network.ts';
import { SimHost } from '../kernel/sim-host.ts';
import { SimLogDisk } from '../kernel/sim-log-disk.ts';
import { Processes, type SimProcess } from '../kernel/sim-process.ts';
import type { Simulation } from '../kernel/simulation.ts';
import { messageText } from '../raft/message-text.ts';
import type { ByteConnections } from './byte-socket.ts';
import type { CommittedLog } from './committed-log.ts';
import { MysqldHost, type ServerObserver } from './mysqld-host.ts';
import { raftCheckers } from './raft-checkers.ts';
import { type DumpObserver, listenForDumps } from './sim-dump.ts';
import { judgeEnd, type NodeSettings, SimNode, type Wires } from './sim-node.ts';
import { sourceLinkOf } from './sim-source.ts';
import { portNumbers } from './sim-workers.ts';
import { listenForAdmin } from './sql-channel.ts';
import { listenForClients, type StatementObserver } from './sql-front.ts';

/** One machine: what stays when its processes come and go. */
export interface Machine {
  readonly id: string;
  readonly host: SimHost;
  readonly disk: SimLogDisk;
  readonly mysqld: MysqldHost;
  /** The life of the sidecar that is not over. */
  node: SimNode | null;
  /** Its supervisor starts it again when it dies. */
  isSupervised: boolean;
}

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
  readonly settings: NodeSettings;
  readonly binlogBytesMax: number;
  readonly applierWorkers: number;
  readonly log: CommittedLog;
  readonly observers: ClusterObservers;
}

const clusterId = 'simulated';
/** A supervisor waits so long before it starts a dead sidecar again. */
const restartMs: readonly [number, number] = [100, 1_500];

/** The machines of a run, the network between them, and a supervisor on each that starts its sidecar again. */
export class SimCluster {
  readonly simulation: Simulation;
  readonly processes: Processes;
  readonly network: Network;
  readonly wires: Wires;
  readonly machines: readonly Machine[];
  readonly #options: SimClusterOptions;
  readonly #members: readonly MemberConfig[];
  readonly #raftCheckers: readonly RaftChecker[];

  constructor(options: SimClusterOptions) {
    const { simulation, nodeCount } = options;
    this.#options = options;
    this.simulation = simulation;
    this.processes = new Processes(simulation);
    this.network = new Network({ simulation, processes: this.processes });
    this.wires = wiresOf(this.network);
    const ids = Array.from({ length: nodeCount }, (_, place) => `n${place + 1}`);
    this.#members = ids.map(memberOf);
    this.machines = ids.map((id) => this.#buildMachine(id));
    const disks = this.machines.map(({ id, disk }) => ({ id: nodeId(id), disk }));
    this.#raftCheckers = raftCheckers(simulation, () => disks);
  }

  get ids(): readonly string[] {
    return this.machines.map(({ id }) => id);
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
    for (const machine of this.machines) this.start(machine);
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
        members: this.#members,
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

  #buildMachine(id: string): Machine {
    const { simulation, observers, binlogBytesMax, applierWorkers } = this.#options;
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
    const disk = new SimLogDisk(simulation, id);
    return { id, host, disk, mysqld, node: null, isSupervised: true };
  }
}

function memberOf(id: string): MemberConfig {
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
